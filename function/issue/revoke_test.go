package issue_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/mapping"
)

func dead(t *testing.T, w *world, hash string) {
	t.Helper()
	_, err := w.store.Get(context.Background(), hash)
	require.ErrorIs(t, err, mapping.ErrNotFound)
}

func alive(t *testing.T, w *world, hash string) {
	t.Helper()
	m, err := w.store.Get(context.Background(), hash)
	require.NoError(t, err)
	require.True(t, m.Live(w.time()))
}

func TestRevokingAnObjectKillsAllItsLinksAndNoOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(&mapping.Memory{})
	i := w.issuer()
	first := one(t, i, "s3://media/a", 0)
	w.pass(29*day + time.Hour)
	second := one(t, i, "s3://media/a", 0)
	other := one(t, i, "s3://media/b", 0)
	require.NotEqual(t, first.Hash, second.Hash)

	got := revoke(t, i, []string{"s3://media/a"}, nil)
	assert.Equal(t, []issue.Outcome{{Object: "s3://media/a", Hashes: []string{first.Hash, second.Hash}}}, got)
	dead(t, w, first.Hash)
	dead(t, w, second.Hash)
	alive(t, w, other.Hash)
	assert.Equal(t, map[string]time.Time{first.Hash: first.ExpiresAt, second.Hash: second.ExpiresAt}, w.forgotten)

	third := one(t, i, "s3://media/a", 0)
	assert.True(t, third.New, "a revoked hash is never given out again")
	assert.NotContains(t, []string{first.Hash, second.Hash}, third.Hash)
}

func TestRevokingAHashKillsThatLinkOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(&mapping.Memory{})
	i := w.issuer()
	first := one(t, i, "s3://media/a", 0)
	w.pass(29*day + time.Hour)
	second := one(t, i, "s3://media/a", 0)

	assert.Equal(t, []issue.Outcome{{Object: "s3://media/a", Hash: first.Hash, Hashes: []string{first.Hash}}},
		revoke(t, i, nil, []string{first.Hash}))
	dead(t, w, first.Hash)
	alive(t, w, second.Hash)
	assert.Equal(t, second.Hash, one(t, i, "s3://media/a", 0).Hash)
	revoke(t, i, nil, []string{second.Hash})
	assert.True(t, one(t, i, "s3://media/a", 0).New)
	assert.Equal(t, 2, w.calls)
}

func TestRevokingTwiceIsRevokingOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(&mapping.Memory{})
	i := w.issuer()
	a := one(t, i, "s3://media/a", 0)
	first := revoke(t, i, nil, []string{a.Hash})
	assert.Equal(t, first, revoke(t, i, nil, []string{a.Hash}), "a retry after a lost answer gets the same answer")
	assert.Equal(t, 1, w.calls)
	assert.Equal(t, []issue.Outcome{{Object: "s3://media/a"}}, revoke(t, i, []string{"s3://media/a"}, nil))
	assert.Equal(t, 1, w.calls, "the edge is not told again")
}

func TestObjectsAndHashesTogetherTellTheEdgeOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(&mapping.Memory{})
	i := w.issuer()
	a, b, c := one(t, i, "s3://media/a", 0), one(t, i, "s3://media/b", 0), one(t, i, "s3://media/c", 0)
	unknown := strings.Repeat("x", 32)
	got := revoke(t, i, []string{"s3://media/a", "s3://other/a", "s3://media/none"},
		[]string{a.Hash, b.Hash, unknown, "short"})
	for n, want := range []struct{ object, code string }{
		{"s3://media/a", ""}, {"s3://other/a", issue.CodeWrongBucket}, {"s3://media/none", ""},
		{"s3://media/a", ""}, {"s3://media/b", ""}, {"", issue.CodeLinkNotFound}, {"", issue.CodeBadHash},
	} {
		assert.Equal(t, want.object, got[n].Object)
		if want.code == "" {
			assert.Nil(t, got[n].Err)
		} else {
			require.NotNil(t, got[n].Err)
			assert.Equal(t, want.code, got[n].Err.Code)
		}
	}
	assert.Equal(t, []string{a.Hash}, got[0].Hashes)
	assert.Empty(t, got[2].Hashes)
	assert.Equal(t, map[string]time.Time{a.Hash: a.ExpiresAt, b.Hash: b.ExpiresAt}, w.forgotten)
	assert.Equal(t, 1, w.calls)
	alive(t, w, c.Hash)
}

func TestAnEdgeThatFailsLeavesANoteThatARetryFinds(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]func(hash string) (objects, hashes []string){
		"naming the object": func(string) ([]string, []string) { return []string{"s3://media/a"}, nil },
		"naming the hash":   func(hash string) ([]string, []string) { return nil, []string{hash} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(&mapping.Memory{})
			i := w.issuer()
			a := one(t, i, "s3://media/a", 0)
			w.broken = errors.New("throttled")
			failed := revoke(t, i, []string{"s3://media/a"}, nil)
			require.NotNil(t, failed[0].Err)
			assert.Equal(t, issue.CodeUnavailable, failed[0].Err.Code)
			dead(t, w, a.Hash)
			b := one(t, i, "s3://media/a", 0)
			assert.NotEqual(t, a.Hash, b.Hash, "a new link can be had meanwhile")

			w.broken = nil
			objects, hashes := again(a.Hash)
			healed := revoke(t, i, objects, hashes)
			require.Nil(t, healed[0].Err)
			assert.Contains(t, w.forgotten, a.Hash)
			assert.Contains(t, healed[0].Hashes, a.Hash)
			if objects == nil {
				alive(t, w, b.Hash)
			}
			calls := w.calls
			revoke(t, i, nil, []string{a.Hash})
			assert.Equal(t, calls, w.calls, "nothing is left to do")
		})
	}
}

func TestALinkThatExpiredNeedsNoRevoking(t *testing.T) {
	t.Parallel()
	w := newWorld(&mapping.Memory{})
	i := w.issuer()
	a := one(t, i, "s3://media/a", time.Hour)
	w.pass(time.Hour)
	assert.Equal(t, []issue.Outcome{{Object: "s3://media/a", Hash: a.Hash, Hashes: []string{a.Hash}}},
		revoke(t, i, nil, []string{a.Hash}))
	assert.Equal(t, []issue.Outcome{{Object: "s3://media/a"}}, revoke(t, i, []string{"s3://media/a"}, nil))
	assert.Zero(t, w.calls)
}

func TestAPublicObjectCannotBeRevokedButItsFormerLinksCan(t *testing.T) {
	t.Parallel()
	w := newWorld(&mapping.Memory{})
	i := w.issuer()
	a := one(t, i, "s3://media/marketplace/a", 0)
	i.Services = issue.Services{"marketplace": issue.Public}
	got := revoke(t, i, []string{"s3://media/marketplace/a", "s3://media/marketplace/b"}, nil)
	assert.Equal(t, []string{a.Hash}, got[0].Hashes)
	assert.Nil(t, got[0].Err)
	require.NotNil(t, got[1].Err)
	assert.Equal(t, issue.CodePublicObject, got[1].Err.Code)
	dead(t, w, a.Hash)
}

func TestALinkOfAServiceThatIsNoMoreCanBeRevoked(t *testing.T) {
	t.Parallel()
	w := newWorld(&mapping.Memory{})
	i := w.issuer()
	i.Services = issue.Services{"old": issue.ByLink}
	a := one(t, i, "s3://media/old/a", 0)
	i.Services = issue.Services{"new": issue.ByLink}
	got := revoke(t, i, []string{"s3://media/old/a"}, nil)
	assert.Nil(t, got[0].Err)
	dead(t, w, a.Hash)
}

// An object has a few links at the most, but a table may have been filled by
// other means.
func TestMoreLinksThanATransactionHoldsAreRevokedInSeveral(t *testing.T) {
	t.Parallel()
	w := newWorld(&mapping.Memory{})
	all := crowd(t, w, 4)
	counted := &counting{Store: w.store}
	w.store = counted
	got := revoke(t, w.issuer(), []string{"s3://media/a"}, nil)
	require.Nil(t, got[0].Err)
	assert.Len(t, got[0].Hashes, 160)
	assert.Equal(t, all, w.forgotten)
	assert.Equal(t, 5, counted.applies, "160 hashes at 49 a transaction, and one to settle")
	for hash := range all {
		dead(t, w, hash)
	}
	assert.True(t, one(t, w.issuer(), "s3://media/a", 0).New)
}

// crowd gives s3://media/a many links, forty at a time.
func crowd(t *testing.T, w *world, times int) map[string]time.Time {
	object := mapping.Object{Bucket: "media", Key: "a"}
	all := map[string]time.Time{}
	for n := range times {
		records, err := w.store.Records(context.Background(), []mapping.Object{object})
		require.NoError(t, err)
		c := mapping.Change{Record: records[0]}
		for k := range 40 {
			m := mapping.Mapping{Hash: fmt.Sprintf("%030d-%d", k, n), Object: object, CreatedAt: w.now,
				ExpiresAt: w.now.Add(time.Hour)}
			all[m.Hash] = m.ExpiresAt
			c.Add = append(c.Add, m)
		}
		c.Record.Hashes = map[string]time.Time{}
		for hash, expiresAt := range all {
			c.Record.Hashes[hash] = expiresAt
		}
		require.NoError(t, w.store.Apply(context.Background(), c))
	}
	return all
}

type counting struct {
	mapping.Store
	applies int
}

func (s *counting) Apply(ctx context.Context, changes ...mapping.Change) error {
	s.applies++
	return s.Store.Apply(ctx, changes...)
}

// A link issued after the revocation's first transaction is not its business;
// were it, a busy object could never be revoked.
func TestALinkIssuedDuringARevocationEndsUpEitherWay(t *testing.T) {
	t.Parallel()
	w := newWorld(&mapping.Memory{})
	a := one(t, w.issuer(), "s3://media/a", 0)
	asking := newWorld(&issuing{Store: w.store, issuer: w.issuer()})
	got := revoke(t, asking.issuer(), []string{"s3://media/a"}, nil)
	require.Nil(t, got[0].Err)
	assert.Equal(t, []string{a.Hash}, got[0].Hashes)
	b := one(t, w.issuer(), "s3://media/a", 0)
	alive(t, w, b.Hash)
	assert.False(t, b.New)

	crowd(t, w, 3)
	got = revoke(t, asking.issuer(), []string{"s3://media/a"}, nil)
	require.Nil(t, got[0].Err)
	c := one(t, w.issuer(), "s3://media/a", 0)
	assert.False(t, c.New, "it was issued after the first of several transactions")
	assert.Len(t, got[0].Hashes, 120, "those that were there, and none since")
}

// issuing has somebody ask for a link after every write.
type issuing struct {
	mapping.Store
	issuer *issue.Issuer
}

func (s *issuing) Apply(ctx context.Context, changes ...mapping.Change) error {
	err := s.Store.Apply(ctx, changes...)
	if _, issued := s.issuer.Issue(ctx, []string{changes[0].Record.Object.String()}, issue.Terms{}); issued != nil {
		return issued
	}
	return err
}

func TestAPublicObjectThatIsDeletedCanBeWithdrawn(t *testing.T) {
	t.Parallel()
	w := newWorld(&mapping.Memory{})
	i := w.issuer()
	former := one(t, i, "s3://media/marketplace/former", 0)
	i.Services = issue.Services{"simple-chat": issue.ByLink, "marketplace": issue.Public}
	private := one(t, i, "s3://media/simple-chat/a", 0)
	for _, key := range []string{"marketplace/ä b*.jpg", "marketplace/former", "simple-chat/a"} {
		w.missing[key] = true
	}
	objects := []string{
		"s3://media/marketplace/ä b*.jpg", "s3://media/marketplace/there", "s3://media/marketplace/ä b*.jpg",
		"s3://media/marketplace/former", "s3://media/simple-chat/a", "s3://media/marketplace/", "s3://other/marketplace/a",
	}
	got := revoke(t, i, objects, nil)
	require.Equal(t, issue.CodePublicObject, got[0].Err.Code)
	require.Empty(t, w.withdrawn, "revoking alone withdraws nothing")

	i.Withdraw(context.Background(), got)
	assert.Equal(t, []string{"/marketplace/%C3%A4%20b*", "/marketplace/former"}, w.withdrawn)
	for n, want := range []struct {
		withdrawn bool
		code      string
		hashes    []string
	}{
		{true, "", nil}, {false, issue.CodePublicObject, nil}, {true, "", nil}, {true, "", []string{former.Hash}},
		{false, "", []string{private.Hash}}, {false, "", nil}, {false, issue.CodeWrongBucket, nil},
	} {
		assert.Equal(t, want.withdrawn, got[n].Withdrawn, objects[n])
		assert.Equal(t, want.hashes, got[n].Hashes, objects[n])
		if want.code == "" {
			assert.Nil(t, got[n].Err, objects[n])
		} else if assert.NotNil(t, got[n].Err, objects[n]) {
			assert.Equal(t, want.code, got[n].Err.Code, objects[n])
		}
	}

	w.broken = errors.New("down")
	got = revoke(t, i, objects[:2], nil)
	i.Withdraw(context.Background(), got)
	assert.False(t, got[0].Withdrawn)
	assert.Equal(t, issue.CodeUnavailable, got[0].Err.Code)
	assert.Equal(t, issue.CodePublicObject, got[1].Err.Code)
	w.broken, w.blind = nil, errors.New("no answer")
	got = revoke(t, i, objects[:1], nil)
	i.Withdraw(context.Background(), got)
	assert.Equal(t, issue.CodeUnavailable, got[0].Err.Code, "who cannot look does not say that it is gone")
	assert.Len(t, w.withdrawn, 2)

	w.blind = nil
	held := []issue.Outcome{{Object: objects[0], Err: issue.AsError(errors.New("the table failed"))},
		{Object: objects[0], Hash: former.Hash}}
	i.Withdraw(context.Background(), held)
	assert.False(t, held[0].Withdrawn, "what failed goes on being a failure")
	assert.NotNil(t, held[0].Err)
	assert.False(t, held[1].Withdrawn, "who names a hash means the link")
	assert.Len(t, w.withdrawn, 2)

	got = revoke(t, i, []string{"s3://media/simple-chat/none"}, nil)
	calls := w.calls
	i.Withdraw(context.Background(), got)
	assert.Equal(t, calls, w.calls, "what is private has no address to withdraw")
}
