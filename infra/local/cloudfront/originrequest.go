package cloudfront

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// The event of Lambda@Edge, as AWS writes it down.
// CFDG lambda-event-structure.html
type (
	lambdaEvent struct {
		Records []lambdaRecord `json:"Records"`
	}
	lambdaRecord struct {
		CF lambdaCF `json:"cf"`
	}
	lambdaCF struct {
		Config  lambdaConfig  `json:"config"`
		Request lambdaRequest `json:"request"`
	}
	lambdaConfig struct {
		DistributionDomainName string `json:"distributionDomainName"`
		DistributionID         string `json:"distributionId"`
		EventType              string `json:"eventType"`
		RequestID              string `json:"requestId"`
	}
	lambdaRequest struct {
		ClientIP    string          `json:"clientIp"`
		Headers     lambdaHeaders   `json:"headers"`
		Method      string          `json:"method"`
		Origin      *lambdaOrigin   `json:"origin"`
		QueryString string          `json:"querystring"`
		URI         string          `json:"uri"`
		Body        json.RawMessage `json:"body,omitempty"`
	}
	lambdaOrigin struct {
		S3     *lambdaS3       `json:"s3,omitempty"`
		Custom json.RawMessage `json:"custom,omitempty"`
	}
	lambdaS3 struct {
		AuthMethod    string        `json:"authMethod"`
		CustomHeaders lambdaHeaders `json:"customHeaders"`
		DomainName    string        `json:"domainName"`
		Path          string        `json:"path"`
		Region        string        `json:"region"`
	}
	lambdaResponse struct {
		Status            string        `json:"status"`
		StatusDescription string        `json:"statusDescription"`
		Headers           lambdaHeaders `json:"headers"`
		Body              string        `json:"body"`
		BodyEncoding      string        `json:"bodyEncoding"`
	}
	lambdaHeaders map[string][]lambdaHeader
	lambdaHeader  struct {
		Key   string `json:"key,omitempty"`
		Value string `json:"value"`
	}
)

const (
	maxGenerated = 1 << 20 // aws-facts 1.5: headers and body of a response made at origin-request
	maxURI       = 8192    // aws-facts 1.8
)

// event describes a request to the origin for its function.
func (o *origin) event(d *distribution, clientIP string, in originRequest) lambdaEvent {
	headers := toLambda(in.header)
	headers["host"] = []lambdaHeader{{"Host", o.domain}}
	custom := lambdaHeaders{}
	for _, h := range o.custom {
		custom[strings.ToLower(h.name)] = []lambdaHeader{{h.name, h.value}}
	}
	return lambdaEvent{Records: []lambdaRecord{{CF: lambdaCF{
		Config: lambdaConfig{d.domain, d.id, eventOriginRequest, randomID(56)},
		Request: lambdaRequest{
			ClientIP: clientIP, Headers: headers, Method: in.method, QueryString: in.query, URI: in.uri,
			// Origin access control is not the identity of old, so AWS says none.
			Origin: &lambdaOrigin{S3: &lambdaS3{AuthMethod: "none", CustomHeaders: custom, DomainName: o.domain, Path: o.path, Region: o.region}},
		},
	}}}}
}

func toLambda(h http.Header) lambdaHeaders {
	out := lambdaHeaders{}
	for name, values := range h {
		for _, v := range values {
			out[strings.ToLower(name)] = append(out[strings.ToLower(name)], lambdaHeader{name, v})
		}
	}
	return out
}

// readAnswer reads what an origin-request function returned: the request to send
// on, or a generated response. An error says what AWS would not accept.
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
// CFDG lambda-event-structure.html, aws-facts 1.6 to 1.8
func changed(got, sent lambdaRequest, out originRequest) (originRequest, error) {
	switch {
	case !strings.HasPrefix(got.URI, "/"):
		return out, fmt.Errorf("the uri %q does not begin with a slash", got.URI)
	case len(got.URI)+1+len(got.QueryString) >= maxURI:
		return out, fmt.Errorf("uri and querystring have %d characters, they must have fewer than %d", len(got.URI)+1+len(got.QueryString), maxURI)
	case strings.ContainsFunc(got.URI, isControl):
		return out, errors.New("the uri has a control character")
	case strings.ContainsFunc(got.QueryString, func(c rune) bool { return c == ' ' || c == '#' || isControl(c) }):
		return out, errors.New("the querystring has a space, a # or a control character")
	case got.Method != sent.Method:
		return out, errors.New("the method is read-only")
	case got.ClientIP != sent.ClientIP:
		return out, errors.New("clientIp is read-only")
	case len(got.Body) > 0 && string(got.Body) != "null":
		return out, errors.New("replacing the body is not implemented by the local CloudFront")
	}
	header, err := checkHeaders(got.Headers, sent.Headers, readOnlyAtOrigin)
	if err != nil {
		return out, err
	}
	if host := header.Get("Host"); host != sent.Origin.S3.DomainName {
		return out, fmt.Errorf("the host header is %q: another than the bucket's is not implemented by the local CloudFront", host)
	}
	header.Del("Host")
	out.uri, out.query, out.header = got.URI, got.QueryString, header
	return changedOrigin(got.Origin, sent.Origin.S3, out)
}

func changedOrigin(got *lambdaOrigin, sent *lambdaS3, out originRequest) (originRequest, error) {
	if got == nil || got.S3 == nil || len(got.Custom) > 0 {
		return out, errors.New("the origin is not the one S3 origin any more: that is not implemented by the local CloudFront")
	}
	custom, err := checkHeaders(got.S3.CustomHeaders, sent.CustomHeaders, notCustom)
	if err != nil {
		return out, fmt.Errorf("the origin's customHeaders: %w", err)
	}
	out.custom = nil
	for _, name := range slices.Sorted(maps.Keys(custom)) {
		if _, twice := out.header[name]; twice {
			return out, fmt.Errorf("the header %s is in the request and among the origin's customHeaders", name)
		}
		for _, value := range custom[name] {
			out.custom = append(out.custom, customHeader{name, value})
		}
	}
	if path := got.S3.Path; path != sent.Path {
		return out, fmt.Errorf("the origin's path is %q: another than the distribution's is not implemented by the local CloudFront", path)
	}
	// Origin access control does not follow to another origin (aws-facts 2.2).
	out.unsigned = got.S3.DomainName != sent.DomainName || got.S3.Region != sent.Region || got.S3.AuthMethod != sent.AuthMethod
	return out, nil
}

// generated checks a response that a function made.
// CFDG lambda-generating-http-responses.html
func generated(in *lambdaResponse, head bool) (status int, header http.Header, body []byte, err error) {
	status, err = strconv.Atoi(in.Status)
	if err != nil || status < 200 || status > 599 {
		return 0, nil, nil, fmt.Errorf("the status %q is not one of 200 to 599", in.Status)
	}
	if header, err = checkHeaders(in.Headers, nil, readOnlyAtOrigin); err != nil {
		return 0, nil, nil, err
	}
	body = []byte(in.Body)
	switch in.BodyEncoding {
	case "", "text":
	case "base64":
		if body, err = base64.StdEncoding.DecodeString(in.Body); err != nil {
			return 0, nil, nil, fmt.Errorf("the body is not base64: %w", err)
		}
	default:
		return 0, nil, nil, fmt.Errorf("the bodyEncoding %q is neither text nor base64", in.BodyEncoding)
	}
	size := len(in.Body)
	for name, values := range header {
		for _, v := range values {
			size += len(name) + len(v)
		}
	}
	if size > maxGenerated {
		return 0, nil, nil, fmt.Errorf("the response has %d bytes, at most %d are allowed", size, maxGenerated)
	}
	if head {
		body = nil
	}
	return status, header, body, nil
}
