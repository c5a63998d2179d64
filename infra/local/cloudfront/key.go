package cloudfront

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// exchange is one viewer request on its way through the edge: what the viewer
// sent, as the viewer-request function left it.
type exchange struct {
	*behaviour
	id       string // X-Amz-Cf-Id
	method   string
	uri      string // the raw path
	query    string // the raw query string, without "?"
	header   http.Header
	clientIP string
	http10   bool
	// errorPage marks the edge's own request for a custom error page. It waits
	// for nobody, since somebody may be waiting for it.
	errorPage bool
}

// cacheKey tells cached objects apart. It begins with the object's name.
type cacheKey string

// name is the path, with the query string as far as it is part of the key. It
// is what invalidation paths are compared with.
// CFDG Invalidation.html, "Forwarding query strings"
func (x *exchange) name() string {
	if query := x.policy.query.fromQuery(x.query); query != "" {
		return x.uri + "?" + query
	}
	return x.uri
}

// key is the cache key: the name, and what the cache policy adds. The domain
// name of the default key is left out, since one Edge is one distribution.
// CFDG understanding-the-cache-key.html
func (x *exchange) key() cacheKey {
	var key strings.Builder
	key.Grow(len(x.uri) + 16)
	// GET and HEAD share an object; an OPTIONS answer is its own.
	// CFDG DownloadDistValuesCacheBehavior.html, "Allowed HTTP methods"
	if x.method == http.MethodOptions {
		key.WriteString("OPTIONS ")
	}
	key.WriteString(x.name())
	if encoding := x.acceptEncoding(); encoding != "" {
		key.WriteString("\nAccept-Encoding: ")
		key.WriteString(encoding)
	}
	for _, name := range x.policy.heads.names {
		for _, value := range x.header[name] {
			key.WriteString("\n" + name + ": " + value)
		}
	}
	if cookies := x.policy.cookies.fromCookies(x.header); cookies != "" {
		key.WriteString("\nCookie: " + cookies)
	}
	return cacheKey(key.String())
}

// acceptEncoding is the normalised header, "" if it is not part of the key.
// CFDG cache-key-understand-cache-policy.html, "Compression support"
func (x *exchange) acceptEncoding() string {
	if !x.policy.gzip && !x.policy.brotli || x.http10 {
		return ""
	}
	given := x.header["Accept-Encoding"]
	if len(given) == 0 {
		return ""
	}
	br, gzip := x.policy.brotli && accepts(given, "br"), x.policy.gzip && accepts(given, "gzip")
	switch {
	case br && gzip:
		return "br,gzip"
	case br:
		return "br"
	case gzip:
		return "gzip"
	}
	return ""
}

// accepts reports whether an Accept-Encoding header names the encoding with a
// weight other than 0.
func accepts(values []string, encoding string) bool {
	for _, value := range values {
		for part := range strings.SplitSeq(value, ",") {
			name, weight, _ := strings.Cut(part, ";")
			if !strings.EqualFold(strings.TrimSpace(name), encoding) {
				continue
			}
			weight = strings.ReplaceAll(weight, " ", "")
			return !strings.HasPrefix(weight, "q=0") || strings.Trim(weight, "q=0.") != ""
		}
	}
	return false
}

// fromQuery keeps the selected parameters of a raw query string, unchanged and
// in the viewer's order: order and case count in the cache key.
// CFDG QueryStringParameters.html
func (s selection) fromQuery(raw string) string {
	switch {
	case raw == "" || s.mode == "none" || s.mode == "":
		return ""
	case s.mode == "all":
		return raw
	}
	var kept []string
	for part := range strings.SplitSeq(raw, "&") {
		name, _, _ := strings.Cut(part, "=")
		if decoded, err := url.QueryUnescape(name); err == nil {
			name = decoded
		}
		if s.selects(name) {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, "&")
}

// fromCookies keeps the selected cookies of the viewer, sorted by name.
// CFDG Cookies.html
func (s selection) fromCookies(header http.Header) string {
	if s.mode == "none" || s.mode == "" || len(header["Cookie"]) == 0 {
		return ""
	}
	var kept []string
	for _, line := range header["Cookie"] {
		for cookie := range strings.SplitSeq(line, ";") {
			cookie = strings.TrimSpace(cookie)
			if name, _, _ := strings.Cut(cookie, "="); name != "" && s.selects(name) {
				kept = append(kept, cookie)
			}
		}
	}
	slices.Sort(kept)
	return strings.Join(kept, "; ")
}

// either selects what one or the other does.
func either(a, b selection) selection {
	none := func(s selection) bool { return s.mode == "" || s.mode == "none" }
	switch {
	case none(a):
		return b
	case none(b):
		return a
	case a.mode == "whitelist" && b.mode == "whitelist":
		return selection{mode: "whitelist", names: append(slices.Clone(a.names), b.names...)}
	case a.mode == "allExcept" && b.mode == "allExcept":
		both := slices.DeleteFunc(slices.Clone(a.names), func(n string) bool { return !slices.Contains(b.names, n) })
		if len(both) > 0 {
			return selection{mode: "allExcept", names: both}
		}
	case a.mode == "allExcept" && b.mode == "whitelist":
		if rest := slices.DeleteFunc(slices.Clone(a.names), b.selects); len(rest) > 0 {
			return selection{mode: "allExcept", names: rest}
		}
	case a.mode == "whitelist" && b.mode == "allExcept":
		return either(b, a)
	}
	return selection{mode: "all"}
}

// forwarded builds the request that goes towards the origin: CloudFront's own
// headers, and what the policies let through, nothing else of the viewer's.
// CFDG controlling-origin-requests.html, RequestAndResponseBehaviorS3Origin.html
func (x *exchange) forwarded(via []string) (query string, header http.Header) {
	query = either(x.policy.query, x.forward.query).fromQuery(x.query)
	header = http.Header{
		"User-Agent":      {"Amazon CloudFront"},
		"Via":             via,
		"X-Forwarded-For": {strings.Join(append(slices.Clone(x.header["X-Forwarded-For"]), x.clientIP), ", ")},
	}
	for _, s := range []selection{x.policy.heads, x.forward.heads} {
		for _, name := range s.names {
			if values := x.header[name]; len(values) > 0 {
				header[name] = values
			}
		}
	}
	if cookies := either(x.policy.cookies, x.forward.cookies).fromCookies(x.header); cookies != "" {
		header["Cookie"] = []string{cookies}
	}
	if x.policy.gzip || x.policy.brotli {
		switch encoding := x.acceptEncoding(); {
		case encoding != "":
			header["Accept-Encoding"] = []string{encoding}
		case len(x.header["Accept-Encoding"]) > 0:
			header["Accept-Encoding"] = []string{"identity"}
		}
	}
	return query, header
}
