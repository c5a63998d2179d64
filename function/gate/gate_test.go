package gate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"secure-media-cdn/function/gate"
	"secure-media-cdn/function/seal"
	"secure-media-cdn/function/seal/sealtest"
	"secure-media-cdn/function/variant"
	"secure-media-cdn/infra/local/cloudfrontjs"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	now    = time.Unix(1_800_000_000, 0)
	expiry = now.Add(time.Hour)
)

// settings are those of the gate that the tests run.
var settings = gate.Settings{
	Variants: []string{"w320", "avatar"},
	Formats:  []variant.Format{variant.AVIF, variant.WebP},
	Carriers: []gate.Carrier{gate.Bearer, gate.Query, gate.Cookie},
}

// source is the code of the gate with these settings.
func source(t testing.TB) string {
	t.Helper()
	code, err := gate.Source(settings)
	require.NoError(t, err)
	return code
}

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

// value is a header, query parameter or cookie as events have it.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html
type value struct {
	Value      string  `json:"value"`
	MultiValue []value `json:"multiValue,omitempty"`
}

// values are headers, parameters or cookies by their names.
type values map[string]value

// viewer is what a viewer sends beside a path.
type viewer struct{ Headers, Query, Cookies values }

// answer is what the gate returned: a request to go on with, or a response.
type answer struct {
	URI         string
	Method      string
	QueryString values
	Cookies     values
	StatusCode  int
	Headers     values
	Body        struct{ Encoding, Data string }
}

func (a answer) passed() bool { return a.StatusCode == 0 && a.URI != "" }

// ask sends a request for uri through the gate.
func ask(ctx context.Context, f *cloudfrontjs.Function, method, uri string) (a answer, err error) {
	return askAs(ctx, f, method, uri, viewer{})
}

// askAs sends a request for uri with what a viewer sends beside it.
func askAs(ctx context.Context, f *cloudfrontjs.Function, method, uri string, v viewer) (a answer, err error) {
	event, err := eventOf(method, uri, v)
	if err != nil {
		return a, err
	}
	result, err := f.Run(ctx, event)
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal(result, &a)
}

func eventOf(method, uri string, v viewer) ([]byte, error) {
	orEmpty := func(v values) values {
		if v == nil {
			return values{}
		}
		return v
	}
	return json.Marshal(map[string]any{"version": "1.0", "request": map[string]any{"method": method, "uri": uri,
		"headers": orEmpty(v.Headers), "querystring": orEmpty(v.Query), "cookies": orEmpty(v.Cookies)}})
}

// sealed returns the same hash for the same arguments: filler stands for the
// random bytes.
func sealed(t testing.TB, generation int, expiresAt time.Time, filler string) string {
	t.Helper()
	return sealedWith(t, generation, seal.Claims{ExpiresAt: expiresAt}, filler)
}

func sealedWith(t testing.TB, generation int, claims seal.Claims, filler string) string {
	t.Helper()
	hash, err := sealtest.Key(t, generation).Seal(claims, strings.NewReader(strings.Repeat(filler, 6)))
	require.NoError(t, err)
	return hash
}

func TestRules(t *testing.T) {
	g := newGate(t, source(t))
	for _, r := range rules(t) {
		t.Run(r.name, func(t *testing.T) { assert.Empty(t, r.broken(t, g)) })
	}
}

func TestWithoutAStoreTheFunctionFails(t *testing.T) {
	f, err := cloudfrontjs.New(source(t), nil)
	require.NoError(t, err)
	_, err = ask(context.Background(), f, "GET", "/images/"+sealed(t, 2, expiry, "a"))
	require.ErrorContains(t, err, "gate: failed at opening the key value store")
}

// CloudFront writes the error that ends a function to the function's log.
func TestErrorsHoldNoKeyAndNoHash(t *testing.T) {
	g := newGate(t, source(t))
	for _, r := range rules(t) {
		if !r.fails {
			continue
		}
		r.prepareStore(t, g)
		_, err := askAs(context.Background(), g.Function, "GET", r.uri, r.viewer)
		require.Error(t, err)
		assert.Regexp(t, `^running the function: Error: gate: failed at [a-z ]+\n\t+at handler \([a-z.:0-9()]+$`, err.Error())
		secrets := []string{strings.TrimPrefix(r.uri, seal.Path), sealtest.Value(1), sealtest.Value(2)}
		if ticket, ok := r.viewer.Headers["authorization"]; ok {
			secrets = append(secrets, strings.TrimPrefix(ticket.Value, "Bearer "))
		}
		for _, secret := range secrets {
			assert.NotContains(t, err.Error(), secret)
		}
		assert.Empty(t, g.log.String())
	}
}

// withRing returns a gate whose store has these keys, at a time.
func withRing(t testing.TB, keys map[int]string, at int64) *testGate {
	t.Helper()
	g := newGate(t, source(t), cloudfrontjs.WithClock(func() time.Time { return time.Unix(at, 0) }))
	g.store.Update(sealtest.Entries())
	for generation, value := range keys {
		g.store.Put(seal.KeyEntry(generation), value)
	}
	return g
}

// The vectors are those that package seal runs.
func TestVectorsOfLinks(t *testing.T) {
	vectors := sealtest.Read(t).Links
	require.NotEmpty(t, vectors)
	status := map[string]int{"live": 0, "bound": 401, "expired": 403, "refused": 404, "forged": 404}
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			a, err := ask(context.Background(), withRing(t, v.Keys, v.Now).Function, "GET", "/images/"+v.Hash)
			require.NoError(t, err)
			require.Contains(t, status, v.Verdict)
			assert.Equal(t, status[v.Verdict], a.StatusCode)
		})
	}
}

func TestVectorsOfTickets(t *testing.T) {
	vectors := sealtest.Read(t).Tickets
	require.NotEmpty(t, vectors)
	status := map[string]int{"admitted": 0, "not admitted": 404, "expired": 401, "forged": 401}
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			g := withRing(t, v.Keys, v.Now)
			require.Contains(t, status, v.Verdict)
			for name, viewer := range carrying(v.Ticket) {
				a, err := askAs(context.Background(), g.Function, "GET", "/images/"+v.Link, viewer)
				require.NoError(t, err)
				assert.Equal(t, status[v.Verdict], a.StatusCode, name)
			}
		})
	}
}

func TestReadsOfTheStoreAreFew(t *testing.T) {
	store := &countingStore{MapStore: &cloudfrontjs.MapStore{}}
	store.Update(sealtest.Entries(1, 2, 3))
	f, err := cloudfrontjs.New(source(t), store, cloudfrontjs.WithClock(func() time.Time { return now }))
	require.NoError(t, err)
	good, old := sealed(t, 2, expiry, "a"), sealed(t, 1, expiry, "b")
	for _, tt := range []struct {
		name, uri string
		want      []string
	}{
		{"a good link takes one read for the key and one for the revocation", good, []string{"k.2", "r." + good}},
		{"so does a variant", good + "/w320", []string{"k.2", "r." + good}},
		{"so does the photo as an attachment", good + "/download", []string{"k.2", "r." + good}},
		{"an unknown variant takes none", good + "/w321", nil},
		{"so does one of the previous key", old, []string{"k.1", "r." + old}},
		{"a forged one takes one", good[:31] + "_", []string{"k.2"}},
		{"an expired one takes one", sealed(t, 2, now, "e"), []string{"k.2"}},
		{"a wrong form takes none", good + "/", nil},
		{"an unknown generation takes three", "_" + good[1:], []string{"k.254", "k.254", seal.AudienceEntry}},
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
