package gate_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"secure-media-cdn/function/seal"
	"secure-media-cdn/function/seal/sealtest"
	"secure-media-cdn/infra/local/cloudfrontjs"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRotationsUnderTraffic rotates again and again while requests go on. A
// rotation to generation n adds the key n+1, has the issuer seal with n, and
// deletes the key n-2, in any order.
func TestRotationsUnderTraffic(t *testing.T) {
	g := newGate(t, source(t))
	g.store.Update(sealtest.Entries(1, 2, 3))
	status := func(generation int) int {
		a, err := ask(context.Background(), g.Function, "GET", "/images/"+sealed(t, generation, expiry, "a"))
		assert.NoError(t, err)
		return a.StatusCode
	}
	for to := 3; to < 23; to++ {
		assert.Zero(t, status(to-2), "generation %d is still the previous one", to-2)

		stop, traffic := make(chan struct{}), sync.WaitGroup{}
		for _, generation := range []int{to - 1, to, to - 1, to} {
			traffic.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						assert.Zero(t, status(generation), "a link of generation %d on the way to %d", generation, to)
					}
				}
			})
		}
		if to%2 == 0 {
			g.store.Put(seal.KeyEntry(to+1), sealtest.Value(to+1))
			g.store.Delete(seal.KeyEntry(to - 2))
		} else {
			g.store.Delete(seal.KeyEntry(to - 2))
			g.store.Put(seal.KeyEntry(to+1), sealtest.Value(to+1))
		}
		assert.Zero(t, status(to), "a link of the new generation %d", to)
		close(stop)
		traffic.Wait()

		assert.Equal(t, 404, status(to-2), "generation %d was rotated out", to-2)
		assert.Len(t, slices.Collect(maps.Keys(g.store.All())), 4, "three generations, and the audiences' key")
	}
	assert.Empty(t, g.log.String())
}

// TestARotationDoesNotChangeALinksLife: the previous key's links end at their
// expiry.
func TestARotationDoesNotChangeALinksLife(t *testing.T) {
	clock := expiry.Add(-time.Second)
	g := newGate(t, source(t), cloudfrontjs.WithClock(func() time.Time { return clock }))
	g.store.Update(sealtest.Entries(1, 2, 3))
	uri := "/images/" + sealed(t, 1, expiry, "a")
	a, err := ask(context.Background(), g.Function, "GET", uri)
	require.NoError(t, err)
	assert.True(t, a.passed())
	clock = expiry
	a, err = ask(context.Background(), g.Function, "GET", uri)
	require.NoError(t, err)
	assert.Equal(t, 403, a.StatusCode)
}

// TestTicketsLiveThroughOneRotation: a ticket of the former generation still
// opens, beside links of any key, and one of an older generation does not.
func TestTicketsLiveThroughOneRotation(t *testing.T) {
	g := newGate(t, source(t))
	g.store.Update(sealtest.Entries(1, 2, 3))
	status := func(link, ticket int) int {
		claims := seal.Claims{ExpiresAt: expiry, Policy: seal.PolicyTicket, Audience: sealtest.AudienceKey(t).Audience(room)}
		a, err := askAs(context.Background(), g.Function, "GET", "/images/"+sealedWith(t, link, claims, "b"),
			inCookie(ticketOf(t, ticket, expiry, signedIn, room)))
		require.NoError(t, err)
		return a.StatusCode
	}
	for current := 2; current < 12; current++ {
		for link := current - 1; link <= current+1; link++ {
			assert.Zero(t, status(link, current-1), "the former generation")
			assert.Zero(t, status(link, current), "the current generation")
			assert.Zero(t, status(link, current+1), "the next generation")
			assert.Equal(t, 401, status(link, current+2), "a generation without a key yet")
			if current > 2 {
				assert.Equal(t, 401, status(link, current-2), "a generation that was rotated out")
			}
		}
		g.store.Put(seal.KeyEntry(current+2), sealtest.Value(current+2))
		g.store.Delete(seal.KeyEntry(current - 1))
	}
}
