// Package wire serves HTTP/1.1 to a handler that has its answers in memory, with
// one system call for each.
//
// The local edge needs it because net/http's server writes an answer of more
// than four kilobytes in two pieces, copies its headers, and starts a goroutine
// beside each handler to notice a client that leaves. For a picture from the
// cache that is more work than everything else together (BenchmarkWire compares
// the two). fasthttp would be as quick, but cannot send a Date that is not the
// present one, and a cached answer keeps its origin's.
//
// Requests are read by net/http's own parser. What is left out is what an edge
// that speaks plain HTTP/1.1 to browsers can do without: TLS, HTTP/2, upgrades,
// trailers, 100-continue, chunked answers, and telling the handler that its
// client went away. The handler says every header itself, the Date too.
package wire

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log"
	"math"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpguts"
)

const (
	// maxHead bounds a request's line and headers, in bytes. It is above
	// CloudFront's own quotas, so that those are the handler's to apply.
	maxHead = 64 << 10
	// headTimeout is how long a client may take to send them.
	headTimeout = 10 * time.Second
	// maxDrain is how much of a request's body is read so that the connection can
	// be used again.
	maxDrain = 256 << 10
	// lingering is how long a client may go on sending after an answer that ends
	// the connection.
	lingering = 500 * time.Millisecond
)

// Server answers with Handler on every connection of a listener. Its methods are
// those of http.Server.
type Server struct {
	Handler http.Handler

	closing  atomic.Bool
	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]struct{}
	all      sync.WaitGroup // of conns
}

// Serve answers until the server is closed, and then returns
// http.ErrServerClosed. It closes the listener.
func (s *Server) Serve(l net.Listener) error {
	defer l.Close()
	s.mu.Lock()
	s.listener, s.conns = l, map[net.Conn]struct{}{}
	s.mu.Unlock()
	for {
		if s.closing.Load() {
			return http.ErrServerClosed
		}
		c, err := l.Accept()
		switch {
		case err == nil:
			s.take(c)
		case !s.closing.Load():
			return err
		}
	}
}

// take begins to answer on a connection, unless the server is ending.
func (s *Server) take(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Load() {
		_ = c.Close()
		return
	}
	s.conns[c] = struct{}{}
	s.all.Go(func() { s.converse(c) })
}

// Shutdown ends the listener and the connections that are idle, and waits for
// the others to end their answer. If ctx ends first, so does Shutdown, with its
// error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.end(func(c net.Conn) { _ = c.SetReadDeadline(time.Unix(1, 0)) })
	done := make(chan struct{})
	go func() { s.all.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends the listener and every connection at once.
func (s *Server) Close() error {
	s.end(func(c net.Conn) { _ = c.Close() })
	return nil
}

func (s *Server) end(each func(net.Conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing.Store(true)
	if s.listener != nil {
		_ = s.listener.Close()
	}
	for c := range s.conns {
		each(c)
	}
}

// converse answers the requests of one connection.
func (s *Server) converse(c net.Conn) {
	defer func() {
		if p := recover(); p != nil {
			log.Printf("answering %s: panic: %v\n%s", c.RemoteAddr(), p, debug.Stack())
		}
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
		_ = c.Close()
	}()
	in := &io.LimitedReader{R: c, N: math.MaxInt64}
	reader := bufio.NewReader(in)
	w := &response{conn: c, header: http.Header{}}
	from := c.RemoteAddr().String()
	for s.awaits(c, reader) {
		in.N = maxHead
		r, err := http.ReadRequest(reader)
		if status := refusal(r, err, in.N); status != 0 {
			w.refuse(status)
			linger(c)
			return
		}
		if err != nil {
			return // the client left, or was too slow
		}
		in.N = math.MaxInt64
		r.RemoteAddr = from
		w.begin(r)
		s.Handler.ServeHTTP(w, r)
		if !w.end() || !drain(c, r) {
			linger(c)
			return
		}
	}
}

// awaits waits for the next request's first byte, and reports whether it came.
// From then on the client is on the clock.
func (s *Server) awaits(c net.Conn, r *bufio.Reader) bool {
	_ = c.SetReadDeadline(time.Time{})
	if s.closing.Load() { // before the deadline was taken away, perhaps
		return false
	}
	if _, err := r.Peek(1); err != nil {
		return false
	}
	_ = c.SetReadDeadline(time.Now().Add(headTimeout))
	return true
}

// refusal is the status for a request that no handler sees, 0 if there is
// nothing to refuse, or nobody to be told.
func refusal(r *http.Request, err error, left int64) int {
	var network *net.OpError
	switch {
	case err != nil && left <= 0:
		return http.StatusRequestHeaderFieldsTooLarge
	case errors.As(err, &network):
		return 0
	case err != nil:
		return http.StatusBadRequest
	case r.ProtoMajor != 1:
		return http.StatusHTTPVersionNotSupported
	case r.Host == "" && r.ProtoAtLeast(1, 1), !httpguts.ValidHostHeader(r.Host):
		return http.StatusBadRequest // RFC 9112 section 3.2
	}
	for name := range r.Header { // the parser has looked at the values only
		if !httpguts.ValidHeaderFieldName(name) {
			return http.StatusBadRequest // RFC 9112 section 5.1
		}
	}
	return 0
}

// drain reads what the handler left of the body, and reports whether that was
// all of it.
func drain(c net.Conn, r *http.Request) bool {
	if r.Body == http.NoBody {
		return true
	}
	_ = c.SetReadDeadline(time.Now().Add(lingering))
	n, err := io.Copy(io.Discard, io.LimitReader(r.Body, maxDrain+1))
	return err == nil && n <= maxDrain
}

// linger lets a client that is still sending read its answer: if the connection
// were closed at once, unread bytes would reset it and the answer be lost.
// RFC 9112 section 9.6
func linger(c net.Conn) {
	half, ok := c.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	_ = c.SetReadDeadline(time.Now().Add(lingering))
	_, _ = io.Copy(io.Discard, c)
}
