package edge

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"secure-media-cdn/function/mapping"
)

// maxBrowserAge is how long a browser may keep what a live link showed.
const maxBrowserAge = 24 * time.Hour

// cacheControlOverride returns the query string that makes S3 answer with a
// Cache-Control under which no cache outlives the link. s-maxage is the whole
// remaining life, so that CloudFront does not revalidate before the very end
// (see lastMoment): a 304 from S3 does not carry the override, and would renew
// the object for as long again.
// stale-if-error=0 keeps an outage from stretching it.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func cacheControlOverride(left time.Duration) string {
	value := fmt.Sprintf("public, max-age=%d, s-maxage=%d, stale-if-error=0",
		min(left, maxBrowserAge)/time.Second, left/time.Second)
	return "response-cache-control=" + strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
}

// lastMoment is how long before a link's end its cached object is no longer
// revalidated. s-maxage is in whole seconds, rounded down, and CloudFront counts
// it from a moment before this function reads its clock; so the object goes
// stale up to a second and a cold start before the link's end. A 304 then would
// renew it for as long as it had lived, and the link would work for up to twice
// its life. Whoever asks in that moment is told that the link has expired.
const lastMoment = 2 * time.Second

// signatureLife returns how long a signed URL may live: never past the link's
// own end. Both ends are whole seconds, as in the signature.
func signatureLife(c Config, m mapping.Mapping, now time.Time) time.Duration {
	return min(c.SignatureTTL, m.ExpiresAt.Sub(now.Truncate(time.Second)))
}
