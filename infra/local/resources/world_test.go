package resources

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	runtime "github.com/aws/aws-lambda-go/lambda"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/plan"
)

// Made-up identifiers, as the recorder makes them up.
const (
	testRegion       = "eu-central-1"
	testBucket       = "media-test"
	testDistribution = "EDFDVBD6EXAMPLE"
	testDomain       = "d111111abcdef8.cloudfront.net"
	testStore        = "arn:aws:cloudfront::123456789012:key-value-store/00000000-1111-2222-3333-444444444444"
	testFunction     = "arn:aws:lambda:eu-central-1:123456789012:function:echo"
	testQueue        = "arn:aws:sqs:eu-central-1:123456789012:removals"
	testURL          = "https://echo.lambda-url.eu-central-1.on.aws/"
	testGate         = "arn:aws:cloudfront::123456789012:function/gate"
)

// The test binary is the function of the test plan: it answers with the event
// that it was given, as the body of a function URL's answer, and fails when told.
func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		os.Exit(m.Run())
	}
	runtime.Start(func(_ context.Context, event json.RawMessage) (any, error) {
		if told := os.Getenv("FAIL_ONCE"); told != "" && os.Mkdir(told, 0o755) == nil {
			return nil, errors.New("as I was told")
		}
		if file := os.Getenv("NOTE"); file != "" {
			return nil, os.WriteFile(file, event, 0o644)
		}
		return map[string]any{"statusCode": 201, "headers": map[string]string{"content-type": "application/json"},
			"body": string(event)}, nil
	})
}

func resource(typ, name, id string, inputs, outputs map[string]any) plan.Resource {
	return plan.Resource{Type: typ, Name: name, ID: id, Inputs: inputs, Outputs: outputs}
}

// testPlan is the least that a machine runs: a distribution on a bucket, with
// one of everything beside it.
func testPlan(t *testing.T) *plan.Document {
	t.Helper()
	behaviour := map[string]any{
		"targetOriginId": "content", "viewerProtocolPolicy": "https-only", "cachePolicyId": "cache", "compress": false,
		"allowedMethods": []any{"GET", "HEAD"}, "cachedMethods": []any{"GET", "HEAD"},
		"functionAssociations": []any{map[string]any{"eventType": "viewer-request", "functionArn": testGate}},
	}
	none := func(name string) map[string]any { return map[string]any{name: "none"} }
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
		`"Principal":{"Service":"cloudfront.amazonaws.com"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::` + testBucket +
		`/*"}]}`
	return &plan.Document{
		Outputs: map[string]any{
			"cdnBaseUrl": "https://" + testDomain, "distributionDomain": testDomain, "issuerUrl": testURL,
			"mediaBucket": testBucket,
			"nested":      []any{map[string]any{"link": "https://" + testDomain + "/images/x"}, 5.0},
		},
		Resources: []plan.Resource{
			resource(typeDistribution, "cdn", testDistribution, map[string]any{
				"enabled": true, "defaultCacheBehavior": behaviour,
				"origins": []any{map[string]any{"originId": "content",
					"domainName": testBucket + ".s3." + testRegion + ".amazonaws.com", "originAccessControlId": "oac"}},
				"restrictions": map[string]any{"geoRestriction": map[string]any{"restrictionType": "none"}},
			}, map[string]any{"arn": "arn:aws:cloudfront::123456789012:distribution/" + testDistribution,
				"domainName": testDomain}),
			resource("aws:cloudfront/cachePolicy:CachePolicy", "cache", "cache", map[string]any{
				"minTtl": 0.0, "defaultTtl": 60.0, "maxTtl": 60.0, "parametersInCacheKeyAndForwardedToOrigin": map[string]any{
					"cookiesConfig": none("cookieBehavior"), "headersConfig": none("headerBehavior"),
					"queryStringsConfig": none("queryStringBehavior"),
				},
			}, nil),
			resource("aws:cloudfront/originAccessControl:OriginAccessControl", "content", "oac", map[string]any{
				"originAccessControlOriginType": "s3", "signingBehavior": "always", "signingProtocol": "sigv4",
			}, nil),
			resource("aws:s3/bucketPolicy:BucketPolicy", "content", testBucket,
				map[string]any{"bucket": testBucket, "policy": policy}, nil),
			resource(typeBucket, "content", testBucket, map[string]any{"bucket": testBucket},
				map[string]any{"bucket": testBucket}),
			tableResource(),
			resource(typeFunction, "echo", "echo", map[string]any{
				"code": map[string]any{"archive": "echo.zip"}, "handler": "bootstrap", "runtime": "provided.al2023",
				"timeout":     30.0,
				"environment": map[string]any{"variables": map[string]any{"BASE_URL": "https://" + testDomain}},
			}, map[string]any{"name": "echo", "arn": testFunction, "qualifiedArn": testFunction + ":1", "version": "1"}),
			resource(typeAlias, "echo", "echo", map[string]any{"functionName": "echo", "functionVersion": "1", "name": "live"},
				map[string]any{"arn": testFunction + ":live"}),
			resource(typeURL, "echo", "echo", map[string]any{"authorizationType": "AWS_IAM", "functionName": "echo",
				"qualifier": "live"}, map[string]any{"functionUrl": testURL}),
			resource(typeNotification, "removals", testBucket,
				map[string]any{"bucket": testBucket, "queues": []any{map[string]any{
					"id": "removals", "queueArn": testQueue, "events": []any{"s3:ObjectRemoved:*"},
				}}}, nil),
			resource(typeQueue, "removals", "removals", map[string]any{"visibilityTimeoutSeconds": 1.0},
				map[string]any{"arn": testQueue}),
			resource(typeReader, "removals", "removals", map[string]any{
				"eventSourceArn": testQueue, "functionName": testFunction + ":live", "batchSize": 10.0,
				"functionResponseTypes": []any{partial}, "scalingConfig": map[string]any{"maximumConcurrency": 2.0},
			}, nil),
			resource(typeStore, "gate", testStore, map[string]any{"name": "gate"}, map[string]any{"arn": testStore}),
			keyResource("k.1", "born-first"),
			resource(typeGate, "gate", "gate", map[string]any{
				"name": "gate", "runtime": "cloudfront-js-2.0", "publish": true, "keyValueStoreAssociations": []any{testStore},
				"code": "import cf from 'cloudfront';\nconst store = cf.kvs();\nasync function handler(event) {\n  if (await " +
					"store.exists('r.' + event.request.uri.slice(1))) { return {statusCode: 410}; }\n  return event.request;\n}\n",
			}, map[string]any{"arn": testGate}),
		},
	}
}

// keyResource is an entry of the store that keeps the value it was made with.
func keyResource(key, value string) plan.Resource {
	r := resource(typeStoreKey, key, key, map[string]any{"key": key, "keyValueStoreArn": testStore, "value": value}, nil)
	r.Options.IgnoreChanges = []string{"value"}
	return r
}

// startTest runs the test plan; change may be nil.
func startTest(t *testing.T, change func(*Options)) *Stack {
	t.Helper()
	o := Options{Document: testPlan(t), Region: testRegion, Root: t.TempDir(), Dir: t.TempDir(), Log: t.Output(),
		Bundles: map[string]string{"echo.zip": selfZip(t)}}
	if change != nil {
		change(&o)
	}
	m, err := Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(m.Close)
	return m
}

func selfZip(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "echo.zip")
	out, err := os.Create(path)
	require.NoError(t, err)
	defer out.Close()
	w := zip.NewWriter(out)
	header := &zip.FileHeader{Name: "bootstrap"}
	header.SetMode(0o755)
	entry, err := w.CreateHeader(header)
	require.NoError(t, err)
	self, err := os.Open(os.Args[0])
	require.NoError(t, err)
	defer self.Close()
	_, err = io.Copy(entry, self)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return path
}
