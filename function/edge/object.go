package edge

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"secure-media-cdn/function/mapping"
)

// cacheControlOverride returns the query string that makes S3 answer with a
// Cache-Control under which no cache outlives the link, and no browser shows its
// own copy for longer than the given time without asking. s-maxage is the whole
// remaining life: a shorter one would be revalidated, and a 304 from S3, which
// does not carry the override, would keep the first one going. In CloudFront the
// gate ends the link, whatever is cached.
// stale-if-error=0 keeps an outage from stretching it.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func cacheControlOverride(browser, left time.Duration) string {
	value := fmt.Sprintf("public, max-age=%d, s-maxage=%d, stale-if-error=0",
		min(left, browser)/time.Second, left/time.Second)
	return "response-cache-control=" + strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
}

// signatureLife returns how long a signed URL may live: never past the link's
// own end. Both ends are whole seconds, as in the signature.
func signatureLife(c Config, m mapping.Mapping, now time.Time) time.Duration {
	return min(c.SignatureTTL, m.ExpiresAt.Sub(now.Truncate(time.Second)))
}
