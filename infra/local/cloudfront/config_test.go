package cloudfront

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A property of pulumi-aws v6 and what becomes of it here: supported, as a script
// of testdata shows; listed as out of reach; or refused.
type property struct {
	resource, path, value string
	script                string // "hit" … : supported
	unsupported           string // part of the line that Unsupported gives
	refused               string // part of New's error
}

// properties walks every input of the resources that make a distribution, by
// the names in sdk/v6/go/aws/cloudfront of pulumi-aws v6.83.2. A row may have no
// value if what it says is shown by scripts only.
var properties = []property{
	{"distribution", "aliases", `["cdn.example"]`, "", "aliases cdn.example", ""},
	{"distribution", "comment", `"x"`, "", "comment", ""},
	{"distribution", "continuousDeploymentPolicyId", `"x"`, "", "", "continuousDeploymentPolicyId is not implemented"},
	{"distribution", "customErrorResponses[0].errorCachingMinTtl", ``, "error-own-minimum", "", ""},
	{"distribution", "customErrorResponses[0].errorCode", `418`, "", "", "customErrorResponses[0].errorCode"},
	{"distribution", "customErrorResponses[0].responseCode", `200`, "error-page", "", "customErrorResponses[0]: responsePagePath and responseCode"},
	{"distribution", "customErrorResponses[0].responsePagePath", `"/x"`, "error-page", "", "customErrorResponses[0]: responsePagePath and responseCode"},
	{"distribution", "defaultRootObject", ``, "root-object", "", ""},
	{"distribution", "enabled", `false`, "", "", "enabled"},
	{"distribution", "httpVersion", `"http3"`, "", "httpVersion http3", ""},
	{"distribution", "isIpv6Enabled", `true`, "", "isIpv6Enabled", ""},
	{"distribution", "loggingConfig", `{"bucket":"x"}`, "", "loggingConfig", ""},
	{"distribution", "originGroups", `[{"originId":"x"}]`, "", "", "originGroups is not implemented"},
	{"distribution", "priceClass", `"PriceClass_All"`, "", "priceClass PriceClass_All", ""},
	{"distribution", "restrictions.geoRestriction.restrictionType", `"whitelist"`, "", "restrictions.geoRestriction", ""},
	{"distribution", "restrictions.geoRestriction", `{"restrictionType":"whitelist","locations":["DE"]}`, "", "restrictions.geoRestriction", ""},
	{"distribution", "retainOnDelete", `true`, "", "retainOnDelete", ""},
	{"distribution", "staging", `true`, "", "", "staging is not implemented"},
	{"distribution", "tags", `{"a":"b"}`, "", "tags", ""},
	{"distribution", "viewerCertificate", `{"acmCertificateArn":"x","sslSupportMethod":"sni-only","minimumProtocolVersion":"TLSv1.2_2021"}`, "", "viewerCertificate", ""},
	{"distribution", "waitForDeployment", `true`, "", "waitForDeployment", ""},
	{"distribution", "webAclId", `"x"`, "", "webAclId", ""},

	{"distribution", "origins[0].connectionAttempts", `4`, "", "", "connectionAttempts 1 to 3"},
	{"distribution", "origins[0].connectionTimeout", `11`, "", "", "connectionTimeout must be 1 to 10"},
	{"distribution", "origins[0].customHeaders[0].name", `"x-amz-a"`, "forward-custom-headers", "", "origins[0].customHeaders[0].name"},
	{"distribution", "origins[0].customHeaders[0].value", `"` + strings.Repeat("a", 1784) + `"`, "forward-custom-headers", "", "origins[0].customHeaders[0]"},
	{"distribution", "origins[0].customOriginConfig", `{"httpPort":80}`, "", "", "origins[0].customOriginConfig is not implemented"},
	{"distribution", "origins[0].domainName", `"example.com"`, "forward-nothing-of-the-viewers", "", "origins[0].domainName"},
	{"distribution", "origins[0].originAccessControlId", `"x"`, "", "", "origins[0].originAccessControlId"},
	{"distribution", "origins[0].originId", `"x"`, "", "", "targetOriginId"},
	{"distribution", "origins[0].originPath", `"x/"`, "origin-path", "", "origins[0].originPath"},
	{"distribution", "origins[0].originShield", `{"enabled":true,"originShieldRegion":"eu-central-1"}`, "", "origins[0].originShield", ""},
	{"distribution", "origins[0].s3OriginConfig.originAccessIdentity", `"x"`, "", "", "origins[0].s3OriginConfig.originAccessIdentity is not implemented"},
	{"distribution", "origins[0].vpcOriginConfig", `{"vpcOriginId":"x"}`, "", "", "origins[0].vpcOriginConfig is not implemented"},

	{"distribution", "defaultCacheBehavior.allowedMethods", `["GET","HEAD","PUT"]`, "method-refused", "", "defaultCacheBehavior.allowedMethods: PUT"},
	{"distribution", "defaultCacheBehavior.cachePolicyId", `"x"`, "ttl-default", "", "defaultCacheBehavior.cachePolicyId"},
	{"distribution", "defaultCacheBehavior.cachePolicyId", `delete`, "", "", "defaultCacheBehavior.cachePolicyId is missing"},
	{"distribution", "defaultCacheBehavior.cachedMethods", `["GET"]`, "options-cached", "", "defaultCacheBehavior.cachedMethods"},
	{"distribution", "defaultCacheBehavior.compress", ``, "compress-not", "", ""},
	{"distribution", "defaultCacheBehavior.defaultTtl", `1`, "", "", "defaultCacheBehavior.defaultTtl is not implemented"},
	{"distribution", "defaultCacheBehavior.fieldLevelEncryptionId", `"x"`, "", "", "defaultCacheBehavior.fieldLevelEncryptionId is not implemented"},
	{"distribution", "defaultCacheBehavior.forwardedValues", `{"queryString":true}`, "", "", "defaultCacheBehavior.forwardedValues is not implemented"},
	{"distribution", "defaultCacheBehavior.functionAssociations", `[{"eventType":"viewer-response","functionArn":"x"}]`, "gate-on-hits", "", `"viewer-response" is not implemented`},
	{"distribution", "defaultCacheBehavior.functionAssociations", `[{"eventType":"viewer-request","functionArn":"x"}]`, "", "", "no CloudFront Function with the ARN"},
	{"distribution", "defaultCacheBehavior.grpcConfig.enabled", `true`, "", "", "defaultCacheBehavior.grpcConfig is not implemented"},
	{"distribution", "defaultCacheBehavior.lambdaFunctionAssociations[0].eventType", `"origin-response"`, "lambda-changes", "", `"origin-response" is not implemented`},
	{"distribution", "defaultCacheBehavior.lambdaFunctionAssociations[0].includeBody", `true`, "", "", "includeBody is not implemented"},
	{"distribution", "defaultCacheBehavior.lambdaFunctionAssociations[0].lambdaArn", `"arn:aws:lambda:us-east-1:123456789012:function:edge"`, "", "", "not the ARN of a numbered version"},
	{"distribution", "defaultCacheBehavior.lambdaFunctionAssociations[0].lambdaArn", `"arn:aws:lambda:us-east-1:123456789012:function:edge:2"`, "", "", "no function runs for"},
	{"distribution", "defaultCacheBehavior.maxTtl", `1`, "", "", "defaultCacheBehavior.maxTtl is not implemented"},
	{"distribution", "defaultCacheBehavior.minTtl", `1`, "", "", "defaultCacheBehavior.minTtl is not implemented"},
	{"distribution", "defaultCacheBehavior.originRequestPolicyId", `"x"`, "forward-by-policy", "", "defaultCacheBehavior.originRequestPolicyId"},
	{"distribution", "defaultCacheBehavior.realtimeLogConfigArn", `"x"`, "", "", "defaultCacheBehavior.realtimeLogConfigArn is not implemented"},
	{"distribution", "defaultCacheBehavior.responseHeadersPolicyId", `"x"`, "policy-custom-headers", "", "defaultCacheBehavior.responseHeadersPolicyId"},
	{"distribution", "defaultCacheBehavior.smoothStreaming", `true`, "", "", "defaultCacheBehavior.smoothStreaming is not implemented"},
	{"distribution", "defaultCacheBehavior.targetOriginId", `"x"`, "", "", "defaultCacheBehavior.targetOriginId"},
	{"distribution", "defaultCacheBehavior.trustedKeyGroups", `["x"]`, "", "", "defaultCacheBehavior.trustedKeyGroups is not implemented"},
	{"distribution", "defaultCacheBehavior.trustedSigners", `["x"]`, "", "", "defaultCacheBehavior.trustedSigners is not implemented"},
	{"distribution", "defaultCacheBehavior.viewerProtocolPolicy", `"x"`, "redirect-to-https", "", "defaultCacheBehavior.viewerProtocolPolicy"},
	{"distribution", "orderedCacheBehaviors[0].pathPattern", `""`, "behaviour-order", "", "orderedCacheBehaviors[0].pathPattern is missing"},
	{"distribution", "orderedCacheBehaviors[0].trustedSigners", `["x"]`, "", "", "orderedCacheBehaviors[0].trustedSigners is not implemented"},

	{"cachePolicy", "minTtl", `100000`, "ttl-minimum", "", "out of order"},
	{"cachePolicy", "defaultTtl", `9000000`, "ttl-default", "", "out of order"},
	{"cachePolicy", "maxTtl", `1`, "ttl-maximum", "", "out of order"},
	{"cachePolicy", "parametersInCacheKeyAndForwardedToOrigin.queryStringsConfig.queryStringBehavior", `"x"`, "key-query-all", "", `queryStringBehavior: "x" is not implemented`},
	{"cachePolicy", "parametersInCacheKeyAndForwardedToOrigin.queryStringsConfig.queryStrings", `{"items":["a"]}`, "key-query-whitelist", "", `"none" with 1 names`},
	{"cachePolicy", "parametersInCacheKeyAndForwardedToOrigin.cookiesConfig.cookieBehavior", `"whitelist"`, "key-cookies", "", `"whitelist" with 0 names`},
	{"cachePolicy", "parametersInCacheKeyAndForwardedToOrigin.cookiesConfig.cookies", `{"items":["a"]}`, "key-cookies", "", `"none" with 1 names`},
	{"cachePolicy", "parametersInCacheKeyAndForwardedToOrigin.headersConfig.headerBehavior", `"all"`, "key-headers", "", `headerBehavior: "all" is not implemented`},
	{"cachePolicy", "parametersInCacheKeyAndForwardedToOrigin.headersConfig", `{"headerBehavior":"whitelist","headers":{"items":["Accept-Encoding"]}}`, "", "", "Accept-Encoding cannot be listed"},
	{"cachePolicy", "parametersInCacheKeyAndForwardedToOrigin.headersConfig", `{"headerBehavior":"whitelist","headers":{"items":["CloudFront-Viewer-Country"]}}`, "", "", "CloudFront-Viewer-Country, which CloudFront would add"},
	{"cachePolicy", "parametersInCacheKeyAndForwardedToOrigin.enableAcceptEncodingGzip", ``, "key-accept-encoding-off", "", ""},
	{"cachePolicy", "parametersInCacheKeyAndForwardedToOrigin.enableAcceptEncodingBrotli", ``, "key-accept-encoding-off", "", ""},

	{"originAccessControl", "originAccessControlOriginType", `"lambda"`, "", "", "originAccessControlOriginType"},
	{"originAccessControl", "signingBehavior", `"x"`, "", "", "signingBehavior"},
	{"originAccessControl", "signingProtocol", `"sigv2"`, "", "", "signingProtocol"},

	{"responseHeadersPolicy", "serverTimingHeadersConfig", `{"enabled":true,"samplingRate":1}`, "", "", "serverTimingHeadersConfig is not implemented"},
	{"responseHeadersPolicy", "removeHeadersConfig", `{"items":[{"header":"via"}]}`, "policy-removed-headers", "", "removeHeadersConfig.items[0]: via cannot be removed"},
	{"responseHeadersPolicy", "customHeadersConfig", ``, "policy-custom-headers", "", ""},
	{"responseHeadersPolicy", "securityHeadersConfig", ``, "policy-security-headers", "", ""},
	{"responseHeadersPolicy", "corsConfig", `{"accessControlAllowOrigins":{"items":["https://a.*.example"]}}`, "policy-cors", "", "only the leftmost label"},

	{"bucketPolicy", "policy", `"{}x"`, "", "", "policy:"},
	{"bucketPolicy", "policy", `"{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"NotAction\":\"s3:Put*\"}]}"`, "", "", "NotAction"},
	{"bucketPolicy", "policy", `"{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"s3:*\",\"Resource\":\"*\",\"Condition\":{\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/8\"}}}]}"`, "", "", "the condition IpAddress on aws:SourceIp is not implemented"},
}

func newOptions(t *testing.T) Options {
	return Options{
		Document: newPlan(t), S3: S3{Endpoint: "http://127.0.0.1:1"},
		Lambdas: map[string]Lambda{testLambda: override("")}, Functions: map[string]Function{testGate: &fakeGate{}},
	}
}

func TestEveryPropertyIsHonouredOrListedOrRefused(t *testing.T) {
	for _, p := range properties {
		t.Run(p.resource+" "+p.path+" "+p.value[:min(len(p.value), 40)], func(t *testing.T) {
			if p.script != "" {
				_, err := os.Stat("testdata/" + p.script + ".txt")
				require.NoError(t, err, "no script shows that it is supported")
			}
			require.True(t, p.script != "" || p.unsupported != "" || p.refused != "", "nothing becomes of it")
			if p.value == "" {
				return
			}
			o := newOptions(t)
			require.NoError(t, set(o.Document, p.resource, p.path, p.value))
			edge, err := New(o)
			if p.refused != "" {
				require.ErrorContains(t, err, p.refused)
				return
			}
			require.NoError(t, err)
			assert.True(t, slices.ContainsFunc(edge.Unsupported(), func(line string) bool { return strings.HasPrefix(line, p.unsupported) }), edge.Unsupported())
		})
	}
}

func TestAPropertyThatIsNotKnownStopsTheStartWithItsPath(t *testing.T) {
	for _, row := range []struct{ resource, path, value, want string }{
		{"distribution", "anycastIpListId", `"x"`, "cdn: anycastIpListId is not implemented by the local CloudFront"},
		{"distribution", "origins[0].responseCompletionTimeout", `1`, "cdn: origins[0].responseCompletionTimeout is not implemented"},
		{"distribution", "orderedCacheBehaviors[0].lambdaFunctionAssociations", `[{"eventType":"origin-request","new":1}]`, "orderedCacheBehaviors[0].lambdaFunctionAssociations[0].new is not"},
		{"distribution", "Enabled", `true`, "cdn: Enabled is not implemented"},
		{"cachePolicy", "parametersInCacheKeyAndForwardedToOrigin.new", `1`, "parametersInCacheKeyAndForwardedToOrigin.new is not implemented"},
		{"responseHeadersPolicy", "securityHeadersConfig.permissionsPolicy", `{}`, "securityHeadersConfig.permissionsPolicy is not implemented"},
		{"originAccessControl", "new", `1`, "new is not implemented"},
		{"bucketPolicy", "new", `1`, "new is not implemented"},
		{"distribution", "enabled", `"yes"`, "enabled"},
		{"cachePolicy", "minTtl", `1.5`, "1.5 is not a whole number"},
		{"distribution", "origins", `"x"`, "origins"},
	} {
		t.Run(row.resource+" "+row.path, func(t *testing.T) {
			o := newOptions(t)
			require.NoError(t, set(o.Document, row.resource, row.path, row.value))
			_, err := New(o)
			assert.ErrorContains(t, err, row.want)
		})
	}
}

func TestAllProblemsAreToldAtOnce(t *testing.T) {
	o := newOptions(t)
	require.NoError(t, set(o.Document, "distribution", "staging", "true"))
	require.NoError(t, set(o.Document, "distribution", "origins[0].originPath", `"x"`))
	require.NoError(t, set(o.Document, "originAccessControl", "signingProtocol", `"x"`))
	_, err := New(o)
	for _, want := range []string{"staging", "originPath", "signingProtocol"} {
		assert.ErrorContains(t, err, want)
	}
}

func TestTheDistributionIsChosenByName(t *testing.T) {
	o := newOptions(t)
	o.Distribution = "other"
	_, err := New(o)
	assert.ErrorContains(t, err, `no distribution named "other"`)
	o.Distribution = "cdn"
	edge, err := New(o)
	require.NoError(t, err)
	assert.Equal(t, "EDFDVBD6EXAMPLE", edge.ID())
	assert.Equal(t, "d111111abcdef8.cloudfront.net", edge.Domain())

	second, _ := o.Document.Find(typeDistribution, "cdn")
	second.Name = "second"
	o.Document.Resources = append(o.Document.Resources, second)
	o.Distribution = ""
	_, err = New(o)
	assert.ErrorContains(t, err, "2 distributions")
}

func TestAFunctionKeepsToItsOwnRules(t *testing.T) {
	gate := `[{"eventType":"viewer-request","functionArn":"` + testGate + `"}]`
	for _, row := range []struct{ path, value, want string }{
		{"runtime", `"cloudfront-js-1.0"`, "runtime"},
		{"publish", `false`, "publish"},
		{"code", `"` + strings.Repeat("a", 10241) + `"`, "10241 bytes"},
		{"new", `1`, "new is not implemented"},
		{"publish", `true`, ""},
	} {
		o := newOptions(t)
		require.NoError(t, set(o.Document, "distribution", "defaultCacheBehavior.functionAssociations", gate))
		require.NoError(t, set(o.Document, "function", row.path, row.value))
		_, err := New(o)
		if row.want == "" {
			assert.NoError(t, err)
			continue
		}
		assert.ErrorContains(t, err, row.want)
	}
}
