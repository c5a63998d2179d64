package issue_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/mapping"
)

const (
	day = 24 * time.Hour
	ttl = 30 * day
)

// world is everything around an Issuer, all of it in memory and under control.
type world struct {
	store mapping.Store

	mu        sync.Mutex
	now       time.Time
	made      int
	bound     map[string]string // audiences by hash, of the hashes that have one
	retired   map[string]bool   // hashes sealed by a key that is gone
	missing   map[string]bool   // keys that the bucket does not have
	contents  map[string]string // of the others, by key; "1" if none is said
	looks     int               // at the bucket
	forgotten map[string]time.Time
	refreshed []string // hashes whose copies were dropped, each time
	works     []string // the references of that
	withdrawn []string // paths
	calls     int      // of the edge
	broken    error    // what the edge answers
	blind     error    // what the bucket answers
}

func newWorld(store mapping.Store) *world {
	return &world{store: store, now: time.Unix(1_800_000_000, 0),
		bound: map[string]string{}, retired: map[string]bool{}, missing: map[string]bool{}, contents: map[string]string{},
		forgotten: map[string]time.Time{}}
}

func (w *world) issuer() *issue.Issuer {
	return &issue.Issuer{
		Store: w.store, Hashes: w, Objects: w, CDN: w,
		Bucket: "media", BaseURL: "https://cdn.example", TTL: ttl, RenewBefore: day,
		Now:   w.time,
		Pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
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

func (w *world) New(_ context.Context, _ time.Time, audience string) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.made++
	hash := fmt.Sprintf("%032d", w.made)
	w.bound[hash] = audience
	return hash, nil
}

func (w *world) Accepts(_ context.Context, hash, audience string) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.retired[hash] && w.bound[hash] == audience, nil
}

func (w *world) Look(_ context.Context, o mapping.Object) (issue.Sight, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looks++
	if w.missing[o.Key] {
		return issue.Sight{}, w.blind
	}
	return issue.Sight{Content: cmp.Or(w.contents[o.Key], "1")}, w.blind
}

func (w *world) Forget(_ context.Context, hashes []string, reference string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	if w.broken != nil {
		return w.broken
	}
	w.refreshed, w.works = append(w.refreshed, hashes...), append(w.works, reference)
	return nil
}

func (w *world) Revoke(_ context.Context, hashes map[string]time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	if w.broken != nil {
		return w.broken
	}
	maps.Copy(w.forgotten, hashes)
	return nil
}

func (w *world) Withdraw(_ context.Context, deletions map[string]string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	if w.broken != nil {
		return w.broken
	}
	w.withdrawn = append(w.withdrawn, slices.Sorted(maps.Keys(deletions))...)
	return nil
}

func one(t *testing.T, i *issue.Issuer, object string, ttl time.Duration) issue.Link {
	t.Helper()
	links, err := i.Issue(context.Background(), []string{object}, issue.Terms{TTL: ttl})
	require.NoError(t, err)
	require.Len(t, links, 1)
	require.Nil(t, links[0].Err, "%v", links[0].Err)
	return links[0]
}

func revoke(t *testing.T, i *issue.Issuer, objects, hashes []string) []issue.Outcome {
	t.Helper()
	outcomes, err := i.Revoke(context.Background(), objects, hashes)
	require.NoError(t, err)
	return outcomes
}

func TestANewLinkSaysWhatItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(&mapping.Memory{})
	w.pass(300 * time.Millisecond)
	got := one(t, w.issuer(), "s3://media/a.jpg", 0)
	hash := fmt.Sprintf("%032d", 1)
	assert.Equal(t, issue.Link{
		Object: "s3://media/a.jpg", URL: "https://cdn.example/images/" + hash, Hash: hash,
		Download:  "https://cdn.example/images/" + hash + "/download",
		ExpiresAt: time.Unix(1_800_000_000, 0).Add(ttl), New: true,
	}, got)
	m, err := w.store.Get(context.Background(), hash)
	require.NoError(t, err)
	assert.Equal(t, mapping.Mapping{Hash: hash, Object: mapping.Object{Bucket: "media", Key: "a.jpg"},
		CreatedAt: time.Unix(1_800_000_000, 0), ExpiresAt: time.Unix(1_800_000_000, 0).Add(ttl)}, m)
}

func TestALinkNamesTheAddressOfEveryVariant(t *testing.T) {
	t.Parallel()
	w := newWorld(&mapping.Memory{})
	i := w.issuer()
	i.Services = issue.Services{"simple-chat": issue.ByLink, "marketplace": issue.Public}
	i.Variants = []string{"blur", "w320"}
	fresh := one(t, i, "s3://media/simple-chat/a.jpg", 0)
	below := "https://cdn.example/images/" + fresh.Hash + "/"
	want := map[string]string{"blur": below + "blur", "w320": below + "w320"}
	assert.Equal(t, want, fresh.Variants)
	again := one(t, i, "s3://media/simple-chat/a.jpg", 0)
	assert.False(t, again.New)
	assert.Equal(t, want, again.Variants)
	assert.Equal(t, below+"download", again.Download)
	shown, err := i.Show(context.Background(), fresh.Hash)
	require.NoError(t, err)
	assert.Equal(t, want, shown.Variants)
	assert.Equal(t, below+"download", shown.Download)
	public := one(t, i, "s3://media/marketplace/a.jpg", 0)
	assert.Empty(t, public.Variants, "what is public has no hash, and so no variants")
	assert.Empty(t, public.Download)
}

func TestACurrentLinkIsGivenOutAgainWhileItHasEnoughLifeLeft(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		first, passed, second time.Duration // lives asked for, and the time between
		same                  bool
	}{
		"at once":                                     {0, 0, 0, true},
		"with exactly a day left":                     {0, 29 * day, 0, true},
		"with a second less than a day left":          {0, 29*day + time.Second, 0, false},
		"in the second it dies":                       {0, 30 * day, 0, false},
		"long after its death":                        {0, 300 * day, 0, false},
		"when less was asked for than it has left":    {0, day, time.Minute, true},
		"when a short one meets a long wish":          {time.Hour, 0, 0, false},
		"when a short one has half of its life left":  {time.Hour, 30 * time.Minute, time.Hour, true},
		"when a short one has less than half left":    {time.Hour, 30*time.Minute + time.Second, time.Hour, false},
		"when it is shorter than wished but long yet": {2 * day, day, 10 * day, true},
		"when it lives for a second":                  {time.Second, 0, time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(&mapping.Memory{})
			i := w.issuer()
			first := one(t, i, "s3://media/a.jpg", tt.first)
			w.pass(tt.passed)
			second := one(t, i, "s3://media/a.jpg", tt.second)
			assert.Equal(t, tt.same, first.Hash == second.Hash)
			assert.Equal(t, tt.same, !second.New)
			if tt.same {
				assert.Equal(t, first.ExpiresAt, second.ExpiresAt)
				return
			}
			want := tt.second
			if want == 0 {
				want = ttl
			}
			assert.Equal(t, w.time().Add(want), second.ExpiresAt)
			m, err := w.store.Get(context.Background(), first.Hash)
			require.NoError(t, err, "the former link is not touched")
			assert.Equal(t, first.ExpiresAt, m.ExpiresAt)
		})
	}
}

func TestARecordForgetsTheLinksThatDied(t *testing.T) {
	t.Parallel()
	w := newWorld(&mapping.Memory{})
	i := w.issuer()
	for range 5 {
		one(t, i, "s3://media/a.jpg", time.Hour)
		w.pass(time.Hour)
	}
	last := one(t, i, "s3://media/a.jpg", time.Hour)
	records, err := w.store.Records(context.Background(), []mapping.Object{{Bucket: "media", Key: "a.jpg"}})
	require.NoError(t, err)
	assert.Equal(t, map[string]time.Time{last.Hash: last.ExpiresAt}, records[0].Hashes)
}

func TestALinkSealedByARetiredKeyIsNotGivenOutAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(&mapping.Memory{})
	i := w.issuer()
	first := one(t, i, "s3://media/a.jpg", 0)
	w.retired[first.Hash] = true
	second := one(t, i, "s3://media/a.jpg", 0)
	assert.NotEqual(t, first.Hash, second.Hash)
	shown, err := i.Show(context.Background(), first.Hash)
	require.NoError(t, err)
	assert.Equal(t, issue.Retired, shown.State)
	assert.Len(t, revoke(t, i, []string{"s3://media/a.jpg"}, nil)[0].Hashes, 2, "it is still revoked with its object")
}

func TestWhatIsWrongWithACallStopsAllOfIt(t *testing.T) {
	t.Parallel()
	w := newWorld(&mapping.Memory{})
	i := w.issuer()
	for name, tt := range map[string]struct {
		objects []string
		ttl     time.Duration
		code    string
	}{
		"too many objects":      {strings.Split(strings.Repeat("s3://media/a,", 101), ","), 0, issue.CodeTooMany},
		"a life of no second":   {[]string{"s3://media/a"}, time.Millisecond, issue.CodeBadTTL},
		"a negative life":       {[]string{"s3://media/a"}, -time.Second, issue.CodeBadTTL},
		"a life beyond the ttl": {[]string{"s3://media/a"}, ttl + time.Second, issue.CodeBadTTL},
	} {
		t.Run(name, func(t *testing.T) {
			links, err := i.Issue(context.Background(), tt.objects, issue.Terms{TTL: tt.ttl})
			require.Error(t, err)
			assert.Equal(t, tt.code, issue.AsError(err).Code)
			assert.Nil(t, links)
			assert.Equal(t, 400, issue.AsError(err).Status())
			assert.Zero(t, w.made)
		})
	}
}

func TestWhatIsWrongWithOneObjectHarmsNoOther(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		object string
		code   string
		status int
	}{
		"no S3 URL":            {"https://media/a", issue.CodeBadObject, 400},
		"no key":               {"s3://media", issue.CodeBadObject, 400},
		"an empty string":      {"", issue.CodeBadObject, 400},
		"a key too long":       {"s3://media/" + strings.Repeat("x", 1025), issue.CodeBadObject, 400},
		"a key of no UTF-8":    {"s3://media/\xff", issue.CodeBadObject, 400},
		"a dot segment":        {"s3://media/a/../b", issue.CodeBadObject, 400},
		"another bucket":       {"s3://other/a", issue.CodeWrongBucket, 400},
		"a longer bucket name": {"s3://media2/a", issue.CodeWrongBucket, 400},
		"a directory":          {"s3://media/a/", issue.CodeDirectory, 400},
		"a missing object":     {"s3://media/missing", issue.CodeObjectNotFound, 404},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(&mapping.Memory{})
			w.missing["missing"] = true
			links, err := w.issuer().Issue(context.Background(), []string{"s3://media/good", tt.object, "s3://media/also good"},
				issue.Terms{})
			require.NoError(t, err)
			require.NotNil(t, links[1].Err)
			assert.Equal(t, tt.code, links[1].Err.Code)
			assert.Equal(t, tt.status, links[1].Err.Status())
			assert.NotContains(t, links[1].Err.Message, tt.object+"x")
			assert.Empty(t, links[1].Hash)
			assert.Empty(t, links[1].URL)
			assert.Equal(t, tt.object, links[1].Object)
			assert.Nil(t, links[0].Err)
			assert.Nil(t, links[2].Err)
			assert.Equal(t, 2, w.made)
		})
	}
}

func TestAnObjectNamedTwiceGetsOneLink(t *testing.T) {
	t.Parallel()
	w := newWorld(&mapping.Memory{})
	links, err := w.issuer().Issue(context.Background(), []string{"s3://media/a", "s3://media/b", "s3://media/a"},
		issue.Terms{})
	require.NoError(t, err)
	assert.Equal(t, links[0], links[2])
	assert.NotEqual(t, links[0].Hash, links[1].Hash)
	assert.Equal(t, 2, w.made)
}

func TestServicesDecideWhichKeysGetWhichLinks(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		key  string
		url  string // of a public object
		code string
	}{
		"a private service's object gets a hash": {key: "simple-chat/a.jpg"},
		"a public one its plain address": {key: "marketplace/a.jpg",
			url: "https://cdn.example/marketplace/a.jpg"},
		"a public one with an odd key is escaped": {key: "marketplace/ä b+c%?#&.jpg",
			url: "https://cdn.example/marketplace/%C3%A4%20b%2Bc%25%3F%23&.jpg"},
		"no service is refused":                      {key: "a.jpg", code: issue.CodeUnknownService},
		"an unknown service is refused":              {key: "other/a.jpg", code: issue.CodeUnknownService},
		"a service's name is compared whole":         {key: "marketplaces/a.jpg", code: issue.CodeUnknownService},
		"a service's name is no object":              {key: "marketplace", code: issue.CodeUnknownService},
		"a slash in front is part of the key":        {key: "/marketplace/a.jpg", code: issue.CodeUnknownService},
		"a service's root is a directory":            {key: "marketplace/", code: issue.CodeDirectory},
		"a way out of a public service is refused":   {key: "marketplace/../simple-chat/a.jpg", code: issue.CodeBadObject},
		"a missing public object is looked for, too": {key: "marketplace/missing", code: issue.CodeObjectNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(&mapping.Memory{})
			w.missing["marketplace/missing"] = true
			i := w.issuer()
			i.Services = issue.Services{"simple-chat": issue.ByLink, "marketplace": issue.Public}
			links, err := i.Issue(context.Background(), []string{"s3://media/" + tt.key}, issue.Terms{})
			require.NoError(t, err)
			got := links[0]
			service, _, _ := strings.Cut(tt.key, "/")
			switch {
			case tt.code != "":
				require.NotNil(t, got.Err)
				assert.Equal(t, tt.code, got.Err.Code)
			case tt.url != "":
				assert.Equal(t, issue.Link{Object: "s3://media/" + tt.key, URL: tt.url, Service: service}, got)
				assert.Zero(t, w.made, "no mapping is made")
			default:
				assert.Equal(t, service, got.Service)
				m, err := w.store.Get(context.Background(), got.Hash)
				require.NoError(t, err)
				assert.Equal(t, service, m.Service)
			}
		})
	}
}

func TestTheBucketIsAskedOnlyBeforeAFirstLink(t *testing.T) {
	t.Parallel()
	w := newWorld(&mapping.Memory{})
	i := w.issuer()
	one(t, i, "s3://media/a", 0)
	one(t, i, "s3://media/a", 0)
	assert.Equal(t, 1, w.looks)
	i.Unchecked = true
	w.missing["b"] = true
	one(t, i, "s3://media/b", 0)
	assert.Equal(t, 1, w.looks)
}

func TestShowTellsTheStateOfALink(t *testing.T) {
	t.Parallel()
	w := newWorld(&mapping.Memory{})
	i := w.issuer()
	a, b := one(t, i, "s3://media/a", time.Hour), one(t, i, "s3://media/b", 2*time.Hour)
	revoke(t, i, nil, []string{b.Hash})
	for name, tt := range map[string]struct {
		hash   string
		passed time.Duration
		state  issue.State
		code   string
	}{
		"live":                               {a.Hash, time.Hour - time.Second, issue.Live, ""},
		"expired":                            {a.Hash, time.Hour, issue.Expired, ""},
		"revoked":                            {b.Hash, 0, issue.Revoked, ""},
		"unknown":                            {strings.Repeat("x", 32), 0, "", issue.CodeLinkNotFound},
		"malformed":                          {"short", 0, "", issue.CodeBadHash},
		"the record of an object is no link": {"object#1234567890123456789012345", 0, "", issue.CodeBadHash},
	} {
		t.Run(name, func(t *testing.T) {
			later := *i
			later.Now = func() time.Time { return w.time().Add(tt.passed) }
			shown, err := later.Show(context.Background(), tt.hash)
			if tt.code != "" {
				require.Error(t, err)
				assert.Equal(t, tt.code, issue.AsError(err).Code)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.state, shown.State)
			assert.Equal(t, tt.hash, shown.Mapping.Hash)
			assert.Equal(t, "https://cdn.example/images/"+tt.hash, shown.URL)
			assert.NotEmpty(t, shown.Mapping.Object.Key)
			assert.Equal(t, tt.state == issue.Revoked, !shown.RevokedAt.IsZero())
		})
	}
}

func TestAStoreThatFailsIsToldAsUnavailable(t *testing.T) {
	t.Parallel()
	w := newWorld(failing{})
	i := w.issuer()
	links, err := i.Issue(context.Background(), []string{"s3://media/secret"}, issue.Terms{})
	require.NoError(t, err)
	outcomes := revoke(t, i, []string{"s3://media/secret"}, []string{strings.Repeat("x", 32)})
	_, shown := i.Show(context.Background(), strings.Repeat("x", 32))
	for _, e := range []*issue.Error{links[0].Err, outcomes[0].Err, outcomes[1].Err, issue.AsError(shown)} {
		require.NotNil(t, e)
		assert.Equal(t, issue.CodeUnavailable, e.Code)
		assert.True(t, e.Retryable())
		assert.ErrorIs(t, e, errDown, "the log learns the cause")
		assert.NotContains(t, e.Message, "down", "the caller does not")
	}
}

var errDown = errors.New("down")

type failing struct{}

func (failing) Get(context.Context, string) (mapping.Mapping, error) {
	return mapping.Mapping{}, errDown
}
func (failing) Records(context.Context, []mapping.Object) ([]mapping.Record, error) {
	return nil, errDown
}
func (failing) Apply(context.Context, ...mapping.Change) error { return errDown }

func TestAnObjectThatEverybodyChangesIsBusyInTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(contended{&mapping.Memory{}})
	links, err := w.issuer().Issue(context.Background(), []string{"s3://media/a"}, issue.Terms{})
	require.NoError(t, err)
	require.NotNil(t, links[0].Err)
	assert.Equal(t, issue.CodeBusy, links[0].Err.Code)
	assert.Equal(t, 1, w.looks, "the bucket is not asked again on each try")
}

type contended struct{ *mapping.Memory }

func (contended) Apply(context.Context, ...mapping.Change) error { return mapping.ErrConflict }
