package wire

import (
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// response is an http.ResponseWriter, one for all answers of a connection. It
// sends the head together with the first piece of the body.
type response struct {
	conn    net.Conn
	request *http.Request
	header  http.Header
	status  int      // 0 until WriteHeader
	length  int64    // that the handler declared; -1: until the connection ends
	sent    int64    // of the body
	bare    bool     // the status or the method allows no body
	close   bool     // the connection ends with this answer
	names   []string // of header, sorted
	head    []byte   // not sent yet
	pieces  [2][]byte
	err     error
}

// begin makes ready for the answer to r.
func (w *response) begin(r *http.Request) {
	clear(w.header)
	// Who expects a 100 gets the answer instead, and may or may not send the body
	// after it: RFC 9110 section 10.1.1.
	last := r.Close || r.Header["Expect"] != nil
	w.request, w.status, w.length, w.sent, w.bare, w.close = r, 0, -1, 0, false, last
}

// Header is what WriteHeader sends. It is the next request's afterwards.
func (w *response) Header() http.Header { return w.header }

// WriteHeader fixes the status and the headers. Content-Length, if there is one,
// frames the body; without one the connection's end does.
func (w *response) WriteHeader(status int) {
	if w.status != 0 {
		return
	}
	w.status = status
	none := status < 200 || status == http.StatusNoContent || status == http.StatusNotModified
	w.bare = none || w.request.Method == http.MethodHead
	if given := w.header["Content-Length"]; len(given) == 1 {
		if n, err := strconv.ParseInt(given[0], 10, 64); err == nil && n >= 0 {
			w.length = n
		}
	}
	if w.length < 0 || none {
		delete(w.header, "Content-Length")
	}
	if w.length < 0 && !w.bare {
		w.close = true
	}
	delete(w.header, "Transfer-Encoding")
	delete(w.header, "Connection")
	switch {
	case w.close:
		w.header["Connection"] = closeIt
	case !w.request.ProtoAtLeast(1, 1):
		w.header["Connection"] = keepIt
	}
	w.compose()
}

var closeIt, keepIt = []string{"close"}, []string{"keep-alive"}

func (w *response) compose() {
	w.head = append(w.head[:0], "HTTP/1.1 "...)
	w.head = strconv.AppendInt(w.head, int64(w.status), 10)
	w.head = append(w.head, ' ')
	w.head = append(w.head, http.StatusText(w.status)...)
	w.head = append(w.head, "\r\n"...)
	w.names = w.names[:0]
	for name := range w.header {
		w.names = append(w.names, name)
	}
	slices.Sort(w.names)
	for _, name := range w.names {
		for _, value := range w.header[name] {
			w.head = append(w.head, oneLine(name)...)
			w.head = append(w.head, ": "...)
			w.head = append(w.head, oneLine(value)...)
			w.head = append(w.head, "\r\n"...)
		}
	}
	w.head = append(w.head, "\r\n"...)
}

var lineBreaks = strings.NewReplacer("\r", " ", "\n", " ")

// oneLine lets no line break through: it would begin a header, or a body, of
// somebody else's making.
func oneLine(s string) string {
	if strings.IndexByte(s, '\n') < 0 && strings.IndexByte(s, '\r') < 0 {
		return s // nearly always, and quicker than any search for either
	}
	return lineBreaks.Replace(s)
}

// Write sends a piece of the body. A client who is not there any more is an
// error, and so is a body longer than Content-Length says.
func (w *response) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	switch {
	case w.err != nil:
		return 0, w.err
	case w.bare && w.request.Method == http.MethodHead:
		return len(p), nil
	case w.bare:
		return 0, http.ErrBodyNotAllowed
	case w.length >= 0 && w.sent+int64(len(p)) > w.length:
		w.flush()
		w.err = http.ErrContentLength
		return 0, w.err
	}
	head := len(w.head)
	w.pieces = [2][]byte{w.head, p}
	pieces := net.Buffers(w.pieces[:])
	sent, err := pieces.WriteTo(w.conn)
	w.head, w.err = w.head[:0], err
	n := int(max(sent-int64(head), 0))
	w.sent += int64(n)
	return n, err
}

// end sends what is left of the answer, and reports whether the connection can
// take another.
func (w *response) end() bool {
	if w.status == 0 {
		if w.request.Method != http.MethodHead { // whose GET may be longer
			w.header["Content-Length"] = []string{"0"}
		}
		w.WriteHeader(http.StatusOK)
	}
	w.flush()
	whole := w.bare || w.sent == w.length
	return w.err == nil && whole && !w.close
}

// flush sends a head that no body went with.
func (w *response) flush() {
	if w.err == nil && len(w.head) > 0 {
		_, w.err = w.conn.Write(w.head)
		w.head = w.head[:0]
	}
}

// refuse answers a request that the handler does not see, and says that the
// connection ends.
func (w *response) refuse(status int) {
	text := strconv.Itoa(status) + " " + http.StatusText(status)
	_, _ = w.conn.Write([]byte("HTTP/1.1 " + text + "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n" + text))
}
