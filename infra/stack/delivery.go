package stack

import (
	"fmt"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudfront"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const originRequest = "origin-request"

// uncachedErrors are all errors that CloudFront lets us say something about.
// None of them is kept: a link may be issued the moment after a 404, and an
// outage of the table must end when it ends. CloudFront holds an error for ten
// seconds unless told otherwise.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/custom-error-pages-expiration.html
var uncachedErrors = []int{400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504}

// delivery is the distribution.
type delivery struct {
	distribution *cloudfront.Distribution
	// baseURL is the address of the CDN without a trailing slash.
	baseURL pulumi.StringOutput
}

// newDelivery registers the distribution and its policies.
func (s *builder) newDelivery(c *content, m *mappings, e *edge, g *gate, i *images,
	n *session) (*delivery, error) {
	access, err := cloudfront.NewOriginAccessControl(s.ctx, "content", &cloudfront.OriginAccessControlArgs{
		Description:                   pulumi.String("Signs every request for media"),
		OriginAccessControlOriginType: pulumi.String("s3"),
		// Always: whatever Authorization a viewer sends is overwritten.
		SigningBehavior: pulumi.String("always"),
		SigningProtocol: pulumi.String("sigv4"),
	})
	if err != nil {
		return nil, fmt.Errorf("origin access control: %w", err)
	}
	p, err := s.newPolicies()
	if err != nil {
		return nil, err
	}
	certificate, err := s.viewerCertificate()
	if err != nil {
		return nil, err
	}
	args := &cloudfront.DistributionArgs{
		Comment:               pulumi.String(s.cfg.name()),
		Enabled:               pulumi.Bool(true),
		Aliases:               pulumi.ToStringArray(s.cfg.Aliases),
		HttpVersion:           pulumi.String("http2and3"),
		IsIpv6Enabled:         pulumi.Bool(true),
		PriceClass:            pulumi.String(s.cfg.PriceClass),
		Origins:               s.origins(c, m, i, n, access),
		DefaultCacheBehavior:  s.privateBehavior(p, e, g),
		OrderedCacheBehaviors: s.orderedBehaviors(p, e, g, i, n),
		CustomErrorResponses:  errorsUncached(),
		Restrictions:          &cloudfront.DistributionRestrictionsArgs{GeoRestriction: s.geoRestriction()},
		ViewerCertificate:     certificate,
		Tags:                  s.tags(),
	}
	if s.cfg.WebACLARN != "" {
		args.WebAclId = pulumi.String(s.cfg.WebACLARN)
	}
	// The edge function reads every replica as soon as the origin's headers name it.
	before := slices.Concat(m.replicas, g.logs)
	distribution, err := cloudfront.NewDistribution(s.ctx, "cdn", args, pulumi.Protect(s.cfg.Protect),
		pulumi.DependsOn(before))
	if err != nil {
		return nil, fmt.Errorf("distribution: %w", err)
	}
	d := &delivery{distribution: distribution, baseURL: pulumi.Sprintf("https://%s", distribution.DomainName)}
	if len(s.cfg.Aliases) > 0 {
		d.baseURL = pulumi.Sprintf("https://%s", s.cfg.Aliases[0])
	}
	return d, s.newAround(d)
}

// newAround registers what hangs on the distribution: its names, its logs and
// its further metrics.
func (s *builder) newAround(d *delivery) error {
	if err := s.newNames(d); err != nil {
		return err
	}
	if err := s.newAccessLogs(d); err != nil {
		return err
	}
	for _, region := range s.cfg.runRegions() {
		// Where CloudFront says which answers of the edge function it refused.
		// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-functions-logs.html
		name := pulumi.Sprintf("/aws/cloudfront/LambdaEdge/%s", d.distribution.ID())
		if _, err := s.newLogGroup("refusals-"+region, name, region); err != nil {
			return err
		}
	}
	// The cache hit rate, and errors by status, cost extra and must be asked for.
	_, err := cloudfront.NewMonitoringSubscription(s.ctx, "cdn", &cloudfront.MonitoringSubscriptionArgs{
		DistributionId: d.distribution.ID(),
		MonitoringSubscription: &cloudfront.MonitoringSubscriptionMonitoringSubscriptionArgs{
			RealtimeMetricsSubscriptionConfig: &cloudfront.MonitoringSubscriptionMonitoringSubscriptionRealtimeMetricsSubscriptionConfigArgs{
				RealtimeMetricsSubscriptionStatus: pulumi.String("Enabled"),
			},
		},
	})
	if err != nil {
		return fmt.Errorf("monitoring subscription: %w", err)
	}
	return nil
}

func (s *builder) newPolicies() (policies, error) {
	cache, err := cloudfront.NewCachePolicy(s.ctx, "content", &cloudfront.CachePolicyArgs{
		Comment: pulumi.String("The path alone is the cache key; the answer says how long it keeps"),
		// Only with a minimum of 0 is no-store obeyed.
		MinTtl:                                   pulumi.Int(0),
		DefaultTtl:                               pulumi.Int(s.cfg.DefaultTTLSeconds),
		MaxTtl:                                   pulumi.Int(s.cfg.MaxTTLSeconds),
		ParametersInCacheKeyAndForwardedToOrigin: cacheKey(true),
	})
	if err != nil {
		return policies{}, fmt.Errorf("cache policy: %w", err)
	}
	headers, err := s.newResponseHeaders()
	if err != nil {
		return policies{}, err
	}
	cors, err := s.newCORSForwarding()
	if err != nil {
		return policies{}, err
	}
	methods := []string{"GET", "HEAD"}
	if cors != nil {
		methods = append(methods, "OPTIONS")
	}
	return policies{
		cache: cache.ID().ToStringPtrOutput(), headers: headers.ID().ToStringPtrOutput(), cors: cors,
		methods: pulumi.ToStringArray(methods),
	}, nil
}

// cacheKey is what makes a cached copy another, beside the path: some headers and,
// if CloudFront may compress, the encodings that it knows.
func cacheKey(compress bool, headers ...string) *cloudfront.CachePolicyParametersInCacheKeyAndForwardedToOriginArgs {
	none := pulumi.String("none")
	key := &cloudfront.CachePolicyParametersInCacheKeyAndForwardedToOriginArgs{
		CookiesConfig: &cloudfront.CachePolicyParametersInCacheKeyAndForwardedToOriginCookiesConfigArgs{
			CookieBehavior: none,
		},
		HeadersConfig: &cloudfront.CachePolicyParametersInCacheKeyAndForwardedToOriginHeadersConfigArgs{
			HeaderBehavior: none,
		},
		QueryStringsConfig: &cloudfront.CachePolicyParametersInCacheKeyAndForwardedToOriginQueryStringsConfigArgs{
			QueryStringBehavior: none,
		},
		EnableAcceptEncodingGzip:   pulumi.Bool(compress),
		EnableAcceptEncodingBrotli: pulumi.Bool(compress),
	}
	if len(headers) > 0 {
		key.HeadersConfig = &cloudfront.CachePolicyParametersInCacheKeyAndForwardedToOriginHeadersConfigArgs{
			HeaderBehavior: pulumi.String("whitelist"),
			Headers: &cloudfront.CachePolicyParametersInCacheKeyAndForwardedToOriginHeadersConfigHeadersArgs{
				Items: pulumi.ToStringArray(headers),
			},
		}
	}
	return key
}

func errorsUncached() cloudfront.DistributionCustomErrorResponseArray {
	var responses cloudfront.DistributionCustomErrorResponseArray
	for _, code := range uncachedErrors {
		responses = append(responses, &cloudfront.DistributionCustomErrorResponseArgs{ErrorCode: pulumi.Int(code),
			ErrorCachingMinTtl: pulumi.Int(0)})
	}
	return responses
}

func (s *builder) geoRestriction() *cloudfront.DistributionRestrictionsGeoRestrictionArgs {
	switch geo := s.cfg.GeoRestriction; {
	case len(geo.Allow) > 0:
		return &cloudfront.DistributionRestrictionsGeoRestrictionArgs{RestrictionType: pulumi.String("whitelist"),
			Locations: pulumi.ToStringArray(geo.Allow)}
	case len(geo.Deny) > 0:
		return &cloudfront.DistributionRestrictionsGeoRestrictionArgs{RestrictionType: pulumi.String("blacklist"),
			Locations: pulumi.ToStringArray(geo.Deny)}
	}
	return &cloudfront.DistributionRestrictionsGeoRestrictionArgs{RestrictionType: pulumi.String("none")}
}
