package cloudfront

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/local/cloudfront/conformance"
	"secure-media-cdn/infra/local/cloudfront/distribution"
	"secure-media-cdn/infra/plan"
)

// scriptHashes are a live link and one that does not exist.
const (
	photoHash   = "AbCdEfGhIjKlMnOpQrStUvWxYz012345"
	unknownHash = "ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ"
)

// TestConformance runs every script of testdata, one file per rule.
func TestConformance(t *testing.T) {
	scripts, err := conformance.ReadAll("testdata")
	require.NoError(t, err)
	for _, script := range scripts {
		t.Run(script.Name, func(t *testing.T) {
			t.Parallel()
			vars := map[string]string{"photo": "/images/" + photoHash, "unknown": "/images/" + unknownHash}
			if err := conformance.Run(script, newWorld(t), vars); err != nil {
				t.Errorf("%s:\n%v", script.Rule, err)
			}
		})
	}
}

// world is a Server with scripted neighbours and a clock that scripts move.
type world struct {
	t       *testing.T
	doc     *plan.Document
	s3      *fakeS3
	url     *fakeURL
	lambda  *fakeFunction
	gate    *fakeGate
	server  *Server
	viewer  string       // its address
	ahead   atomic.Int64 // of the clock, in nanoseconds
	entered atomic.Int64 // viewers
	bytes   int64
	once    sync.Mutex
	*conformance.Remote
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, doc: newPlan(t)}
	w.url = &fakeURL{now: w.now}
	w.s3 = &fakeS3{now: w.now, objects: map[string]fakeObject{}}
	w.lambda = &fakeFunction{now: w.now, links: map[string]fakeLink{photoHash: {"photos/cat.jpg",
		w.now().Add(30 * 24 * time.Hour)}}}
	w.gate = &fakeGate{}
	w.s3.put("photos/cat.jpg", 5000, nil)
	return w
}

// serviceKey signs for CloudFront what goes to a function's URL.
var serviceKey = aws.Credentials{AccessKeyID: "service", SecretAccessKey: "cloudfront's"}

// worldStart is a whole second, and the fake clock moves only when told to.
var worldStart = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func (w *world) now() time.Time { return worldStart.Add(time.Duration(w.ahead.Load())) }

// build makes the Server once all settings are known.
func (w *world) build() error {
	w.once.Lock()
	defer w.once.Unlock()
	if w.server != nil {
		return nil
	}
	bucket := httptest.NewServer(w.s3)
	bucket.Config.ErrorLog = nil
	w.t.Cleanup(bucket.Close)
	functions := httptest.NewServer(w.url)
	w.t.Cleanup(functions.Close)
	d, err := distribution.Read(w.doc)
	if err != nil {
		return err
	}
	w.server, err = New(Options{
		Distribution: d, Now: w.now, CacheBytes: w.bytes,
		S3:        S3{Endpoint: bucket.URL, Credentials: aws.Credentials{AccessKeyID: "edge", SecretAccessKey: "secret"}},
		URLs:      Functions{URLs: map[string]string{testURL: functions.URL}, Credentials: serviceKey},
		Lambdas:   map[string]Lambda{testLambda: w.lambda.run},
		Functions: map[string]Function{testGate: w.gate},
	})
	if err != nil {
		return err
	}
	w.viewer = serve(w.t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.entered.Add(1)
		w.server.ServeHTTP(rw, r)
	}))
	w.Remote, err = conformance.NewRemote(w.viewer)
	return err
}

// serve answers viewers as the local run does, and returns the address.
func serve(t *testing.T, h http.Handler) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func (w *world) Do(method, path string, header http.Header, body string,
	plain bool) (*http.Response, error) {
	if err := w.build(); err != nil {
		return nil, err
	}
	return w.Remote.Do(method, path, header, body, plain)
}

func (w *world) Wait(d time.Duration) { w.ahead.Add(int64(d)) }
