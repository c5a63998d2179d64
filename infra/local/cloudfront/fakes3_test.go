package cloudfront

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"secure-media-cdn/infra/local/cloudfront/conformance"
)

// fakeS3 is S3 as far as the scripts need it, and does what it is told to besides. It applies the overrides to 200
// only, as S3 promises no more.
type fakeS3 struct {
	mu      sync.Mutex
	now     func() time.Time
	objects map[string]fakeObject // by key
	calls   int
	last    *http.Request
	answer  *conformance.Step // instead of the object, while set
	down    string            // "down": it closes the connection; "breaks": in the middle of the body
	gather  func()            // waits until the viewers are there
}

type fakeObject struct {
	body     string
	header   http.Header
	modified time.Time
}

func (s *fakeS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.calls++
	s.last = r
	key := strings.TrimPrefix(r.URL.Path, "/"+testBucket+"/")
	o, found := s.objects[key]
	answer, down, gather := s.answer, s.down, s.gather
	s.mu.Unlock()
	if gather != nil {
		gather()
	}
	w.Header().Set("Server", "AmazonS3")
	w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
	switch {
	case down == "breaks":
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write(make([]byte, 500))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case down != "":
		panic(http.ErrAbortHandler)
	case answer != nil:
		scripted(w, *answer)
	case !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 "):
		w.WriteHeader(http.StatusForbidden)
	case !found:
		w.WriteHeader(http.StatusNotFound)
	default:
		for name, values := range o.header {
			w.Header()[name] = values
		}
		sum := md5.Sum([]byte(o.body))
		w.Header().Set("Etag", `"`+hex.EncodeToString(sum[:])+`"`)
		http.ServeContent(&overriding{ResponseWriter: w, value: r.URL.Query().Get("response-cache-control")}, r, "",
			o.modified, strings.NewReader(o.body))
	}
}

// overriding puts the overridden Cache-Control into a 200.
type overriding struct {
	http.ResponseWriter
	value string
}

func (o *overriding) WriteHeader(status int) {
	if status == http.StatusOK && o.value != "" {
		o.Header().Set("Cache-Control", o.value)
	}
	o.ResponseWriter.WriteHeader(status)
}

// scripted writes the answer of an "s3 answer STATUS" step.
func scripted(w http.ResponseWriter, s conformance.Step) {
	status, _ := strconv.Atoi(strings.TrimPrefix(s.Args, "answer "))
	body := ""
	for _, f := range s.Fields {
		if f.Name == "body" {
			body = f.Value
			continue
		}
		w.Header().Add(f.Name, f.Value)
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

// step handles "object PATH SIZE", "remove PATH" and "s3 …".
func (s *fakeS3) step(step conformance.Step) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	path, size, _ := strings.Cut(step.Args, " ")
	switch step.Verb {
	case "remove":
		delete(s.objects, strings.TrimPrefix(path, "/"))
		return nil
	case "object":
		n, err := strconv.Atoi(size)
		if err != nil {
			return fmt.Errorf("%q is not a size", size)
		}
		s.put(strings.TrimPrefix(path, "/"), n, step.Fields)
		return nil
	}
	s.answer, s.down = nil, ""
	switch {
	case strings.HasPrefix(step.Args, "answer "):
		s.answer = &step
	case step.Args == "down" || step.Args == "breaks":
		s.down = step.Args
	case step.Args != "normal":
		return fmt.Errorf("s3 can answer, be down, break off or be normal")
	}
	return nil
}

// put makes an object of n bytes that differ from key to key and from moment to moment, so that a new version is
// another.
func (s *fakeS3) put(key string, n int, fields []conformance.Field) {
	o := fakeObject{header: http.Header{"Content-Type": {"image/jpeg"}}, modified: s.now()}
	for _, f := range fields {
		o.header.Set(f.Name, f.Value)
	}
	seed := key + "@" + strconv.FormatInt(s.now().Unix(), 10) + ";"
	o.body = strings.Repeat(seed, n/len(seed)+1)[:n]
	s.objects[key] = o
}
