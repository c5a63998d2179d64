package cloudfront

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html
func TestTheViewerResponseFunctionChangesHeadersOfEveryAnswerThatIsNoError(t *testing.T) {
	t.Parallel()
	w, ask := started(t, nil)
	runs := 0
	var change func(event map[string]any) error
	for _, b := range w.server.behaviours {
		b.viewerResponse = functionOf(func(b []byte) ([]byte, error) {
			runs++
			var event map[string]any
			require.NoError(t, json.Unmarshal(b, &event))
			assert.Equal(t, "viewer-response", event["context"].(map[string]any)["eventType"])
			assert.NotEmpty(t, event["request"])
			response := event["response"].(map[string]any)
			if err := change(response); err != nil {
				return nil, err
			}
			return json.Marshal(response)
		})
	}
	header := func(response map[string]any) map[string]any { return response["headers"].(map[string]any) }
	change = func(response map[string]any) error {
		delete(header(response), "etag")
		header(response)["x-new"] = map[string]any{"value": "1"}
		return nil
	}
	for _, cached := range []string{"Miss", "Hit"} {
		resp, body := ask("GET", "/public/a.jpg")
		assert.Equal(t, 200, resp.StatusCode)
		assert.NotEmpty(t, body)
		assert.Equal(t, cached+" from cloudfront", resp.Header.Get("X-Cache"))
		assert.Empty(t, resp.Header.Get("ETag"))
		assert.Equal(t, "1", resp.Header.Get("X-New"))
	}
	require.Equal(t, 2, runs)

	resp, _ := ask("GET", "/public/nothing")
	assert.GreaterOrEqual(t, resp.StatusCode, 400)
	assert.Equal(t, 2, runs, "it does not run for an error")

	for name, tt := range map[string]struct {
		change func(response map[string]any) error
		status int
	}{
		"it fails":               {func(map[string]any) error { return errors.New("thrown") }, 503},
		"another status":         {func(r map[string]any) error { r["statusCode"] = 204; return nil }, 502},
		"a disallowed header":    {func(r map[string]any) error { header(r)["x-cache"] = map[string]any{"value": "a"}; return nil }, 502},
		"a header in capitals":   {func(r map[string]any) error { header(r)["X-New"] = map[string]any{"value": "a"}; return nil }, 502},
		"a header that is fixed": {func(r map[string]any) error { header(r)["via"] = map[string]any{"value": "a"}; return nil }, 502},
	} {
		change = tt.change
		resp, _ := ask("GET", "/public/a.jpg")
		assert.Equal(t, tt.status, resp.StatusCode, name)
	}
}
