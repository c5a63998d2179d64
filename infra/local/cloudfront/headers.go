package cloudfront

import (
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"secure-media-cdn/infra/local/cloudfront/distribution"
)

// applyHeaders applies a response headers policy to the header of an answer. Removal comes first, so a header both
// removed and set is there.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/understanding-response-headers-policies.html
func applyHeaders(p *distribution.HeadersPolicy, h http.Header, method string, request http.Header) {
	for _, name := range p.Remove {
		h.Del(name)
	}
	for _, rule := range p.Set {
		put(h, rule.Name, rule.Value, rule.Override)
	}
	if p.CORS != nil {
		applyCORS(p.CORS, h, method, request)
	}
}

// put sets a header unless the origin sent it and is not overridden.
func put(h http.Header, name, value string, override bool) {
	if _, there := h[name]; !there || override {
		h.Set(name, value)
	}
}

// applyCORS adds the CORS headers: to answers of CORS requests, those with an Origin header that is allowed; what
// only a preflight asks for, to preflights.
func applyCORS(c *distribution.CORS, h http.Header, method string, request http.Header) {
	origin := request.Get("Origin")
	everyone := slices.Contains(c.AllowOrigins, "*")
	if !everyone {
		addVary(h, "Origin") // the answer depends on who asks, whether or not this one is allowed
	}
	allowed := func(pattern string) bool { return originMatches(pattern, origin) }
	if origin == "" || !everyone && !slices.ContainsFunc(c.AllowOrigins, allowed) {
		return
	}
	if everyone {
		origin = "*"
	}
	put(h, "Access-Control-Allow-Origin", origin, c.Override)
	if c.Credentials {
		put(h, "Access-Control-Allow-Credentials", "true", c.Override)
	}
	if method != http.MethodOptions || request.Get("Access-Control-Request-Method") == "" {
		if len(c.Exposed) > 0 {
			put(h, "Access-Control-Expose-Headers", strings.Join(c.Exposed, ","), c.Override)
		}
		return
	}
	put(h, "Access-Control-Allow-Methods", strings.Join(c.AllowMethods, ","), c.Override)
	put(h, "Access-Control-Allow-Headers", strings.Join(c.AllowHeaders, ","), c.Override)
	if c.MaxAge != nil {
		put(h, "Access-Control-Max-Age", strconv.Itoa(*c.MaxAge), c.Override)
	}
}

// originMatches compares an allowed origin, perhaps without a scheme and perhaps with a wildcard for its leftmost
// label, with a viewer's.
func originMatches(allowed, origin string) bool {
	if _, host, ok := strings.Cut(origin, "://"); ok && !strings.Contains(allowed, "://") {
		origin = host
	}
	return distribution.Matches(strings.ToLower(allowed), strings.ToLower(origin))
}

func addVary(h http.Header, name string) {
	for part := range listed(h["Vary"]) {
		if strings.EqualFold(part, name) {
			return
		}
	}
	// A new slice: the stored object's own must not grow.
	h["Vary"] = append(slices.Clip(h["Vary"]), name)
}

// listed are the elements of a header that is a list.
func listed(values []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for part := range strings.SplitSeq(strings.Join(values, ","), ",") {
			if part = strings.TrimSpace(part); part != "" && !yield(part) {
				return
			}
		}
	}
}
