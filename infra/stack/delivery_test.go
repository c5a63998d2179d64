package stack_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/plan"
	"secure-media-cdn/infra/plan/recorder"
)

// behaviors returns the distribution's behaviours by path pattern; the default
// one has the pattern "".
func behaviors(t *testing.T, doc *plan.Document) map[string]any {
	t.Helper()
	inputs := find(t, doc, "Distribution", "cdn").Inputs
	all := map[string]any{"": inputs["defaultCacheBehavior"]}
	ordered, _ := inputs["orderedCacheBehaviors"].([]any)
	for _, b := range ordered {
		all[at(b, "pathPattern").(string)] = b
	}
	require.Len(t, all, len(ordered)+1, "no pattern comes twice")
	return all
}

func TestTheDistributionIsWhatViewersNeed(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		cdn := find(t, doc, "Distribution", "cdn").Inputs
		for path, want := range map[string]any{
			"enabled": true, "httpVersion": "http2and3", "isIpv6Enabled": true,
			"loggingConfig": nil, "originGroups": nil, "defaultRootObject": nil,
		} {
			assert.Equal(t, want, at(cdn, path), path)
		}
		assert.NotEmpty(t, cdn["comment"])
	})
}

func TestEveryBehaviorIsHTTPSAndReadOnly(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		methods := []any{"GET", "HEAD"}
		if find(t, doc, "ResponseHeadersPolicy", "content").Inputs["corsConfig"] != nil {
			methods = append(methods, "OPTIONS")
		}
		for pattern, b := range behaviors(t, doc) {
			origin := "content"
			switch pattern {
			case "/images/*/*":
				origin = "images"
			case "/session": // nothing is read there
				continue
			}
			for path, want := range map[string]any{
				"viewerProtocolPolicy": "redirect-to-https", "allowedMethods": methods, "cachedMethods": []any{"GET", "HEAD"},
				"compress": origin == "content", "targetOriginId": origin,
				"cachePolicyId":           find(t, doc, "CachePolicy", origin).ID,
				"responseHeadersPolicyId": find(t, doc, "ResponseHeadersPolicy", "content").ID,
				"forwardedValues":         nil, "minTtl": nil, "defaultTtl": nil, "maxTtl": nil, "trustedSigners": nil,
			} {
				assert.Equal(t, want, at(b, path), "%s of %q", path, pattern)
			}
		}
	})
}

func TestThePrivateDefaultRunsTheEdgeFunctionAtOriginRequest(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		associations := at(behaviors(t, doc)[""], "lambdaFunctionAssociations").([]any)
		require.Len(t, associations, 1, "one function per event, and only origin-request has a use")
		assert.Equal(t, "origin-request", at(associations[0], "eventType"))
		assert.Equal(t, false, at(associations[0], "includeBody"), "a GET has no body")
	})
}

func TestPublicServicesAreServedWithoutTheEdgeFunction(t *testing.T) {
	doc := planOf(t, "dev", config{"imageVariants": plain})
	all := behaviors(t, doc)
	assert.ElementsMatch(t, []string{"", "/marketplace/*", "/nudges/*"}, keysOf(all), "private services have no path")
	for pattern, b := range all {
		if pattern != "" {
			assert.Nil(t, at(b, "lambdaFunctionAssociations"), pattern)
		}
	}
	for _, pattern := range []string{"/marketplace/*", "/nudges/*"} {
		assert.False(t, strings.HasPrefix("/images/x", strings.TrimSuffix(pattern, "*")), "links stay private")
	}
	assert.Equal(t, []string{""}, keysOf(behaviors(t, planOf(t, "dev", config{"services": "[]", "imageVariants": plain}))))
}

// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html, on the origin's
// domainName
func TestTheOriginIsTheBucketSignedForAlways(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		origin := at(find(t, doc, "Distribution", "cdn").Inputs, "origins[0]")
		access := find(t, doc, "OriginAccessControl", "content")
		assert.Equal(t, access.ID, at(origin, "originAccessControlId"))
		for property, want := range map[string]any{"originAccessControlOriginType": "s3", "signingBehavior": "always",
			"signingProtocol": "sigv4"} {
			assert.Equal(t, want, access.Inputs[property], property)
		}
		domain := at(origin, "domainName").(string)
		assert.Equal(t, doc.Outputs["mediaBucket"].(string)+".s3."+doc.Outputs["mediaBucketRegion"].(string)+".amazonaws.com",
			domain, "the regional name")
		assert.Equal(t, strings.ToLower(domain), domain)
		assert.LessOrEqual(t, len(domain), 128)
		assert.Nil(t, at(origin, "s3OriginConfig"), "no origin access identity beside the access control")
		assert.Nil(t, at(origin, "originPath"))
	})
}

// customHeaders returns the headers of the bucket's origin.
func customHeaders(t *testing.T, doc *plan.Document) map[string]string { return headersOf(t, doc, 0) }

// headersOf returns the headers of an origin, by its number.
func headersOf(t *testing.T, doc *plan.Document, origin int) map[string]string {
	t.Helper()
	headers := map[string]string{}
	path := fmt.Sprintf("origins[%d].customHeaders", origin)
	for _, h := range at(find(t, doc, "Distribution", "cdn").Inputs, path).([]any) {
		headers[at(h, "name").(string)] = at(h, "value").(string)
	}
	return headers
}

// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-at-edge-function-restrictions.html
func TestTheEdgeFunctionIsConfiguredByOriginHeaders(t *testing.T) {
	assert.Equal(t, map[string]string{
		"x-media-table": "secure-media-cdn-everything-mappings", "x-media-regions": "eu-west-1,us-east-1,ap-southeast-2",
		"x-media-bucket": "secure-media-cdn-everything-123456789012", "x-media-bucket-region": "eu-west-1",
		"x-media-delivery": "origin", "x-media-signature-ttl": "300", "x-media-browser-cache": "86400",
		"x-media-viewer-cache": "120",
	}, customHeaders(t, planOf(t, "everything", nil)))
	assert.Equal(t, "redirect", customHeaders(t,
		planOf(t, "everything", config{"delivery": "redirect"}))["x-media-delivery"])
	assert.Equal(t, "60", customHeaders(t, planOf(t, "dev", config{"signatureTtlSeconds": "60"}))["x-media-signature-ttl"])
	assert.Equal(t, "0", customHeaders(t, planOf(t, "dev", config{"browserCacheSeconds": "0"}))["x-media-browser-cache"])
	assert.Equal(t, "60", customHeaders(t, planOf(t, "dev", config{"browserCacheSeconds": "60"}))["x-media-viewer-cache"],
		"no longer than what any link shows")
}

// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html#limits-custom-headers
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/add-origin-custom-headers.html
func TestOriginHeadersKeepCloudFrontsLimits(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		for n, origin := range at(find(t, doc, "Distribution", "cdn").Inputs, "origins").([]any) {
			if at(origin, "originId") == "session" { // no edge function runs for it
				continue
			}
			headers := headersOf(t, doc, n)
			assert.LessOrEqual(t, len(headers), 30)
			total := 0
			for name, value := range headers {
				assert.Regexp(t, `^x-media-[a-z-]+$`, name, "X-Amz- and X-Edge- are refused, and the function reads lower case")
				assert.LessOrEqual(t, len(name), 256)
				assert.LessOrEqual(t, len(value), 1783)
				assert.NotEmpty(t, value)
				assert.NotContains(t, value, recorder.FakePassword, "they are sent to S3 as well, so they hold no secret")
				total += len(name) + len(value)
			}
			assert.LessOrEqual(t, total, 10240)
		}
	})
}

// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Expiration.html
func TestThePathAloneIsTheCacheKeyAndNoStoreIsObeyed(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		policy := find(t, doc, "CachePolicy", "content").Inputs
		for path, want := range map[string]any{
			"minTtl": 0.0, "defaultTtl": 86400.0,
			"parametersInCacheKeyAndForwardedToOrigin.cookiesConfig.cookieBehavior":           "none",
			"parametersInCacheKeyAndForwardedToOrigin.headersConfig.headerBehavior":           "none",
			"parametersInCacheKeyAndForwardedToOrigin.queryStringsConfig.queryStringBehavior": "none",
			"parametersInCacheKeyAndForwardedToOrigin.enableAcceptEncodingGzip":               true,
			"parametersInCacheKeyAndForwardedToOrigin.enableAcceptEncodingBrotli":             true,
		} {
			assert.Equal(t, want, at(policy, path), path)
		}
		assert.GreaterOrEqual(t, policy["maxTtl"], float64(doc.Outputs["linkTtlSeconds"].(float64)),
			"no revalidation before a link ends")
		assert.LessOrEqual(t, policy["maxTtl"], 2592000.0)
	})
}

// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/custom-error-pages-expiration.html
func TestNoErrorIsKept(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		held := map[any]any{}
		for _, r := range at(find(t, doc, "Distribution", "cdn").Inputs, "customErrorResponses").([]any) {
			held[at(r, "errorCode")] = at(r, "errorCachingMinTtl")
			assert.Nil(t, at(r, "responsePagePath"), "a page would replace the function's own answer")
			assert.Nil(t, at(r, "responseCode"))
		}
		for _, code := range []float64{400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504} {
			assert.Equal(t, 0.0, held[code], code)
		}
	})
}

func TestOptionalPartsOfTheDistribution(t *testing.T) {
	cdn := find(t, planOf(t, "everything", nil), "Distribution", "cdn").Inputs
	assert.Equal(t, map[string]any{"enabled": true, "originShieldRegion": "eu-west-1"}, at(cdn, "origins[0].originShield"))
	assert.Equal(t, map[string]any{"restrictionType": "whitelist", "locations": []any{"AT", "DE"}},
		at(cdn, "restrictions.geoRestriction"))
	assert.Equal(t, "arn:aws:wafv2:us-east-1:123456789012:global/webacl/media/11111111-2222-3333-4444-555555555555",
		cdn["webAclId"])
	assert.Equal(t, "PriceClass_All", cdn["priceClass"])

	dev := find(t, planOf(t, "dev", config{"originShieldRegion": ""}), "Distribution", "cdn").Inputs
	assert.Nil(t, at(dev, "origins[0].originShield"))
	assert.NotContains(t, dev, "webAclId")
	assert.Equal(t, "none", at(dev, "restrictions.geoRestriction.restrictionType"))
	assert.Equal(t, "PriceClass_100", dev["priceClass"])

	refused := find(t, planOf(t, "dev", config{"geoRestriction": `{"deny":["XX"]}`}), "Distribution", "cdn").Inputs
	assert.Equal(t, map[string]any{"restrictionType": "blacklist", "locations": []any{"XX"}},
		at(refused, "restrictions.geoRestriction"))
}

// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/viewing-cloudfront-metrics.html
func TestFurtherMetricsAreSubscribedTo(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		subscription := find(t, doc, "MonitoringSubscription", "cdn").Inputs
		assert.Equal(t, "Enabled", at(subscription,
			"monitoringSubscription.realtimeMetricsSubscriptionConfig.realtimeMetricsSubscriptionStatus"))
		assert.Equal(t, doc.Outputs["distributionId"], subscription["distributionId"])
	})
}
