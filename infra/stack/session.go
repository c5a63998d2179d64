package stack

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudfront"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"secure-media-cdn/function/bundle"
	source "secure-media-cdn/function/gate"
	"secure-media-cdn/function/seal"
	sessionfn "secure-media-cdn/function/session"
	"secure-media-cdn/function/settings"
)

const sessionMemoryMB = 256

// cachingDisabled is the ID of AWS's own cache policy that keeps nothing.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html#managed-cache-policy-caching-disabled
const cachingDisabled = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"

// allMethods is the only set of methods of a behaviour that has POST.
// https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_AllowedMethods.html
var allMethods = pulumi.ToStringArray([]string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})

// Identity is the team's OpenID provider. It is empty where applications ask the
// issuer for tickets themselves.
type Identity struct {
	// Issuer is the provider's, exactly as its tokens say it.
	Issuer string `json:"issuer"`
	// ClientID is the client that tokens must be made for.
	ClientID string `json:"clientId"`
	// AudiencesClaim names the claim that lists a viewer's audiences.
	AudiencesClaim string `json:"audiencesClaim"`
}

// session is the function that exchanges a token of the provider for the viewer's
// cookie, as CloudFront's origin. It is nil in a stack without a provider.
type session struct {
	*endpoint
	// access signs CloudFront's calls of the function.
	access *cloudfront.OriginAccessControl
	// check is the CloudFront Function before it.
	check *cloudfront.Function
	// forward and headers are the IDs of its origin request and response headers policies.
	forward, headers pulumi.StringPtrInput
}

// newSession registers the function, if the stack has a provider. It may read the
// link keys that tickets are sealed with, and log.
func (s *builder) newSession(g *gate) (*session, error) {
	if s.cfg.ViewerIdentity == (Identity{}) {
		return nil, nil
	}
	function, err := s.newEndpoint("session", endpointArgs{
		bundle: bundle.Session, description: "Exchanges an OpenID provider's token for the viewer's cookie",
		memoryMB: sessionMemoryMB, environment: s.sessionEnvironment(g),
		may: []statement{{Sid: "ReadKeys", Actions: []string{"cloudfront-keyvaluestore:GetKey"},
			Resources: []pulumi.StringInput{g.store.Arn}}},
	})
	if err != nil {
		return nil, err
	}
	n := &session{endpoint: function}
	if n.access, err = s.newFunctionAccess("session", "Signs every request for a session"); err != nil {
		return nil, err
	}
	n.check, err = s.newViewerFunction(g, "session-gate", &cloudfront.FunctionArgs{
		Comment: pulumi.String("Lets only what signs in or out through"), Code: pulumi.String(source.Session),
	})
	if err != nil {
		return nil, err
	}
	return n, s.newSessionPolicies(n)
}

// newSessionPolicies registers what the function is sent and what its answers carry.
func (s *builder) newSessionPolicies(n *session) error {
	forward, err := cloudfront.NewOriginRequestPolicy(s.ctx, "session", &cloudfront.OriginRequestPolicyArgs{
		Comment: pulumi.String("Sends on the provider's token, and lets answers set the cookie"),
		// CloudFront removes Set-Cookie from the answers of a behaviour that forwards no cookie.
		// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Cookies.html
		CookiesConfig: &cloudfront.OriginRequestPolicyCookiesConfigArgs{
			CookieBehavior: pulumi.String("whitelist"),
			Cookies: &cloudfront.OriginRequestPolicyCookiesConfigCookiesArgs{
				Items: pulumi.ToStringArray([]string{seal.TicketCookie}),
			},
		},
		HeadersConfig: &cloudfront.OriginRequestPolicyHeadersConfigArgs{
			HeaderBehavior: pulumi.String("whitelist"),
			Headers: &cloudfront.OriginRequestPolicyHeadersConfigHeadersArgs{
				Items: pulumi.ToStringArray(sessionfn.RequestHeaders()),
			},
		},
		QueryStringsConfig: &cloudfront.OriginRequestPolicyQueryStringsConfigArgs{QueryStringBehavior: pulumi.String("none")},
	})
	if err != nil {
		return fmt.Errorf("origin request policy of /session: %w", err)
	}
	// The function says itself which pages may call it, with the cookie.
	headers, err := cloudfront.NewResponseHeadersPolicy(s.ctx, "session", &cloudfront.ResponseHeadersPolicyArgs{
		Comment: pulumi.String("Requires HTTPS"), SecurityHeadersConfig: securityHeaders(),
	})
	if err != nil {
		return fmt.Errorf("response headers policy of /session: %w", err)
	}
	n.forward, n.headers = forward.ID().ToStringPtrOutput(), headers.ID().ToStringPtrOutput()
	return nil
}

// sessionEnvironment is the function's configuration. It holds no secret: of the
// link keys it names the store that keeps them.
func (s *builder) sessionEnvironment(g *gate) pulumi.StringMap {
	identity := s.cfg.ViewerIdentity
	return pulumi.StringMap{
		sessionfn.EnvIssuer:         pulumi.String(identity.Issuer),
		sessionfn.EnvClientID:       pulumi.String(identity.ClientID),
		sessionfn.EnvAudiencesClaim: pulumi.String(identity.AudiencesClaim),
		sessionfn.EnvOrigins:        pulumi.String(strings.Join(s.cfg.sessionOrigins(), ",")),
		settings.EnvTicketServices:  pulumi.String(strings.Join(s.cfg.ticketServices(), ",")),
		settings.EnvTicketSeconds:   pulumi.String(strconv.Itoa(s.cfg.ViewerTicketSeconds)),
		settings.EnvCookieDomain:    pulumi.String(s.cfg.cookieDomain()),
		settings.EnvKeyGeneration:   pulumi.String(strconv.Itoa(s.cfg.LinkKeyGeneration)),
		settings.EnvKeyValueStore:   g.store.Arn,
	}
}

// sessionOrigins are the origins of the pages that may sign viewers in: those of
// the CDN's own names and those whose scripts may read media.
func (c Config) sessionOrigins() []string {
	var origins []string
	for _, alias := range c.Aliases {
		if !strings.HasPrefix(alias, "*") { // origins are compared as they are
			origins = append(origins, "https://"+alias)
		}
	}
	return append(origins, c.CORSAllowedOrigins...)
}

// behavior is that of the function's path.
func (n *session) behavior() *cloudfront.DistributionOrderedCacheBehaviorArgs {
	return &cloudfront.DistributionOrderedCacheBehaviorArgs{
		PathPattern:             pulumi.String(sessionfn.Path),
		TargetOriginId:          pulumi.String(sessionOrigin),
		ViewerProtocolPolicy:    pulumi.String("https-only"), // a token must not go out before the redirect
		AllowedMethods:          allMethods,
		CachedMethods:           cachedMethods,
		Compress:                pulumi.Bool(false),
		CachePolicyId:           pulumi.String(cachingDisabled),
		OriginRequestPolicyId:   n.forward,
		ResponseHeadersPolicyId: n.headers,
		FunctionAssociations: cloudfront.DistributionOrderedCacheBehaviorFunctionAssociationArray{
			&cloudfront.DistributionOrderedCacheBehaviorFunctionAssociationArgs{
				EventType: pulumi.String(viewerRequest), FunctionArn: n.check.Arn,
			},
		},
	}
}

// identity holds the rules of the provider.
func (v *validation) identity(c Config) {
	identity := c.ViewerIdentity
	if identity == (Identity{}) {
		return
	}
	if err := sessionfn.CheckIssuer(identity.Issuer); err != nil {
		v.refuse("viewerIdentity", "wrong: issuer %w", err)
	}
	if err := sessionfn.CheckClaim(identity.AudiencesClaim); err != nil {
		v.refuse("viewerIdentity", "wrong: audiencesClaim %w", err)
	}
	if identity.ClientID == "" {
		v.refuse("viewerIdentity", "wrong: clientId is missing: name the client that the provider makes tokens for")
	}
	v.want(c.carries(source.Cookie), "viewerIdentity", "set",
		"what a token is exchanged for is the cookie, so a service needs viewers ticket, and viewerCarriers the cookie")
}
