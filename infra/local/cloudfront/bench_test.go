package cloudfront

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkHit is the edge's own work for a hit, without the network; with it,
// see BenchmarkHits of the local run.
func BenchmarkHit(b *testing.B) {
	edge := benchEdge(b, bytes.Repeat([]byte("x"), 50_000))
	req := httptest.NewRequest("GET", "/public/a.jpg", nil)
	w := &discard{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		edge.ServeHTTP(w, req)
	}
}

type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}

// benchEdge holds the body under /public/a.jpg in its cache.
func benchEdge(b *testing.B, body []byte) *Server {
	b.Helper()
	bucket := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/jpeg")
		w.Header().Set("Etag", `"a"`)
		_, _ = w.Write(body)
	}))
	b.Cleanup(bucket.Close)
	edge, err := New(Options{Document: newPlan(b), S3: S3{Endpoint: bucket.URL, AccessKeyID: "a", SecretAccessKey: "b"}, Lambdas: map[string]Lambda{testLambda: override("")}})
	require.NoError(b, err)
	edge.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/public/a.jpg", nil))
	return edge
}
