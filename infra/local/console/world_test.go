package console

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/bundle"
	"secure-media-cdn/function/issue/client"
	"secure-media-cdn/function/mapping"
	"secure-media-cdn/infra/local/cloudfront"
	"secure-media-cdn/infra/local/lambda"
	"secure-media-cdn/infra/local/resources"
	"secure-media-cdn/infra/plan"
)

// stackPlan is the dev stack as its golden prints it, with what printing leaves
// out put back: identifiers, computed properties, and policies as strings.
func stackPlan(t *testing.T, root string) *plan.Document {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "infra", "stack", "testdata", "dev.golden.json"))
	require.NoError(t, err)
	doc := &plan.Document{}
	require.NoError(t, json.Unmarshal(text, doc))
	name := func(r plan.Resource) string {
		for _, input := range []string{"name", "bucket"} {
			if s, ok := r.Inputs[input].(string); ok {
				return s
			}
		}
		return "secure-media-cdn-dev-" + r.Name
	}
	for n := range doc.Resources {
		r := &doc.Resources[n]
		for _, property := range []string{"policy", "assumeRolePolicy", "dashboardBody"} {
			if parsed, ok := r.Inputs[property].(map[string]any); ok {
				text, err := json.Marshal(parsed)
				require.NoError(t, err)
				r.Inputs[property] = string(text)
			}
		}
		kind := r.Type[strings.LastIndexByte(r.Type, ':')+1:]
		region := r.Region
		if region == "" {
			region = testRegion
		}
		r.ID, r.Outputs = name(*r), map[string]any{"name": name(*r), "bucket": name(*r)}
		arn := "arn:aws:lambda:" + region + ":123456789012:function:"
		switch {
		case strings.HasSuffix(kind, "Policy") && strings.HasPrefix(r.Type, "aws:cloudfront"), kind == "OriginAccessControl":
			r.ID += "-" + kind
		case kind == "Distribution":
			r.ID = "EDFDVBD6EXAMPLE"
			r.Outputs = map[string]any{"arn": "arn:aws:cloudfront::123456789012:distribution/EDFDVBD6EXAMPLE", "domainName": "d111111abcdef8.cloudfront.net"}
		case r.Type == "aws:lambda/function:Function":
			r.Outputs["arn"], r.Outputs["qualifiedArn"], r.Outputs["version"] = arn+name(*r), arn+name(*r)+":1", "1"
		case kind == "Alias":
			r.Outputs["arn"] = arn + r.Inputs["functionName"].(string) + ":" + name(*r)
		case kind == "FunctionUrl":
			r.Outputs["functionUrl"] = doc.Outputs["issuerUrl"]
		}
	}
	return doc
}

// startWorld runs the dev stack and the console on it, and returns the page's
// address.
func startWorld(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", "..", ".."))
	require.NoError(t, err)
	edge, err := bundle.EdgeForHost(root)
	require.NoError(t, err)
	issuer, err := bundle.IssuerForHost(root)
	require.NoError(t, err)

	var c *Console
	ready := make(chan struct{}) // c is set
	doc := stackPlan(t, root)
	m, err := resources.Start(t.Context(), resources.Options{
		Document: doc, Region: testRegion, Root: root, Dir: t.TempDir(), Log: t.Output(),
		Bundles:      map[string]string{"build/edge.zip": edge, "build/issuer.zip": issuer},
		OnRequest:    func(r cloudfront.Record) { <-ready; c.Observe(r) },
		OnInvocation: func(function string, r lambda.Report) { <-ready; c.ObserveLambda(function, r) },
	})
	require.NoError(t, err)
	t.Cleanup(m.Close)
	keys := credentials.StaticCredentialsProvider{Value: resources.Local}
	issuerClient, err := client.Local(m.Outputs["issuerUrl"].(string), testRegion)
	require.NoError(t, err)
	c, err = New(Options{
		Document: doc, Outputs: m.Outputs, S3: m.S3, Stats: m.Distribution.Stats, Unsupported: m.Unsupported,
		Records: &mapping.Table{Name: doc.Outputs["mappingTable"].(string), Client: dynamodb.New(dynamodb.Options{
			Region: testRegion, BaseEndpoint: aws.String(m.Endpoints["AWS_ENDPOINT_URL_DYNAMODB"]), Credentials: keys,
		})},
		Issuer: issuerClient,
	})
	require.NoError(t, err)
	close(ready)
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	t.Cleanup(c.Close)
	return server.URL + Path
}
