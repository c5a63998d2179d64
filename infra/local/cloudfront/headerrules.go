package cloudfront

import (
	"fmt"
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// disallowedHeaders cannot be added by a function; "-" ends a prefix.
// CFDG edge-function-restrictions-all.html, aws-facts 1.7
var disallowedHeaders = []string{
	"Connection", "Expect", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Trailer", "Upgrade",
	"X-Accel-Buffering", "X-Accel-Charset", "X-Accel-Limit-Rate", "X-Accel-Redirect", "X-Amz-Cf-", "X-Amzn-Auth", "X-Amzn-Cf-Billing",
	"X-Amzn-Cf-Id", "X-Amzn-Cf-Xff", "X-Amzn-Errortype", "X-Amzn-Fle-Profile", "X-Amzn-Header-Count", "X-Amzn-Header-Order",
	"X-Amzn-Lambda-Integration-Tag", "X-Amzn-Requestid", "X-Cache", "X-Edge-", "X-Forwarded-Proto", "X-Real-Ip",
}

// readOnlyAtOrigin cannot be added, changed or removed at origin-request.
// The same page.
var readOnlyAtOrigin = []string{
	"Accept-Encoding", "Cdn-Loop", "Content-Length", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Transfer-Encoding", "Via",
}

// checkHeaders compares the headers that a function returned with those it was
// given, and returns them in net/http's form.
func checkHeaders(got, sent lambdaHeaders, readOnly []string) (http.Header, error) {
	out := http.Header{}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		if name != strings.ToLower(name) || !token(name) {
			return nil, fmt.Errorf("the header name %q is not in lower case or not a name", name)
		}
		if isListed(canonical, disallowedHeaders) {
			return nil, fmt.Errorf("the header %s is disallowed", name)
		}
		if isListed(canonical, readOnly) && !slices.EqualFunc(got[name], sent[name], sameValue) {
			return nil, fmt.Errorf("the header %s is read-only", name)
		}
		for _, h := range got[name] {
			if h.Key != "" && strings.ToLower(h.Key) != name {
				return nil, fmt.Errorf("the header %s has the key %q", name, h.Key)
			}
			if strings.ContainsAny(h.Value, "\r\n\x00") {
				return nil, fmt.Errorf("the header %s has a line break in its value", name)
			}
			out[canonical] = append(out[canonical], h.Value)
		}
	}
	for name := range sent {
		if _, ok := got[name]; !ok && isListed(name, readOnly) {
			return nil, fmt.Errorf("the header %s is read-only and was removed", name)
		}
	}
	return out, nil
}

func sameValue(a, b lambdaHeader) bool { return a.Value == b.Value }

func isControl(c rune) bool { return c < ' ' || c == 0x7f }

// token reports whether name can be a header's. RFC 9110 section 5.6.2
func token(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(c rune) bool {
		return c <= ' ' || c >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, c)
	})
}

// isListed reports whether the header name is in the list, where an entry that
// ends with "-" stands for every name that begins with it.
func isListed(name string, list []string) bool {
	name = textproto.CanonicalMIMEHeaderKey(name)
	return slices.ContainsFunc(list, func(entry string) bool {
		return name == entry || strings.HasSuffix(entry, "-") && strings.HasPrefix(name, entry)
	})
}
