package cloudfront

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/textproto"
	"strings"

	"secure-media-cdn/infra/local/cloudfront/distribution"
)

// readOnlyAtResponse cannot be added, changed or removed at viewer-response.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html
var readOnlyAtResponse = distribution.HeaderNames{
	"Content-Encoding", "Content-Length", "Transfer-Encoding", "Via", "Warning",
}

// hidden reports whether a function at viewer-response is not shown a header of an answer, or not as a header.
func hidden(name string) bool { return name == "Set-Cookie" || distribution.Disallowed.Has(name) }

// answered runs the viewer-response function on an answer, whose headers it may change. It does not run for errors, and
// not for what came from the viewer-request function or before it.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-cloudfront-trigger-events.html
func (s *Server) answered(r *http.Request, x *exchange, a answer) answer {
	if x.viewerResponse == nil || a.status >= http.StatusBadRequest || a.source == FromGate || a.source == FromCloudFront {
		return a
	}
	refuse := func(status int, result result, format string, err error) answer {
		refused := s.failure(status, result, fmt.Sprintf(format, err))
		refused.failed = x.ViewerResponse
		if a.stream != nil {
			_ = a.stream.Close()
		}
		return refused
	}
	event := x.functionEvent(s.Distribution, r.Host)
	event.Context.EventType = "viewer-response"
	event.Response = &functionResponse{StatusCode: a.status, StatusDescription: http.StatusText(a.status),
		Headers: map[string]functionValue{}, Cookies: map[string]functionValue{}}
	for name, values := range a.header {
		if !hidden(name) {
			event.Response.Headers[strings.ToLower(name)] = multi(values)
		}
	}
	payload, err := json.Marshal(event)
	if err != nil {
		return refuse(http.StatusBadGateway, functionInvalid, "writing the event: %v", err)
	}
	output, err := x.viewerResponse.Run(r.Context(), payload)
	if err != nil {
		return refuse(http.StatusServiceUnavailable, functionFailed, "the viewer-response function failed: %v", err)
	}
	header, err := changedHeader(output, a.object)
	if err != nil {
		return refuse(http.StatusBadGateway, functionInvalid, "the viewer-response function's answer was refused: %v", err)
	}
	o := *a.object // the cache keeps it as it was
	o.header, a.object = header, &o
	return a
}

// changedHeader reads the headers of what a viewer-response function returned for an object.
func changedHeader(output []byte, o *object) (http.Header, error) {
	var got functionResponse
	if err := json.Unmarshal(output, &got); err != nil {
		return nil, errors.New("the function returned no response")
	}
	if got.StatusCode != o.status {
		return nil, errors.New("the statusCode cannot be changed")
	}
	header := maps.Clone(o.header)
	maps.DeleteFunc(header, func(name string, _ []string) bool { return !hidden(name) })
	for name, value := range got.Headers {
		if name != strings.ToLower(name) || !token.MatchString(name) || distribution.Disallowed.Has(name) {
			return nil, fmt.Errorf("the header %q is disallowed or not in lower case", name)
		}
		header[textproto.CanonicalMIMEHeaderKey(name)] = value.all()
	}
	for _, name := range readOnlyAtResponse {
		if header.Get(name) != o.header.Get(name) {
			return nil, fmt.Errorf("the header %s is read-only", strings.ToLower(name))
		}
	}
	return header, nil
}
