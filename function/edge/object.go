package edge

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/seal"
	"secure-media-cdn/function/variant"
)

// atOrigin returns the query string with which S3 answers to CloudFront. Under
// its Cache-Control no cache outlives the link, and no browser shows its own copy
// for longer than the given time without asking. s-maxage is the whole remaining
// life: a shorter one would be revalidated, and a 304 from S3, which does not
// carry the override, would keep the first one going. In CloudFront the gate ends
// the link, whatever is cached.
func atOrigin(object mapping.Object, name string, browser, left time.Duration) string {
	query := override("cache-control", variant.CacheControl(left, browser))
	if name == seal.Download {
		query += "&" + override("content-disposition", attachment(object.Key))
	}
	return query
}

// atS3 returns what S3 says of an object to a viewer who comes with a signed
// URL, which is for one viewer: no shared cache may keep it.
func atS3(object mapping.Object, name string, browser, left time.Duration) string {
	disposition, contentType := label(object.Key)
	if name == seal.Download {
		disposition = attachment(object.Key)
	}
	return override("cache-control", fmt.Sprintf("private, max-age=%d", min(left, browser)/time.Second)) +
		"&" + override("content-disposition", disposition) + "&" + override("content-type", contentType)
}

// override returns the part of a signed query string by which S3 answers with
// the value in a header.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func override(header, value string) string {
	return "response-" + header + "=" + strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
}

// signatureLife returns how long a signed URL may live: never past the link's
// own end. Both ends are whole seconds, as in the signature.
func signatureLife(longest time.Duration, m mapping.Mapping, now time.Time) time.Duration {
	return min(longest, m.ExpiresAt.Sub(now.Truncate(time.Second)))
}
