package cloudfront

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// functionTimeout is the most that a Lambda@Edge function may be given
// (aws-facts 1.5); the function's own timeout, if shorter, is its runner's to
// keep. originTimeout is the longest wait for the start of S3's answer, and for
// each further piece. CFDG RequestAndResponseBehaviorS3Origin.html, "Origin
// response timeout"
const (
	functionTimeout = 30 * time.Second
	originTimeout   = 30 * time.Second
)

// result is the x-edge-result-type of CloudFront's logs; X-Cache says it too.
// CFDG standard-logs-reference.html
type result string

const (
	hit             result = "Hit"
	refreshHit      result = "RefreshHit"
	miss            result = "Miss"
	failed          result = "Error"
	redirected      result = "Redirect"
	lambdaMade      result = "LambdaGeneratedResponse"
	lambdaFailed    result = "LambdaExecutionError"
	lambdaInvalid   result = "LambdaValidationError"
	functionMade    result = "FunctionGeneratedResponse"
	functionFailed  result = "FunctionExecutionError"
	functionInvalid result = "FunctionValidationError"
)

// answer is what a viewer gets.
type answer struct {
	*object
	stream io.ReadCloser // instead of the object's body, if that is too large to keep
	result result
	cached bool
}

// fetch makes one trip towards the origin: the origin-request function, then S3
// unless the function answers itself. An expired object is revalidated. The
// lifetime of what comes back is not decided here.
func (e *Server) fetch(ctx context.Context, x *exchange, stale *object, byteRange string) answer {
	query, header := x.forwarded(e.via)
	in := originRequest{method: x.method, uri: x.uri, query: query, header: header, custom: x.origin.custom}
	if stale != nil {
		// CFDG RequestAndResponseBehaviorS3Origin.html, "Conditional GETs"
		if tag := stale.header.Get("Etag"); tag != "" {
			header.Set("If-None-Match", tag)
		}
		if modified := stale.header.Get("Last-Modified"); modified != "" {
			header.Set("If-Modified-Since", modified)
		}
	}
	if byteRange != "" {
		header.Set("Range", byteRange)
	}
	// The clock of the object's age starts here, before the function reads its
	// own: what the function calls the seconds left is never exceeded.
	requested := e.now()
	if x.originRequest != nil {
		var made *answer
		if in, made = e.callLambda(ctx, x, in); made != nil {
			made.requested = requested
			return *made
		}
	}
	e.count.reads.Add(1)
	ctx, cancel := context.WithCancel(ctx)
	resp, err := x.origin.get(ctx, in, e.now())
	if err != nil {
		cancel()
		return e.unreachable(err, requested)
	}
	resp.Body = &watched{ReadCloser: resp.Body, cut: time.AfterFunc(originTimeout, cancel)}
	a := e.receive(resp, cancel, x.method)
	a.requested = requested
	if x.policy.cookies.mode == "none" && (x.forward.cookies.mode == "none" || x.forward.cookies.mode == "") {
		a.header.Del("Set-Cookie") // CFDG RequestAndResponseBehaviorS3Origin.html
	}
	if a.stream == nil {
		x.compressed(a.object)
	}
	return a
}

// unreachable is the answer for an origin that gave none.
// CFDG http-502-bad-gateway.html, http-504-gateway-timeout.html
func (e *Server) unreachable(err error, requested time.Time) answer {
	status := http.StatusBadGateway
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		status = http.StatusGatewayTimeout
	}
	a := e.failure(status, failed, fmt.Sprintf("the origin cannot be reached: %v", err))
	a.requested = requested
	return a
}

// callLambda runs the origin-request function, and returns the request to send
// on, or the answer if the function made one or failed.
func (e *Server) callLambda(ctx context.Context, x *exchange, in originRequest) (originRequest, *answer) {
	event := x.origin.event(&e.distribution, x.clientIP, in)
	payload, err := json.Marshal(event)
	if err != nil {
		a := e.failure(http.StatusBadGateway, lambdaInvalid, err.Error())
		return in, &a
	}
	ctx, cancel := context.WithTimeout(ctx, functionTimeout)
	defer cancel()
	e.count.calls.Add(1)
	output, err := x.originRequest(ctx, payload)
	if err != nil {
		e.count.fails.Add(1)
		a := e.failure(http.StatusServiceUnavailable, lambdaFailed, fmt.Sprintf("the origin-request function failed: %v", err))
		return in, &a
	}
	out, made, err := readAnswer(output, event.Records[0].CF.Request, in)
	var o *object
	if err == nil && made != nil {
		o = &object{source: FromFunction}
		o.status, o.header, o.body, err = generated(made, x.method == http.MethodHead)
	}
	switch {
	case err != nil:
		e.count.fails.Add(1)
		a := e.failure(http.StatusBadGateway, lambdaInvalid, fmt.Sprintf("the origin-request function's answer was refused: %v", err))
		return in, &a
	case made == nil:
		return out, nil
	}
	o.length = strconv.Itoa(len(o.body))
	o.header["Date"] = []string{e.now().UTC().Format(http.TimeFormat)}
	if _, ok := o.header["Server"]; !ok {
		o.header["Server"] = []string{"CloudFront"}
	}
	return in, &answer{object: o, result: lambdaMade}
}

// hopByHop headers are the origin connection's own.
// CFDG RequestAndResponseBehaviorS3Origin.html, "HTTP response headers that CloudFront removes or updates"
var hopByHop = []string{"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Connection", "Trailer", "Transfer-Encoding", "Upgrade", "Via", "X-Cache", "Age"}

// receive takes S3's answer in: whole, if it may be kept, and as a stream if it
// is too large. done frees the connection.
func (e *Server) receive(resp *http.Response, done context.CancelFunc, method string) answer {
	o := &object{status: resp.StatusCode, header: resp.Header, source: FromS3}
	for _, name := range hopByHop {
		delete(o.header, name)
	}
	delete(o.header, "Content-Length")
	if resp.ContentLength >= 0 {
		o.length = strconv.FormatInt(resp.ContentLength, 10)
	}
	a := answer{object: o, result: miss}
	most := e.cache.limit / 4
	if method != http.MethodHead {
		if resp.ContentLength > most {
			a.stream = stream{resp.Body, resp.Body, done}
			return a
		}
		var buffer bytes.Buffer
		if resp.ContentLength > 0 {
			buffer.Grow(int(resp.ContentLength) + bytes.MinRead)
		}
		read, err := buffer.ReadFrom(io.LimitReader(resp.Body, most+1))
		if err == nil && read > most {
			a.stream = stream{io.MultiReader(&buffer, resp.Body), resp.Body, done}
			return a
		}
		if err != nil {
			_ = resp.Body.Close()
			done()
			return e.failure(http.StatusBadGateway, failed, fmt.Sprintf("the origin broke off its answer: %v", err))
		}
		o.body = buffer.Bytes()
		o.length = strconv.Itoa(len(o.body))
	}
	_ = resp.Body.Close()
	done()
	return a
}

// watched is a body whose reads end the request if one takes too long.
type watched struct {
	io.ReadCloser
	cut *time.Timer
}

// Read reads, against the clock.
func (w *watched) Read(p []byte) (int, error) {
	w.cut.Reset(originTimeout)
	n, err := w.ReadCloser.Read(p)
	w.cut.Stop() // a viewer may take his time between reads
	return n, err
}

// Close closes the body.
func (w *watched) Close() error {
	w.cut.Stop()
	return w.ReadCloser.Close()
}

// stream is a body on its way from the origin to one viewer.
type stream struct {
	io.Reader
	body io.Closer
	done context.CancelFunc
}

// Close frees the connection to the origin.
func (s stream) Close() error {
	defer s.done()
	return s.body.Close()
}
