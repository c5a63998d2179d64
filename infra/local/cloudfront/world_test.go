package cloudfront

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/local/cloudfront/distribution"
	"secure-media-cdn/infra/plan"
)

// Identifiers of the plan that the tests run. They look as the recorder's do.
const (
	testBucket       = "media-test"
	testRegion       = "eu-central-1"
	testDistribution = "arn:aws:cloudfront::123456789012:distribution/EDFDVBD6EXAMPLE"
	testLambda       = "arn:aws:lambda:us-east-1:123456789012:function:edge:1"
	testURL          = "pictures.lambda-url.eu-central-1.on.aws"
	testGate         = "arn:aws:cloudfront::123456789012:function/gate"
)

// testPlan is a small plan of the same make as the program's: a private default behaviour with the function, a public
// one below /public/ without, and two at a function's URL: for pictures, and for sessions.
const testPlan = `{
  "aws:cloudfront/distribution:Distribution cdn EDFDVBD6EXAMPLE": {
    "enabled": true, "comment": "test", "httpVersion": "http2and3", "isIpv6Enabled": true, "priceClass": "PriceClass_100",
    "origins": [{"originId": "content", "domainName": "media-test.s3.eu-central-1.amazonaws.com", "originAccessControlId": "oac-id",
      "customHeaders": [{"name": "x-media-table", "value": "mappings"}]},
      {"originId": "pictures", "domainName": "pictures.lambda-url.eu-central-1.on.aws",
      "originAccessControlId": "pictures-oac-id",
      "customHeaders": [{"name": "x-media-image-limits", "value": "megapixels=100"}],
      "customOriginConfig": {"httpPort": 80, "httpsPort": 443, "originProtocolPolicy": "https-only", "originSslProtocols": ["TLSv1.2"], "originReadTimeout": 1}}],
    "defaultCacheBehavior": {"targetOriginId": "content", "viewerProtocolPolicy": "redirect-to-https", "allowedMethods": ["GET", "HEAD"],
      "cachedMethods": ["GET", "HEAD"], "cachePolicyId": "cache-id", "responseHeadersPolicyId": "headers-id", "compress": true,
      "lambdaFunctionAssociations": [{"eventType": "origin-request", "lambdaArn": "arn:aws:lambda:us-east-1:123456789012:function:edge:1", "includeBody": false}]},
    "orderedCacheBehaviors": [{"pathPattern": "/public/*", "targetOriginId": "content", "viewerProtocolPolicy": "https-only", "allowedMethods": ["GET", "HEAD", "OPTIONS"],
      "cachedMethods": ["GET", "HEAD"], "cachePolicyId": "cache-id", "responseHeadersPolicyId": "headers-id", "compress": true},
      {"pathPattern": "/images/*/download", "targetOriginId": "content", "viewerProtocolPolicy": "redirect-to-https",
      "allowedMethods": ["GET", "HEAD"], "cachedMethods": ["GET", "HEAD"], "cachePolicyId": "cache-id", "compress": true,
      "lambdaFunctionAssociations": [{"eventType": "origin-request", "lambdaArn": "arn:aws:lambda:us-east-1:123456789012:function:edge:1", "includeBody": false}]},
      {"pathPattern": "/images/*/*", "targetOriginId": "pictures", "viewerProtocolPolicy": "redirect-to-https",
      "allowedMethods": ["GET", "HEAD"], "cachedMethods": ["GET", "HEAD"], "cachePolicyId": "pictures-id", "compress": false,
      "lambdaFunctionAssociations": [{"eventType": "origin-request", "lambdaArn": "arn:aws:lambda:us-east-1:123456789012:function:edge:1", "includeBody": false}]},
      {"pathPattern": "/session", "targetOriginId": "pictures", "viewerProtocolPolicy": "https-only",
      "allowedMethods": ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"], "cachedMethods": ["GET", "HEAD"], "cachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
      "originRequestPolicyId": "session-forward-id", "compress": false}],
    "customErrorResponses": [{"errorCode": 403, "errorCachingMinTtl": 0}, {"errorCode": 503, "errorCachingMinTtl": 0}],
    "restrictions": {"geoRestriction": {"restrictionType": "none"}},
    "viewerCertificate": {"cloudfrontDefaultCertificate": true}
  },
  "aws:cloudfront/cachePolicy:CachePolicy cache cache-id": {"name": "media", "minTtl": 0, "defaultTtl": 86400, "maxTtl": 2592000,
    "parametersInCacheKeyAndForwardedToOrigin": {"enableAcceptEncodingGzip": true, "enableAcceptEncodingBrotli": true,
      "queryStringsConfig": {"queryStringBehavior": "none"}, "cookiesConfig": {"cookieBehavior": "none"}, "headersConfig": {"headerBehavior": "none"}}},
  "aws:cloudfront/cachePolicy:CachePolicy pictures pictures-id": {"name": "pictures", "minTtl": 0, "defaultTtl": 86400, "maxTtl": 2592000,
    "parametersInCacheKeyAndForwardedToOrigin": {"enableAcceptEncodingGzip": false, "enableAcceptEncodingBrotli": false,
      "queryStringsConfig": {"queryStringBehavior": "none"}, "cookiesConfig": {"cookieBehavior": "none"},
      "headersConfig": {"headerBehavior": "whitelist", "headers": {"items": ["Accept"]}}}},
  "aws:cloudfront/originRequestPolicy:OriginRequestPolicy session session-forward-id": {"name": "session",
    "queryStringsConfig": {"queryStringBehavior": "none"}, "cookiesConfig": {"cookieBehavior": "whitelist", "cookies": {"items": ["viewer", "a"]}},
    "headersConfig": {"headerBehavior": "whitelist", "headers": {"items": ["Origin", "Content-Type", "x-amz-content-sha256"]}}},
  "aws:cloudfront/originAccessControl:OriginAccessControl pictures pictures-oac-id": {"name": "pictures", "originAccessControlOriginType": "lambda",
    "signingBehavior": "always", "signingProtocol": "sigv4"},
  "aws:cloudfront/originRequestPolicy:OriginRequestPolicy forward forward-id": {"name": "forward",
    "queryStringsConfig": {"queryStringBehavior": "none"}, "cookiesConfig": {"cookieBehavior": "none"}, "headersConfig": {"headerBehavior": "none"}},
  "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy headers headers-id": {"name": "media",
    "securityHeadersConfig": {"contentTypeOptions": {"override": true}}},
  "aws:cloudfront/originAccessControl:OriginAccessControl content oac-id": {"name": "content", "originAccessControlOriginType": "s3",
    "signingBehavior": "always", "signingProtocol": "sigv4"},
  "aws:cloudfront/function:Function gate gate-id": {"name": "gate", "runtime": "cloudfront-js-2.0", "publish": true, "code": "function handler(event) {}"},
  "aws:s3/bucketPolicy:BucketPolicy content media-test": {"bucket": "media-test", "policy": "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"cloudfront.amazonaws.com\"},\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::media-test/*\",\"Condition\":{\"StringEquals\":{\"AWS:SourceArn\":\"arn:aws:cloudfront::123456789012:distribution/EDFDVBD6EXAMPLE\"}}},{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"s3:*\",\"Resource\":[\"arn:aws:s3:::media-test\",\"arn:aws:s3:::media-test/*\"],\"Condition\":{\"Bool\":{\"aws:SecureTransport\":\"false\"}}}]}"}
}`

// newPlan returns a fresh copy of the test plan.
func newPlan(t testing.TB) *plan.Document {
	t.Helper()
	var resources map[string]map[string]any
	require.NoError(t, json.Unmarshal([]byte(testPlan), &resources))
	doc := &plan.Document{}
	for _, key := range slices.Sorted(maps.Keys(resources)) {
		inputs := resources[key]
		typ, rest, _ := strings.Cut(key, " ")
		name, id, _ := strings.Cut(rest, " ")
		res := plan.Resource{Type: typ, Name: name, ID: id, Inputs: inputs, Outputs: map[string]any{}}
		switch typ {
		case "aws:cloudfront/distribution:Distribution":
			res.Outputs = map[string]any{"arn": testDistribution, "domainName": "d111111abcdef8.cloudfront.net"}
		case "aws:cloudfront/function:Function":
			res.Outputs = map[string]any{"arn": testGate}
		}
		doc.Resources = append(doc.Resources, res)
	}
	return doc
}

// read reads the plan's distribution.
func read(t testing.TB, doc *plan.Document) *distribution.Distribution {
	t.Helper()
	d, err := distribution.Read(doc)
	require.NoError(t, err)
	return d
}

// set puts a JSON value at a property path of a resource, for example "distribution" and "origins[0].originPath". A
// resource is given by its type's last word, the first of them by name, or by that and its name: "cachePolicy/session".
// The value "delete" removes the property.
func set(doc *plan.Document, resource, path, value string) error {
	typ, name, _ := strings.Cut(resource, "/")
	for _, res := range doc.Resources {
		if !strings.EqualFold(res.Type[strings.LastIndexByte(res.Type, ':')+1:], typ) || name != "" && res.Name != name {
			continue
		}
		var v any
		if value != "delete" {
			if err := json.Unmarshal([]byte(value), &v); err != nil {
				return fmt.Errorf("the value of %s: %w", path, err)
			}
		}
		return setPath(res.Inputs, strings.FieldsFunc(path, func(c rune) bool { return strings.ContainsRune(".[]", c) }), v,
			value == "delete")
	}
	return fmt.Errorf("the plan has no %s", resource)
}

func setPath(at any, path []string, v any, remove bool) error {
	switch at := at.(type) {
	case map[string]any:
		if len(path) == 1 {
			if remove {
				delete(at, path[0])
			} else {
				at[path[0]] = v
			}
			return nil
		}
		if at[path[0]] == nil {
			at[path[0]] = map[string]any{}
		}
		return setPath(at[path[0]], path[1:], v, remove)
	case []any:
		var i int
		if _, err := fmt.Sscan(path[0], &i); err != nil || i >= len(at) {
			return fmt.Errorf("there is no element %s", path[0])
		}
		if len(path) == 1 {
			at[i] = v
			return nil
		}
		return setPath(at[i], path[1:], v, remove)
	}
	return fmt.Errorf("nothing can be set at %v", path)
}
