package front

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkHit serves a cached object over TCP, beside http.ServeContent of the
// same bytes: the least that a Go server does for a file.
func BenchmarkHit(b *testing.B) {
	for _, size := range []int{2_000, 50_000, 1_000_000} {
		body := bytes.Repeat([]byte("x"), size)
		modified := time.Now()
		baseline := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "image/jpeg")
			w.Header().Set("Etag", `"a"`)
			http.ServeContent(w, r, "", modified, bytes.NewReader(body))
		})
		edge := benchEdge(b, body)
		for name, handler := range map[string]http.Handler{"ServeContent": baseline, "edge": edge} {
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) { serveMany(b, handler, int64(size)) })
		}
	}
}

// BenchmarkHitAlone is the handler without the network.
func BenchmarkHitAlone(b *testing.B) {
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
func benchEdge(b *testing.B, body []byte) *Edge {
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

// serveMany asks over kept connections without a client's overhead: it writes
// the request and counts the bytes that come back.
func serveMany(b *testing.B, handler http.Handler, size int64) {
	server := httptest.NewServer(handler)
	defer server.Close()
	address := server.Listener.Addr().String()
	resp, err := http.Get(server.URL + "/public/a.jpg")
	require.NoError(b, err)
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	b.SetBytes(size)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			b.Error(err)
			return
		}
		defer conn.Close()
		buffer := make([]byte, 64<<10)
		for pb.Next() {
			if _, err := io.WriteString(conn, "GET /public/a.jpg HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
				b.Error(err)
				return
			}
			left := int64(-1)
			for left != 0 {
				n, err := conn.Read(buffer)
				if err != nil {
					b.Error(err)
					return
				}
				if left < 0 {
					end := bytes.Index(buffer[:n], []byte("\r\n\r\n"))
					if end < 0 {
						b.Error("the header came in pieces")
						return
					}
					left = size - int64(n-end-4)
					continue
				}
				left -= int64(n)
			}
		}
	})
}
