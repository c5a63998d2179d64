package stack

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudfront"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	source "secure-media-cdn/function/gate"
)

const (
	// contentSecurityPolicy disarms what an uploader may have put into an SVG or
	// an HTML file: no script, no request, no form, no access to our cookies.
	contentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; sandbox"
	hstsMaxAgeSeconds     = 365 * secondsPerDay
	corsMaxAgeSeconds     = 600
)

// exposedHeaders are the answer's headers that scripts of other origins may
// read: what a player needs to seek and a cache to ask again.
var exposedHeaders = []string{"Content-Length", "Content-Range", "ETag"}

// ofErrors are the headers that S3 adds to its errors, for which no function runs.
// A delete marker would tell that there was an object.
// https://docs.aws.amazon.com/AmazonS3/latest/API/RESTCommonResponseHeaders.html
var ofErrors = []string{"x-amz-bucket-region", "x-amz-delete-marker", "x-amz-id-2", "x-amz-request-id",
	"x-amz-version-id"}

// corsRequestHeaders are what S3 needs to answer a preflight request.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/header-caching.html#header-caching-web-cors
var corsRequestHeaders = []string{"Origin", "Access-Control-Request-Headers", "Access-Control-Request-Method"}

// newResponseHeaders registers the headers that every answer carries.
func (s *builder) newResponseHeaders() (*cloudfront.ResponseHeadersPolicy, error) {
	args := &cloudfront.ResponseHeadersPolicyArgs{
		Comment: pulumi.String("Disarms uploaded documents, requires HTTPS, allows the configured origins, hides what S3 " +
			"adds to errors"),
		SecurityHeadersConfig: securityHeaders(),
	}
	items := cloudfront.ResponseHeadersPolicyRemoveHeadersConfigItemArray{}
	for _, name := range ofErrors {
		items = append(items, &cloudfront.ResponseHeadersPolicyRemoveHeadersConfigItemArgs{Header: pulumi.String(name)})
	}
	args.RemoveHeadersConfig = &cloudfront.ResponseHeadersPolicyRemoveHeadersConfigArgs{Items: items}
	if len(s.cfg.CORSAllowedOrigins) > 0 {
		args.CorsConfig = &cloudfront.ResponseHeadersPolicyCorsConfigArgs{
			// Scripts send the cookie only with the leave to.
			AccessControlAllowCredentials: pulumi.Bool(s.cfg.carries(source.Cookie)),
			AccessControlAllowHeaders: &cloudfront.ResponseHeadersPolicyCorsConfigAccessControlAllowHeadersArgs{
				Items: pulumi.ToStringArray(s.allowedHeaders()),
			},
			AccessControlAllowMethods: &cloudfront.ResponseHeadersPolicyCorsConfigAccessControlAllowMethodsArgs{
				Items: pulumi.ToStringArray([]string{"GET", "HEAD", "OPTIONS"}),
			},
			AccessControlAllowOrigins: &cloudfront.ResponseHeadersPolicyCorsConfigAccessControlAllowOriginsArgs{
				Items: pulumi.ToStringArray(s.cfg.CORSAllowedOrigins),
			},
			AccessControlExposeHeaders: &cloudfront.ResponseHeadersPolicyCorsConfigAccessControlExposeHeadersArgs{
				Items: pulumi.ToStringArray(exposedHeaders),
			},
			AccessControlMaxAgeSec: pulumi.Int(corsMaxAgeSeconds),
			// S3's own CORS headers are those of the request that filled the
			// cache; ours are computed for each viewer.
			OriginOverride: pulumi.Bool(true),
		}
	}
	policy, err := cloudfront.NewResponseHeadersPolicy(s.ctx, "content", args)
	if err != nil {
		return nil, fmt.Errorf("response headers policy: %w", err)
	}
	return policy, nil
}

// securityHeaders are those that every answer carries.
func securityHeaders() *cloudfront.ResponseHeadersPolicySecurityHeadersConfigArgs {
	return &cloudfront.ResponseHeadersPolicySecurityHeadersConfigArgs{
		ContentTypeOptions: &cloudfront.ResponseHeadersPolicySecurityHeadersConfigContentTypeOptionsArgs{
			Override: pulumi.Bool(true),
		},
		ContentSecurityPolicy: &cloudfront.ResponseHeadersPolicySecurityHeadersConfigContentSecurityPolicyArgs{
			ContentSecurityPolicy: pulumi.String(contentSecurityPolicy), Override: pulumi.Bool(true),
		},
		// Subdomains of an own domain name are not ours to decide about.
		StrictTransportSecurity: &cloudfront.ResponseHeadersPolicySecurityHeadersConfigStrictTransportSecurityArgs{
			AccessControlMaxAgeSec: pulumi.Int(hstsMaxAgeSeconds), Override: pulumi.Bool(true),
		},
	}
}

// allowedHeaders are the request headers that scripts of other origins may set. A
// star stands neither for Authorization nor, where credentials are allowed, for
// anything, so with tickets they are named: what players and caches send.
// https://fetch.spec.whatwg.org/#http-new-header-syntax
func (s *builder) allowedHeaders() []string {
	if len(s.cfg.carriers()) == 0 {
		return []string{"*"}
	}
	names := []string{"Cache-Control", "If-Modified-Since", "If-None-Match", "If-Range", "Pragma", "Range"}
	if s.cfg.carries(source.Bearer) {
		names = append([]string{"Authorization"}, names...)
	}
	return names
}

// newCORSForwarding registers the policy that lets S3 see who asks in a
// preflight, without making it part of the cache key. It returns nil if no
// origin is allowed.
func (s *builder) newCORSForwarding() (pulumi.StringPtrInput, error) {
	if len(s.cfg.CORSAllowedOrigins) == 0 {
		return nil, nil
	}
	policy, err := cloudfront.NewOriginRequestPolicy(s.ctx, "cors", &cloudfront.OriginRequestPolicyArgs{
		Comment:       pulumi.String("Lets S3 answer CORS preflight requests"),
		CookiesConfig: &cloudfront.OriginRequestPolicyCookiesConfigArgs{CookieBehavior: pulumi.String("none")},
		HeadersConfig: &cloudfront.OriginRequestPolicyHeadersConfigArgs{
			HeaderBehavior: pulumi.String("whitelist"),
			Headers: &cloudfront.OriginRequestPolicyHeadersConfigHeadersArgs{
				Items: pulumi.ToStringArray(corsRequestHeaders),
			},
		},
		QueryStringsConfig: &cloudfront.OriginRequestPolicyQueryStringsConfigArgs{QueryStringBehavior: pulumi.String("none")},
	})
	if err != nil {
		return nil, fmt.Errorf("origin request policy: %w", err)
	}
	return policy.ID().ToStringPtrOutput(), nil
}
