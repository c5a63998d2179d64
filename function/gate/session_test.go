package gate_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/gate"
	"secure-media-cdn/function/session"
	"secure-media-cdn/infra/local/cloudfrontjs"
)

// throughSession sends a request through the function, and returns what it made of it.
func throughSession(t *testing.T, request map[string]any) (result map[string]any) {
	t.Helper()
	f, err := cloudfrontjs.New(gate.Session, nil)
	require.NoError(t, err)
	event, err := json.Marshal(map[string]any{"version": "1.0", "request": request})
	require.NoError(t, err)
	out, err := f.Run(context.Background(), event)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(out, &result))
	return result
}

func header(value string) map[string]any { return map[string]any{"value": value} }

func TestACallOfSessionGoesOnWithoutCookiesAndQueryAndWithTheHashOfNoBody(t *testing.T) {
	sum := sha256.Sum256(nil)
	for _, method := range []string{"POST", "DELETE", "OPTIONS"} {
		headers := map[string]any{
			"origin": header("https://app.example.com"), session.HeaderToken: header("a.b.c"), "content-length": header("0"),
		}
		got := throughSession(t, map[string]any{
			"method": method, "uri": session.Path, "headers": headers,
			"cookies":     map[string]any{"__Secure-viewer": header("t"), "other": header("o")},
			"querystring": map[string]any{"token": header("t")},
		})
		headers["x-amz-content-sha256"] = header(hex.EncodeToString(sum[:]))
		assert.Equal(t, map[string]any{
			"method": method, "uri": session.Path, "headers": headers, "cookies": map[string]any{},
			"querystring": map[string]any{},
		}, got)
	}
}

func TestAHashThatAClientSendsDoesNotCount(t *testing.T) {
	got := throughSession(t, map[string]any{"method": "POST", "uri": session.Path,
		"headers": map[string]any{"x-amz-content-sha256": header("UNSIGNED-PAYLOAD")}})
	sum := sha256.Sum256(nil)
	assert.Equal(t, header(hex.EncodeToString(sum[:])), got["headers"].(map[string]any)["x-amz-content-sha256"])
}

func TestWhatIsNoCallOfSessionEndsAtTheEdge(t *testing.T) {
	for name, tt := range map[string]struct {
		method, uri string
		headers     map[string]any
		status      int
		code        string
	}{
		"another path":       {"POST", "/session/", nil, 404, session.CodeNoSuchRoute},
		"a path in capitals": {"POST", "/Session", nil, 404, session.CodeNoSuchRoute},
		"GET":                {"GET", "/session", nil, 405, session.CodeBadMethod},
		"HEAD":               {"HEAD", "/session", nil, 405, session.CodeBadMethod},
		"PUT":                {"PUT", "/session", nil, 405, session.CodeBadMethod},
		"PATCH":              {"PATCH", "/session", nil, 405, session.CodeBadMethod},
		"a body": {"POST", "/session", map[string]any{"content-length": header("1")}, 400,
			session.CodeBadRequest},
		"a body of no stated length": {"DELETE", "/session", map[string]any{"transfer-encoding": header("chunked")}, 400,
			session.CodeBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.headers == nil {
				tt.headers = map[string]any{}
			}
			got := throughSession(t, map[string]any{"method": tt.method, "uri": tt.uri, "headers": tt.headers})
			assert.EqualValues(t, tt.status, got["statusCode"])
			headers := got["headers"].(map[string]any)
			assert.Equal(t, header("no-store"), headers["cache-control"])
			assert.Equal(t, tt.status == 405, headers["allow"] != nil)
			var failure session.Failure
			require.NoError(t, json.Unmarshal([]byte(got["body"].(map[string]any)["data"].(string)), &failure))
			assert.Equal(t, tt.code, failure.Error.Code)
			assert.NotEmpty(t, failure.Error.Message)
		})
	}
}
