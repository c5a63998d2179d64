package cloudfront

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// cacheKey tells cached objects apart. It begins with the object's name.
type cacheKey string

// key is the cache key: the path, which invalidations are compared with, and what the cache policy adds. The domain
// name of the default key is left out, since one Server is one distribution.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/understanding-the-cache-key.html
func (x *exchange) key() cacheKey {
	key := x.uri
	if encoding := x.acceptEncoding(); encoding != "" {
		key += "\nAccept-Encoding: " + encoding
	}
	for _, name := range x.Cache.Headers {
		for _, value := range x.header[name] {
			key += "\n" + name + ": " + value
		}
	}
	return cacheKey(key)
}

// acceptEncoding is the normalised header, "" if it is not part of the key.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cache-key-understand-cache-policy.html
// "Compression support"
func (x *exchange) acceptEncoding() string {
	var accepted []string
	for _, e := range []struct {
		name    string
		enabled bool
	}{{"br", x.Cache.Brotli}, {"gzip", x.Cache.Gzip}} {
		if e.enabled && !x.http10 && accepts(x.header["Accept-Encoding"], e.name) {
			accepted = append(accepted, e.name)
		}
	}
	return strings.Join(accepted, ",")
}

// accepts reports whether an Accept-Encoding header names the encoding with a weight other than 0.
func accepts(values []string, encoding string) bool {
	for part := range strings.SplitSeq(strings.Join(values, ","), ",") {
		name, weight, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(name), encoding) {
			weight = strings.ReplaceAll(weight, " ", "")
			return !strings.HasPrefix(weight, "q=0") || strings.Trim(weight, "q=0.") != ""
		}
	}
	return false
}

// forwarded builds the request that goes towards the origin: CloudFront's own headers, and what the policies let
// through, nothing else of the viewer's.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/controlling-origin-requests.html
func (x *exchange) forwarded(via []string) http.Header {
	header := http.Header{
		"User-Agent":      {"Amazon CloudFront"},
		"Via":             via,
		"X-Forwarded-For": {strings.Join(append(slices.Clone(x.header["X-Forwarded-For"]), x.clientIP), ", ")},
	}
	for _, name := range slices.Concat(x.Cache.Headers, x.Forward.Headers) {
		if values := x.header[name]; len(values) > 0 {
			header[name] = values
		}
	}
	if cookies := x.cookies(); cookies != "" {
		header.Set("Cookie", cookies)
	}
	if x.Cache.Gzip || x.Cache.Brotli {
		if encoding := x.acceptEncoding(); encoding != "" {
			header.Set("Accept-Encoding", encoding)
		} else if len(x.header["Accept-Encoding"]) > 0 {
			header.Set("Accept-Encoding", "identity")
		}
	}
	return header
}

// cookies are those of the viewer that are forwarded, in the order of their names.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Cookies.html
func (x *exchange) cookies() string {
	forwarded := cookieValues(x.header)
	maps.DeleteFunc(forwarded, func(name string, _ functionValue) bool {
		return !slices.Contains(x.Forward.Cookies, name)
	})
	return pairs(forwarded, "; ")
}
