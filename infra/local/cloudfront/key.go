package cloudfront

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"secure-media-cdn/infra/local/cloudfront/distribution"
)

// cacheKey tells cached objects apart. It begins with the object's name.
type cacheKey string

// name is the path, with the query string as far as it is part of the key. Invalidation paths are compared with it.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Invalidation.html "Forwarding query strings"
func (x *exchange) name() string {
	if query := fromQuery(x.Cache.Query, x.query); query != "" {
		return x.uri + "?" + query
	}
	return x.uri
}

// key is the cache key: the name, and what the cache policy adds. The domain name of the default key is left out,
// since one Server is one distribution.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/understanding-the-cache-key.html
func (x *exchange) key() cacheKey {
	key := x.name()
	// GET and HEAD share an object; an OPTIONS answer is its own.
	// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesCacheBehavior.html
	if x.method == http.MethodOptions {
		key = "OPTIONS " + key
	}
	if encoding := x.acceptEncoding(); encoding != "" {
		key += "\nAccept-Encoding: " + encoding
	}
	for _, name := range x.Cache.HeadersPicked.Names {
		for _, value := range x.header[name] {
			key += "\n" + name + ": " + value
		}
	}
	if cookies := fromCookies(x.Cache.Cookies, x.header); cookies != "" {
		key += "\nCookie: " + cookies
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

// fromQuery keeps the selected parameters of a raw query string, unchanged and in the viewer's order: order and case
// count in the cache key.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/QueryStringParameters.html
func fromQuery(s distribution.Selection, raw string) string {
	if raw == "" || s.Mode == "all" {
		return raw
	}
	var kept []string
	for part := range strings.SplitSeq(raw, "&") {
		name, _, _ := strings.Cut(part, "=")
		if decoded, err := url.QueryUnescape(name); err == nil {
			name = decoded
		}
		if s.Selects(name) {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, "&")
}

// fromCookies keeps the selected cookies of the viewer, sorted by name.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Cookies.html
func fromCookies(s distribution.Selection, header http.Header) string {
	var kept []string
	for cookie := range strings.SplitSeq(strings.Join(header["Cookie"], ";"), ";") {
		cookie = strings.TrimSpace(cookie)
		if name, _, _ := strings.Cut(cookie, "="); name != "" && s.Selects(name) {
			kept = append(kept, cookie)
		}
	}
	slices.Sort(kept)
	return strings.Join(kept, "; ")
}

// either selects what one or the other does, or more where no one mode says just that.
func either(a, b distribution.Selection) distribution.Selection {
	none := func(s distribution.Selection) bool { return s.Mode == "" || s.Mode == "none" }
	switch {
	case none(a):
		return b
	case none(b):
		return a
	case a.Mode == "whitelist" && b.Mode == "whitelist":
		a.Names = slices.Concat(a.Names, b.Names)
		return a
	case b.Mode == "allExcept":
		a, b = b, a
	}
	if a.Mode == "allExcept" {
		a.Names = slices.DeleteFunc(slices.Clone(a.Names), b.Selects)
		return a
	}
	return distribution.Selection{Mode: "all"}
}

// forwarded builds the request that goes towards the origin: CloudFront's own headers, and what the policies let
// through, nothing else of the viewer's.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/controlling-origin-requests.html
func (x *exchange) forwarded(via []string) (query string, header http.Header) {
	query = fromQuery(either(x.Cache.Query, x.Forward.Query), x.query)
	header = http.Header{
		"User-Agent":      {"Amazon CloudFront"},
		"Via":             via,
		"X-Forwarded-For": {strings.Join(append(slices.Clone(x.header["X-Forwarded-For"]), x.clientIP), ", ")},
	}
	for _, name := range slices.Concat(x.Cache.HeadersPicked.Names, x.Forward.HeadersPicked.Names) {
		if values := x.header[name]; len(values) > 0 {
			header[name] = values
		}
	}
	if cookies := fromCookies(either(x.Cache.Cookies, x.Forward.Cookies), x.header); cookies != "" {
		header.Set("Cookie", cookies)
	}
	if x.Cache.Gzip || x.Cache.Brotli {
		if encoding := x.acceptEncoding(); encoding != "" {
			header.Set("Accept-Encoding", encoding)
		} else if len(x.header["Accept-Encoding"]) > 0 {
			header.Set("Accept-Encoding", "identity")
		}
	}
	return query, header
}
