package cloudfront

import (
	"io"
	"net/http"
	"strconv"
	"time"
)

// pop is the edge location: the one of the stack, somewhere on it.
var pop = []string{"LCL50-P1"}

// respond writes an answer to the viewer, or the part of it that a condition or
// range asks for. It returns the status and the body's bytes that were sent.
func (e *Server) respond(w http.ResponseWriter, x *exchange, a answer) (status int, sent int64) {
	h := w.Header()
	for name, values := range a.header {
		h[name] = values
	}
	// The redirect to HTTPS comes before everything that the behaviour says.
	if a.result != redirected {
		x.response.apply(h, x.method, x.header)
	}
	e.sign(h, x, a)
	if a.stream != nil {
		defer a.stream.Close()
		if a.length != "" {
			h["Content-Length"] = []string{a.length}
		}
		w.WriteHeader(a.status)
		sent, _ = io.Copy(w, a.stream) // a viewer who went away is no error
		return a.status, sent
	}
	status, body := a.status, a.body
	length := a.length
	if status == http.StatusOK && a.source != FromGate {
		status, body = part(h, x, a.object)
	}
	if x.method != http.MethodHead || status != a.status || length == "" {
		length = strconv.Itoa(len(body))
	}
	if status == http.StatusNotModified || status == http.StatusNoContent {
		body = nil
	} else {
		h["Content-Length"] = []string{length}
	}
	w.WriteHeader(status)
	if x.method == http.MethodHead || len(body) == 0 {
		return status, 0
	}
	n, _ := w.Write(body)
	return status, int64(n)
}

// sign adds what CloudFront itself says in every answer.
func (e *Server) sign(h http.Header, x *exchange, a answer) {
	h["X-Cache"] = xCache[a.result]
	h["Via"] = e.via
	h["X-Amz-Cf-Pop"] = pop
	h["X-Amz-Cf-Id"] = []string{x.id}
	if _, ok := h["Server"]; !ok {
		h["Server"] = []string{"CloudFront"}
	}
	if _, ok := h["Date"]; !ok {
		h["Date"] = []string{e.now().UTC().Format(http.TimeFormat)}
	}
	if a.cached {
		h["Age"] = []string{strconv.FormatInt(int64(max(e.now().Sub(a.requested), 0)/time.Second), 10)}
	}
}

// part applies the viewer's conditions and ranges to a whole object.
// CFDG RangeGETs.html
func part(h http.Header, x *exchange, o *object) (int, []byte) {
	if status := precondition(x.header, o.header); status != 0 {
		for _, name := range []string{"Content-Type", "Content-Encoding", "Content-Language", "Accept-Ranges"} {
			delete(h, name)
		}
		return status, nil
	}
	asked := x.header["Range"]
	if x.method != http.MethodGet || len(asked) != 1 || !rangeHolds(x.header, o.header) {
		return http.StatusOK, o.body
	}
	size := int64(len(o.body))
	spans, ok := parseRanges(asked[0], size)
	switch {
	case !ok:
		return http.StatusOK, o.body
	case len(spans) == 0:
		h["Content-Range"] = []string{"bytes */" + strconv.FormatInt(size, 10)}
		return http.StatusRequestedRangeNotSatisfiable, nil
	case len(spans) == 1:
		h["Content-Range"] = []string{spans[0].contentRange(size)}
		return http.StatusPartialContent, o.body[spans[0].first : spans[0].last+1]
	}
	typ, body := multipartBody(o.body, spans, h.Get("Content-Type"))
	h["Content-Type"] = []string{typ}
	return http.StatusPartialContent, body
}

// xCache holds the values of X-Cache.
var xCache = func() map[result][]string {
	values := map[result][]string{}
	for _, r := range []result{hit, refreshHit, miss, failed, redirected, lambdaMade, lambdaFailed, lambdaInvalid, functionMade, functionFailed, functionInvalid} {
		values[r] = []string{string(r) + " from cloudfront"}
	}
	return values
}()
