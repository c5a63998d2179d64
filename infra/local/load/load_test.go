package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/engine"
	"secure-media-cdn/function/issue/api"
	"secure-media-cdn/infra/local/machine"
)

func TestFlags(t *testing.T) {
	const link = "http://127.0.0.1:8080/images/x"
	for _, row := range []struct {
		name string
		args []string
		says string // "" for an accepted line
	}{
		{"nothing is enough", nil, ""},
		{"the line of the manual", []string{"-mix", "hits=80,misses=5,ranges=10,forged=5", "-requests", "20000", "-connections", "16"}, ""},
		{"a link on this machine", []string{"-url", link}, ""},
		{"several links", []string{"-url", link, "-url", "http://[::1]:80/y", "-url", "http://localhost:1/z"}, ""},
		{"a private network", []string{"-url", "http://10.0.0.1/x"}, "not on this machine"},
		{"a public address", []string{"-url", "http://192.0.2.1/x"}, "not on this machine"},
		{"every address of this machine", []string{"-url", "http://0.0.0.0:8080/x"}, "not on this machine"},
		{"a name", []string{"-url", "http://example.com/x"}, "not on this machine"},
		{"a name that begins as ours", []string{"-url", "http://localhost.example.com/x"}, "not on this machine"},
		{"a real distribution", []string{"-url", "https://d111111abcdef8.cloudfront.net/x"}, "is no address like"},
		{"misses of a given link", []string{"-url", link, "-mix", "misses=1"}, "nobody fetched"},
		{"too many misses", []string{"-requests", "50000"}, "more than 2000 misses"},
		{"no requests", []string{"-requests", "0"}, "-requests"},
		{"more requests than there may be", []string{"-requests", "5000001"}, "-requests"},
		{"too many connections", []string{"-connections", "1001"}, "-connections"},
		{"a run without an end", []string{"-limit", "31m"}, "-limit"},
		{"a run of no time", []string{"-limit", "0s"}, "-limit"},
		{"an unknown class", []string{"-mix", "hits=1,redirects=2"}, "no class"},
		{"a class twice", []string{"-mix", "hits=1,hits=2"}, "not a class and its share"},
		{"a negative share", []string{"-mix", "hits=-1"}, "not a class and its share"},
		{"no share at all", []string{"-mix", "hits=0"}, "above 0"},
		{"a word too many", []string{"now"}, "no flag"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := parseFlags(row.args)
			if row.says == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, row.says)
			}
		})
	}
}

func TestTheMixIsKept(t *testing.T) {
	for _, row := range []struct {
		mix    string
		n      int
		counts [classes]int
	}{
		{"hits=80,misses=5,ranges=10,forged=5", 1000, [classes]int{800, 50, 100, 50}},
		{"hits=80,misses=5,ranges=10,forged=5", 7, [classes]int{7, 0, 0, 0}},
		{"ranges=2,forged=1", 10, [classes]int{0, 0, 7, 3}},
		{"misses=1", 3, [classes]int{0, 3, 0, 0}},
	} {
		m, err := parseMix(row.mix)
		require.NoError(t, err)
		assert.Equal(t, row.counts, m.counts(row.n), row.mix)
		var found [classes]int
		for _, c := range schedule(m.counts(row.n)) {
			found[c]++
		}
		assert.Equal(t, row.counts, found)
	}
}

// cdn answers as the local run does, but for what spoil changes.
type cdn struct {
	body  map[string][]byte // by path
	mu    sync.Mutex
	seen  map[string]bool
	spoil func(w http.ResponseWriter, r *http.Request, body []byte, cached bool) bool
}

func (c *cdn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, ok := c.body[r.URL.Path]
	c.mu.Lock()
	cached := c.seen[r.URL.Path]
	c.seen[r.URL.Path] = true
	c.mu.Unlock()
	if c.spoil != nil && c.spoil(w, r, body, cached) {
		return
	}
	if !ok {
		w.Header().Set("X-Cache", "LambdaGeneratedResponse from cloudfront")
		http.Error(w, "Not found", http.StatusNotFound)
		return
	}
	said := "Miss from cloudfront"
	if cached {
		said = "Hit from cloudfront"
	}
	w.Header().Set("X-Cache", said)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

func newCDN(t *testing.T, fresh int) (*cdn, *target) {
	t.Helper()
	c := &cdn{body: map[string][]byte{}, seen: map[string]bool{"/images/warm": true}}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	body := bytes.Repeat([]byte("0123456789"), 100)
	c.body["/images/warm"] = body
	target := &target{base: server.URL, warm: []picture{{server.URL + "/images/warm", body}}}
	for n := range fresh {
		path := fmt.Sprint("/images/fresh", n)
		c.body[path] = []byte(path)
		target.fresh = append(target.fresh, picture{server.URL + path, []byte(path)})
	}
	return c, target
}

func TestEveryAnswerIsChecked(t *testing.T) {
	is := func(r *http.Request, part string) bool { return strings.Contains(r.URL.Path, part) }
	for _, row := range []struct {
		name  string
		spoil func(w http.ResponseWriter, r *http.Request, body []byte, cached bool) bool
		class class
		says  string
	}{
		{"a forged link that opens", func(w http.ResponseWriter, r *http.Request, body []byte, _ bool) bool {
			return body == nil && status(w, 200, "photo")
		}, forged, "status is 200"},
		{"a forged link that fails", func(w http.ResponseWriter, _ *http.Request, body []byte, _ bool) bool {
			return body == nil && status(w, 503, "")
		}, forged, "status is 503"},
		{"a hit that is cut short", func(w http.ResponseWriter, r *http.Request, body []byte, _ bool) bool {
			return is(r, "warm") && r.Header.Get("Range") == "" && status(w, 200, string(body[1:]))
		}, hits, "999 bytes"},
		{"a hit that shows something else", func(w http.ResponseWriter, r *http.Request, body []byte, _ bool) bool {
			return is(r, "warm") && r.Header.Get("Range") == "" && status(w, 200, strings.Repeat("x", len(body)))
		}, hits, "the body is another"},
		{"a hit that is a miss", func(w http.ResponseWriter, r *http.Request, body []byte, _ bool) bool {
			return is(r, "warm") && r.Header.Get("Range") == "" && status(w, 200, string(body))
		}, hits, "where a Hit was due"},
		{"a miss that was cached", func(w http.ResponseWriter, r *http.Request, body []byte, _ bool) bool {
			w.Header().Set("X-Cache", "Hit from cloudfront")
			return is(r, "fresh") && status(w, 200, string(body))
		}, misses, "where a Miss was due"},
		{"a range that is answered whole", func(w http.ResponseWriter, r *http.Request, body []byte, _ bool) bool {
			return r.Header.Get("Range") != "" && status(w, 200, string(body))
		}, ranges, "status is 200"},
		{"a range of other bytes", func(w http.ResponseWriter, r *http.Request, body []byte, _ bool) bool {
			if r.Header.Get("Range") == "" {
				return false
			}
			r.Header.Set("Range", "bytes=3-7")
			w.Header().Set("X-Cache", "Hit from cloudfront")
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
			return true
		}, ranges, "bytes"},
		{"a range that is said to be another", func(w http.ResponseWriter, r *http.Request, body []byte, _ bool) bool {
			var first, last int
			if n, _ := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &first, &last); n != 2 {
				return false
			}
			w.Header().Set("X-Cache", "Hit from cloudfront")
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/*", first, last))
			return status(w, 206, string(body[first:last+1]))
		}, ranges, "the range is"},
		{"a connection that breaks", func(_ http.ResponseWriter, r *http.Request, _ []byte, _ bool) bool {
			if is(r, "fresh") {
				panic(http.ErrAbortHandler)
			}
			return false
		}, misses, "EOF"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, target := newCDN(t, 10)
			c.spoil = row.spoil
			r := drive(t.Context(), target, schedule([classes]int{10, 10, 10, 10}), 4)
			for c := range classes {
				if c == row.class {
					assert.NotZero(t, r.wrong[c])
				} else {
					assert.Zero(t, r.wrong[c], "%s: %v", c, r.told)
				}
			}
			require.ErrorContains(t, r.verdict(), row.says)
			assert.LessOrEqual(t, len(r.told), maxTold)
		})
	}
}

func status(w http.ResponseWriter, code int, body string) bool {
	w.WriteHeader(code)
	_, _ = io.WriteString(w, body)
	return true
}

func TestARunThatIsRight(t *testing.T) {
	_, target := newCDN(t, 50)
	r := drive(t.Context(), target, schedule([classes]int{200, 50, 100, 50}), 8)
	require.NoError(t, r.verdict())
	assert.Equal(t, [classes]int{200, 50, 100, 50}, [classes]int{len(r.latencies[0]), len(r.latencies[1]), len(r.latencies[2]), len(r.latencies[3])})
	var out bytes.Buffer
	r.print(&out)
	for _, word := range []string{"400 requests", "hits", "misses", "ranges", "forged", "all", "p99.9"} {
		assert.Contains(t, out.String(), word)
	}
	assert.NotContains(t, out.String(), "time limit")
	var svg struct {
		Path []struct {
			Class string `xml:"class,attr"`
		} `xml:"path"`
	}
	require.NoError(t, xml.Unmarshal(r.plot(), &svg))
	assert.Len(t, svg.Path, 4)
	assert.NotContains(t, string(r.plot()), "NaN")
}

func TestARunEndsByItsLimit(t *testing.T) {
	c, target := newCDN(t, 0)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	c.spoil = func(_ http.ResponseWriter, r *http.Request, _ []byte, _ bool) bool { <-r.Context().Done(); return true }
	r := drive(ctx, target, schedule([classes]int{1_000_000, 0, 0, 0}), 4)
	assert.Zero(t, r.sent(), "what was cut short does not count")
	assert.ErrorContains(t, r.verdict(), "no request")
}

func TestQuantiles(t *testing.T) {
	var sorted []time.Duration
	for n := range 1000 {
		sorted = append(sorted, time.Duration(n+1))
	}
	for q, want := range map[float64]time.Duration{0: 1, .5: 500, .9: 900, .99: 990, .999: 999, 1: 1000} {
		assert.Equal(t, want, quantile(sorted, q), q)
	}
	assert.EqualValues(t, 7, quantile([]time.Duration{7}, .5))
}

// stack is a bucket on a real S3 server, a CDN that serves it by links, and the
// issuer of these.
type stack struct {
	*cdn
	client  *s3.Client
	outputs string
	revoked int
}

func newStack(t *testing.T, broken error) *stack {
	t.Helper()
	keys := machine.Local
	server, err := engine.S3(t.Context(), t.TempDir(), "eu-central-1", engine.Credentials{AccessKeyID: keys.AccessKeyID, SecretAccessKey: keys.SecretAccessKey})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	s := &stack{client: s3.New(s3.Options{BaseEndpoint: &server.URL, Region: "eu-central-1", UsePathStyle: true, Credentials: credentials.StaticCredentialsProvider{Value: keys}})}
	_, err = s.client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("media")})
	require.NoError(t, err)
	var target *target
	s.cdn, target = newCDN(t, 0)
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == api.RevocationsPath {
			var in api.RevokeRequest
			_ = json.NewDecoder(r.Body).Decode(&in)
			s.revoked += len(in.Objects)
			_ = json.NewEncoder(w).Encode(api.RevokeAnswer{Revocations: make([]api.Revocation, len(in.Objects))})
			return
		}
		var in api.IssueRequest
		_ = json.NewDecoder(r.Body).Decode(&in)
		var answer api.IssueAnswer
		for _, o := range in.Objects {
			key := strings.TrimPrefix(o, "s3://media/")
			if broken != nil {
				answer.Links = append(answer.Links, api.Link{Error: &api.Problem{Message: broken.Error()}})
				continue
			}
			object, err := s.client.GetObject(r.Context(), &s3.GetObjectInput{Bucket: aws.String("media"), Key: &key})
			if err == nil {
				s.mu.Lock()
				s.body["/images/"+key], err = io.ReadAll(object.Body)
				s.mu.Unlock()
			}
			assert.NoError(t, err)
			answer.Links = append(answer.Links, api.Link{URL: target.base + "/images/" + key})
		}
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(issuer.Close)
	s.outputs = filepath.Join(t.TempDir(), "outputs.json")
	write(t, s.outputs, map[string]any{
		"cdnBaseUrl": target.base, "issuerUrl": issuer.URL + "/", "mediaBucket": "media", "mediaBucketRegion": "eu-central-1",
		"services": []any{map[string]string{"name": "shop", "access": "public"}, map[string]string{"name": "chat", "access": "private"}},
	})
	write(t, filepath.Join(filepath.Dir(s.outputs), "endpoints.json"), map[string]string{"AWS_ENDPOINT_URL_S3": server.URL})
	return s
}

func write(t *testing.T, path string, v any) {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, text, 0o644))
}

func (s *stack) keys(t *testing.T) (keys []string) {
	t.Helper()
	list, err := s.client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("media")})
	require.NoError(t, err)
	for _, o := range list.Contents {
		keys = append(keys, *o.Key)
	}
	return keys
}

func TestTheWholeRun(t *testing.T) {
	s := newStack(t, nil)
	plot := filepath.Join(t.TempDir(), "new", "load.svg")
	f, err := parseFlags([]string{"-outputs", s.outputs, "-mix", "hits=5,misses=3,ranges=1,forged=1", "-requests", "400", "-connections", "8", "-plot", plot})
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), f, &out))
	assert.Contains(t, out.String(), "400 requests")
	assert.FileExists(t, plot)
	assert.Len(t, s.body, 1+121, "one object to hit and one for each miss")
	for path := range s.body {
		assert.True(t, strings.HasPrefix(path, "/images/chat/load-test/") || path == "/images/warm", path)
	}
	assert.Empty(t, s.keys(t), "what was uploaded is removed")
	assert.Equal(t, 121, s.revoked, "and its links are revoked")
}

func TestWhatWasUploadedIsRemovedIfTheRunCannotBegin(t *testing.T) {
	s := newStack(t, errors.New("the table is away"))
	f, err := parseFlags([]string{"-outputs", s.outputs, "-requests", "100"})
	require.NoError(t, err)
	require.ErrorContains(t, run(t.Context(), f, io.Discard), "the table is away")
	assert.Empty(t, s.keys(t))
}

func TestGivenLinks(t *testing.T) {
	c, target := newCDN(t, 0)
	plot := filepath.Join(t.TempDir(), "load.svg")
	f, err := parseFlags([]string{"-url", target.base + "/images/warm", "-requests", "100", "-plot", plot})
	require.NoError(t, err)
	require.NoError(t, run(t.Context(), f, io.Discard))
	for _, row := range []struct{ name, path, says string }{
		{"a link that does not open", "/images/none", "404"},
		{"a link that is never cached", "/images/volatile", "not cached"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c.spoil = func(w http.ResponseWriter, r *http.Request, _ []byte, _ bool) bool {
				return r.URL.Path == "/images/volatile" && status(w, 200, "photo")
			}
			f.urls = []string{target.base + row.path}
			assert.ErrorContains(t, run(t.Context(), f, io.Discard), row.says)
		})
	}
}

func TestWhereTheRunIsLookedFor(t *testing.T) {
	at := func(outputs, endpoints map[string]any) error {
		path := filepath.Join(t.TempDir(), "outputs.json")
		if outputs != nil {
			write(t, path, outputs)
			write(t, filepath.Join(filepath.Dir(path), "endpoints.json"), endpoints)
		}
		_, err := readLocal(path)
		return err
	}
	here := "http://127.0.0.1:1"
	assert.ErrorContains(t, at(nil, nil), "start `make run` first")
	assert.NoError(t, at(map[string]any{"cdnBaseUrl": here, "issuerUrl": here}, map[string]any{"AWS_ENDPOINT_URL_S3": here}))
	assert.ErrorContains(t, at(map[string]any{"cdnBaseUrl": "https://d1.cloudfront.net", "issuerUrl": here}, map[string]any{"AWS_ENDPOINT_URL_S3": here}), "cloudfront.net")
	assert.ErrorContains(t, at(map[string]any{"cdnBaseUrl": here, "issuerUrl": "http://192.0.2.1"}, map[string]any{"AWS_ENDPOINT_URL_S3": here}), "not on this machine")
	assert.ErrorContains(t, at(map[string]any{"cdnBaseUrl": here, "issuerUrl": here}, map[string]any{"AWS_ENDPOINT_URL_S3": "http://10.1.1.1"}), "not on this machine")
	t.Run("nor does a name that leads elsewhere help", func(t *testing.T) {
		_, err := newClient(1).Get("http://192.0.2.1:9/")
		assert.ErrorContains(t, err, "not on this machine")
	})
}
