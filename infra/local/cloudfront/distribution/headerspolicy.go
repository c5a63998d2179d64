package distribution

import (
	"fmt"
	"net/http"
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
	Credentials                                       bool
	AllowHeaders, AllowMethods, AllowOrigins, Exposed []string
	MaxAge                                            *int // seconds
	Override                                          bool
}

type headersPolicyInputs struct {
	Name, Comment, Etag       string
	ServerTimingHeadersConfig struct {
		Enabled      bool
		SamplingRate float64
	}
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
		ContentTypeOptions *struct{ Override bool }
		FrameOptions       *struct {
			FrameOption string
			Override    bool
		}
		ReferrerPolicy *struct {
			ReferrerPolicy string
			Override       bool
		}
		StrictTransportSecurity *struct {
			AccessControlMaxAgeSec               int
			IncludeSubdomains, Preload, Override bool
		}
		XSSProtection *struct {
			Protection, ModeBlock, Override bool
			ReportURI                       string
		}
	}
}

func (r *reader) headersPolicy(at string, in headersPolicyInputs) *HeadersPolicy {
	p := &HeadersPolicy{}
	if in.ServerTimingHeadersConfig.Enabled {
		r.fail("%s: serverTimingHeadersConfig is not supported on one machine", at)
	}
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
		p.CORS = &CORS{
			Credentials: c.AccessControlAllowCredentials, AllowHeaders: c.AccessControlAllowHeaders.Items,
			AllowMethods: c.AccessControlAllowMethods.Items, AllowOrigins: c.AccessControlAllowOrigins.Items,
			Exposed: c.AccessControlExposeHeaders.Items, MaxAge: c.AccessControlMaxAgeSec, Override: c.OriginOverride,
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
	if c := s.FrameOptions; c != nil {
		p.add("X-Frame-Options", c.FrameOption, c.Override)
	}
	if c := s.ReferrerPolicy; c != nil {
		p.add("Referrer-Policy", c.ReferrerPolicy, c.Override)
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
	if c := s.XSSProtection; c != nil {
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
