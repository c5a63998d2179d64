package cloudfront

import (
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhatS3RefusesBeforeItLooks(t *testing.T) {
	o, err := newBucket(read(t, newPlan(t)).Behaviours[0].Origin, testDistribution, S3{Endpoint: "http://127.0.0.1:1"})
	require.NoError(t, err)
	for _, row := range []struct {
		name   string
		in     originRequest
		key    string
		status int
		code   string
	}{
		{"an object", originRequest{method: "GET"}, "a", 0, ""},
		{"an override", originRequest{method: "GET", query: "response-cache-control=max-age%3D1"}, "a", 0, ""},
		{"its ACL", originRequest{method: "GET", query: "acl"}, "a", 403, "AccessDenied"},
		{"its tags", originRequest{method: "HEAD", query: "tagging="}, "a", 403, ""},
		{"an old version", originRequest{method: "GET", query: "versionId=1"}, "a", 403, "AccessDenied"},
		{"a signed URL beside a signature", originRequest{method: "GET", query: "X-Amz-Algorithm=AWS4-HMAC-SHA256"}, "a", 400,
			"InvalidArgument"},
		{"the list of the bucket", originRequest{method: "GET"}, "", 403, "AccessDenied"},
		{"a key too long", originRequest{method: "GET"}, string(make([]byte, 1025)), 400, "KeyTooLongError"},
		{"a preflight", originRequest{method: "OPTIONS"}, "a", 0, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			resp := o.refuse(row.in, row.key)
			if row.status == 0 {
				require.Nil(t, resp)
				return
			}
			require.NotNil(t, resp)
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			assert.Equal(t, row.status, resp.StatusCode)
			assert.Contains(t, string(body), row.code)
		})
	}
}
