package resources

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	gatejs "secure-media-cdn/function/gate"
	"secure-media-cdn/function/seal"
	"secure-media-cdn/function/seal/sealtest"
	"secure-media-cdn/infra/local/cloudfrontjs"
)

func TestChangesOfAKeyArriveInOrderAfterTheDelay(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	p := &propagating{delay: 5 * time.Second, now: func() time.Time { return now }}
	get := func(key string) string {
		value, found := p.Get(key)
		if !found {
			return "-"
		}
		return value
	}
	p.Start(map[string]string{"a": "1"})
	assert.Equal(t, "1", get("a"), "what is there at the start is there at once")
	p.Update(map[string]string{"a": "2", "b": "1"})
	now = now.Add(3 * time.Second)
	p.Update(map[string]string{"b": "2"}, "a")
	now = now.Add(2*time.Second - 1)
	assert.Equal(t, []string{"1", "-"}, []string{get("a"), get("b")}, "just before the first arrives")
	now = now.Add(1)
	assert.Equal(t, []string{"2", "1"}, []string{get("a"), get("b")})
	now = now.Add(3*time.Second - 1)
	assert.Equal(t, []string{"2", "1"}, []string{get("a"), get("b")})
	now = now.Add(1)
	assert.Equal(t, []string{"-", "2"}, []string{get("a"), get("b")})
	none := &propagating{now: func() time.Time { return now }}
	none.Update(map[string]string{"a": "1"})
	_, found := none.Get("a")
	assert.True(t, found, "without a delay on the very next read")
}

// slowGate is the gate that ships, with a store whose changes take ten seconds to reach it.
type slowGate struct {
	t     *testing.T
	now   time.Time
	store *propagating
	gate  *cloudfrontjs.Function
}

const slow = 10 * time.Second

func newSlowGate(t *testing.T, generations ...int) *slowGate {
	g := &slowGate{t: t, now: time.Unix(1_800_000_000, 0)}
	g.store = &propagating{delay: slow, now: func() time.Time { return g.now }}
	g.store.Start(sealtest.Entries(generations...))
	code, err := gatejs.Source(gatejs.Settings{})
	require.NoError(t, err)
	g.gate, err = cloudfrontjs.New(code, g.store, cloudfrontjs.WithClock(func() time.Time { return g.now }),
		cloudfrontjs.WithLog(io.Discard))
	require.NoError(t, err)
	return g
}

func (g *slowGate) link(generation int, filler string) string {
	hash, err := sealtest.Key(g.t, generation).Seal(seal.Claims{ExpiresAt: g.now.Add(time.Hour)},
		strings.NewReader(strings.Repeat(filler, 6)))
	require.NoError(g.t, err)
	return hash
}

// passes reports whether the gate lets a request for the link on.
func (g *slowGate) passes(hash string) bool {
	event := fmt.Sprintf(`{"version":"1.0","request":{"method":"GET","uri":%q,"headers":{},"querystring":{},`+
		`"cookies":{}}}`, seal.LinkPath(hash))
	out, err := g.gate.Run(context.Background(), []byte(event))
	require.NoError(g.t, err)
	var answer struct{ StatusCode int }
	require.NoError(g.t, json.Unmarshal(out, &answer))
	return answer.StatusCode == 0
}

func TestARevokedLinkIsRefusedOnceTheDelayHasPassed(t *testing.T) {
	t.Parallel()
	g := newSlowGate(t, 1, 2)
	revoked, other := g.link(1, "a"), g.link(1, "b")
	g.store.Update(map[string]string{seal.RevocationEntry(revoked): "1800003600"})
	for range 30 {
		g.now = g.now.Add(time.Second)
		if g.now.Sub(time.Unix(1_800_000_000, 0)) >= slow {
			assert.False(t, g.passes(revoked), "at %s", g.now)
		}
		assert.True(t, g.passes(other), "another link lives on, at %s", g.now)
	}
}

// The program registers the keys of n-1, n and n+1, and the issuer seals with n: at a bump the key that seals from
// then on has been at every location since the bump before, if the two are further apart than the delay.
func TestARotationRefusesNoLiveLinkWhileItArrives(t *testing.T) {
	t.Parallel()
	g := newSlowGate(t, 1, 2) // n = 1
	for n := 2; n < 6; n++ {
		old := g.link(n-1, "a")
		g.store.Update(sealtest.Entries(n+1), seal.KeyEntry(n-2)) // the bump to n
		for step := range 4 {
			assert.True(t, g.passes(old), "a link of generation %d, %d s after the bump to %d", n-1, step*4, n)
			assert.True(t, g.passes(g.link(n, "b")), "a new link of generation %d, %d s after the bump", n, step*4)
			g.now = g.now.Add(4 * time.Second)
		}
		if n > 2 {
			assert.False(t, g.passes(g.link(n-2, "c")), "a link of generation %d once the bump to %d has arrived", n-2, n)
		}
	}
}
