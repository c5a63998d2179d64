package local

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/edge"
	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/mapping/mappingtest"
	"secure-media-cdn/function/seal"
	"secure-media-cdn/function/seal/sealtest"
	"secure-media-cdn/infra/local/cloudfront"
	"secure-media-cdn/infra/local/cloudfront/distribution"
	"secure-media-cdn/infra/local/cloudfrontjs"
)

// world is the whole product in one process on a clock that can be turned: the
// issuer, a real table, the edge function's handler, the gate and the local
// edge, joined as the Pulumi program says. Only S3 is a stand-in, since a real
// server refuses signatures of another time.
type world struct {
	t      *testing.T
	edge   *cloudfront.Server
	issuer *issue.Issuer
	store  *cloudfrontjs.MapStore // the gate's
	runs   atomic.Int64           // of the edge function

	mu      sync.Mutex
	now     time.Time
	objects map[string]bool // by key
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: time.Unix(1_800_000_000, 0), objects: map[string]bool{}}
	doc, _, err := evaluate("../..", Options{Stack: "dev"})
	require.NoError(t, err)
	bucket := doc.Outputs["mediaBucket"].(string)
	table := mappingtest.Table(t, mappingtest.Engine(t), nil)

	handler := &edge.Handler{
		Open: func(edge.Config) edge.Lookup {
			return func(ctx context.Context, hash string) (mapping.Mapping, string, error) {
				m, err := table.Get(ctx, hash)
				return m, "eu-central-1", err
			}
		},
		Now: w.time, Log: slog.New(slog.DiscardHandler),
	}
	s3 := httptest.NewServer(http.HandlerFunc(w.serveObject))
	t.Cleanup(s3.Close)
	distribution, err := distribution.Read(doc)
	require.NoError(t, err)
	options := cloudfront.Options{
		Distribution: distribution, Now: w.time, Functions: map[string]cloudfront.Function{},
		Lambdas: map[string]cloudfront.Lambda{},
		S3: cloudfront.S3{Endpoint: s3.URL,
			Credentials: aws.Credentials{AccessKeyID: "local", SecretAccessKey: "locallocal"}},
	}
	for _, f := range doc.ByType("aws:lambda/function:Function") {
		options.Lambdas[f.Outputs["qualifiedArn"].(string)] = func(ctx context.Context, event []byte) ([]byte, error) {
			w.runs.Add(1)
			return handler.Invoke(ctx, event)
		}
	}
	w.store = &cloudfrontjs.MapStore{}
	for _, entry := range doc.ByType("aws:cloudfront/keyvaluestoreKey:KeyvaluestoreKey") {
		w.store.Put(entry.Inputs["key"].(string), entry.Inputs["value"].(string))
	}
	w.issuer = &issue.Issuer{
		Store: table, CDN: w, Objects: w, Bucket: bucket, BaseURL: "http://cdn.test",
		TTL: 30 * 24 * time.Hour, RenewBefore: 24 * time.Hour, Now: w.time,
		Pause: func(context.Context, time.Duration) error { return nil },
	}
	w.rotate(1)
	for _, f := range doc.ByType("aws:cloudfront/function:Function") {
		function, err := cloudfrontjs.New(f.Inputs["code"].(string), w.store, cloudfrontjs.WithClock(w.time),
			cloudfrontjs.WithLog(io.Discard), cloudfrontjs.WithLimit(time.Minute)) // the machine may be busy
		require.NoError(t, err)
		options.Functions[f.Outputs["arn"].(string)] = function
	}
	w.edge, err = cloudfront.New(options)
	require.NoError(t, err)
	return w
}

// rotate has the issuer seal with a generation, and the store hold it and its
// neighbours, as the program says.
func (w *world) rotate(generation int) {
	w.t.Helper()
	doc, _, err := evaluate("../..", Options{Stack: "dev",
		Config: map[string]string{"linkKeyGeneration": strconv.Itoa(generation)}})
	require.NoError(w.t, err)
	registered := map[string]bool{}
	for _, entry := range doc.ByType("aws:cloudfront/keyvaluestoreKey:KeyvaluestoreKey") {
		name := entry.Inputs["key"].(string)
		registered[name] = true
		if _, there := w.store.Get(name); !there { // it keeps the value that it was made with
			w.store.Put(name, entry.Inputs["value"].(string))
		}
	}
	for name := range w.store.All() {
		if strings.HasPrefix(name, seal.KeyPrefix) && !registered[name] {
			w.store.Delete(name)
		}
	}
	value, _ := w.store.Get(seal.KeyEntry(generation))
	key, err := seal.NewKey(generation, value)
	require.NoError(w.t, err)
	value, _ = w.store.Get(seal.AudienceEntry)
	audiences, err := seal.NewAudienceKey(value)
	require.NoError(w.t, err)
	w.issuer.Hashes = sealtest.Hashes{Key: key, Audiences: audiences, Random: rand.Reader}
}

// Revoke implements issue.CDN with the gate's list alone: nothing is invalidated.
func (w *world) Revoke(_ context.Context, hashes map[string]time.Time) error {
	for hash, expires := range hashes {
		w.store.Put(seal.RevocationEntry(hash), fmt.Sprint(expires.Unix()))
	}
	return nil
}

// Look implements issue.Objects. No object is ever replaced here.
func (w *world) Look(_ context.Context, o mapping.Object) (issue.Sight, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.objects[o.Key] {
		return issue.Sight{}, nil
	}
	return issue.Sight{Content: "1"}, nil
}

// Forget implements issue.CDN.
func (w *world) Forget(context.Context, []string, string) error {
	return errors.New("nothing is replaced")
}

// Withdraw implements issue.CDN. There is no public service here.
func (w *world) Withdraw(context.Context, map[string]string) error {
	return errors.New("nothing is public")
}

func (w *world) time() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// serveObject does what S3 does with a signed GET: the Cache-Control asked for
// comes with 200, not with 304.
func (w *world) serveObject(rw http.ResponseWriter, r *http.Request) {
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	w.mu.Lock()
	exists := w.objects[key]
	w.mu.Unlock()
	tag := fmt.Sprintf(`"%x"`, md5.Sum([]byte(key)))
	switch {
	case !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 "):
		rw.WriteHeader(http.StatusForbidden)
	case !exists:
		rw.WriteHeader(http.StatusForbidden)
	case r.Header.Get("If-None-Match") == tag:
		rw.Header().Set("ETag", tag)
		rw.WriteHeader(http.StatusNotModified)
	default:
		rw.Header().Set("ETag", tag)
		rw.Header().Set("Cache-Control", r.URL.Query().Get("response-cache-control"))
		fmt.Fprintf(rw, "the photo %s", key)
	}
}

func (w *world) get(path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	rec := httptest.NewRecorder()
	w.edge.ServeHTTP(rec, r)
	return rec
}

// TestWhatIsServedIsWhatTheModelSaysIsAlive plays 10,000 steps at random, and
// after each fetch compares with a model that knows only what was done.
func TestWhatIsServedIsWhatTheModelSaysIsAlive(t *testing.T) {
	t.Parallel()
	newWorld(t).play(mathrand.New(mathrand.NewPCG(7, 7)), 10_000)
}

// issued is what the model knows of one link.
type issued struct {
	object  string
	expires time.Time
	dead    bool
}

func (w *world) play(random *mathrand.Rand, steps int) {
	t, ctx := w.t, context.Background()
	links := map[string]*issued{}
	var order []string
	counts := map[string]int{}
	kill := func(object string) {
		for _, l := range links {
			l.dead = l.dead || l.object == object
		}
	}
	for step := range steps {
		key := fmt.Sprintf("simple-chat/%d.jpg", random.IntN(40))
		object := "s3://" + w.issuer.Bucket + "/" + key
		switch n := random.IntN(100); {
		case n < 22: // issue, or issue again
			counts["issue"]++
			w.mu.Lock()
			w.objects[key] = true
			w.mu.Unlock()
			out, err := w.issuer.Issue(ctx, []string{object}, issue.Terms{TTL: time.Second << random.IntN(21)})
			require.NoError(t, err)
			require.Nil(t, out[0].Err)
			if l := links[out[0].Hash]; l != nil {
				require.Equal(t, object, l.object, "step %d: a hash changed its object", step)
				require.False(t, l.dead, "step %d: a dead link was given out again", step)
			} else {
				links[out[0].Hash] = &issued{object: object, expires: out[0].ExpiresAt}
				order = append(order, out[0].Hash)
			}
		case n < 32: // let time pass, seldom in whole seconds
			counts["pass"]++
			w.pass(time.Duration(random.Int64N(int64(time.Second << random.IntN(16)))))
		case n < 34 && len(order) > 0: // to the last moment of a link that the edge holds
			hash := order[len(order)-1]
			w.compare(step, hash, links[hash], counts)
			if left := links[hash].expires.Sub(w.time()); left > 0 {
				w.pass(left - min(left, time.Duration(random.Int64N(int64(1500*time.Millisecond)))))
			}
			w.compare(step, hash, links[hash], counts)
			w.pass(time.Second)
			w.compare(step, hash, links[hash], counts)
		case n < 37 && len(order) > 0: // revoke a hash
			counts["revoke hash"]++
			hash := order[random.IntN(len(order))]
			_, err := w.issuer.Revoke(ctx, nil, []string{hash})
			require.NoError(t, err)
			links[hash].dead = true
		case n < 40: // revoke an object
			counts["revoke object"]++
			_, err := w.issuer.Revoke(ctx, []string{object}, nil)
			require.NoError(t, err)
			kill(object)
		case n < 42: // delete an object, of which S3 tells the issuer
			counts["delete"]++
			w.mu.Lock()
			delete(w.objects, key)
			w.mu.Unlock()
			_, err := w.issuer.Revoke(ctx, []string{object}, nil)
			require.NoError(t, err)
			kill(object)
		default: // fetch, mostly what is new
			if len(order) == 0 {
				continue
			}
			hash := order[max(0, len(order)-1-random.IntN(60))]
			w.compare(step, hash, links[hash], counts)
		}
	}
	for _, name := range []string{"issue", "pass", "revoke hash", "revoke object", "delete", "alive", "dead", "expired",
		"cached"} {
		assert.Positive(t, counts[name], "this never happened: %s", name)
	}
	t.Logf("%v", counts)
}

// compare fetches one link and holds the answer against the model.
func (w *world) compare(step int, hash string, l *issued, counts map[string]int) {
	t, now := w.t, w.time()
	a := w.get("/images/" + hash)
	if strings.HasPrefix(a.Header().Get("X-Cache"), "Hit") {
		counts["cached"]++
	}
	left := l.expires.Sub(now)
	switch {
	case l.dead:
		counts["dead"]++
		require.NotEqual(t, http.StatusOK, a.Code, "step %d: a revoked link was served, %s", step, a.Header().Get("X-Cache"))
		require.NotContains(t, a.Body.String(), "the photo")
	case left <= 0:
		counts["expired"]++
		require.Equal(t, http.StatusForbidden, a.Code, "step %d: %v after its end, %s", step, -left,
			a.Header().Get("X-Cache"))
		require.NotContains(t, a.Body.String(), "the photo")
	default:
		counts["alive"]++
		require.Equal(t, http.StatusOK, a.Code, "step %d: %v before its end, %s: %s", step, left, a.Header().Get("X-Cache"),
			a.Body)
		require.Equal(t, "the photo "+l.object[len("s3://"+w.issuer.Bucket+"/"):], a.Body.String())
	}
}

// TestThreeRotationsRefuseNoLinkThatShouldLive bumps linkKeyGeneration while
// requests run: links of the generation that seals and of the one before it are
// served all the time, older ones are refused, also from the cache.
func TestThreeRotationsRefuseNoLinkThatShouldLive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	issue := func(generation int) string {
		key := fmt.Sprintf("simple-chat/%d.jpg", generation)
		w.mu.Lock()
		w.objects[key] = true
		w.mu.Unlock()
		out, err := w.issuer.Issue(t.Context(), []string{"s3://" + w.issuer.Bucket + "/" + key}, issue.Terms{})
		require.NoError(t, err)
		require.Nil(t, out[0].Err)
		require.Equal(t, generation, seal.Generation(out[0].Hash))
		return seal.LinkPath(out[0].Hash)
	}
	links := map[int]string{1: issue(1)}
	for to := 2; to <= 4; to++ {
		stop, traffic := make(chan struct{}), sync.WaitGroup{}
		var asked atomic.Int64
		for range 4 {
			traffic.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						asked.Add(1)
						assert.Equal(t, http.StatusOK, w.get(links[to-1]).Code, "generation %d on the way to %d", to-1, to)
					}
				}
			})
		}
		require.Eventually(t, func() bool { return asked.Load() > 20 }, time.Minute, time.Millisecond)
		w.rotate(to)
		links[to] = issue(to)
		before := asked.Load()
		require.Eventually(t, func() bool { return asked.Load() > before+20 }, time.Minute, time.Millisecond)
		close(stop)
		traffic.Wait()
		for generation, link := range links {
			want := http.StatusOK
			if generation < to-1 {
				want = http.StatusNotFound
			}
			a := w.get(link)
			assert.Equal(t, want, a.Code, "a link of generation %d after the rotation to %d", generation, to)
		}
	}
}

var guesses = flag.Int("guesses", 50_000, "how many hashes to guess; make soak guesses a million")

// TestForgedLinksNeverReachTheFunction asks the local CloudFront, with the real gate,
// for many hashes that nobody issued and for every single-bit change of one that
// was, and counts the runs of the edge function.
func TestForgedLinksNeverReachTheFunction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const key = "simple-chat/photo.jpg"
	w.objects[key] = true
	out, err := w.issuer.Issue(t.Context(), []string{"s3://" + w.issuer.Bucket + "/" + key}, issue.Terms{})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, w.get("/images/"+out[0].Hash).Code)
	require.EqualValues(t, 1, w.runs.Load(), "a good link does reach it")

	raw, err := base64.RawURLEncoding.DecodeString(out[0].Hash)
	require.NoError(t, err)
	for bit := range 8 * len(raw) {
		raw[bit/8] ^= 1 << (bit % 8)
		require.Equal(t, http.StatusNotFound, w.get("/images/"+base64.RawURLEncoding.EncodeToString(raw)).Code, "bit %d", bit)
		raw[bit/8] ^= 1 << (bit % 8)
	}
	for n := range 200 {
		r := httptest.NewRequest(http.MethodOptions, fmt.Sprintf("/images/%032d", n), nil)
		r.Header.Set("Origin", "http://localhost:3000")
		r.Header.Set("Access-Control-Request-Method", "GET")
		rec := httptest.NewRecorder()
		w.edge.ServeHTTP(rec, r)
		require.Equal(t, http.StatusNotFound, rec.Code, "a forged preflight")
	}
	require.EqualValues(t, 1, w.runs.Load(), "no forged preflight reached it")
	const workers = 4
	var wait sync.WaitGroup
	var served atomic.Int64
	for worker := range workers {
		wait.Go(func() {
			random := mathrand.NewChaCha8([32]byte{byte(worker)})
			guess := make([]byte, 24)
			for range *guesses / workers {
				random.Read(guess)
				guess[0] = 1 // the generation in use: the seal itself must refuse
				if a := w.get("/images/" + base64.RawURLEncoding.EncodeToString(guess)); a.Code != http.StatusNotFound {
					served.Add(1)
				}
			}
		})
	}
	wait.Wait()
	assert.Zero(t, served.Load(), "guesses that were answered otherwise than 404")
	assert.EqualValues(t, 1, w.runs.Load(), "no guess reached the edge function")
}
