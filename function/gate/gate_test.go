package gate_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"secure-media-cdn/function/gate"
	"secure-media-cdn/function/seal"
	"secure-media-cdn/infra/local/cloudfrontjs"

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

func newKeys(t testing.TB, current, previous int) *seal.Keys {
	t.Helper()
	text := ""
	if previous != 0 {
		text = testKey(previous)
	}
	keys, err := seal.NewKeys(testKey(current), text)
	require.NoError(t, err)
	return keys
}

// sealed returns the same hash for the same arguments: filler stands for the
// random bytes.
func sealed(t testing.TB, id int, expiresAt time.Time, filler string) string {
	t.Helper()
	hash, err := newKeys(t, id, 0).Seal(expiresAt, strings.NewReader(strings.Repeat(filler, 11)))
	require.NoError(t, err)
	return hash
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
	a, err := ask(context.Background(), f, "GET", "/images/"+sealed(t, 2, expiry, "a"))
	require.NoError(t, err)
	assert.Equal(t, 503, a.StatusCode)
	assert.Empty(t, wrongRefusal(a))
	assert.Equal(t, "gate: failed at opening the key value store; refusing every link\n", log.String())
}

func TestLogHoldsNoSecret(t *testing.T) {
	g := newGate(t, gate.Source)
	hash := sealed(t, 1, expiry, "b")
	for _, r := range rules(t) {
		if r.logs == 0 {
			continue
		}
		r.broken(t, g)
		line := g.log.String()
		assert.Regexp(t, `^gate: failed at [a-z ]+; refusing every link\n$`, line)
		for _, secret := range []string{hash, sealed(t, 2, expiry, "a"), testKey(1)[2:], testKey(2)[2:]} {
			assert.NotContains(t, line, secret)
		}
	}
}

// TestVectors runs the vectors that package link runs.
func TestVectors(t *testing.T) {
	data, err := os.ReadFile("../seal/testdata/vectors.json")
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
	good := sealed(t, 2, expiry, "a")
	for _, tt := range []struct {
		name, uri string
		want      []string
	}{
		{"a good link takes one read for the key and one for the revocation", good, []string{gate.CurrentKey, gate.RevocationKey(good)}},
		{"a forged one takes one", good[:31] + "_", []string{gate.CurrentKey}},
		{"an expired one takes one", sealed(t, 2, now, "e"), []string{gate.CurrentKey}},
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
