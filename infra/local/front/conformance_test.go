package front

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/local/front/conformance"
	"secure-media-cdn/infra/plan/document"
)

// scriptHashes are a live link and one that does not exist.
const (
	photoHash   = "AbCdEfGhIjKlMnOpQrStUvWxYz012345"
	unknownHash = "ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ"
)

// TestConformance runs every script of testdata, one file per rule.
func TestConformance(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files, "there are no scripts")
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			f, err := os.Open(file)
			require.NoError(t, err)
			defer f.Close()
			script, err := conformance.Parse(f)
			require.NoError(t, err)
			w := newWorld(t)
			vars := map[string]string{"photo": "/images/" + photoHash, "unknown": "/images/" + unknownHash}
			if err := conformance.Run(script, w, vars); err != nil {
				t.Errorf("%s:\n%v", script.Rule, err)
			}
		})
	}
}

// TestScriptsForARealDistribution makes sure that those that are not local-only
// need nothing but a live link.
func TestScriptsForARealDistribution(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	ran := 0
	for _, file := range files {
		f, err := os.Open(file)
		require.NoError(t, err)
		script, err := conformance.Parse(f)
		f.Close()
		require.NoError(t, err)
		if script.LocalOnly {
			continue
		}
		ran++
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			w := newWorld(t)
			require.NoError(t, w.build())
			remote, err := conformance.NewRemote(w.viewer.URL)
			require.NoError(t, err)
			vars := map[string]string{"photo": "/images/" + photoHash, "unknown": "/images/" + unknownHash}
			assert.NoError(t, conformance.Run(script, remote, vars))
		})
	}
	assert.Positive(t, ran)
}

// world is an Edge with scripted neighbours and a clock that scripts move.
type world struct {
	t       *testing.T
	doc     *document.Document
	s3      *fakeS3
	lambda  *fakeFunction
	gate    *fakeGate
	edge    *Edge
	viewer  *httptest.Server
	ahead   atomic.Int64 // of the clock, in nanoseconds
	entered atomic.Int64 // viewers
	bytes   int64
	once    sync.Mutex
	*conformance.Remote
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, doc: newPlan(t)}
	w.s3 = &fakeS3{now: w.now, objects: map[string]fakeObject{}}
	w.lambda = &fakeFunction{now: w.now, links: map[string]fakeLink{photoHash: {"photos/cat.jpg", w.now().Add(30 * 24 * time.Hour)}}}
	w.gate = &fakeGate{}
	w.s3.put("photos/cat.jpg", 5000, nil)
	return w
}

// worldStart is a whole second, and the fake clock moves only when told to.
var worldStart = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func (w *world) now() time.Time { return worldStart.Add(time.Duration(w.ahead.Load())) }

// build makes the Edge once all settings are known.
func (w *world) build() error {
	w.once.Lock()
	defer w.once.Unlock()
	if w.edge != nil {
		return nil
	}
	bucket := httptest.NewServer(w.s3)
	bucket.Config.ErrorLog = nil
	w.t.Cleanup(bucket.Close)
	var err error
	w.edge, err = New(Options{
		Document: w.doc, Now: w.now, CacheBytes: w.bytes,
		S3:        S3{Endpoint: bucket.URL, AccessKeyID: "edge", SecretAccessKey: "secret"},
		Lambdas:   map[string]Lambda{testLambda: w.lambda.run},
		Functions: map[string]Function{testGate: w.gate},
	})
	if err != nil {
		return err
	}
	w.viewer = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.entered.Add(1)
		w.edge.ServeHTTP(rw, r)
	}))
	w.t.Cleanup(w.viewer.Close)
	w.Remote, err = conformance.NewRemote(w.viewer.URL)
	return err
}

func (w *world) Do(method, path string, header http.Header, plain bool) (*http.Response, error) {
	if err := w.build(); err != nil {
		return nil, err
	}
	return w.Remote.Do(method, path, header, plain)
}

func (w *world) Wait(d time.Duration) { w.ahead.Add(int64(d)) }

func (w *world) Step(s conformance.Step) error {
	switch s.Verb {
	case "object", "remove", "s3":
		return w.s3.step(s)
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
		return w.edge.Invalidate(strings.Fields(s.Args))
	case "calls":
		return w.calls(s)
	case "sent":
		return w.sent(s)
	}
	return w.scene(s)
}

// scene handles the settings, which must come before the first request.
func (w *world) scene(s conformance.Step) error {
	if w.edge != nil {
		return errors.New("the edge is running already")
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

// calls handles "calls function|s3|gate N": since the last such step.
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

// sent handles "sent function|s3|gate" with what the last request to it held:
// method, uri and querystring, and headers; "-" is absent.
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
		}
		if want := strings.TrimPrefix(f.Value, "-"); got != want {
			return fmt.Errorf("%s was %q, it should be %q", f.Name, got, want)
		}
	}
	return nil
}
