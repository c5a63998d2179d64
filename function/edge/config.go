package edge

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"secure-media-cdn/function/seal"
	"secure-media-cdn/function/variant"
)

// The origin custom headers that carry the configuration, set by infra/stack.
// Lambda@Edge has no environment variables, but events show an origin's custom
// headers to the function. S3 and the images function ignore them. They hold no
// secret.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html
const (
	// HeaderTable names the mapping table.
	HeaderTable = "x-media-table"
	// HeaderRegions lists the table's regions, home first, separated by commas.
	HeaderRegions = "x-media-regions"
	// HeaderBucket names the media bucket.
	HeaderBucket = "x-media-bucket"
	// HeaderBucketRegion is the bucket's region.
	HeaderBucketRegion = "x-media-bucket-region"
	// HeaderDelivery is a Delivery.
	HeaderDelivery = "x-media-delivery"
	// HeaderSignatureTTL is the life of a signed URL in seconds, at most
	// MaxSignatureTTL.
	HeaderSignatureTTL = "x-media-signature-ttl"
	// HeaderBrowserCache is how long a browser may keep its own copy, in seconds.
	HeaderBrowserCache = "x-media-browser-cache"
	// HeaderViewerCache is how long a browser may keep its own copy of what only
	// signed-in viewers may see, in seconds.
	HeaderViewerCache = "x-media-viewer-cache"
	// HeaderVariants holds the variants by name, as variant.EncodeSet spells them.
	// Only the origin of variants has it.
	HeaderVariants = "x-media-variants"
)

// Delivery says how a live link reaches its object.
type Delivery string

const (
	// DeliverOrigin rewrites the request so that CloudFront fetches the object,
	// signed by origin access control, and caches it.
	DeliverOrigin Delivery = "origin"
	// DeliverRedirect sends the viewer to S3 with a URL signed for a few minutes.
	DeliverRedirect Delivery = "redirect"
)

// MaxSignatureTTL is the longest life of a signed URL. Signature Version 4
// allows seven days, but a URL dies with the temporary credentials that signed
// it, so a longer life would be a promise that is not kept.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html
const MaxSignatureTTL = time.Hour

// Config is what the distribution says to the function with each event.
type Config struct {
	Table string
	// Regions hold the table: the home region first, then its replicas.
	Regions      []string
	Bucket       string
	BucketRegion string
	Delivery     Delivery
	// SignatureTTL bounds the life of a signed URL in redirect delivery.
	SignatureTTL time.Duration
	// BrowserCache bounds how long a browser may show its own copy without asking,
	// in origin delivery. No revocation reaches that copy.
	BrowserCache time.Duration
	// ViewerCache is the same for a link that asks for a ticket.
	ViewerCache time.Duration
	// Variants are the variants by name; empty at the S3 origin.
	Variants map[string]variant.Variant
}

// browserCache returns how long a browser may keep its own copy of what a link
// shows.
func (c Config) browserCache(hash string) time.Duration {
	if seal.NeedsTicket(hash) {
		return c.ViewerCache
	}
	return c.BrowserCache
}

// parseConfig reads the origin's custom headers. The error names every header
// that is missing or malformed.
func parseConfig(o origin) (Config, error) {
	h := o.customHeaders
	var problems []error
	need := func(name string) string {
		v := h.get(name)
		if v == "" {
			problems = append(problems, fmt.Errorf("origin custom header %s is missing", name))
		}
		return v
	}
	c := Config{
		Table:        need(HeaderTable),
		Regions:      strings.Split(need(HeaderRegions), ","),
		Bucket:       need(HeaderBucket),
		BucketRegion: need(HeaderBucketRegion),
		Delivery:     Delivery(need(HeaderDelivery)),
	}
	for _, region := range c.Regions {
		if region == "" {
			problems = append(problems, fmt.Errorf("origin custom header %s names an empty region", HeaderRegions))
		}
	}
	if c.Delivery != DeliverOrigin && c.Delivery != DeliverRedirect {
		problems = append(problems, fmt.Errorf("origin custom header %s is %q, not %s or %s",
			HeaderDelivery, c.Delivery, DeliverOrigin, DeliverRedirect))
	}
	seconds := func(name string, least, most int) time.Duration {
		n, err := strconv.Atoi(need(name))
		if err != nil || n < least || n > most {
			problems = append(problems, fmt.Errorf("origin custom header %s is not a number of seconds from %d to %d",
				name, least, most))
		}
		return time.Duration(n) * time.Second
	}
	c.SignatureTTL = seconds(HeaderSignatureTTL, 1, int(MaxSignatureTTL/time.Second))
	c.BrowserCache = seconds(HeaderBrowserCache, 0, math.MaxInt32)
	c.ViewerCache = seconds(HeaderViewerCache, 0, math.MaxInt32)
	if o.images {
		var err error
		if c.Variants, err = variant.ParseSet(need(HeaderVariants)); err != nil {
			problems = append(problems, fmt.Errorf("origin custom header %s: %w", HeaderVariants, err))
		}
	}
	return c, errors.Join(problems...)
}
