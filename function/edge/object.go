package edge

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"secure-media-cdn/function/mapping"
)

// EncodeKey percent-encodes an object key for a URL path, so that S3 decodes
// exactly the key: every byte but the unreserved characters and the slash.
// That is also Signature Version 4's own encoding of an S3 path, so what is
// signed and what is sent cannot differ, and a "+" cannot turn into a space.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
func EncodeKey(key string) string {
	const hex = "0123456789ABCDEF"
	plain := 0
	for i := range len(key) {
		if unreserved(key[i]) || key[i] == '/' {
			plain++
		}
	}
	if plain == len(key) {
		return key
	}
	var b strings.Builder
	b.Grow(plain + 3*(len(key)-plain))
	for i := range len(key) {
		if c := key[i]; unreserved(c) || c == '/' {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}

// unreserved reports RFC 3986's unreserved characters (section 2.3).
func unreserved(c byte) bool {
	return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

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
