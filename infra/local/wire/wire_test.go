package wire

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// handler answers in all the ways that the edge does, and in some that it never
// should.
func handler(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["Date"] = []string{"Sat, 21 Nov 2026 08:00:00 GMT"}
	h["Content-Type"] = []string{"image/jpeg"}
	body := []byte("the photo of " + r.RequestURI)
	switch r.URL.Path {
	case "/large":
		body = bytes.Repeat([]byte("0123456789"), 100_000)
	case "/empty":
		body = nil
	case "/204", "/304":
		h["Content-Length"] = []string{"15"}
		delete(h, "Content-Type")
		status, _ := strconv.Atoi(r.URL.Path[1:])
		w.WriteHeader(status)
		_, err := w.Write(body)
		if err == nil {
			panic("a body for a status that has none")
		}
		return
	case "/short":
		h["Content-Length"] = []string{"1000"}
		_, _ = w.Write(body)
		return
	case "/long":
		h["Content-Length"] = []string{"3"}
		if _, err := w.Write(body); err == nil && r.Method != http.MethodHead {
			panic("more than was declared")
		}
		_, _ = w.Write(body[:3])
		return
	case "/pieces":
		h["Content-Length"] = []string{strconv.Itoa(3 * len(body))}
		for range 3 {
			_, _ = w.Write(body)
		}
		return
	case "/until-the-end":
		_, _ = w.Write(body)
		_, _ = w.Write(body)
		return
	case "/nothing":
		return
	case "/split":
		h["X-Evil"] = []string{"a\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"}
	case "/many":
		h["Set-Cookie"] = []string{"a=1", "b=2; Secure"}
	case "/mine":
		h["Connection"] = []string{"keep-alive, upgrade"}
		h["Transfer-Encoding"] = []string{"chunked"}
	case "/twice":
		h["Content-Length"] = []string{"0"}
		w.WriteHeader(http.StatusTeapot)
		h["X-Late"] = []string{"too late"}
		w.WriteHeader(http.StatusOK)
		return
	case "/read":
		read, err := io.ReadAll(r.Body)
		body = fmt.Appendf(nil, "%d bytes, %v", len(read), err)
	case "/nonsense":
		h["Content-Length"] = []string{"nonsense"}
		_, _ = w.Write(body)
		return
	case "/request":
		body = fmt.Appendf(nil, "%s %s %s %s %v", r.Method, r.Host, r.Proto, strings.Join(r.Header["X-A"], "|"), strings.HasPrefix(r.RemoteAddr, "127.0.0.1:"))
	}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	if n, err := w.Write(body); err == nil && n != len(body) || err != nil && r.Method == http.MethodHead {
		panic("a body was neither sent nor refused")
	}
}

// start serves on a free port and returns its address.
func start(t testing.TB, s interface{ Serve(net.Listener) error }, end func() error) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ended := make(chan error)
	go func() { ended <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = end()
		assert.ErrorIs(t, <-ended, http.ErrServerClosed)
	})
	return l.Addr().String()
}

func startWire(t testing.TB) string {
	s := &Server{Handler: http.HandlerFunc(handler)}
	return start(t, s, s.Close)
}

func startNetHTTP(t testing.TB) string {
	s := &http.Server{Handler: http.HandlerFunc(handler), MaxHeaderBytes: maxHead, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: headTimeout}
	return start(t, s, s.Close)
}

// talk sends requests as they are, and tells what came back for each, and
// whether the connection could be used again.
func talk(t testing.TB, address, sent string, methods ...string) []string {
	t.Helper()
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	sent, broken := strings.CutSuffix(sent, breaksOff)
	go func() {
		_, _ = io.WriteString(c, sent)
		if broken {
			_ = c.(*net.TCPConn).CloseWrite()
		}
	}()
	r := bufio.NewReader(c)
	var told []string
	for _, method := range methods {
		told = append(told, hear(r, method))
	}
	_, _ = io.WriteString(c, "GET /again HTTP/1.1\r\nHost: a\r\n\r\n")
	if hear(r, http.MethodGet) == "nothing" {
		return append(told, "closed")
	}
	return append(told, "open")
}

// hear reads an answer. Of the headers, it leaves out how the body is framed
// and what follows for the connection: that may differ.
func hear(r *bufio.Reader, method string) string {
	resp, err := http.ReadResponse(r, &http.Request{Method: method})
	if err != nil {
		return "nothing"
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if resp.StatusCode >= 400 && resp.StatusCode != http.StatusTeapot { // in words of its own
		return strconv.Itoa(resp.StatusCode)
	}
	said := fmt.Sprint(resp.Status, " ", err)
	for _, name := range []string{"Date", "Content-Type", "X-Evil", "Set-Cookie", "X-Late"} {
		said += fmt.Sprintf(" %q", resp.Header[name])
	}
	if len(resp.TransferEncoding) == 0 && resp.ContentLength >= 0 {
		said += fmt.Sprint(" ", resp.ContentLength)
	}
	return fmt.Sprintf("%s: %d %.200s", said, len(body), body)
}

// breaksOff stands for a client who sends no more.
const breaksOff = "<breaks off>"

func get(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n" }

func TestItAnswersAsNetHTTPDoes(t *testing.T) {
	t.Parallel()
	const g, head = http.MethodGet, http.MethodHead
	large := strings.Repeat("x", 2*maxDrain)
	for name, c := range map[string]struct {
		sent    string
		methods []string
		ends    string // whether the connection is open afterwards
	}{
		"a photo":                                       {get("/a"), []string{g}, "open"},
		"a large photo":                                 {get("/large"), []string{g}, "open"},
		"an empty one":                                  {get("/empty"), []string{g}, "open"},
		"one in pieces":                                 {get("/pieces"), []string{g}, "open"},
		"204":                                           {get("/204"), []string{g}, "open"},
		"304":                                           {get("/304"), []string{g}, "open"},
		"several headers of one name":                   {get("/many"), []string{g}, "open"},
		"headers of the answer before":                  {get("/many") + get("/a"), []string{g, g}, "open"},
		"a header with line breaks":                     {get("/split"), []string{g}, "open"},
		"a status that is given twice":                  {get("/twice") + get("/a"), []string{g, g}, "open"},
		"a body that is shorter than was said":          {get("/short"), []string{g}, "closed"},
		"a body that is longer than was said":           {get("/long"), []string{g}, "closed"},
		"a handler that says nothing":                   {get("/nothing"), []string{g}, "open"},
		"two requests at once":                          {get("/a") + get("/b"), []string{g, g}, "open"},
		"HEAD":                                          {"HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n", []string{head}, "open"},
		"HEAD, then GET":                                {"HEAD /large HTTP/1.1\r\nHost: a\r\n\r\n" + get("/a"), []string{head, g}, "open"},
		"HEAD of a body longer than was said":           {"HEAD /long HTTP/1.1\r\nHost: a\r\n\r\n" + get("/a"), []string{head, g}, "open"},
		"HEAD of unknown length":                        {"HEAD /nothing HTTP/1.1\r\nHost: a\r\n\r\n", []string{head}, "open"},
		"Connection: close":                             {"GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", []string{g}, "closed"},
		"HTTP/1.0":                                      {"GET /a HTTP/1.0\r\n\r\n", []string{g}, "closed"},
		"HTTP/1.0 that stays":                           {"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", []string{g}, "open"},
		"what the handler sees":                         {"GET /request?x=%20 HTTP/1.1\r\nHost: b.example\r\nX-A: 1\r\nx-a:  2 \r\n\r\n", []string{g}, "open"},
		"an absolute address":                           {"GET http://c.example/request HTTP/1.1\r\nHost: a\r\n\r\n", []string{g}, "open"},
		"an empty line before the request":              {"\r\n" + get("/a"), []string{g}, "closed"},
		"no host":                                       {"GET /a HTTP/1.1\r\n\r\n", []string{g}, "closed"},
		"no version":                                    {"GET /a\r\n\r\n", []string{g}, "closed"},
		"another protocol":                              {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", []string{g}, "closed"},
		"HTTP/2.0":                                      {"GET /a HTTP/2.0\r\nHost: a\r\n\r\n", []string{g}, "closed"},
		"a path that cannot be decoded":                 {get("/%zz"), []string{g}, "closed"},
		"a space before a colon":                        {"GET /a HTTP/1.1\r\nHost: a\r\nX-A : 1\r\n\r\n", []string{g}, "closed"},
		"a control character in a header":               {"GET /a HTTP/1.1\r\nHost: a\r\nX-A: \x01\r\n\r\n", []string{g}, "closed"},
		"a delete character in a header":                {"GET /a HTTP/1.1\r\nHost: a\r\nX-A: \x7f\r\n\r\n", []string{g}, "closed"},
		"a host that is none":                           {"GET /a HTTP/1.1\r\nHost: a b\r\n\r\n", []string{g}, "closed"},
		"a request that breaks off":                     {"GET /a HTTP/1.1\r\nHost: a\r\n" + breaksOff, []string{g}, "closed"},
		"a connection that ends after an answer":        {get("/a") + breaksOff, []string{g, g}, "closed"},
		"a large body that is read":                     {"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: " + strconv.Itoa(len(large)) + "\r\n\r\n" + large + get("/a"), []string{"POST", g}, "open"},
		"a body that breaks off":                        {"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc" + breaksOff, []string{"POST"}, "closed"},
		"a tab in a header":                             {"GET /request HTTP/1.1\r\nHost: a\r\nX-A: a\tb\r\n\r\n", []string{g}, "open"},
		"two lengths":                                   {"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", []string{"POST"}, "closed"},
		"headers without an end":                        {"GET /a HTTP/1.1\r\nHost: a\r\nX-A: " + strings.Repeat("x", 3*maxHead), []string{g}, "closed"},
		"a body that is read":                           {"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" + get("/a"), []string{"POST", g}, "open"},
		"a body in chunks that is read":                 {"POST /read HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + get("/a"), []string{"POST", g}, "open"},
		"a body that nobody reads":                      {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" + get("/b"), []string{"POST", g}, "open"},
		"a body in chunks that nobody reads":            {"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + get("/b"), []string{"POST", g}, "open"},
		"a large body that nobody reads":                {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: " + strconv.Itoa(len(large)) + "\r\n\r\n" + large, []string{"POST"}, "closed"},
		"a body that waits to be asked for, and is not": {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n", []string{"POST"}, "closed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := talk(t, startNetHTTP(t), c.sent, c.methods...)
			require.Equal(t, c.ends, want[len(want)-1], "what net/http does")
			assert.Equal(t, want, talk(t, startWire(t), c.sent, c.methods...))
		})
	}
}

func TestItAnswersInItsOwnWay(t *testing.T) {
	t.Parallel()
	const said = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 15\r\nContent-Type: image/jpeg\r\nDate: Sat, 21 Nov 2026 08:00:00 GMT\r\n\r\nthe photo of /a"
	for name, c := range map[string]struct{ sent, heard string }{
		"headers come in order, with nothing that the handler did not say": {
			"GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
			said,
		},
		"a client of HTTP/1.0 is told that the connection stays": {
			"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /a HTTP/1.0\r\n\r\n",
			strings.Replace(said, ": close", ": keep-alive", 1) + said,
		},
		"the handler does not say what becomes of the connection": {
			get("/mine") + breaksOff,
			strings.NewReplacer("Connection: close\r\n", "", "of /a", "of /mine", "15", "18").Replace(said),
		},
		"a body of unknown length ends with the connection": {
			get("/until-the-end"),
			strings.NewReplacer("Content-Length: 15\r\n", "", "the photo of /a", "the photo of /until-the-endthe photo of /until-the-end").Replace(said),
		},
		"a length that is none is not passed on": {
			get("/nonsense"),
			strings.NewReplacer("Content-Length: 15\r\n", "", "of /a", "of /nonsense").Replace(said),
		},
		"an answer without a body has no length": {
			get("/204") + breaksOff,
			"HTTP/1.1 204 No Content\r\nDate: Sat, 21 Nov 2026 08:00:00 GMT\r\n\r\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", startWire(t))
			require.NoError(t, err)
			defer conn.Close()
			sent, broken := strings.CutSuffix(c.sent, breaksOff)
			_, _ = io.WriteString(conn, sent)
			if broken {
				_ = conn.(*net.TCPConn).CloseWrite()
			}
			heard, err := io.ReadAll(conn)
			require.NoError(t, err)
			assert.Equal(t, c.heard, string(heard))
		})
	}
}

// Who closes a connection before all that came is read, resets it, and the
// client may never see the answer.
func TestAClientThatStillSendsReadsItsAnswer(t *testing.T) {
	t.Parallel()
	more := strings.Repeat("x", 200_000)
	for name, c := range map[string]struct{ sent, heard string }{
		"after a body that nobody wants":  {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("x", maxDrain) + more, "the photo of /a"},
		"after a request that is refused": {"GET /a HTTP/1.1\r\n\r\n" + more, "400 Bad Request"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", startWire(t))
			require.NoError(t, err)
			defer conn.Close()
			_, err = io.WriteString(conn, c.sent)
			require.NoError(t, err)
			time.Sleep(lingering / 5) // a reset, if there is one, arrives
			heard, err := io.ReadAll(conn)
			require.NoError(t, err)
			assert.True(t, strings.HasSuffix(string(heard), c.heard), string(heard))
		})
	}
}
