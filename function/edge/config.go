package edge

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The origin custom headers that carry the configuration. Lambda@Edge has no
// environment variables, but shows an origin's custom headers to the function;
// S3 ignores them. They hold no secret.
const (
	headerTable        = "x-media-table"
	headerRegions      = "x-media-regions"
	headerBucket       = "x-media-bucket"
	headerBucketRegion = "x-media-bucket-region"
	headerDelivery     = "x-media-delivery"
	headerSignatureTTL = "x-media-signature-ttl"
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

// maxSignatureSeconds is the longest life that Signature Version 4 allows.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
const maxSignatureSeconds = 7 * 24 * 60 * 60

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
}

// parseConfig reads the origin's custom headers. The error names every header
// that is missing or malformed.
func parseConfig(h Headers) (Config, error) {
	var problems []error
	need := func(name string) string {
		v := h.get(name)
		if v == "" {
			problems = append(problems, fmt.Errorf("origin custom header %s is missing", name))
		}
		return v
	}
	c := Config{
		Table:        need(headerTable),
		Regions:      strings.Split(need(headerRegions), ","),
		Bucket:       need(headerBucket),
		BucketRegion: need(headerBucketRegion),
		Delivery:     Delivery(need(headerDelivery)),
	}
	for _, region := range c.Regions {
		if region == "" {
			problems = append(problems, fmt.Errorf("origin custom header %s names an empty region", headerRegions))
		}
	}
	if c.Delivery != DeliverOrigin && c.Delivery != DeliverRedirect {
		problems = append(problems, fmt.Errorf("origin custom header %s is %q, not %s or %s", headerDelivery, c.Delivery, DeliverOrigin, DeliverRedirect))
	}
	seconds, err := strconv.Atoi(need(headerSignatureTTL))
	if err != nil || seconds < 1 || seconds > maxSignatureSeconds {
		problems = append(problems, fmt.Errorf("origin custom header %s is not a number of seconds from 1 to %d", headerSignatureTTL, maxSignatureSeconds))
	}
	c.SignatureTTL = time.Duration(seconds) * time.Second
	return c, errors.Join(problems...)
}
