package cloudfront

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

type responsePolicyInputs struct {
	Name         string      `mapstructure:"name"`
	Comment      string      `mapstructure:"comment"`
	Etag         string      `mapstructure:"etag"`
	CORS         *corsInputs `mapstructure:"corsConfig"`
	ServerTiming *struct {
		Enabled      bool    `mapstructure:"enabled"`
		SamplingRate float64 `mapstructure:"samplingRate"`
	} `mapstructure:"serverTimingHeadersConfig"`
	Custom struct {
		Items []struct {
			Header   string `mapstructure:"header"`
			Override bool   `mapstructure:"override"`
			Value    string `mapstructure:"value"`
		} `mapstructure:"items"`
	} `mapstructure:"customHeadersConfig"`
	Remove struct {
		Items []struct {
			Header string `mapstructure:"header"`
		} `mapstructure:"items"`
	} `mapstructure:"removeHeadersConfig"`
	Security struct {
		ContentSecurityPolicy *struct {
			Policy   string `mapstructure:"contentSecurityPolicy"`
			Override bool   `mapstructure:"override"`
		} `mapstructure:"contentSecurityPolicy"`
		ContentTypeOptions *struct {
			Override bool `mapstructure:"override"`
		} `mapstructure:"contentTypeOptions"`
		FrameOptions *struct {
			Option   string `mapstructure:"frameOption"`
			Override bool   `mapstructure:"override"`
		} `mapstructure:"frameOptions"`
		ReferrerPolicy *struct {
			Policy   string `mapstructure:"referrerPolicy"`
			Override bool   `mapstructure:"override"`
		} `mapstructure:"referrerPolicy"`
		StrictTransport *struct {
			MaxAge     int  `mapstructure:"accessControlMaxAgeSec"`
			Subdomains bool `mapstructure:"includeSubdomains"`
			Preload    bool `mapstructure:"preload"`
			Override   bool `mapstructure:"override"`
		} `mapstructure:"strictTransportSecurity"`
		XSS *struct {
			Protection bool   `mapstructure:"protection"`
			ModeBlock  bool   `mapstructure:"modeBlock"`
			ReportURI  string `mapstructure:"reportUri"`
			Override   bool   `mapstructure:"override"`
		} `mapstructure:"xssProtection"`
	} `mapstructure:"securityHeadersConfig"`
}

type corsInputs struct {
	Credentials   bool  `mapstructure:"accessControlAllowCredentials"`
	AllowHeaders  items `mapstructure:"accessControlAllowHeaders"`
	AllowMethods  items `mapstructure:"accessControlAllowMethods"`
	AllowOrigins  items `mapstructure:"accessControlAllowOrigins"`
	ExposeHeaders items `mapstructure:"accessControlExposeHeaders"`
	MaxAge        *int  `mapstructure:"accessControlMaxAgeSec"`
	Override      bool  `mapstructure:"originOverride"`
}

// headersPolicy is a response headers policy, ready to apply.
// CFDG understanding-response-headers-policies.html
type headersPolicy struct {
	remove []string
	set    []headerRule
	cors   *corsInputs
}

type headerRule struct {
	name     string // canonical
	value    []string
	override bool
}

// notRemovable are the headers that a policy cannot remove.
// CFDG understanding-response-headers-policies.html, "Headers that you can't remove"
var notRemovable = append([]string{"Content-Encoding", "Content-Length", "Host", "Transfer-Encoding", "Via", "Warning"}, disallowedHeaders...)

func newHeadersPolicy(in responsePolicyInputs) (*headersPolicy, error) {
	p := &headersPolicy{cors: in.CORS}
	if in.ServerTiming != nil && in.ServerTiming.Enabled {
		return nil, fmt.Errorf("serverTimingHeadersConfig is not implemented by the local CloudFront")
	}
	for i, item := range in.Remove.Items {
		if isListed(item.Header, notRemovable) {
			return nil, fmt.Errorf("removeHeadersConfig.items[%d]: %s cannot be removed", i, item.Header)
		}
		p.remove = append(p.remove, http.CanonicalHeaderKey(item.Header))
	}
	for _, item := range in.Custom.Items {
		p.add(item.Header, item.Value, item.Override)
	}
	p.security(in)
	if in.CORS != nil {
		for i, o := range in.CORS.AllowOrigins.Items {
			if o != "*" && strings.Contains(strings.TrimPrefix(afterScheme(o), "*."), "*") {
				return nil, fmt.Errorf("corsConfig.accessControlAllowOrigins.items[%d]: in %q only the leftmost label may be a wildcard", i, o)
			}
		}
	}
	return p, nil
}

func (p *headersPolicy) add(name, value string, override bool) {
	p.set = append(p.set, headerRule{http.CanonicalHeaderKey(name), []string{value}, override})
}

func (p *headersPolicy) security(in responsePolicyInputs) {
	s := in.Security
	if c := s.ContentSecurityPolicy; c != nil {
		p.add("Content-Security-Policy", c.Policy, c.Override)
	}
	if c := s.ContentTypeOptions; c != nil {
		p.add("X-Content-Type-Options", "nosniff", c.Override)
	}
	if c := s.FrameOptions; c != nil {
		p.add("X-Frame-Options", c.Option, c.Override)
	}
	if c := s.ReferrerPolicy; c != nil {
		p.add("Referrer-Policy", c.Policy, c.Override)
	}
	if c := s.StrictTransport; c != nil {
		value := "max-age=" + strconv.Itoa(c.MaxAge)
		if c.Subdomains {
			value += "; includeSubDomains"
		}
		if c.Preload {
			value += "; preload"
		}
		p.add("Strict-Transport-Security", value, c.Override)
	}
	if c := s.XSS; c != nil {
		value := "0"
		if c.Protection {
			value = "1"
		}
		if c.ModeBlock {
			value += "; mode=block"
		}
		if c.ReportURI != "" {
			value += "; report=" + c.ReportURI
		}
		p.add("X-Xss-Protection", value, c.Override)
	}
}

// apply changes the header of an answer to the given request. Removal comes
// first, so a header both removed and set is there.
func (p *headersPolicy) apply(h http.Header, method string, request http.Header) {
	if p == nil {
		return
	}
	for _, name := range p.remove {
		delete(h, name)
	}
	for i := range p.set {
		put(h, p.set[i].name, p.set[i].value, p.set[i].override)
	}
	if p.cors != nil {
		p.cors.apply(h, method, request)
	}
}

// put sets a header unless the origin sent it and is not overridden.
func put(h http.Header, name string, value []string, override bool) {
	if _, there := h[name]; !there || override {
		h[name] = value
	}
}

// apply adds the CORS headers: to answers of CORS requests, those with an
// Origin header that is allowed; what only a preflight asks for, to preflights.
func (c *corsInputs) apply(h http.Header, method string, request http.Header) {
	origin := request.Get("Origin")
	everyone := slices.Contains(c.AllowOrigins.Items, "*")
	if !everyone {
		// The answer depends on who asks, whether or not this one is allowed.
		addVary(h, "Origin")
	}
	if origin == "" || !everyone && !slices.ContainsFunc(c.AllowOrigins.Items, func(allowed string) bool { return originMatches(allowed, origin) }) {
		return
	}
	if everyone && !c.Credentials {
		origin = "*"
	}
	put(h, "Access-Control-Allow-Origin", []string{origin}, c.Override)
	if c.Credentials {
		put(h, "Access-Control-Allow-Credentials", []string{"true"}, c.Override)
	}
	if method != http.MethodOptions || request.Get("Access-Control-Request-Method") == "" {
		if len(c.ExposeHeaders.Items) > 0 {
			put(h, "Access-Control-Expose-Headers", []string{strings.Join(c.ExposeHeaders.Items, ",")}, c.Override)
		}
		return
	}
	methods := c.AllowMethods.Items
	if slices.Contains(methods, "ALL") {
		methods = []string{"GET", "DELETE", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}
	}
	put(h, "Access-Control-Allow-Methods", []string{strings.Join(methods, ",")}, c.Override)
	put(h, "Access-Control-Allow-Headers", []string{strings.Join(c.AllowHeaders.Items, ",")}, c.Override)
	if c.MaxAge != nil {
		put(h, "Access-Control-Max-Age", []string{strconv.Itoa(*c.MaxAge)}, c.Override)
	}
}

// originMatches compares an allowed origin, perhaps without a scheme and
// perhaps with a wildcard for its leftmost label, with a viewer's.
func originMatches(allowed, origin string) bool {
	if !strings.Contains(allowed, "://") {
		origin = afterScheme(origin)
	}
	return matches(strings.ToLower(allowed), strings.ToLower(origin))
}

func afterScheme(origin string) string {
	if _, host, ok := strings.Cut(origin, "://"); ok {
		return host
	}
	return origin
}

func addVary(h http.Header, name string) {
	for _, v := range h["Vary"] {
		for part := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(part), name) {
				return
			}
		}
	}
	// A new slice: the stored object's own must not grow.
	h["Vary"] = append(slices.Clip(h["Vary"]), name)
}
