package gate_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/gate"
	"secure-media-cdn/infra/local/cloudfrontjs"
)

// answered returns the names of an answer's headers as they leave the function.
func answered(t *testing.T, source string, names ...string) []string {
	t.Helper()
	headers := map[string]any{}
	for _, name := range names {
		headers[name] = map[string]any{"value": "of " + name}
	}
	event, err := json.Marshal(map[string]any{"version": "1.0", "request": map[string]any{"method": "GET", "uri": "/"},
		"response": map[string]any{"statusCode": 200, "statusDescription": "OK", "headers": headers,
			"cookies": map[string]any{}}})
	require.NoError(t, err)
	output, err := newGate(t, source).Run(t.Context(), event)
	require.NoError(t, err)
	var got struct {
		StatusCode int
		Headers    map[string]struct{ Value string }
	}
	require.NoError(t, json.Unmarshal(output, &got))
	require.Equal(t, 200, got.StatusCode)
	var left []string
	for name, header := range got.Headers {
		assert.Equal(t, "of "+name, header.Value)
		left = append(left, name)
	}
	slices.Sort(left)
	return left
}

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func TestNoHeaderOfS3sOwnLeaves(t *testing.T) {
	kept := []string{"cache-control", "content-length", "content-type", "etag", "last-modified", "vary", "x-amzn-other"}
	s3 := []string{
		"x-amz-meta-uploader", "x-amz-meta-", "x-amz-storage-class", "x-amz-version-id", "x-amz-id-2", "x-amz-request-id",
		"x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id", "x-amz-checksum-sha256",
		"x-amz-tagging-count", "x-amz-missing-meta", "x-amz-expiration", "x-amz-replication-status",
	}
	assert.Equal(t, kept, answered(t, gate.Headers(300), append(s3, kept...)...))
	assert.Equal(t, kept, answered(t, gate.Headers(300), kept...))
	assert.Empty(t, answered(t, gate.Headers(300)))
}

func TestHeadersFitsCloudFront(t *testing.T) {
	require.NoError(t, cloudfrontjs.Check(gate.Headers(300)))
	assert.LessOrEqual(t, len(gate.Headers(300)), 10_000)
	assert.Equal(t, strings.ToValidUTF8(gate.Headers(300), ""), gate.Headers(300))
}
