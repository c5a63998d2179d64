package cloudfront

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"secure-media-cdn/infra/local/cloudfront/conformance"
)

// fakeFunction is the origin-request function of the scripts. Left alone, it does as the real one does for the links
// that it was given.
type fakeFunction struct {
	mu    sync.Mutex
	now   func() time.Time
	links map[string]fakeLink // by hash
	calls int
	last  lambdaRequest
	step  *conformance.Step // "function …", nil for the links
	slow  func()            // lets time pass before the answer is there
}

type fakeLink struct {
	key     string
	expires time.Time
}

func (f *fakeFunction) run(_ context.Context, event []byte) ([]byte, error) {
	var in lambdaEvent
	if err := json.Unmarshal(event, &in); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	f.last = in.Records[0].CF.Request
	if f.slow != nil {
		defer f.slow()
	}
	if f.step == nil {
		return f.serveLink(f.last)
	}
	switch f.step.Args {
	case "fails":
		return nil, errors.New("the function threw an error")
	case "responds":
		return f.respond()
	case "changes":
		return f.change(event)
	case "returns":
		return []byte(f.step.Fields[0].Value), nil
	}
	return nil, fmt.Errorf("the script does not say what the function does: %q", f.step.Args)
}

// serveLink answers as the edge function of the stack does in origin mode.
func (f *fakeFunction) serveLink(req lambdaRequest) ([]byte, error) {
	refuse := func(status, text string) ([]byte, error) {
		return json.Marshal(lambdaResponse{Status: status, Body: text, Headers: lambdaHeaders{
			"cache-control": {{"Cache-Control", "no-store"}}, "content-type": {{"Content-Type", "text/plain"}}}})
	}
	link, ok := f.links[strings.TrimPrefix(req.URI, "/images/")]
	if !ok {
		return refuse("404", "no such link")
	}
	left := int64(link.expires.Sub(f.now()) / time.Second)
	if left <= 0 {
		return refuse("403", "the link has expired")
	}
	req.URI = escape("/" + link.key)
	req.QueryString = "response-cache-control=" +
		url.QueryEscape(fmt.Sprintf("public, max-age=%d, s-maxage=%d, stale-if-error=0", min(left, 86400), left))
	return json.Marshal(req)
}

func (f *fakeFunction) respond() ([]byte, error) {
	resp := map[string]any{"status": "200"}
	headers := lambdaHeaders{}
	for _, field := range f.step.Fields {
		name, value := field.Name, field.Value
		switch name {
		case "size":
			n, err := strconv.Atoi(value)
			if err != nil {
				return nil, err
			}
			resp["body"] = strings.Repeat("x", n)
		case "status", "body", "bodyEncoding":
			resp[name] = value
		default:
			headers[strings.ToLower(name)] = append(headers[strings.ToLower(name)], lambdaHeader{name, value})
		}
	}
	resp["headers"] = headers
	return json.Marshal(resp)
}

// change puts values at paths of the request: "uri", "origin.s3.domainName", "headers.x-new"; "-" removes.
func (f *fakeFunction) change(event []byte) ([]byte, error) {
	var in struct {
		Records []struct {
			CF struct {
				Request map[string]any `json:"request"`
			} `json:"cf"`
		}
	}
	if err := json.Unmarshal(event, &in); err != nil {
		return nil, err
	}
	req := in.Records[0].CF.Request
	for _, field := range f.step.Fields {
		value := any(field.Value)
		if strings.Contains(field.Name, "eaders.") {
			name := field.Name[strings.LastIndexByte(field.Name, '.')+1:]
			value = []any{map[string]any{"key": name, "value": field.Value}}
		}
		if err := setPath(req, strings.Split(field.Name, "."), value, field.Value == "-"); err != nil {
			return nil, err
		}
	}
	return json.Marshal(req)
}

// fakeGate is the viewer-request function of the scripts: it returns the JSON it is told to, or the request with
// changes, or fails.
type fakeGate struct {
	mu    sync.Mutex
	calls int
	last  functionRequest
	step  *conformance.Step
}

// Run implements Function.
func (g *fakeGate) Run(_ context.Context, event []byte) ([]byte, error) {
	var in struct {
		Request map[string]any `json:"request"`
	}
	if err := json.Unmarshal(event, &in); err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls++
	var typed functionEvent
	if err := json.Unmarshal(event, &typed); err != nil {
		return nil, err
	}
	g.last = typed.Request
	switch {
	case g.step == nil:
	case g.step.Args == "fails":
		return nil, errors.New("the function threw an error")
	case g.step.Args == "returns":
		return []byte(g.step.Fields[0].Value), nil
	case g.step.Args == "changes":
		for _, field := range g.step.Fields {
			var value any
			if err := json.Unmarshal([]byte(field.Value), &value); err != nil {
				return nil, err
			}
			if err := setPath(in.Request, strings.Split(field.Name, "."), value, value == nil); err != nil {
				return nil, err
			}
		}
	}
	return json.Marshal(in.Request)
}
