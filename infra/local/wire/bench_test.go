package wire

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"testing"
)

// BenchmarkWire serves a picture with the headers of a cached answer over TCP,
// beside net/http.
func BenchmarkWire(b *testing.B) {
	body := make([]byte, 37_000)
	var names []string
	for i := range 20 {
		names = append(names, "X-Header-"+strconv.Itoa(i))
	}
	value := []string{"a value of usual length"}
	photo := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		for _, name := range names {
			h[name] = value
		}
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
		_, _ = w.Write(body)
	})
	b.Run("net-http", func(b *testing.B) {
		s := &http.Server{Handler: photo}
		ask(b, start(b, s, s.Close), len(body))
	})
	b.Run("wire", func(b *testing.B) {
		s := &Server{Handler: photo}
		ask(b, start(b, s, s.Close), len(body))
	})
}

// ask keeps 16 connections busy with as little work as a client can do.
func ask(b *testing.B, address string, size int) {
	b.ReportAllocs()
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		c, err := net.Dial("tcp", address)
		if err != nil {
			b.Error(err)
			return
		}
		defer c.Close()
		r := bufio.NewReaderSize(c, 64<<10)
		for pb.Next() {
			if _, err := io.WriteString(c, get("/")); err != nil {
				b.Error(err)
				return
			}
			for line := []byte("-"); len(line) > 2; {
				if line, err = r.ReadSlice('\n'); err != nil {
					b.Error(err)
					return
				}
			}
			if _, err := r.Discard(size); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
