package wire

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// FuzzRequests sends anything. Whatever comes back is answers that net/http's
// client reads, and no handler panics.
func FuzzRequests(f *testing.F) {
	f.Add([]byte(get("/a") + get("/large")))
	f.Add([]byte("HEAD /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + get("/short")))
	f.Add([]byte("POST /read HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		synctest.Test(t, func(t *testing.T) {
			s := &Server{Handler: http.HandlerFunc(handler)}
			l := make(pipes)
			go func() { _ = s.Serve(l) }()
			client, server := net.Pipe()
			l <- server
			go func() { _, _ = client.Write(sent) }()
			go func() {
				time.Sleep(time.Minute) // longer than any deadline: then the server waits for another request
				_ = s.Close()
			}()
			all, _ := io.ReadAll(client)
			close(l)
			time.Sleep(time.Minute)
			r := bufio.NewReader(bytes.NewReader(all))
			for _, err := r.Peek(1); err == nil; _, err = r.Peek(1) {
				if _, err := http.ReadResponse(r, &http.Request{Method: http.MethodHead}); err != nil {
					t.Fatalf("%q was answered by %q: %v", sent, all, err)
				}
				// A body, if there is one, ends where the next answer begins.
				rest, _ := io.ReadAll(r)
				if next := bytes.Index(rest, []byte("HTTP/1.1 ")); next >= 0 {
					rest = rest[next:]
				} else {
					rest = nil
				}
				r = bufio.NewReader(bytes.NewReader(rest))
			}
		})
	})
}
