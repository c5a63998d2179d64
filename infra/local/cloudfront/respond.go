package cloudfront

import (
	"bytes"
	"cmp"
	"io"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// pop is the name of the edge location.
const pop = "LCL50-P1"

// respond writes an answer to the viewer, or the part of it that a condition or range asks for.
func (s *Server) respond(w http.ResponseWriter, x *exchange, a answer) {
	h := w.Header()
	maps.Copy(h, a.header)
	// The redirect to HTTPS comes before everything that the behaviour says.
	if a.result != redirected && x.Headers != nil {
		applyHeaders(x.Headers, h, x.method, x.header)
	}
	s.sign(h, x, a)
	if a.stream != nil {
		defer a.stream.Close()
		h.Set("Content-Length", a.length)
		w.WriteHeader(a.status)
		_, _ = io.Copy(w, a.stream) // a viewer who went away is no error
		return
	}
	if a.status == http.StatusOK && a.source != FromGate {
		serveObject(w, x, a.object)
		return
	}
	if a.status != http.StatusNotModified && a.status != http.StatusNoContent {
		h.Set("Content-Length", cmp.Or(a.length, strconv.Itoa(len(a.body))))
	}
	w.WriteHeader(a.status)
	if x.method != http.MethodHead {
		_, _ = w.Write(a.body)
	}
}

// serveObject applies the viewer's conditions and ranges to a whole object.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RangeGETs.html
func serveObject(w http.ResponseWriter, x *exchange, o *object) {
	r := &http.Request{Method: x.method, Header: x.header.Clone()}
	length, err := strconv.ParseInt(o.length, 10, 64) // of a HEAD answer, whose body is not here
	if err != nil {
		length = int64(len(o.body))
	}
	if given := x.header["Range"]; x.method != http.MethodGet || len(given) != 1 || !rangeCounts(given[0], length) {
		r.Header.Del("Range")
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header()["Content-Type"] = nil // not guessed from the body
	}
	var content io.ReadSeeker = bytes.NewReader(o.body)
	if x.method == http.MethodHead {
		content = io.NewSectionReader(nil, 0, length) // which is never read
	}
	modified, _ := http.ParseTime(o.header.Get("Last-Modified"))
	http.ServeContent(w, r, "", modified, content)
}

// sign adds what CloudFront itself says in every answer.
func (s *Server) sign(h http.Header, x *exchange, a answer) {
	h.Set("X-Cache", string(a.result)+" from cloudfront")
	h["Via"] = s.via
	h.Set("X-Amz-Cf-Pop", pop)
	h.Set("X-Amz-Cf-Id", x.id)
	if h.Get("Server") == "" {
		h.Set("Server", "CloudFront")
	}
	if h.Get("Date") == "" {
		h.Set("Date", s.now().UTC().Format(http.TimeFormat))
	}
	if a.cached {
		h.Set("Age", strconv.FormatInt(int64(max(s.now().Sub(a.requested), 0)/time.Second), 10))
	}
}
