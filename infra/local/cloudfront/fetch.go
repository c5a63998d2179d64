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
	"slices"
	"strconv"
	"time"
)

// functionTimeout is the most that a Lambda@Edge function may be given; the function's own timeout, if shorter, is
// its runner's to keep. https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
//
// originTimeout is the longest wait for the start of S3's answer, and for each further piece.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorS3Origin.html
// "Origin response timeout"
const (
	functionTimeout = 30 * time.Second
	originTimeout   = 30 * time.Second
)

// result is the x-edge-result-type of CloudFront's logs; X-Cache says it too.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html
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
	// failed is the ARN of the CloudFront Function that failed.
	failed string
}

// fetch makes one trip towards the origin: the origin-request function, then the origin unless the function answers
// itself.
// An expired object is revalidated. The lifetime of what comes back is not decided here.
func (s *Server) fetch(ctx context.Context, x *exchange, stale *object, byteRange string) answer {
	in := originRequest{method: x.method, uri: x.uri, header: x.forwarded(s.via), body: x.body, length: x.length,
		selected: slices.Concat(x.Cache.Headers, x.Forward.Headers)}
	if stale != nil {
		// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorS3Origin.html
		// "Conditional GETs"
		if tag := stale.header.Get("Etag"); tag != "" {
			in.header.Set("If-None-Match", tag)
		}
		if modified := stale.header.Get("Last-Modified"); modified != "" {
			in.header.Set("If-Modified-Since", modified)
		}
	}
	if byteRange != "" {
		in.header.Set("Range", byteRange)
	}
	// The clock of the object's age starts here, before the function reads its own: what the function calls the
	// seconds left is never exceeded.
	requested := s.now()
	if x.originRequest != nil {
		var made *answer
		if in, made = s.callLambda(ctx, x, in); made != nil {
			made.requested = requested
			return *made
		}
	}
	s.count(func(c *Stats) { c.OriginReads++ })
	resp, err := x.origin.get(ctx, in, s.now())
	var a answer
	if err != nil {
		a = s.unreachable(err)
	} else {
		a = s.receive(resp, x.method, x.source())
	}
	a.requested = requested
	// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Cookies.html
	if len(x.Forward.Cookies) == 0 {
		a.header.Del("Set-Cookie")
	}
	if a.stream == nil && err == nil {
		x.compressed(a.object)
	}
	return a
}

// unreachable is the answer for an origin that gave none.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-502-bad-gateway.html
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-504-gateway-timeout.html
func (s *Server) unreachable(err error) answer {
	status := http.StatusBadGateway
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		status = http.StatusGatewayTimeout
	}
	return s.failure(status, failed, fmt.Sprintf("the origin cannot be reached: %v", err))
}

// callLambda runs the origin-request function, and returns the request to send on, or the answer if the function
// made one or failed.
func (s *Server) callLambda(ctx context.Context, x *exchange, in originRequest) (originRequest, *answer) {
	refuse := func(status int, r result, format string, args ...any) (originRequest, *answer) {
		a := s.failure(status, r, fmt.Sprintf(format, args...))
		return in, &a
	}
	event := x.lambdaEvent(s.Distribution, in)
	payload, err := json.Marshal(event)
	if err != nil {
		return refuse(http.StatusBadGateway, lambdaInvalid, "writing the event: %v", err)
	}
	ctx, cancel := context.WithTimeout(ctx, functionTimeout)
	defer cancel()
	s.count(func(c *Stats) { c.FunctionCalls++ })
	output, err := x.originRequest(ctx, payload)
	if err != nil {
		return refuse(http.StatusServiceUnavailable, lambdaFailed, "the origin-request function failed: %v", err)
	}
	out, made, err := readAnswer(output, event.Records[0].CF.Request, in)
	var o *object
	if err == nil && made != nil {
		o, err = made.object(x.method == http.MethodHead)
	}
	switch {
	case err != nil:
		return refuse(http.StatusBadGateway, lambdaInvalid, "the origin-request function's answer was refused: %v", err)
	case made == nil:
		return out, nil
	}
	o.header.Set("Date", s.now().UTC().Format(http.TimeFormat))
	return in, &answer{object: o, result: lambdaMade}
}

// hopByHop headers are the origin connection's own.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorS3Origin.html
// "HTTP response headers that CloudFront removes or updates"
var hopByHop = []string{
	"Age", "Connection", "Content-Length", "Keep-Alive", "Proxy-Authenticate", "Proxy-Connection", "Trailer",
	"Transfer-Encoding", "Upgrade", "Via", "X-Cache",
}

// source says who answers for the origin.
func (b *behaviour) source() Source {
	if b.Origin.URL != nil {
		return FromURL
	}
	return FromS3
}

// receive takes the origin's answer in: whole, if it may be kept, and as a stream if it is too large.
func (s *Server) receive(resp *http.Response, method string, source Source) answer {
	o := &object{status: resp.StatusCode, header: resp.Header, source: source}
	for _, name := range hopByHop {
		o.header.Del(name)
	}
	if resp.ContentLength >= 0 {
		o.length = strconv.FormatInt(resp.ContentLength, 10)
	}
	a := answer{object: o, result: miss}
	if method == http.MethodHead {
		_ = resp.Body.Close()
		return a
	}
	most := s.cache.limit / 4
	body, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	if err == nil && int64(len(body)) > most {
		a.stream = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(body), resp.Body), resp.Body}
		return a
	}
	_ = resp.Body.Close()
	if err != nil {
		return s.failure(http.StatusBadGateway, failed, fmt.Sprintf("the origin broke off its answer: %v", err))
	}
	o.body, o.length = body, strconv.Itoa(len(body))
	return a
}
