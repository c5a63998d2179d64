package cloudfront

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// started is a world with a running Server and a public object of 5000 bytes.
func started(t *testing.T, change func(*world)) (*world,
	func(method, path string, header ...string) (*http.Response, string)) {
	t.Helper()
	w := newWorld(t)
	w.s3.put("public/a.jpg", 5000, nil)
	if change != nil {
		change(w)
	}
	require.NoError(t, w.build())
	return w, asker(t, w.server)
}

// held makes S3 answer only once release is called; entered tells that it was asked.
func held(w *world) (entered chan struct{}, release func()) {
	entered = make(chan struct{}, 100)
	let := make(chan struct{})
	w.s3.gather = func() {
		entered <- struct{}{}
		select {
		case <-let:
		case <-time.After(20 * time.Second):
		}
	}
	return entered, func() { close(let) }
}

func TestAnInvalidationSpoilsTheFetchesUnderWay(t *testing.T) {
	t.Parallel()
	var entered chan struct{}
	var release func()
	w, ask := started(t, func(w *world) { entered, release = held(w) })
	first := make(chan string)
	go func() {
		resp, _ := ask("GET", "/public/a.jpg")
		first <- resp.Header.Get("X-Cache")
	}()
	<-entered
	require.NoError(t, w.server.Invalidate([]string{"/public/a*"}))
	second := make(chan string)
	go func() {
		resp, _ := ask("GET", "/public/a.jpg")
		second <- resp.Header.Get("X-Cache")
	}()
	select {
	case <-entered:
	case <-time.After(10 * time.Second):
		t.Error("who asks after the invalidation waits for what was asked before")
	}
	release()
	assert.Equal(t, "Miss from cloudfront", <-first)
	assert.Equal(t, "Miss from cloudfront", <-second)
	assert.Equal(t, int64(1), w.server.Stats().CacheObjects, "only the second answer was kept")
	resp, _ := ask("GET", "/public/a.jpg")
	assert.Equal(t, "Hit from cloudfront", resp.Header.Get("X-Cache"))

	t.Run("an answer asked for before is not kept", func(t *testing.T) {
		entered, release := make(chan struct{}), make(chan struct{})
		w.s3.mu.Lock()
		w.s3.gather = func() { entered <- struct{}{}; <-release }
		w.s3.put("public/b.jpg", 10, nil)
		w.s3.mu.Unlock()
		done := make(chan struct{})
		go func() { ask("GET", "/public/b.jpg"); close(done) }()
		<-entered
		require.NoError(t, w.server.Invalidate([]string{"/public/b.jpg"}))
		close(release)
		<-done
		w.s3.mu.Lock()
		w.s3.gather = nil
		w.s3.mu.Unlock()
		resp, _ := ask("GET", "/public/b.jpg")
		assert.Equal(t, "Miss from cloudfront", resp.Header.Get("X-Cache"))
	})
}

func TestAViewerWhoGoesAwayDoesNotTakeTheFetchWithHim(t *testing.T) {
	t.Parallel()
	var entered chan struct{}
	var release func()
	w, ask := started(t, func(w *world) { entered, release = held(w) })
	ctx, leave := context.WithCancel(context.Background())
	gone := make(chan struct{})
	server := httptest.NewServer(w.server) // which ends the context of a request whose viewer has gone
	defer server.Close()
	go func() {
		req, _ := http.NewRequestWithContext(ctx, "GET", server.URL+"/public/a.jpg", nil)
		_, err := http.DefaultTransport.RoundTrip(req)
		assert.ErrorIs(t, err, context.Canceled)
		close(gone)
	}()
	<-entered
	leave()
	<-gone
	waiting := make(chan string)
	go func() {
		resp, body := ask("GET", "/public/a.jpg")
		assert.Len(t, body, 5000)
		waiting <- resp.Header.Get("X-Cache")
	}()
	release()
	assert.Equal(t, "Hit from cloudfront", <-waiting)
	assert.Equal(t, 1, w.s3.calls)
}

func TestAPanicInAFunctionDoesNotHangThoseWhoWait(t *testing.T) {
	t.Parallel()
	w, _ := started(t, nil)
	ran := 0
	w.server.behaviours[len(w.server.behaviours)-1].originRequest = func(context.Context, []byte) ([]byte, error) {
		ran++
		if ran == 1 {
			panic("broken runner")
		}
		return nil, errors.New("and again")
	}
	server := httptest.NewUnstartedServer(w.server)
	server.Config.ErrorLog = quiet
	server.Start()
	defer server.Close()
	_, err := http.Get(server.URL + "/images/a")
	assert.Error(t, err)
	resp, err := http.Get(server.URL + "/images/a")
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, 503, resp.StatusCode)
}

func TestWhatIsReportedOfEachRequest(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var records []Record
	w, ask := started(t, nil)
	w.server.onRequest = func(r Record) {
		mu.Lock()
		defer mu.Unlock()
		r.Duration, r.Time = 0, time.Time{}
		records = append(records, r)
	}
	ask("GET", "/public/a.jpg?x=1")
	ask("GET", "/public/a.jpg")
	ask("HEAD", "/images/"+photoHash)
	ask("GET", "/images/"+unknownHash)
	ask("DELETE", "/public/a.jpg")
	ask("GET", "/images/x", "CloudFront-Forwarded-Proto", "http")
	w.lambda.mu.Lock()
	w.lambda.step = &stepFails
	w.lambda.mu.Unlock()
	ask("GET", "/images/y")
	mu.Lock()
	defer mu.Unlock()
	require.Len(t, records, 7)
	assert.Equal(t, []Record{
		{Method: "GET", Path: "/public/a.jpg?…", Status: 200, Bytes: 5000, Result: "Miss", Source: FromS3,
			Behaviour: "/public/*"},
		{Method: "GET", Path: "/public/a.jpg", Status: 200, Bytes: 5000, Result: "Hit", Source: FromCache,
			Behaviour: "/public/*"},
		{Method: "HEAD", Path: "/images/" + photoHash, Status: 200, Result: "Miss", Source: FromS3, Behaviour: "*"},
		{Method: "GET", Path: "/images/" + unknownHash, Status: 404, Bytes: 12, Result: "LambdaGeneratedResponse",
			Source: FromFunction, Behaviour: "*"},
	}, records[:4])
	assert.Equal(t, []any{403, "Error", FromCloudFront, "the method is not allowed"},
		[]any{records[4].Status, records[4].Result, records[4].Source, records[4].Note})
	assert.Equal(t, []any{301, "Redirect", FromCloudFront}, []any{records[5].Status, records[5].Result, records[5].Source})
	assert.Equal(t, []any{503, "LambdaExecutionError"}, []any{records[6].Status, records[6].Result})
	assert.Contains(t, records[6].Note, "threw an error")

	s := w.server.Stats()
	assert.Equal(t, int64(7), s.Requests)
	assert.Equal(t, int64(1), s.Hits)
	assert.Equal(t, int64(2), s.Errors4xx)
	assert.Equal(t, int64(1), s.Errors5xx)
	assert.Equal(t, int64(3), s.FunctionCalls)
	assert.Equal(t, int64(2), s.OriginReads)
	assert.Positive(t, s.CacheBytes)
}

// The event must have the form that AWS documents, member by member.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html
func TestTheOriginRequestEventHasAWSsShape(t *testing.T) {
	t.Parallel()
	var event map[string]any
	w, ask := started(t, nil)
	w.server.behaviours[len(w.server.behaviours)-1].originRequest = func(_ context.Context, b []byte) ([]byte, error) {
		assert.NoError(t, json.Unmarshal(b, &event))
		return []byte(`{"status":"204"}`), nil
	}
	resp, _ := ask("GET", "/images/a%20b?x=1", "Accept-Encoding", "gzip")
	assert.Equal(t, 204, resp.StatusCode)
	cf := event["Records"].([]any)[0].(map[string]any)["cf"].(map[string]any)
	config := cf["config"].(map[string]any)
	assert.Len(t, config["requestId"], 56)
	config["requestId"] = "id"
	got, err := json.Marshal(event)
	require.NoError(t, err)
	assert.JSONEq(t, `{"Records":[{"cf":{
		"config":{"distributionDomainName":"d111111abcdef8.cloudfront.net","distributionId":"EDFDVBD6EXAMPLE","eventType":"origin-request","requestId":"id"},
		"request":{"clientIp":"127.0.0.1","method":"GET","querystring":"","uri":"/images/a%20b",
			"headers":{
				"accept-encoding":[{"key":"Accept-Encoding","value":"gzip"}],
				"host":[{"key":"Host","value":"media-test.s3.eu-central-1.amazonaws.com"}],
				"user-agent":[{"key":"User-Agent","value":"Amazon CloudFront"}],
				"via":[{"key":"Via","value":"1.1 d111111abcdef8.cloudfront.net (CloudFront)"}],
				"x-forwarded-for":[{"key":"X-Forwarded-For","value":"127.0.0.1"}]},
			"origin":{"s3":{"authMethod":"none","customHeaders":{"x-media-table":[{"key":"x-media-table","value":"mappings"}]},
				"domainName":"media-test.s3.eu-central-1.amazonaws.com","path":"","region":"eu-central-1"}}}}}]}`, string(got))
}

// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html
func TestTheViewerRequestEventHasAWSsShape(t *testing.T) {
	t.Parallel()
	var event map[string]any
	w, ask := started(t, nil)
	w.server.behaviours[len(w.server.behaviours)-1].viewerRequest = functionOf(func(b []byte) ([]byte, error) {
		assert.NoError(t, json.Unmarshal(b, &event))
		return []byte(`{"statusCode":204}`), nil
	})
	resp, _ := ask("GET", "/images/a?x=1&y=2&x=3&z", "Cookie", "a=b; c=d", "User-Agent", "test")
	assert.Equal(t, 204, resp.StatusCode)
	about := event["context"].(map[string]any)
	assert.Equal(t, resp.Header.Get("X-Amz-Cf-Id"), about["requestId"])
	about["requestId"] = "id"
	event["request"].(map[string]any)["headers"].(map[string]any)["host"] = "host"
	got, err := json.Marshal(event)
	require.NoError(t, err)
	assert.JSONEq(t, `{"version":"1.0",
		"context":{"distributionDomainName":"d111111abcdef8.cloudfront.net","distributionId":"EDFDVBD6EXAMPLE","endpoint":"d111111abcdef8.cloudfront.net","eventType":"viewer-request","requestId":"id"},
		"viewer":{"ip":"127.0.0.1"},
		"request":{"method":"GET","uri":"/images/a",
			"querystring":{"x":{"value":"3","multiValue":[{"value":"1"},{"value":"3"}]},"y":{"value":"2"},"z":{"value":""}},
			"headers":{"host":"host","user-agent":{"value":"test"},"accept-encoding":{"value":"gzip"}},
			"cookies":{"a":{"value":"b"},"c":{"value":"d"}}}}`, string(got))
}

func TestAGETWithABodyIsRefused(t *testing.T) {
	t.Parallel()
	w, _ := started(t, nil)
	for name, body := range map[string]io.Reader{"of known length": strings.NewReader("x"),
		"chunked": io.MultiReader(strings.NewReader("x"))} {
		req, err := http.NewRequest("GET", w.viewer+"/public/a.jpg", body)
		require.NoError(t, err)
		resp, err := http.DefaultTransport.RoundTrip(req)
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, 403, resp.StatusCode, name)
	}
}

func TestPathsThatCannotBeInvalidated(t *testing.T) {
	t.Parallel()
	w, _ := started(t, nil)
	assert.ErrorContains(t, w.server.Invalidate([]string{"images/a"}), "does not begin with a slash")
	assert.ErrorContains(t, w.server.Invalidate([]string{"/" + strings.Repeat("a", 4000)}), "at most 4000")
	assert.NoError(t, w.server.Invalidate(nil))
}
