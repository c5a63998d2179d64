package cloudfront

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/textproto"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"secure-media-cdn/infra/local/cloudfront/distribution"
)

const (
	// Of headers and body of a response made at origin-request, in bytes.
	// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
	maxGenerated = 1 << 20
	// Of uri and querystring, in characters.
	// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html
	maxURI = 8192
)

// readOnlyAtOrigin cannot be added, changed or removed at origin-request.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html
var readOnlyAtOrigin = distribution.HeaderNames{
	"Accept-Encoding", "Cdn-Loop", "Content-Length", "If-Modified-Since", "If-None-Match", "If-Range",
	"If-Unmodified-Since", "Transfer-Encoding", "Via",
}

// readAnswer reads what an origin-request function returned: the request to send on, or a generated response. An
// error says what AWS would not accept.
func readAnswer(answer []byte, event lambdaRequest, in originRequest) (originRequest, *lambdaResponse, error) {
	var shape map[string]json.RawMessage
	if err := json.Unmarshal(answer, &shape); err != nil || shape == nil {
		return in, nil, errors.New("the answer is not a JSON object")
	}
	if _, ok := shape["status"]; ok {
		var resp lambdaResponse
		if err := json.Unmarshal(answer, &resp); err != nil {
			return in, nil, fmt.Errorf("the generated response: %w", err)
		}
		return in, &resp, nil
	}
	var req lambdaRequest
	if err := json.Unmarshal(answer, &req); err != nil {
		return in, nil, fmt.Errorf("the returned request: %w", err)
	}
	out, err := changed(req, event, in)
	return out, nil, err
}

// changed checks and applies what the function changed in the request.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html
func changed(got, sent lambdaRequest, out originRequest) (originRequest, error) {
	switch {
	case !strings.HasPrefix(got.URI, "/"):
		return out, fmt.Errorf("the uri %q does not begin with a slash", got.URI)
	case len(got.URI)+1+len(got.QueryString) >= maxURI:
		return out, fmt.Errorf("uri and querystring have %d characters, they must have fewer than %d",
			len(got.URI)+1+len(got.QueryString), maxURI)
	case strings.ContainsFunc(got.URI, isControl):
		return out, errors.New("the uri has a control character")
	case strings.ContainsFunc(got.QueryString, func(c rune) bool { return c == ' ' || c == '#' || isControl(c) }):
		return out, errors.New("the querystring has a space, a # or a control character")
	case got.Method != sent.Method:
		return out, errors.New("the method is read-only")
	case got.ClientIP != sent.ClientIP:
		return out, errors.New("clientIp is read-only")
	case len(got.Body) > 0 && string(got.Body) != "null":
		return out, errors.New("replacing the body is not supported on one machine")
	}
	header, err := checkHeaders(got.Headers, sent.Headers, readOnlyAtOrigin)
	if err != nil {
		return out, err
	}
	if host := header.Get("Host"); host != sent.Origin.host() {
		return out, fmt.Errorf("the host header is %q: another than the origin's is not supported on one machine", host)
	}
	for name := range got.Headers {
		if _, twice := sent.Origin.customHeaders()[name]; twice {
			return out, fmt.Errorf("the header %s is one of the origin's custom headers as well", name)
		}
	}
	header.Del("Host")
	out.uri, out.query, out.header = got.URI, got.QueryString, header
	// Origin access control does not follow to another origin, so one that was touched would go unsigned.
	// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
	if !reflect.DeepEqual(got.Origin, sent.Origin) {
		return out, errors.New("the origin is not as it was given: that is not supported on one machine")
	}
	return out, nil
}

// object checks a response that a function made.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-generating-http-responses.html
func (r *lambdaResponse) object(head bool) (*object, error) {
	status, err := strconv.Atoi(r.Status)
	if err != nil || status < 200 || status > 599 {
		return nil, fmt.Errorf("the status %q is not one of 200 to 599", r.Status)
	}
	header, err := checkHeaders(r.Headers, nil, readOnlyAtOrigin)
	if err != nil {
		return nil, err
	}
	body, err := decodeBody(r.BodyEncoding, r.Body)
	if err != nil {
		return nil, err
	}
	size := len(r.Body)
	for name, values := range header {
		for _, v := range values {
			size += len(name) + len(v)
		}
	}
	if size > maxGenerated {
		return nil, fmt.Errorf("the response has %d bytes, at most %d are allowed", size, maxGenerated)
	}
	if head {
		body = nil
	}
	return &object{source: FromFunction, status: status, header: header, body: body, length: strconv.Itoa(len(body))}, nil
}

// decodeBody reads the body of a function's response.
func decodeBody(encoding, body string) ([]byte, error) {
	switch encoding {
	case "", "text":
		return []byte(body), nil
	case "base64":
		decoded, err := base64.StdEncoding.DecodeString(body)
		if err != nil {
			return nil, fmt.Errorf("the body is not base64: %w", err)
		}
		return decoded, nil
	}
	return nil, fmt.Errorf("the body's encoding %q is neither text nor base64", encoding)
}

// checkHeaders compares the headers that a function returned with those it was given, and returns them in net/http's
// form.
func checkHeaders(got, sent lambdaHeaders, readOnly distribution.HeaderNames) (http.Header, error) {
	out := http.Header{}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		if name != strings.ToLower(name) || !token.MatchString(name) {
			return nil, fmt.Errorf("the header name %q is not in lower case or not a name", name)
		}
		if distribution.Disallowed.Has(name) {
			return nil, fmt.Errorf("the header %s is disallowed", name)
		}
		if readOnly.Has(name) && !slices.EqualFunc(got[name], sent[name], sameValue) {
			return nil, fmt.Errorf("the header %s is read-only", name)
		}
		for _, h := range got[name] {
			if h.Key != "" && strings.ToLower(h.Key) != name {
				return nil, fmt.Errorf("the header %s has the key %q", name, h.Key)
			}
			if strings.ContainsAny(h.Value, "\r\n\x00") {
				return nil, fmt.Errorf("the header %s has a line break in its value", name)
			}
			out[canonical] = append(out[canonical], h.Value)
		}
	}
	for name := range sent {
		if _, ok := got[name]; !ok && readOnly.Has(name) {
			return nil, fmt.Errorf("the header %s is read-only and was removed", name)
		}
	}
	return out, nil
}

func sameValue(a, b lambdaHeader) bool { return a.Value == b.Value }

func isControl(c rune) bool { return c < ' ' || c == 0x7f }

// token is the form of a header name. https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2
var token = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
