package bench

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/bundle"
	"secure-media-cdn/function/variant"
	"secure-media-cdn/infra/local/engine"
)

// shipped is a side of a zip that ships, without Node.js or Python.
func shipped(t *testing.T, b bundle.Bundle, program, variable string) side {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("processes are measured on Linux only")
	}
	zip, err := b.ForHost().Build("..")
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "zip")
	require.NoError(t, unzip(zip, dir))
	sides, err := equip(t.TempDir(), map[string]side{
		goFunction: {command: []string{filepath.Join(dir, program)}, dir: dir},
	}, variable)
	require.NoError(t, err)
	t.Cleanup(func() { _ = sides[goFunction].log.Close() })
	return sides[goFunction]
}

// A bench that nobody runs for a while must still fit the functions.
func TestTheEdgeFunctionTakesTheBenchsEvents(t *testing.T) {
	db, err := engine.DynamoDB(t.Context(), "")
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, fill(t.Context(), db.URL))
	e, err := shipped(t, bundle.Edge, "edge", "AWS_ENDPOINT_URL_DYNAMODB="+db.URL).start()
	require.NoError(t, err)
	defer e.end()
	for name, want := range outcomes {
		body, _, _, err := e.ask(cases()[name].event())
		require.NoError(t, err, name)
		var answer object
		require.NoError(t, json.Unmarshal(body, &answer), name)
		assert.Contains(t, []any{answer["status"], answer["uri"]}, want, name)
	}
}

func TestTheImagesFunctionTakesTheBenchsEvents(t *testing.T) {
	photo, err := os.ReadFile(filepath.Join("..", "infra", "local", "sample.jpg"))
	require.NoError(t, err)
	s3 := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(photo) }))
	defer s3.Close()
	e, err := shipped(t, bundle.Images, "bootstrap", "AWS_ENDPOINT_URL_S3="+s3.URL).start()
	require.NoError(t, err)
	defer e.end()
	for _, f := range formatNames {
		body, _, _, err := e.ask(pictureEvent(s3.URL, f.format, width))
		require.NoError(t, err, f.name)
		assert.NoError(t, isPicture(f.format)(body), f.name)
	}
	assert.Error(t, isPicture(variant.AVIF)([]byte(`{}`)))
}
