package console

import (
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue/client"
	"secure-media-cdn/function/mapping"
	"secure-media-cdn/infra/local/cloudfront"
	"secure-media-cdn/infra/local/lambda"
	"secure-media-cdn/infra/local/resources"
	"secure-media-cdn/infra/plan"
	"secure-media-cdn/infra/plan/recorder"
	"secure-media-cdn/infra/stack"
)

// moduleRoot is the module's folder.
func moduleRoot(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", "..", ".."))
	require.NoError(t, err)
	return root
}

// stackPlan is what the program registers for the dev stack, with this much of its
// configuration changed.
func stackPlan(t *testing.T, config map[string]string) *plan.Document {
	t.Helper()
	doc, err := recorder.Evaluate(recorder.Options{
		Program: stack.Deploy, Root: moduleRoot(t), Stack: "dev", Config: config, RevealSecrets: true,
	})
	require.NoError(t, err)
	return doc
}

// startStack makes the options' document real, and returns a client of its issuer.
func startStack(t *testing.T, o resources.Options) (*resources.Stack, *client.Client) {
	t.Helper()
	var err error
	o.Bundles, err = resources.BuildBundles(o.Document, moduleRoot(t), t.Output())
	require.NoError(t, err)
	o.Region, o.Root, o.Dir, o.Log = testRegion, moduleRoot(t), t.TempDir(), t.Output()
	m, err := resources.Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(m.Close)
	caller, err := client.Local(m.Outputs["issuerUrl"].(string), testRegion)
	require.NoError(t, err)
	return m, caller
}

// startWorld runs the dev stack, with this much of its configuration changed, and the console on it, and returns the
// page's address.
func startWorld(t *testing.T, config map[string]string) string {
	t.Helper()
	var c *Console
	ready := make(chan struct{}) // c is set
	doc := stackPlan(t, config)
	m, issuer := startStack(t, resources.Options{
		Document:     doc,
		OnRequest:    func(r cloudfront.Record) { <-ready; c.Observe(r) },
		OnInvocation: func(function string, r lambda.Report) { <-ready; c.ObserveLambda(function, r) },
	})
	var err error
	c, err = New(Options{
		Document: doc, Outputs: m.Outputs, S3: m.S3, Stats: m.Distribution.Stats, Unsupported: m.Unsupported,
		Records: &mapping.Table{Name: doc.Outputs["mappingTable"].(string), Client: dynamodb.New(dynamodb.Options{
			Region: testRegion, BaseEndpoint: aws.String(m.Endpoints["AWS_ENDPOINT_URL_DYNAMODB"]),
			Credentials: resources.Provider,
		})},
		Issuer: issuer,
	})
	require.NoError(t, err)
	close(ready)
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	return server.URL + Path
}
