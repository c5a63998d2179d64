package distribution

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// HeadersPolicy is a response headers policy.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/understanding-response-headers-policies.html
type HeadersPolicy struct {
	Remove []string // canonical names
	Set    []HeaderRule
	CORS   *CORS // nil for none
}

// HeaderRule is a header to set, unless the origin sent it and is not overridden.
type HeaderRule struct {
	Name, Value string // the name is canonical
	Override    bool
}

// CORS are a policy's rules for requests of other origins' pages.
type CORS struct {
	AllowHeaders, AllowMethods, AllowOrigins, Exposed []string
	MaxAge                                            *int // seconds
	Credentials, Override                             bool
}

type headersPolicyInputs struct {
	Name, Comment, Etag string
	CustomHeadersConfig struct {
		Items []struct {
			Header, Value string
			Override      bool
		}
	}
	RemoveHeadersConfig struct{ Items []struct{ Header string } }
	CorsConfig          *struct {
		AccessControlAllowCredentials, OriginOverride                                                               bool
		AccessControlAllowHeaders, AccessControlAllowMethods, AccessControlAllowOrigins, AccessControlExposeHeaders items
		AccessControlMaxAgeSec                                                                                      *int
	}
	SecurityHeadersConfig struct {
		ContentSecurityPolicy *struct {
			ContentSecurityPolicy string
			Override              bool
		}
		ContentTypeOptions      *struct{ Override bool }
		StrictTransportSecurity *struct {
			AccessControlMaxAgeSec               int
			IncludeSubdomains, Preload, Override bool
		}
	}
}

func (r *reader) headersPolicy(at string, in headersPolicyInputs) *HeadersPolicy {
	p := &HeadersPolicy{}
	for i, item := range in.RemoveHeadersConfig.Items {
		if notRemovable.Has(item.Header) {
			r.fail("%s: removeHeadersConfig.items[%d]: %s cannot be removed", at, i, item.Header)
		}
		p.Remove = append(p.Remove, http.CanonicalHeaderKey(item.Header))
	}
	for _, item := range in.CustomHeadersConfig.Items {
		p.add(item.Header, item.Value, item.Override)
	}
	p.security(in)
	if c := in.CorsConfig; c != nil {
		if slices.Contains(c.AccessControlAllowMethods.Items, "ALL") {
			r.fail("%s: corsConfig: ALL methods are not supported on one machine", at)
		}
		// Browsers take a star literally, or refuse it, where credentials are allowed.
		// https://fetch.spec.whatwg.org/#cors-protocol-and-credentials
		if c.AccessControlAllowCredentials && slices.Contains(slices.Concat(c.AccessControlAllowHeaders.Items,
			c.AccessControlAllowOrigins.Items, c.AccessControlExposeHeaders.Items), "*") {
			r.fail("%s: corsConfig: with credentials, * stands for nothing", at)
		}
		p.CORS = &CORS{
			AllowHeaders: c.AccessControlAllowHeaders.Items,
			AllowMethods: c.AccessControlAllowMethods.Items, AllowOrigins: c.AccessControlAllowOrigins.Items,
			Exposed: c.AccessControlExposeHeaders.Items, MaxAge: c.AccessControlMaxAgeSec, Override: c.OriginOverride,
			Credentials: c.AccessControlAllowCredentials,
		}
		for i, origin := range p.CORS.AllowOrigins {
			host := origin
			if _, after, ok := strings.Cut(host, "://"); ok {
				host = after
			}
			if origin != "*" && strings.Contains(strings.TrimPrefix(host, "*."), "*") {
				r.fail("%s: corsConfig.accessControlAllowOrigins.items[%d]: in %q only the leftmost label may be a wildcard", at, i,
					origin)
			}
		}
	}
	return p
}

func (p *HeadersPolicy) add(name, value string, override bool) {
	p.Set = append(p.Set, HeaderRule{http.CanonicalHeaderKey(name), value, override})
}

func (p *HeadersPolicy) security(in headersPolicyInputs) {
	s := in.SecurityHeadersConfig
	if c := s.ContentSecurityPolicy; c != nil {
		p.add("Content-Security-Policy", c.ContentSecurityPolicy, c.Override)
	}
	if c := s.ContentTypeOptions; c != nil {
		p.add("X-Content-Type-Options", "nosniff", c.Override)
	}
	if c := s.StrictTransportSecurity; c != nil {
		value := fmt.Sprintf("max-age=%d", c.AccessControlMaxAgeSec)
		if c.IncludeSubdomains {
			value += "; includeSubDomains"
		}
		if c.Preload {
			value += "; preload"
		}
		p.add("Strict-Transport-Security", value, c.Override)
	}
}
