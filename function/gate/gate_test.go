package gate_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"secure-media-cdn/function/gate"
	"secure-media-cdn/function/gate/cloudfrontjs"
	"secure-media-cdn/function/link"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	now    = time.Unix(1_800_000_000, 0)
	expiry = now.Add(time.Hour)
)

// testGate is the gate with a store, a clock and a log of its own.
type testGate struct {
	*cloudfrontjs.Function
	store *cloudfrontjs.MapStore
	log   bytes.Buffer
}

func newGate(t testing.TB, source string, options ...cloudfrontjs.Option) *testGate {
	t.Helper()
	g := &testGate{store: &cloudfrontjs.MapStore{}}
	var err error
	options = append([]cloudfrontjs.Option{
		cloudfrontjs.WithLog(&g.log),
		cloudfrontjs.WithClock(func() time.Time { return now }),
		cloudfrontjs.WithLimit(time.Minute), // the machine may be busy
	}, options...)
	g.Function, err = cloudfrontjs.New(source, g.store, options...)
	require.NoError(t, err)
	return g
}

// answer is what the gate returned: a request to go on with, or a response.
type answer struct {
	URI        string
	Method     string
	StatusCode int
	Headers    map[string]struct{ Value string }
	Body       struct{ Encoding, Data string }
}

func (a answer) passed() bool { return a.StatusCode == 0 && a.URI != "" }

// ask sends a request for uri through the gate.
func ask(ctx context.Context, f *cloudfrontjs.Function, method, uri string) (a answer, err error) {
	path, err := json.Marshal(uri)
	if err != nil {
		return a, err
	}
	event := fmt.Appendf(nil, `{"version":"1.0","request":{"method":%q,"uri":%s,"headers":{}}}`, method, path)
	result, err := f.Run(ctx, event)
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal(result, &a)
}

func testKey(id int) string {
	return fmt.Sprintf("%d:%x", id, sha256.Sum256([]byte{byte(id)}))
}

func newKeys(t testing.TB, current, previous int) *link.Keys {
	t.Helper()
	text := ""
	if previous != 0 {
		text = testKey(previous)
	}
	keys, err := link.NewKeys(testKey(current), text)
	require.NoError(t, err)
	return keys
}

// seal returns the same hash for the same arguments: filler stands for the
// random bytes.
func seal(t testing.TB, id int, expiresAt time.Time, filler string) string {
	t.Helper()
	hash, err := newKeys(t, id, 0).Seal(expiresAt, strings.NewReader(strings.Repeat(filler, 11)))
	require.NoError(t, err)
	return hash
}

// rule is one thing the gate must do.
type rule struct {
	name        string
	method, uri string
	// status 0 means that the request passes.
	status int
	// prepare changes the store from the usual one: keys 2 and 1, hash revoked.
	prepare func(*cloudfrontjs.MapStore)
	// logs is how many lines the gate prints.
	logs int
}

func rules(t testing.TB) []rule {
	good, old := seal(t, 2, expiry, "a"), seal(t, 1, expiry, "b")
	revoked, expired := seal(t, 2, expiry, "r"), seal(t, 2, now, "e")
	drop := func(key string) func(*cloudfrontjs.MapStore) {
		return func(s *cloudfrontjs.MapStore) { s.Delete(key) }
	}
	put := func(key, value string) func(*cloudfrontjs.MapStore) {
		return func(s *cloudfrontjs.MapStore) { s.Put(key, value) }
	}
	breakAt := func(prefix string) func(*cloudfrontjs.MapStore) {
		return func(s *cloudfrontjs.MapStore) {
			s.FailReads(func(key string) error {
				if strings.HasPrefix(key, prefix) {
					return errors.New("broken at " + key)
				}
				return nil
			})
		}
	}
	out := []rule{
		{name: "a good link passes", uri: good},
		{name: "a link of the previous key passes", uri: old},
		{name: "a good link passes while there is no previous key", uri: good, prepare: drop(gate.PreviousKey)},
		{name: "a link passes in its last second", uri: seal(t, 2, now.Add(time.Second), "a")},
		{name: "HEAD is as GET, good", method: "HEAD", uri: good},
		{name: "HEAD is as GET, forged", method: "HEAD", uri: good[:31] + "_", status: 404},
		{name: "a preflight passes, good or not", method: "OPTIONS", uri: good[:31] + "_"},
		{name: "a preflight passes without a key", method: "OPTIONS", uri: good, prepare: drop(gate.CurrentKey)},
		{name: "another method is held to the same", method: "POST", uri: good[:31] + "_", status: 404},
		{name: "an expired link is refused in the second of its expiry", uri: expired, status: 403},
		{name: "an expired link of the previous key is refused", uri: seal(t, 1, now, "e"), status: 403},
		{name: "an expiry past the sign bit is far away", uri: seal(t, 2, time.Unix(1<<31, 0), "s")},
		{name: "a revoked link is refused", uri: revoked, status: 404},
		{name: "a revoked link of the previous key is refused", uri: old, status: 404, prepare: put(gate.RevocationKey(old), "1")},
		{name: "expired and revoked is expired", uri: expired, status: 403, prepare: put(gate.RevocationKey(expired), "1")},
		{name: "a forged link is refused", uri: good[:31] + "_", status: 404},
		{name: "a forged link with a passed expiry learns nothing", uri: expired[:31] + "_", status: 404},
		{name: "a key that was rotated out opens nothing", uri: old, status: 404, prepare: put(gate.PreviousKey, testKey(3))},
		{name: "a missing previous key opens nothing", uri: old, status: 404, prepare: drop(gate.PreviousKey)},
		{name: "a missing current key refuses everything", uri: good, status: 503, prepare: drop(gate.CurrentKey), logs: 1},
		{name: "a missing current key refuses the previous key's links too", uri: old, status: 503, prepare: drop(gate.CurrentKey), logs: 1},
		{name: "a broken read of the current key refuses everything", uri: good, status: 503, prepare: breakAt(gate.CurrentKey), logs: 1},
		{name: "a broken read of the previous key is no forged link", uri: old, status: 503, prepare: breakAt(gate.PreviousKey), logs: 1},
		{name: "a broken read of the previous key harms no other link", uri: good, prepare: breakAt(gate.PreviousKey)},
		{name: "a broken revocation list refuses everything", uri: good, status: 503, prepare: breakAt("r."), logs: 1},
		{name: "a malformed previous key refuses its links", uri: old, status: 503, prepare: put(gate.PreviousKey, "1:00"), logs: 1},
		{name: "a form that is wrong needs no store", uri: good + "/", status: 404, prepare: breakAt("")},
	}
	for i := range 8 {
		out = append(out, rule{name: fmt.Sprintf("byte %d of the seal wrong is forged", i), uri: flipBit(t, good, 8*(16+i)), status: 404})
	}
	for name, key := range map[string]string{
		"an empty": "", "a short": testKey(2)[:65], "a long": testKey(2) + "0", "a strange": "2:" + strings.Repeat("g", 64), "an idless": testKey(2)[2:],
		"a zero": "0" + testKey(2)[1:], "a padded": "0" + testKey(2),
	} {
		out = append(out, rule{name: name + " current key refuses everything", uri: good, status: 503, prepare: put(gate.CurrentKey, key), logs: 1})
	}
	for i := range out {
		out[i].uri = "/images/" + out[i].uri
	}
	for _, uri := range []string{
		"", "/", "/images", "/images/", "/" + good, good, "images/" + good, "/images/" + good + "/", "/images/" + good + "/a.jpg", "/images/" + good + ".jpg",
		"/images/" + good + good, "/images/" + good + "AAAA", "/images/a/" + good, "//images/" + good, "/images//" + good, "/Images/" + good, "/IMAGES/" + good, "/image/" + good,
		"/images/" + good[:31], "/images/" + good[:28], "/images/" + good + "=", "/images/" + good[:31] + "=", "/images/" + good[:30] + "==", "/images/" + good + "\n", "/images/" + good[:31] + "\n",
		"/images/%" + fmt.Sprintf("%02X", good[0]) + good[1:], "/images%2F" + good, "/%69mages/" + good, "/images/" + good + "%00", "/images/" + good + "%0A", "/images/" + good + "\x00",
		"/images/../images/" + good, "/images/./" + good, "/images/" + good + "?a=b", "/images/" + good + "#a", "/images/" + good + ";a", "/images/ " + good, "/images/" + good + " ",
		"/images\\" + good, "/images/" + url.PathEscape("é") + good, "/images/" + strings.Repeat("é", 32), "/images/" + strings.Repeat("é", 16), "/images/" + strings.Repeat("\U0001F512", 16),
		"/favicon.ico", "/robots.txt", "/marketplace/a.jpg", "/discussion/a.jpg", "/images/" + strings.Repeat("A", 8000),
	} {
		out = append(out, rule{name: fmt.Sprintf("%.60q is no link", uri), uri: uri, status: 404})
	}
	return out
}

// broken returns what the gate did against the rule, or "".
func (r rule) broken(t testing.TB, g *testGate) string {
	t.Helper()
	g.log.Reset()
	g.store.FailReads(nil)
	g.store.Update(map[string]string{
		gate.CurrentKey: testKey(2), gate.PreviousKey: testKey(1),
		gate.RevocationKey(seal(t, 2, expiry, "r")): fmt.Sprint(expiry.Unix()),
	}, gate.RevocationKey(seal(t, 1, expiry, "b")), gate.RevocationKey(seal(t, 2, now, "e")))
	if r.prepare != nil {
		r.prepare(g.store)
	}
	method := r.method
	if method == "" {
		method = "GET"
	}
	a, err := ask(context.Background(), g.Function, method, r.uri)
	switch {
	case err != nil:
		return err.Error()
	case strings.Count(g.log.String(), "\n") != r.logs:
		return fmt.Sprintf("logged %q", g.log.String())
	case r.status == 0 && (!a.passed() || a.URI != r.uri || a.Method != method):
		return fmt.Sprintf("did not pass as it was: %+v", a)
	case a.StatusCode != r.status:
		return fmt.Sprintf("status %d, not %d", a.StatusCode, r.status)
	case r.status == 0:
		return ""
	}
	return wrongRefusal(a)
}

// refusals are what the edge function says in the same cases, word for word.
var refusals = map[int]string{403: "This link has expired.\n", 404: "Not found.\n", 503: "Try again later.\n"}

func wrongRefusal(a answer) string {
	want := map[string]string{"cache-control": "no-store", "content-type": "text/plain; charset=utf-8"}
	if a.StatusCode == http.StatusServiceUnavailable {
		want["retry-after"] = "2"
	}
	if len(a.Headers) != len(want) {
		return fmt.Sprintf("headers %v", a.Headers)
	}
	for name, value := range want {
		if a.Headers[name].Value != value {
			return fmt.Sprintf("%s is %q", name, a.Headers[name].Value)
		}
	}
	if a.Body.Encoding != "text" || a.Body.Data != refusals[a.StatusCode] {
		return fmt.Sprintf("body %+v", a.Body)
	}
	return ""
}

func TestRules(t *testing.T) {
	g := newGate(t, gate.Source)
	for _, r := range rules(t) {
		t.Run(r.name, func(t *testing.T) { assert.Empty(t, r.broken(t, g)) })
	}
}

func TestNoStoreFailsClosed(t *testing.T) {
	var log bytes.Buffer
	f, err := cloudfrontjs.New(gate.Source, nil, cloudfrontjs.WithLog(&log))
	require.NoError(t, err)
	a, err := ask(context.Background(), f, "GET", "/images/"+seal(t, 2, expiry, "a"))
	require.NoError(t, err)
	assert.Equal(t, 503, a.StatusCode)
	assert.Empty(t, wrongRefusal(a))
	assert.Equal(t, "gate: failed at opening the key value store; refusing every link\n", log.String())
}

func TestLogHoldsNoSecret(t *testing.T) {
	g := newGate(t, gate.Source)
	hash := seal(t, 1, expiry, "b")
	for _, r := range rules(t) {
		if r.logs == 0 {
			continue
		}
		r.broken(t, g)
		line := g.log.String()
		assert.Regexp(t, `^gate: failed at [a-z ]+; refusing every link\n$`, line)
		for _, secret := range []string{hash, seal(t, 2, expiry, "a"), testKey(1)[2:], testKey(2)[2:]} {
			assert.NotContains(t, line, secret)
		}
	}
}

// TestVectors runs the vectors that package link runs.
func TestVectors(t *testing.T) {
	data, err := os.ReadFile("../link/testdata/vectors.json")
	require.NoError(t, err)
	var vectors []struct {
		Name, Current, Previous, Hash, Verdict string
		Now                                    int64
	}
	require.NoError(t, json.Unmarshal(data, &vectors))
	require.NotEmpty(t, vectors)
	var clock time.Time
	g := newGate(t, gate.Source, cloudfrontjs.WithClock(func() time.Time { return clock }))
	status := map[string]int{"live": 0, "expired": 403, "forged": 404}
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			g.store.Delete(gate.PreviousKey)
			g.store.Put(gate.CurrentKey, v.Current)
			if v.Previous != "" {
				g.store.Put(gate.PreviousKey, v.Previous)
			}
			clock = time.Unix(v.Now, 0)
			a, err := ask(context.Background(), g.Function, "GET", "/images/"+v.Hash)
			require.NoError(t, err)
			require.Contains(t, status, v.Verdict)
			assert.Equal(t, status[v.Verdict], a.StatusCode)
		})
	}
}

func TestReadsOfTheStoreAreFew(t *testing.T) {
	store := &countingStore{MapStore: &cloudfrontjs.MapStore{}}
	store.Update(map[string]string{gate.CurrentKey: testKey(2), gate.PreviousKey: testKey(1)})
	f, err := cloudfrontjs.New(gate.Source, store, cloudfrontjs.WithClock(func() time.Time { return now }))
	require.NoError(t, err)
	good := seal(t, 2, expiry, "a")
	for _, tt := range []struct {
		name, uri string
		want      []string
	}{
		{"a good link takes one read for the key and one for the revocation", good, []string{gate.CurrentKey, gate.RevocationKey(good)}},
		{"a forged one takes one", good[:31] + "_", []string{gate.CurrentKey}},
		{"an expired one takes one", seal(t, 2, now, "e"), []string{gate.CurrentKey}},
		{"a wrong form takes none", good + "/", nil},
		{"an unknown key id takes three", "_" + good[1:], []string{gate.CurrentKey, gate.PreviousKey, gate.PreviousKey}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store.reads = nil
			_, err := ask(context.Background(), f, "GET", "/images/"+tt.uri)
			require.NoError(t, err)
			assert.Equal(t, tt.want, store.reads)
		})
	}
}

// countingStore remembers what was read. It serves one request at a time.
type countingStore struct {
	*cloudfrontjs.MapStore
	mu    sync.Mutex
	reads []string
}

func (s *countingStore) Get(key string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads = append(s.reads, key)
	return s.MapStore.Get(key)
}

func TestSourceFitsCloudFront(t *testing.T) {
	require.NoError(t, cloudfrontjs.Check(gate.Source))
	// 10 KB may mean 10,000 bytes: stay below either.
	assert.LessOrEqual(t, len(gate.Source), 10_000)
	for i := range len(gate.Source) {
		require.Less(t, gate.Source[i], byte(0x80), "only ASCII: the limit may be in characters or in bytes")
	}
}
