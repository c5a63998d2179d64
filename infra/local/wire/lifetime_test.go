package wire

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAPanicEndsOneConnection(t *testing.T) {
	var logged bytes.Buffer
	log.SetOutput(&logged)
	defer log.SetOutput(os.Stderr)
	s := &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/panic" {
			panic("oh")
		}
		handler(w, r)
	})}
	address := start(t, s, s.Close)
	assert.Equal(t, []string{"nothing", "closed"}, talk(t, address, get("/panic"), "GET"))
	assert.Equal(t, "open", talk(t, address, get("/a"), "GET")[1])
	require.NoError(t, s.Shutdown(t.Context()))
	assert.Contains(t, logged.String(), "panic: oh")
}

func TestShutdown(t *testing.T) {
	t.Parallel()
	hold, held := make(chan struct{}), make(chan struct{})
	s := &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/held" {
			close(held)
			<-hold
		}
		handler(w, r)
	})}
	address := start(t, s, s.Close)
	idle, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer idle.Close()
	_, _ = io.WriteString(idle, get("/a"))
	require.Contains(t, hear(bufio.NewReader(idle), "GET"), "200 OK")
	busy, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer busy.Close()
	_, _ = io.WriteString(busy, get("/held"))
	<-held

	brief, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, s.Shutdown(brief), context.DeadlineExceeded, "an answer is under way")
	_, err = idle.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF, "an idle connection ends at once")
	_, err = net.Dial("tcp", address)
	require.Error(t, err, "no new connection is taken")

	close(hold)
	require.Contains(t, hear(bufio.NewReader(busy), "GET"), "the photo of /held", "the answer under way is given to its end")
	require.NoError(t, s.Shutdown(t.Context()))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.ErrorIs(t, s.Serve(l), http.ErrServerClosed, "it does not begin again")
}

func TestAConnectionEndsThatWasBusyWhenTheServerEnded(t *testing.T) {
	t.Parallel()
	var s *Server
	s = &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.end(func(net.Conn) {}) // as Shutdown does, but its word reaches no connection
		handler(w, r)
	})}
	address := start(t, s, s.Close)
	assert.Equal(t, "closed", talk(t, address, get("/a"), "GET")[1])
}

func TestCloseEndsAnswersUnderWay(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{})
	s := &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Length"] = []string{"1000000000"}
		close(begun)
		for {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
	})}
	address := start(t, s, s.Close)
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer c.Close()
	_, _ = io.WriteString(c, get("/"))
	<-begun
	require.NoError(t, s.Close())
	require.NoError(t, s.Shutdown(t.Context()), "no handler is left")
}

// pipes is a listener whose connections are pipes, so that their deadlines keep
// the time of a synctest bubble.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if c, ok := <-p; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}
func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

func TestAClientIsOnTheClockWhileItAsks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &Server{Handler: http.HandlerFunc(handler)}
		l := make(pipes)
		go func() { _ = s.Serve(l) }()
		defer func() { close(l); _ = s.Close() }()

		patient, server := net.Pipe()
		l <- server
		time.Sleep(time.Hour)
		go func() { _, _ = io.WriteString(patient, get("/a")) }()
		require.Contains(t, hear(bufio.NewReader(patient), "GET"), "200 OK", "who has asked nothing may wait")
		time.Sleep(time.Hour)
		go func() { _, _ = io.WriteString(patient, get("/a")) }()
		require.Contains(t, hear(bufio.NewReader(patient), "GET"), "200 OK", "and who has had an answer")

		slow, server := net.Pipe()
		l <- server
		_, _ = io.WriteString(slow, "GET /a HTTP/1.1\r\n")
		began := time.Now()
		_, err := slow.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		require.Equal(t, headTimeout, time.Since(began))
		_ = patient.Close()
	})
}
