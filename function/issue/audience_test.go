package issue_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/mapping/mappingtest"
)

// clubs is a world whose service "club" asks for tickets, and its issuer.
func clubs(store mapping.Store) (*world, *issue.Issuer) {
	w := newWorld(store)
	i := w.issuer()
	i.Services = issue.Services{"club": issue.ByTicket, "bar": issue.ByTicket, "chat": issue.ByLink, "shop": issue.Public}
	return w, i
}

// bound returns the link of the object for the audience.
func bound(t *testing.T, i *issue.Issuer, object, audience string) issue.Link {
	t.Helper()
	links, err := i.Issue(context.Background(), []string{object}, issue.Terms{Audience: audience})
	require.NoError(t, err)
	require.Nil(t, links[0].Err, "%v", links[0].Err)
	return links[0]
}

func TestAnObjectHasOneCurrentLinkForEachAudience(t *testing.T) {
	t.Parallel()
	w, i := clubs(&mapping.Memory{})
	hashes := map[string]string{}
	for _, audience := range []string{"club", "club/room-1", "club/room-2"} {
		l := bound(t, i, "s3://media/club/a.jpg", audience)
		assert.True(t, l.New, audience)
		assert.Equal(t, audience, l.Audience)
		assert.Equal(t, audience, w.bound[l.Hash], "the hash says who may see it")
		m, err := w.store.Get(context.Background(), l.Hash)
		require.NoError(t, err)
		assert.Equal(t, audience, m.Audience)
		hashes[audience] = l.Hash
	}
	require.Len(t, hashes, 3)
	somebodyElse := i.Within([]string{"club"})
	for audience, hash := range hashes {
		again := bound(t, somebodyElse, "s3://media/club/a.jpg", audience)
		assert.Equal(t, hash, again.Hash, "whoever asks gets the same")
		assert.False(t, again.New)
		assert.Equal(t, audience, again.Audience)
	}
	plain := one(t, i, "s3://media/club/a.jpg", 0)
	assert.Equal(t, hashes["club"], plain.Hash, "who names no audience means the service")
	assert.Equal(t, "club", plain.Audience)
	assert.Empty(t, one(t, i, "s3://media/chat/a.jpg", 0).Audience)

	shown, err := i.Show(context.Background(), hashes["club/room-2"])
	require.NoError(t, err)
	assert.Equal(t, issue.Live, shown.State)
	assert.Equal(t, "club/room-2", shown.Mapping.Audience)

	revoke(t, i, nil, []string{hashes["club/room-1"]})
	dead(t, w, hashes["club/room-1"])
	alive(t, w, hashes["club/room-2"])
	got := revoke(t, i, []string{"s3://media/club/a.jpg"}, nil)
	assert.Len(t, got[0].Hashes, 2, "revoking the object kills the links of every audience")
	assert.Len(t, w.forgotten, 3)
	for _, hash := range hashes {
		dead(t, w, hash)
	}
}

func TestAServiceThatComesToAskForTicketsGivesOutNoLinkOfBefore(t *testing.T) {
	t.Parallel()
	w, i := clubs(&mapping.Memory{})
	const object = "s3://media/chat/a.jpg"
	open := one(t, i, object, 0)
	i.Services = issue.Services{"chat": issue.ByTicket}
	tied := one(t, i, object, 0)
	assert.NotEqual(t, open.Hash, tied.Hash)
	assert.Equal(t, "chat", w.bound[tied.Hash])
	assert.Equal(t, tied.Hash, bound(t, i, object, "chat").Hash)
	i.Services = issue.Services{"chat": issue.ByLink}
	assert.Equal(t, open.Hash, one(t, i, object, 0).Hash, "and the other way round")
	assert.Len(t, revoke(t, i, []string{object}, nil)[0].Hashes, 2)
}

func TestAnAudienceThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ audience, code string }{
		"a service that does not exist":        {"pub", issue.CodeBadAudience},
		"a service whose links are enough":     {"chat", issue.CodeBadAudience},
		"a room of such a service":             {"chat/room", issue.CodeBadAudience},
		"a public service":                     {"shop", issue.CodeBadAudience},
		"an empty name below a service":        {"club/", issue.CodeBadAudience},
		"two names below a service":            {"club/a/b", issue.CodeBadAudience},
		"a space":                              {"club/a b", issue.CodeBadAudience},
		"a line end":                           {"club/a\n", issue.CodeBadAudience},
		"a name too long":                      {"club/" + strings.Repeat("x", 129), issue.CodeBadAudience},
		"a service that the caller is not for": {"bar/a", issue.CodeForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, i := clubs(&mapping.Memory{})
			_, err := i.Within([]string{"club", "chat", "shop"}).Issue(context.Background(),
				[]string{"s3://media/club/a.jpg"}, issue.Terms{Audience: tt.audience})
			var wrong *issue.Error
			require.ErrorAs(t, err, &wrong)
			assert.Equal(t, tt.code, wrong.Code)
			assert.Equal(t, "audience", wrong.Field)
			assert.Zero(t, w.made)
		})
	}
}

func TestAnAudienceOfAnotherServiceIsAProblemOfTheObject(t *testing.T) {
	t.Parallel()
	w, i := clubs(&mapping.Memory{})
	objects := []string{"s3://media/bar/a", "s3://media/club/a", "s3://media/chat/a", "s3://media/shop/a"}
	links, err := i.Issue(context.Background(), objects, issue.Terms{Audience: "club/room"})
	require.NoError(t, err)
	for n, l := range links {
		if n == 1 {
			assert.Nil(t, l.Err)
			continue
		}
		require.NotNil(t, l.Err, l.Object)
		assert.Equal(t, issue.CodeBadAudience, l.Err.Code)
		assert.Empty(t, l.Hash)
	}
	assert.Equal(t, 1, w.made)
}

// Links of one object are together in one item, which has a limit.
func TestAnObjectWithTooManyLiveLinksGetsNoMore(t *testing.T) {
	t.Parallel()
	w, i := clubs(&mapping.Memory{})
	const object = "s3://media/club/a.jpg"
	crowd := mapping.Record{Object: mapping.Object{Bucket: "media", Key: "club/a.jpg"}, Hashes: map[string]time.Time{}}
	for n := range issue.MaxLinks - 1 {
		hash := fmt.Sprintf("%030d-x", n)
		crowd.Hashes[hash], w.bound[hash] = w.now.Add(time.Hour), fmt.Sprintf("club/%d", n)
	}
	require.NoError(t, w.store.Apply(context.Background(), mapping.Change{Record: crowd}))
	last := bound(t, i, object, "club")
	links, err := i.Issue(context.Background(), []string{object, "s3://media/club/b.jpg"},
		issue.Terms{Audience: "club/new"})
	require.NoError(t, err)
	require.NotNil(t, links[0].Err)
	assert.Equal(t, issue.CodeTooManyLinks, links[0].Err.Code)
	assert.Equal(t, 409, links[0].Err.Status())
	assert.Nil(t, links[1].Err)
	assert.Equal(t, last.Hash, bound(t, i, object, "club").Hash, "what is there can be had")
	w.pass(time.Hour)
	assert.True(t, bound(t, i, object, "club/new").New, "and once others have expired, so can a new one")
}

// An item of DynamoDB has at most 400 KB, and a transaction 4 MB.
func TestObjectsWithAsManyLinksAsTheyMayHaveFitInOneTransaction(t *testing.T) {
	t.Parallel()
	w, i := clubs(mappingtest.Table(t, mappingtest.Engine(t), nil))
	var objects []string
	var changes []mapping.Change
	for n := range 50 {
		r := mapping.Record{Object: mapping.Object{Bucket: "media", Key: fmt.Sprintf("club/%d.jpg", n)},
			Hashes: map[string]time.Time{}}
		for k := range issue.MaxLinks - 1 {
			hash := fmt.Sprintf("x%02d%029d", n, k)
			r.Hashes[hash], w.bound[hash] = w.now.Add(time.Hour), "club/somewhere"
		}
		objects, changes = append(objects, r.Object.String()), append(changes, mapping.Change{Record: r})
	}
	require.NoError(t, w.store.Apply(context.Background(), changes...))
	links, err := i.Issue(context.Background(), objects, issue.Terms{Audience: "club/here"})
	require.NoError(t, err)
	for _, l := range links {
		require.Nil(t, l.Err)
	}
	got := revoke(t, i, objects[:1], nil)
	require.Nil(t, got[0].Err)
	assert.Len(t, got[0].Hashes, issue.MaxLinks)
	assert.Len(t, w.forgotten, issue.MaxLinks)
	dead(t, w, links[0].Hash)
	alive(t, w, links[1].Hash)
}

func TestManyWritersOnTheRealEngineGetOneLinkForEachAudience(t *testing.T) {
	t.Parallel()
	const audiences, asks = 8, 50
	w, _ := clubs(mappingtest.Table(t, mappingtest.Engine(t), nil))
	_, shared := clubs(w.store)
	shared.Hashes, shared.Pause = w, issue.Sleep
	hashes := make([]sync.Map, audiences)
	each(24, func(writer int) {
		random := rand.New(rand.NewPCG(3, uint64(writer)))
		for range asks {
			n := random.IntN(audiences)
			links, err := shared.Issue(context.Background(), []string{"s3://media/club/hot.jpg"},
				issue.Terms{Audience: fmt.Sprintf("club/%d", n)})
			if !assert.NoError(t, err) || !assert.Nil(t, links[0].Err) {
				return
			}
			hashes[n].Store(links[0].Hash, true)
		}
	})
	distinct := map[any]bool{}
	for n := range hashes {
		assert.Equal(t, 1, size(&hashes[n]), "one hash for everybody who asks for the audience")
		hashes[n].Range(func(hash, _ any) bool { distinct[hash] = true; return true })
	}
	assert.Len(t, distinct, audiences)
	assert.Len(t, audit(t, w.store, items(t, w.store), w.time()), audiences)
}

func TestRevokingAnObjectAmongManyWritersLeavesNoAudienceItsLinkOfBefore(t *testing.T) {
	t.Parallel()
	w, i := clubs(mappingtest.Table(t, mappingtest.Engine(t), nil))
	i.Pause = issue.Sleep
	const object = "s3://media/club/hot.jpg"
	var issued sync.Map
	each(12, func(worker int) {
		random := rand.New(rand.NewPCG(4, uint64(worker)))
		for range 40 {
			if worker%4 != 0 {
				links, err := i.Issue(context.Background(), []string{object},
					issue.Terms{Audience: fmt.Sprintf("club/%d", random.IntN(5))})
				if !assert.NoError(t, err) || !assert.Nil(t, links[0].Err) {
					return
				}
				issued.Store(links[0].Hash, true)
				continue
			}
			before := map[string]bool{}
			issued.Range(func(hash, _ any) bool { before[hash.(string)] = true; return true })
			outcomes, err := i.Revoke(context.Background(), []string{object}, nil)
			if !assert.NoError(t, err) || !assert.Nil(t, outcomes[0].Err) {
				return
			}
			for hash := range before {
				_, err := w.store.Get(context.Background(), hash)
				assert.ErrorIs(t, err, mapping.ErrNotFound)
			}
		}
	})
	audiences := map[string]int{}
	for _, m := range audit(t, w.store, items(t, w.store), w.time()) {
		audiences[m.Audience]++
	}
	for audience, links := range audiences {
		assert.Equal(t, 1, links, audience)
	}
}

func TestWhoCannotReadTheKeysIsGivenNoLink(t *testing.T) {
	t.Parallel()
	w, i := clubs(&mapping.Memory{})
	bound(t, i, "s3://media/club/a", "club/room")
	i.Hashes = keyless{}
	links, err := i.Issue(context.Background(), []string{"s3://media/club/a", "s3://media/club/b"},
		issue.Terms{Audience: "club/room"})
	require.NoError(t, err)
	for _, l := range links {
		require.NotNil(t, l.Err)
		assert.True(t, l.Err.Retryable())
		assert.Empty(t, l.Hash)
	}
	assert.Equal(t, []string{"club/room"}, slices.Collect(maps.Values(w.bound)))
}

// keyless has lost its keys.
type keyless struct{}

func (keyless) New(context.Context, time.Time, string) (string, error) {
	return "", errors.New("no key")
}

func (keyless) Accepts(context.Context, string, string) (bool, error) {
	return false, errors.New("no key")
}
