package cloudfront

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"secure-media-cdn/infra/local/cloudfront/distribution"
)

// The event of CloudFront Functions.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html
type (
	functionEvent struct {
		Version string          `json:"version"`
		Context functionContext `json:"context"`
		Viewer  functionViewer  `json:"viewer"`
		Request functionRequest `json:"request"`
		// Response is there at viewer-response.
		Response *functionResponse `json:"response,omitempty"`
	}
	functionContext struct {
		DistributionDomainName string `json:"distributionDomainName"`
		DistributionID         string `json:"distributionId"`
		Endpoint               string `json:"endpoint"`
		EventType              string `json:"eventType"`
		RequestID              string `json:"requestId"`
	}
	functionViewer struct {
		IP string `json:"ip"`
	}
	functionRequest struct {
		Method      string                   `json:"method"`
		URI         string                   `json:"uri"`
		QueryString map[string]functionValue `json:"querystring"`
		Headers     map[string]functionValue `json:"headers"`
		Cookies     map[string]functionValue `json:"cookies"`
	}
	functionResponse struct {
		StatusCode        int                      `json:"statusCode"`
		StatusDescription string                   `json:"statusDescription"`
		Headers           map[string]functionValue `json:"headers"`
		Cookies           map[string]functionValue `json:"cookies"`
		Body              json.RawMessage          `json:"body,omitempty"`
	}
	functionValue struct {
		Value      string          `json:"value"`
		Attributes string          `json:"attributes,omitempty"`
		MultiValue []functionValue `json:"multiValue,omitempty"`
	}
)

// readOnlyAtViewer cannot be added, changed or removed at viewer-request.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html
var readOnlyAtViewer = []string{"Content-Length", "Host", "Transfer-Encoding", "Via"}

// functionEvent describes the viewer's request for its function. Disallowed headers are not shown.
func (x *exchange) functionEvent(d *distribution.Distribution, host string) functionEvent {
	headers := map[string]functionValue{"host": {Value: host}}
	for name, values := range x.header {
		if name == "Cookie" || distribution.Disallowed.Has(name) {
			continue
		}
		headers[strings.ToLower(name)] = multi(values)
	}
	return functionEvent{
		Version: "1.0",
		Context: functionContext{d.Domain, d.ID, d.Domain, "viewer-request", x.id},
		Viewer:  functionViewer{x.clientIP},
		Request: functionRequest{Method: x.method, URI: x.uri, QueryString: queryValues(x.query), Headers: headers,
			Cookies: cookieValues(x.header)},
	}
}

// multi is a value, with all of them beside it if there is more than one.
func multi(values []string) functionValue {
	v := functionValue{Value: values[0]}
	if len(values) > 1 {
		v.Value = values[len(values)-1]
		for _, one := range values {
			v.MultiValue = append(v.MultiValue, functionValue{Value: one})
		}
	}
	return v
}

func queryValues(raw string) map[string]functionValue {
	all := map[string][]string{}
	for part := range strings.SplitSeq(raw, "&") {
		if name, value, _ := strings.Cut(part, "="); name != "" {
			all[name] = append(all[name], value)
		}
	}
	return multiAll(all)
}

func cookieValues(h http.Header) map[string]functionValue {
	all := map[string][]string{}
	for _, line := range h["Cookie"] {
		for cookie := range strings.SplitSeq(line, ";") {
			if name, value, _ := strings.Cut(strings.TrimSpace(cookie), "="); name != "" {
				all[name] = append(all[name], value)
			}
		}
	}
	return multiAll(all)
}

func multiAll(all map[string][]string) map[string]functionValue {
	out := map[string]functionValue{}
	for name, values := range all {
		out[name] = multi(values)
	}
	return out
}

// applyFunction reads what a viewer-request function returned. A response is given back; a request changes x. An
// error says what CloudFront would refuse.
func (x *exchange) applyFunction(result []byte, sent functionRequest) (*object, error) {
	var shape map[string]json.RawMessage
	if err := json.Unmarshal(result, &shape); err != nil || shape == nil {
		return nil, errors.New("the function returned neither a request nor a response")
	}
	if _, ok := shape["statusCode"]; ok {
		var resp functionResponse
		if err := json.Unmarshal(result, &resp); err != nil {
			return nil, fmt.Errorf("the function's response: %w", err)
		}
		return resp.object()
	}
	var req functionRequest
	if err := json.Unmarshal(result, &req); err != nil {
		return nil, fmt.Errorf("the function's request: %w", err)
	}
	return nil, x.applyRequest(req, sent)
}

func (x *exchange) applyRequest(got, sent functionRequest) error {
	switch {
	case got.Method != sent.Method:
		return errors.New("the method is read-only")
	case !strings.HasPrefix(got.URI, "/") || strings.ContainsFunc(got.URI, isControl):
		return fmt.Errorf("the uri %q does not begin with a slash or has a control character", got.URI)
	}
	for _, name := range readOnlyAtViewer {
		lower := strings.ToLower(name)
		if got.Headers[lower].Value != sent.Headers[lower].Value {
			return fmt.Errorf("the header %s is read-only", lower)
		}
	}
	header := http.Header{}
	for name, value := range got.Headers {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		if name != strings.ToLower(name) || !token.MatchString(name) || distribution.Disallowed.Has(name) {
			return fmt.Errorf("the header %q is disallowed or not in lower case", name)
		}
		header[canonical] = value.all()
	}
	header.Del("Host")
	if cookies := pairs(got.Cookies, "; "); cookies != "" {
		header.Set("Cookie", cookies)
	}
	// A query string that the function left alone stays as it was, byte for byte; one that it changed is written
	// anew.
	if query := pairs(got.QueryString, "&"); query != pairs(sent.QueryString, "&") {
		x.query = query
	}
	x.uri, x.header = got.URI, header
	if len(x.uri)+1+len(x.query) >= maxURI {
		return fmt.Errorf("uri and querystring must have fewer than %d characters", maxURI)
	}
	return nil
}

func (v functionValue) all() []string {
	if len(v.MultiValue) == 0 {
		return []string{v.Value}
	}
	var out []string
	for _, one := range v.MultiValue {
		out = append(out, one.Value)
	}
	return out
}

func pairs(values map[string]functionValue, separator string) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		for _, value := range values[name].all() {
			if separator == "&" && value == "" {
				out = append(out, name) // ?a and ?a= look alike to a function
				continue
			}
			out = append(out, name+"="+value)
		}
	}
	return strings.Join(out, separator)
}

// callFunction runs the viewer-request function. done says that it answered, or failed; otherwise x is the request
// to go on with.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-503-service-unavailable.html
func (s *Server) callFunction(r *http.Request, x *exchange) (a answer, done bool) {
	refuse := func(status int, r result, format string, err error) (answer, bool) {
		a := s.failure(status, r, fmt.Sprintf(format, err))
		a.failed = x.ViewerRequest
		return a, true
	}
	event := x.functionEvent(s.Distribution, r.Host)
	payload, err := json.Marshal(event)
	if err != nil {
		return refuse(http.StatusBadGateway, functionInvalid, "writing the event: %v", err)
	}
	result, err := x.viewerRequest.Run(r.Context(), payload)
	if err != nil {
		return refuse(http.StatusServiceUnavailable, functionFailed, "the viewer-request function failed: %v", err)
	}
	made, err := x.applyFunction(result, event.Request)
	if err != nil {
		return refuse(http.StatusBadGateway, functionInvalid, "the viewer-request function's answer was refused: %v", err)
	}
	if made == nil {
		return answer{}, false
	}
	if x.method == http.MethodHead {
		made.body = nil
	}
	return answer{object: made, result: functionMade}, true
}

// object makes an answer of a response that a function generated. It is never cached.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html "Response object"
func (r functionResponse) object() (*object, error) {
	if r.StatusCode < 200 || r.StatusCode > 599 {
		return nil, fmt.Errorf("the statusCode %d is not one of 200 to 599", r.StatusCode)
	}
	o := &object{status: r.StatusCode, header: http.Header{}, source: FromGate}
	for name, value := range r.Headers {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		if name != strings.ToLower(name) || !token.MatchString(name) || distribution.Disallowed.Has(name) ||
			canonical == "Transfer-Encoding" || canonical == "Via" {
			return nil, fmt.Errorf("the header %q is disallowed or not in lower case", name)
		}
		o.header[canonical] = value.all()
	}
	for _, name := range slices.Sorted(maps.Keys(r.Cookies)) {
		cookie := name + "=" + r.Cookies[name].Value
		if attributes := r.Cookies[name].Attributes; attributes != "" {
			cookie += "; " + attributes
		}
		o.header.Add("Set-Cookie", cookie)
	}
	return o, o.readBody(r.Body)
}

// readBody reads a body: a string, or {encoding, data}.
func (o *object) readBody(raw json.RawMessage) error {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		o.body = []byte(text)
		return nil
	}
	var body struct{ Encoding, Data string }
	if err := json.Unmarshal(raw, &body); err != nil {
		return errors.New("the body is neither a string nor {encoding, data}")
	}
	var err error
	o.body, err = decodeBody(body.Encoding, body.Data)
	return err
}
