package cloudfront

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/local/cloudfront/distribution"
)

// A property of pulumi-aws v6 and what becomes of it here: supported, as a script of testdata shows; listed without
// effect; or refused.
type property struct {
	resource, path, value string
	script                string // "hit" … : supported
	unsupported           string // start of a line of Unsupported
	refused               string // part of the error
}

// properties walks every input of the resources that make a distribution, by the names in sdk/v6/go/aws/cloudfront
// of pulumi-aws v6.83.2. A row may have no value if what it says is shown by scripts only.
var properties = []property{
	{"distribution", "aliases", `["cdn.example"]`, "", "aliases:", ""},
	{"distribution", "comment", `"x"`, "", "comment", ""},
	{"distribution", "continuousDeploymentPolicyId", `"x"`, "", "", "continuousDeploymentPolicyId is not supported"},
	{"distribution", "customErrorResponses[0].errorCachingMinTtl", ``, "error-own-minimum", "", ""},
	{"distribution", "customErrorResponses[0].errorCode", `418`, "", "", "customErrorResponses[0].errorCode"},
	{"distribution", "customErrorResponses[0].responseCode", `200`, "", "",
		"customErrorResponses[0].responseCode is not supported"},
	{"distribution", "customErrorResponses[0].responsePagePath", `"/x"`, "", "",
		"customErrorResponses[0].responsePagePath is not supported"},
	{"distribution", "defaultRootObject", `"x"`, "", "", "defaultRootObject is not supported"},
	{"distribution", "enabled", `false`, "", "", "enabled"},
	{"distribution", "httpVersion", `"http3"`, "", "httpVersion:", ""},
	{"distribution", "isIpv6Enabled", `true`, "", "isIpv6Enabled", ""},
	{"distribution", "loggingConfig", `{"bucket":"x"}`, "", "loggingConfig", ""},
	{"distribution", "originGroups", `[{"originId":"x"}]`, "", "", "originGroups is not supported"},
	{"distribution", "priceClass", `"PriceClass_All"`, "", "priceClass:", ""},
	{"distribution", "restrictions.geoRestriction.restrictionType", `"whitelist"`, "", "restrictions.geoRestriction", ""},
	{"distribution", "restrictions.geoRestriction", `{"restrictionType":"whitelist","locations":["DE"]}`, "",
		"restrictions.geoRestriction", ""},
	{"distribution", "retainOnDelete", `true`, "", "retainOnDelete", ""},
	{"distribution", "staging", `true`, "", "", "staging is not supported"},
	{"distribution", "tags", `{"a":"b"}`, "", "tags", ""},
	{"distribution", "viewerCertificate",
		`{"acmCertificateArn":"x","sslSupportMethod":"sni-only","minimumProtocolVersion":"TLSv1.2_2021"}`, "",
		"viewerCertificate", ""},
	{"distribution", "waitForDeployment", `true`, "", "waitForDeployment", ""},
	{"distribution", "webAclId", `"x"`, "", "webAclId", ""},

	{"distribution", "origins[0].connectionAttempts", `2`, "", "", "origins[0].connectionAttempts is not supported"},
	{"distribution", "origins[0].connectionTimeout", `2`, "", "", "origins[0].connectionTimeout is not supported"},
	{"distribution", "origins[0].customHeaders[0].name", `"x-amz-a"`, "forward-custom-headers", "",
		"origins[0].customHeaders[0].name"},
	{"distribution", "origins[0].customHeaders[0].value", `"` + strings.Repeat("a", 1784) + `"`, "forward-custom-headers",
		"", "origins[0].customHeaders[0]"},
	{"distribution", "origins[0].customOriginConfig", `{"httpPort":80}`, "", "",
		"origins[0].customOriginConfig is not supported on one machine for a bucket"},
	{"distribution", "origins[1].customOriginConfig", `delete`, "url-event", "",
		"origins[1].customOriginConfig is missing"},
	{"distribution", "origins[1].customOriginConfig.originProtocolPolicy", `"match-viewer"`, "url-event", "",
		"needs originProtocolPolicy https-only"},
	{"distribution", "origins[1].customOriginConfig.httpsPort", `8443`, "url-event", "", "httpsPort 443"},
	{"distribution", "origins[1].customOriginConfig.httpPort", ``, "url-event", "", ""},
	{"distribution", "origins[1].customOriginConfig.originSslProtocols", `["TLSv1"]`, "url-event", "", "TLSv1.2"},
	{"distribution", "origins[1].customOriginConfig.originReadTimeout", `61`, "url-slow", "",
		"originReadTimeout: 1m1s is not one of 1 to 60 seconds"},
	{"distribution", "origins[1].customOriginConfig.originKeepaliveTimeout", `0`, "url-event", "",
		"originKeepaliveTimeout: 0s is not one of 1 to 60 seconds"},
	{"distribution", "origins[1].customOriginConfig.ipAddressType", `"dualstack"`, "", "",
		"origins[1].customOriginConfig.ipAddressType is not supported"},
	{"distribution", "origins[0].domainName", `"example.com"`, "forward-nothing-of-the-viewers", "",
		"origins[0].domainName"},
	{"distribution", "origins[0].originAccessControlId", `"x"`, "", "", "origins[0].originAccessControlId"},
	{"distribution", "origins[0].originId", `"x"`, "", "", "targetOriginId"},
	{"distribution", "origins[0].originPath", `"/x"`, "", "", "origins[0].originPath is not supported"},
	{"distribution", "origins[0].originShield", `{"enabled":true,"originShieldRegion":"eu-central-1"}`, "",
		"origins[0].originShield", ""},
	{"distribution", "origins[0].s3OriginConfig.originAccessIdentity", `"x"`, "", "",
		"origins[0].s3OriginConfig is not supported"},
	{"distribution", "origins[0].vpcOriginConfig", `{"vpcOriginId":"x"}`, "", "",
		"origins[0].vpcOriginConfig is not supported"},

	{"distribution", "defaultCacheBehavior.allowedMethods", `["GET","HEAD","PUT"]`, "method-refused", "",
		"defaultCacheBehavior.allowedMethods: [GET HEAD PUT] is none of CloudFront's choices"},
	{"distribution", "defaultCacheBehavior.allowedMethods",
		`["GET","HEAD","OPTIONS","PUT","POST","PATCH","DELETE"]`, "session-methods", "",
		"defaultCacheBehavior.allowedMethods: methods that write to a bucket"},
	{"distribution", "defaultCacheBehavior.cachePolicyId", `"x"`, "ttl-default", "", "defaultCacheBehavior.cachePolicyId"},
	{"distribution", "defaultCacheBehavior.cachePolicyId", `delete`, "", "",
		"defaultCacheBehavior.cachePolicyId is missing"},
	{"distribution", "orderedCacheBehaviors[3].cachePolicyId", `"cache-id"`, "session-cookies", "",
		"only where nothing is cached"},
	{"distribution", "defaultCacheBehavior.cachedMethods", `["GET"]`, "options-forwarded", "",
		"defaultCacheBehavior.cachedMethods"},
	{"distribution", "defaultCacheBehavior.compress", ``, "compress-not", "", ""},
	{"distribution", "defaultCacheBehavior.defaultTtl", `1`, "", "", "defaultCacheBehavior.defaultTtl is not supported"},
	{"distribution", "defaultCacheBehavior.fieldLevelEncryptionId", `"x"`, "", "",
		"defaultCacheBehavior.fieldLevelEncryptionId is not supported"},
	{"distribution", "defaultCacheBehavior.forwardedValues", `{"queryString":true}`, "", "",
		"defaultCacheBehavior.forwardedValues is not supported"},
	{"distribution", "defaultCacheBehavior.functionAssociations", `[{"eventType":"origin-response","functionArn":"x"}]`,
		"gate-on-hits", "", `"origin-response" is not supported`},
	{"distribution", "defaultCacheBehavior.grpcConfig.enabled", `true`, "", "",
		"defaultCacheBehavior.grpcConfig is not supported"},
	{"distribution", "defaultCacheBehavior.lambdaFunctionAssociations[0].eventType", `"origin-response"`, "lambda-changes",
		"", `"origin-response" is not supported`},
	{"distribution", "defaultCacheBehavior.lambdaFunctionAssociations[0].includeBody", `true`, "", "",
		"includeBody is not supported"},
	{"distribution", "defaultCacheBehavior.lambdaFunctionAssociations[0].lambdaArn",
		`"arn:aws:lambda:us-east-1:123456789012:function:edge"`, "", "", "not the ARN of a numbered version"},
	{"distribution", "defaultCacheBehavior.maxTtl", `1`, "", "", "defaultCacheBehavior.maxTtl is not supported"},
	{"distribution", "defaultCacheBehavior.minTtl", `1`, "", "", "defaultCacheBehavior.minTtl is not supported"},
	{"distribution", "defaultCacheBehavior.originRequestPolicyId", `"x"`, "forward-by-policy", "",
		"defaultCacheBehavior.originRequestPolicyId"},
	{"distribution", "defaultCacheBehavior.realtimeLogConfigArn", `"x"`, "", "",
		"defaultCacheBehavior.realtimeLogConfigArn is not supported"},
	{"distribution", "defaultCacheBehavior.responseHeadersPolicyId", `"x"`, "policy-custom-headers", "",
		"defaultCacheBehavior.responseHeadersPolicyId"},
	{"distribution", "defaultCacheBehavior.smoothStreaming", `true`, "", "",
		"defaultCacheBehavior.smoothStreaming is not supported"},
	{"distribution", "defaultCacheBehavior.targetOriginId", `"x"`, "", "", "defaultCacheBehavior.targetOriginId"},
	{"distribution", "defaultCacheBehavior.trustedKeyGroups", `["x"]`, "", "",
		"defaultCacheBehavior.trustedKeyGroups is not supported"},
	{"distribution", "defaultCacheBehavior.trustedSigners", `["x"]`, "", "",
		"defaultCacheBehavior.trustedSigners is not supported"},
	{"distribution", "defaultCacheBehavior.viewerProtocolPolicy", `"x"`, "redirect-to-https", "",
		"defaultCacheBehavior.viewerProtocolPolicy"},
	{"distribution", "orderedCacheBehaviors[0].pathPattern", `""`, "behaviour-order", "",
		"orderedCacheBehaviors[0].pathPattern is missing"},
	{"distribution", "orderedCacheBehaviors[0].trustedSigners", `["x"]`, "", "",
		"orderedCacheBehaviors[0].trustedSigners is not supported"},

	{"cachePolicy", "minTtl", `100000`, "ttl-minimum", "", "out of order"},
	{"cachePolicy", "defaultTtl", `9000000`, "ttl-default", "", "out of order"},
	{"cachePolicy", "maxTtl", `1`, "ttl-maximum", "", "out of order"},
	{"cachePolicy", "parametersInCacheKeyAndForwardedToOrigin.queryStringsConfig.queryStringBehavior", `"all"`,
		"key-query-none", "", `queryStringBehavior: "all" is not supported`},
	{"cachePolicy", "parametersInCacheKeyAndForwardedToOrigin.queryStringsConfig.queryStrings", `{"items":["a"]}`, "", "",
		"queryStringsConfig.queryStrings is not supported"},
	{"cachePolicy", "parametersInCacheKeyAndForwardedToOrigin.cookiesConfig.cookieBehavior", `"all"`, "", "",
		`cookieBehavior: "all" is not supported`},
	{"cachePolicy", "parametersInCacheKeyAndForwardedToOrigin.cookiesConfig",
		`{"cookieBehavior":"whitelist","cookies":{"items":["a"]}}`, "", "", "cookies that are part of the cache key"},
	{"originRequestPolicy/session", "cookiesConfig.cookieBehavior", `"all"`, "session-cookies", "",
		`cookieBehavior: "all" is not supported`},
	{"originRequestPolicy/session", "headersConfig.headerBehavior", `"allViewer"`, "forward-by-policy", "",
		`headerBehavior: "allViewer" is not supported`},
	{"originRequestPolicy/session", "queryStringsConfig.queryStringBehavior", `"all"`, "", "",
		`queryStringBehavior: "all" is not supported`},
	{"cachePolicy", "parametersInCacheKeyAndForwardedToOrigin.headersConfig.headerBehavior", `"all"`, "key-headers", "",
		`headerBehavior: "all" is not supported`},
	{"cachePolicy", "parametersInCacheKeyAndForwardedToOrigin.headersConfig",
		`{"headerBehavior":"whitelist","headers":{"items":["Accept-Encoding"]}}`, "", "", "Accept-Encoding cannot be listed"},
	{"cachePolicy", "parametersInCacheKeyAndForwardedToOrigin.headersConfig",
		`{"headerBehavior":"whitelist","headers":{"items":["CloudFront-Viewer-Country"]}}`, "", "",
		"CloudFront-Viewer-Country, which CloudFront would add"},
	{"cachePolicy", "parametersInCacheKeyAndForwardedToOrigin.enableAcceptEncodingGzip", ``, "key-accept-encoding-off", "",
		""},
	{"cachePolicy", "parametersInCacheKeyAndForwardedToOrigin.enableAcceptEncodingBrotli", ``, "key-accept-encoding-off",
		"", ""},

	{"originAccessControl", "originAccessControlOriginType", `"lambda"`, "", "",
		`originAccessControlOriginType "lambda" is not "s3"`},
	{"originAccessControl/pictures", "originAccessControlOriginType", `"s3"`, "url-signed", "",
		`originAccessControlOriginType "s3" is not "lambda"`},
	{"originAccessControl", "signingBehavior", `"never"`, "", "", "signingBehavior"},
	{"originAccessControl", "signingProtocol", `"sigv2"`, "", "", "signingProtocol"},

	{"responseHeadersPolicy", "serverTimingHeadersConfig", `{"enabled":true,"samplingRate":1}`, "", "",
		"serverTimingHeadersConfig is not supported"},
	{"responseHeadersPolicy", "securityHeadersConfig.frameOptions", `{"frameOption":"DENY"}`, "", "",
		"securityHeadersConfig.frameOptions is not supported"},
	{"responseHeadersPolicy", "securityHeadersConfig.referrerPolicy", `{}`, "", "",
		"securityHeadersConfig.referrerPolicy is not supported"},
	{"responseHeadersPolicy", "securityHeadersConfig.xssProtection", `{}`, "", "",
		"securityHeadersConfig.xssProtection is not supported"},
	{"responseHeadersPolicy", "corsConfig", `{"accessControlAllowCredentials":true,` +
		`"accessControlAllowOrigins":{"items":["*"]}}`, "policy-cors-credentials", "", "with credentials"},
	{"responseHeadersPolicy", "corsConfig", `{"accessControlAllowMethods":{"items":["ALL"]}}`, "", "", "ALL methods"},
	{"responseHeadersPolicy", "corsConfig", `{"accessControlAllowMethods":{"items":["ALL"]}}`, "", "", "ALL methods"},
	{"responseHeadersPolicy", "removeHeadersConfig", `{"items":[{"header":"via"}]}`, "policy-removed-headers", "",
		"removeHeadersConfig.items[0]: via cannot be removed"},
	{"responseHeadersPolicy", "customHeadersConfig", ``, "policy-custom-headers", "", ""},
	{"responseHeadersPolicy", "securityHeadersConfig", ``, "policy-security-headers", "", ""},
	{"responseHeadersPolicy", "corsConfig", `{"accessControlAllowOrigins":{"items":["https://a.*.example"]}}`,
		"policy-cors", "", "only the leftmost label"},

	{"bucketPolicy", "policy", `"{}x"`, "", "", "policy:"},
	{"bucketPolicy", "policy", `"{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",` +
		`\"Condition\":{\"ArnLike\":{\"aws:SourceArn\":\"*\"}}}]}"`, "", "", "the condition ArnLike on aws:SourceArn is " +
		"not supported"},
	{"bucketPolicy", "policy", `"{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"NotAction\":\"s3:Put*\"}]}"`,
		"", "", "NotAction"},
	{"bucketPolicy", "policy",
		`"{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"s3:*\",\"Resource\":\"*\",` +
			`\"Condition\":{\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/8\"}}}]}"`, "", "", "the condition IpAddress on " +
			"aws:SourceIp is not supported"},
}

func TestEveryPropertyIsSupportedOrListedOrRefused(t *testing.T) {
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
			doc := newPlan(t)
			require.NoError(t, set(doc, p.resource, p.path, p.value))
			d, err := distribution.Read(doc)
			if p.refused != "" {
				require.ErrorContains(t, err, p.refused)
				return
			}
			require.NoError(t, err)
			assert.True(t, slices.ContainsFunc(d.Unsupported,
				func(line string) bool { return strings.HasPrefix(line, p.unsupported) }), d.Unsupported)
		})
	}
}

func TestAPropertyThatIsNotKnownStopsTheStartWithItsPath(t *testing.T) {
	for _, row := range []struct{ resource, path, value, want string }{
		{"distribution", "anycastIpListId", `"x"`, "cdn: property anycastIpListId is not supported on one machine"},
		{"distribution", "origins[0].responseCompletionTimeout", `1`,
			"cdn: property origins[0].responseCompletionTimeout is not supported"},
		{"distribution", "orderedCacheBehaviors[0].lambdaFunctionAssociations", `[{"eventType":"origin-request","new":1}]`,
			"orderedCacheBehaviors[0].lambdaFunctionAssociations[0].new is not supported"},
		{"cachePolicy", "parametersInCacheKeyAndForwardedToOrigin.new", `1`,
			"parametersInCacheKeyAndForwardedToOrigin.new is not supported"},
		{"responseHeadersPolicy", "securityHeadersConfig.permissionsPolicy", `{}`,
			"securityHeadersConfig.permissionsPolicy is not supported"},
		{"originAccessControl", "new", `1`, "new is not supported"},
		{"bucketPolicy", "new", `1`, "new is not supported"},
		{"distribution", "enabled", `"yes"`, "enabled"},
		{"cachePolicy", "minTtl", `1.5`, "1.5 is not a whole number"},
		{"distribution", "origins", `"x"`, "origins"},
	} {
		t.Run(row.resource+" "+row.path, func(t *testing.T) {
			doc := newPlan(t)
			require.NoError(t, set(doc, row.resource, row.path, row.value))
			_, err := distribution.Read(doc)
			assert.ErrorContains(t, err, row.want)
		})
	}
}

func TestAllProblemsAreToldAtOnce(t *testing.T) {
	doc := newPlan(t)
	require.NoError(t, set(doc, "distribution", "staging", "true"))
	require.NoError(t, set(doc, "distribution", "origins[0].originPath", `"/x"`))
	require.NoError(t, set(doc, "originAccessControl", "signingProtocol", `"x"`))
	_, err := distribution.Read(doc)
	for _, want := range []string{"staging", "originPath", "signingProtocol"} {
		assert.ErrorContains(t, err, want)
	}
}

func TestThereIsOneDistribution(t *testing.T) {
	doc := newPlan(t)
	d, err := distribution.Read(doc)
	require.NoError(t, err)
	assert.Equal(t, "EDFDVBD6EXAMPLE", d.ID)
	assert.Equal(t, "d111111abcdef8.cloudfront.net", d.Domain)
	second, _ := doc.Find("aws:cloudfront/distribution:Distribution", "cdn")
	doc.Resources = append(doc.Resources, second)
	_, err = distribution.Read(doc)
	assert.ErrorContains(t, err, "2 distributions")
}

func TestAFunctionThatNothingRunsStopsTheStart(t *testing.T) {
	doc := newPlan(t)
	gate := `[{"eventType":"viewer-request","functionArn":"` + testGate + `"}]`
	require.NoError(t, set(doc, "distribution", "defaultCacheBehavior.functionAssociations", gate))
	_, err := New(Options{Distribution: read(t, doc), S3: S3{Endpoint: "http://127.0.0.1:1"}})
	assert.ErrorContains(t, err, "no function runs for "+testLambda)
	assert.ErrorContains(t, err, "no function runs for "+testGate)
}
