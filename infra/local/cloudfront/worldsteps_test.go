package cloudfront

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"secure-media-cdn/infra/local/cloudfront/conformance"
)

func (w *world) Step(s conformance.Step) error {
	switch s.Verb {
	case "object", "remove", "s3":
		return w.s3.step(s)
	case "url":
		return w.url.step(s)
	case "function":
		w.lambda.mu.Lock()
		defer w.lambda.mu.Unlock()
		if w.lambda.step = &s; s.Args == "links" {
			w.lambda.step = nil
		}
		return nil
	case "gate":
		w.gate.mu.Lock()
		defer w.gate.mu.Unlock()
		w.gate.step = &s
		return nil
	case "link":
		return w.link(s)
	case "invalidate":
		if err := w.build(); err != nil {
			return err
		}
		return w.server.Invalidate(strings.Fields(s.Args))
	case "calls":
		return w.calls(s)
	case "sent":
		return w.sent(s)
	}
	return w.scene(s)
}

// scene handles the settings, which must come before the first request.
func (w *world) scene(s conformance.Step) error {
	if w.server != nil {
		return errors.New("the server is running already")
	}
	switch s.Verb {
	case "set":
		resource, rest, _ := strings.Cut(s.Args, " ")
		path, value, _ := strings.Cut(rest, " ")
		return set(w.doc, resource, path, value)
	case "gather":
		// S3 answers once that many viewers have come.
		n, err := strconv.ParseInt(s.Args, 10, 64)
		w.s3.gather = func() {
			for end := time.Now().Add(20 * time.Second); w.entered.Load() < n && time.Now().Before(end); {
				time.Sleep(time.Millisecond)
			}
		}
		return err
	case "slow-function":
		// The function decides at once, and its answer takes that long.
		d, err := time.ParseDuration(s.Args)
		w.lambda.slow = func() { w.ahead.Add(int64(d)) }
		return err
	case "cache-bytes":
		var err error
		w.bytes, err = strconv.ParseInt(s.Args, 10, 64)
		return err
	}
	return fmt.Errorf("there is no such step")
}

// link handles "link HASH KEY SECONDS".
func (w *world) link(s conformance.Step) error {
	parts := strings.Fields(s.Args)
	life, err := time.ParseDuration(parts[2])
	w.lambda.mu.Lock()
	defer w.lambda.mu.Unlock()
	w.lambda.links[parts[0]] = fakeLink{parts[1], w.now().Add(life)}
	return err
}

// calls handles "calls function|s3|url|gate N": since the last such step.
func (w *world) calls(s conformance.Step) error {
	who, count, _ := strings.Cut(s.Args, " ")
	want, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	var got int
	switch who {
	case "function":
		w.lambda.mu.Lock()
		defer w.lambda.mu.Unlock()
		got, w.lambda.calls = w.lambda.calls, 0
	case "s3":
		w.s3.mu.Lock()
		defer w.s3.mu.Unlock()
		got, w.s3.calls = w.s3.calls, 0
	case "url":
		w.url.mu.Lock()
		defer w.url.mu.Unlock()
		got, w.url.calls = w.url.calls, 0
	case "gate":
		w.gate.mu.Lock()
		defer w.gate.mu.Unlock()
		got, w.gate.calls = w.gate.calls, 0
	default:
		return fmt.Errorf("nobody counts calls of %s", who)
	}
	if got != want {
		return fmt.Errorf("there were %d", got)
	}
	return nil
}

// sent handles "sent function|s3|url|gate" with what the last request to it held: method, uri and querystring, and
// headers, for a function also its event's origin as JSON; "-" is absent, "~" comes before a regular expression.
func (w *world) sent(s conformance.Step) error {
	header := http.Header{}
	var method, uri, query string
	switch s.Args {
	case "s3":
		w.s3.mu.Lock()
		defer w.s3.mu.Unlock()
		if w.s3.last == nil {
			return errors.New("S3 was not asked")
		}
		method, query, header = w.s3.last.Method, w.s3.last.URL.RawQuery, w.s3.last.Header
		uri = strings.TrimPrefix(w.s3.last.URL.EscapedPath(), "/"+testBucket)
	case "url":
		w.url.mu.Lock()
		defer w.url.mu.Unlock()
		if w.url.last == nil {
			return errors.New("the function's URL was not asked")
		}
		method, query, header = w.url.last.Method, w.url.last.URL.RawQuery, w.url.last.Header
		uri = w.url.last.URL.EscapedPath()
	case "function":
		w.lambda.mu.Lock()
		defer w.lambda.mu.Unlock()
		method, uri, query = w.lambda.last.Method, w.lambda.last.URI, w.lambda.last.QueryString
		for name, values := range w.lambda.last.Headers {
			for _, v := range values {
				header.Add(name, v.Value)
			}
		}
	case "gate":
		w.gate.mu.Lock()
		defer w.gate.mu.Unlock()
		method, uri, query = w.gate.last.Method, w.gate.last.URI, pairs(w.gate.last.QueryString, "&")
		for name, v := range w.gate.last.Headers {
			header[http.CanonicalHeaderKey(name)] = v.all()
		}
		header.Set("Cookie", pairs(w.gate.last.Cookies, "; "))
	}
	for _, f := range s.Fields {
		got := strings.Join(header.Values(f.Name), ", ")
		switch f.Name {
		case "method":
			got = method
		case "uri":
			got = uri
		case "querystring":
			got = query
		case "origin":
			origin, _ := json.Marshal(w.lambda.last.Origin)
			got = string(origin)
		case "body":
			got = w.url.body
		}
		want := strings.TrimPrefix(f.Value, "-")
		if pattern, regular := strings.CutPrefix(want, "~"); regular {
			if !regexp.MustCompile(strings.TrimSpace(pattern)).MatchString(got) {
				return fmt.Errorf("%s was %q, it should match %s", f.Name, got, pattern)
			}
		} else if got != want {
			return fmt.Errorf("%s was %q, it should be %q", f.Name, got, want)
		}
	}
	return nil
}
