package lambda_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/bundle"
	"secure-media-cdn/infra/local/lambda"
)

// The zip that ships, on the event that AWS documents: its custom headers are not ours, so the function must answer,
// and answer that it cannot serve this.
func TestTheEdgeBundleThatShipsRuns(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs(filepath.Join("..", "..", ".."))
	require.NoError(t, err)
	zip, err := bundle.Edge.ForHost().Build(root)
	require.NoError(t, err)
	var reports []lambda.Report
	f := start(t, func(c *lambda.Config) {
		c.Name, c.Bundle, c.Runtime, c.Handler = "us-east-1.edge", zip, lambda.Python, "launcher.handler"
		c.Report = func(r lambda.Report) { reports = append(reports, r) }
		c.Logs = os.Stderr
	})
	const event = `{"Records":[{"cf":{"config":{"eventType":"origin-request"},"request":{"clientIp":"203.0.113.178",` +
		`"method":"GET",
		"uri":"/images/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","querystring":"","headers":{},
		"origin":{"s3":{"authMethod":"none","customHeaders":{},"domainName":"b.s3.eu-central-1.amazonaws.com","path":"","region":""}}}}}]}`
	for range 2 {
		body, err := f.Invoke(t.Context(), []byte(event))
		require.NoError(t, err)
		var answer struct{ Status string }
		require.NoError(t, json.Unmarshal(body, &answer))
		assert.Equal(t, "500", answer.Status)
	}
	require.Len(t, reports, 2)
	assert.True(t, reports[0].Cold)
	assert.False(t, reports[1].Cold, "the process lives on")
	t.Logf("cold start %s, warm %s", reports[0].Init, reports[1].Duration)
}
