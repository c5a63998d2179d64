package issue_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/mapping/mappingtest"
)

// The model is told what was done and says, without reading the store, which
// links must be served. The edge is simulated as the worst that CloudFront may
// do: it keeps whatever it served until the link's expiry, or until told to
// forget it.
func TestEveryStepAgreesWithTheModel(t *testing.T) {
	t.Parallel()
	t.Run("in memory", func(t *testing.T) {
		t.Parallel()
		for seed := range uint64(4) {
			play(t, &mapping.Memory{}, seed, 6000)
		}
	})
	t.Run("on the real engine", func(t *testing.T) {
		t.Parallel()
		play(t, mappingtest.Table(t, mappingtest.Engine(t), nil), 7, 1500)
	})
}

type model struct {
	*world
	t      *testing.T
	issuer *issue.Issuer
	random *rand.Rand

	order []string // every hash ever issued

	expires  map[string]time.Time       // of every hash ever issued
	object   map[string]string          // of every hash ever issued
	audience map[string]string          // audience of every hash ever issued
	killed   map[string]bool            // hashes revoked, whatever the edge knows
	cached   map[string]bool            // what the edge has a copy of
	steps    map[string]int             // how often each step was taken
	lost     map[string]map[string]bool // hashes killed while the edge was broken, by object
}

func play(t *testing.T, store mapping.Store, seed uint64, steps int) {
	m := &model{
		world: newWorld(store), t: t, random: rand.New(rand.NewPCG(seed, seed)),
		expires: map[string]time.Time{}, object: map[string]string{}, audience: map[string]string{},
		killed: map[string]bool{}, cached: map[string]bool{}, steps: map[string]int{}, lost: map[string]map[string]bool{},
	}
	m.issuer = m.world.issuer()
	m.issuer.Services = issue.Services{"chat": issue.ByTicket}
	for step := range steps {
		name := m.step()
		m.steps[name]++
		if t.Failed() {
			t.Fatalf("seed %d, step %d: %s", seed, step, name)
		}
		if step%250 == 0 {
			audit(t, store, items(t, store), m.time())
		}
	}
	for _, name := range []string{"issue", "many", "pass", "revoke hash", "revoke object", "fetch", "break", "mend",
		"retire", "ask for tickets", "ask for none"} {
		require.Positive(t, m.steps[name], "the step %q was never taken", name)
	}
	live := audit(t, store, items(t, store), m.time())
	for hash := range m.expires {
		require.Equal(t, m.alive(hash), live[hash].Hash != "", hash)
	}
}

func (m *model) step() string {
	object := fmt.Sprintf("s3://media/chat/%d.jpg", m.random.IntN(25))
	switch n := m.random.IntN(100); {
	case n < 30:
		m.issue([]string{object}, m.life())
		return "issue"
	case n < 35:
		var objects []string
		for _, k := range m.random.Perm(25)[:1+m.random.IntN(20)] {
			objects = append(objects, fmt.Sprintf("s3://media/chat/%d.jpg", k))
		}
		m.issue(objects, m.life())
		return "many"
	case n < 50:
		m.pass(time.Duration(m.random.Int64N(int64(m.life() + time.Second))))
		return "pass"
	case n < 58:
		m.revokeHash(m.anyHash())
		return "revoke hash"
	case n < 65:
		m.revokeObject(object)
		return "revoke object"
	case n < 66:
		m.broken = errors.New("the edge is broken")
		return "break"
	case n < 69:
		m.broken = nil
		return "mend"
	case n < 70:
		m.retired[m.anyHash()] = true
		return "retire"
	case n < 71:
		m.issuer.Services["chat"] = issue.ByLink
		return "ask for none"
	case n < 73:
		m.issuer.Services["chat"] = issue.ByTicket
		return "ask for tickets"
	default:
		m.fetch(m.anyHash())
		return "fetch"
	}
}

// life is a life to ask for, short and long ones alike.
func (m *model) life() time.Duration {
	return min(ttl, time.Second<<m.random.IntN(22)+time.Duration(m.random.IntN(1000))*time.Second)
}

func (m *model) anyHash() string {
	if len(m.order) == 0 {
		return fmt.Sprintf("%032d", 999999999)
	}
	return m.order[len(m.order)-1-m.random.IntN(min(len(m.order), 60))]
}

func (m *model) alive(hash string) bool {
	expiresAt, issued := m.expires[hash]
	return issued && !m.killed[hash] && m.time().Before(expiresAt)
}

// current is the hash that the object's audience may be given: the longest-lived one that it was given before.
func (m *model) current(object, audience string) (current string) {
	for _, hash := range m.order {
		if m.object[hash] == object && m.audience[hash] == audience && m.alive(hash) && !m.retired[hash] &&
			m.expires[hash].After(m.expires[current]) {
			current = hash
		}
	}
	return current
}

func (m *model) issue(objects []string, life time.Duration) {
	audience := []string{"", "", "chat", "chat/a", "chat/b"}[m.random.IntN(5)]
	links, err := m.issuer.Issue(context.Background(), objects, issue.Terms{TTL: life, Audience: audience})
	if m.issuer.Services["chat"] == issue.ByLink && audience != "" {
		require.Equal(m.t, issue.CodeBadAudience, issue.AsError(err).Code)
		return
	}
	require.NoError(m.t, err)
	if audience == "" && m.issuer.Services["chat"] == issue.ByTicket {
		audience = "chat"
	}
	for n, link := range links {
		require.Nil(m.t, link.Err)
		require.Equal(m.t, audience, link.Audience)
		require.Equal(m.t, audience, m.bound[link.Hash], "the hash says who may see it")
		current := m.current(objects[n], audience)
		enough := current != "" && m.expires[current].Sub(m.time()) >= min(day, life/2)
		if enough {
			require.Equal(m.t, current, link.Hash, "a link with enough life left is given out again")
			continue
		}
		_, known := m.expires[link.Hash]
		require.False(m.t, known, "no hash is issued twice")
		m.order = append(m.order, link.Hash)
		require.Equal(m.t, m.time().Truncate(time.Second).Add(life), link.ExpiresAt)
		m.expires[link.Hash], m.object[link.Hash], m.audience[link.Hash] = link.ExpiresAt, objects[n], audience
	}
}

// kill notes that the hashes are dead; the copies are gone unless the edge is
// broken, and with them those of earlier broken revocations of the object.
func (m *model) kill(object string, hashes []string, failed bool) {
	if m.lost[object] == nil {
		m.lost[object] = map[string]bool{}
	}
	for _, hash := range hashes {
		m.killed[hash] = true
		m.lost[object][hash] = true
	}
	if !failed {
		for hash := range m.lost[object] {
			require.False(m.t, m.cached[hash], "the edge was not told of %s", hash)
		}
		delete(m.lost, object)
	}
}

func (m *model) forget() {
	for hash := range m.forgotten {
		delete(m.cached, hash)
	}
	clear(m.forgotten)
}

func (m *model) revokeHash(hash string) {
	outcomes, err := m.issuer.Revoke(context.Background(), nil, []string{hash})
	require.NoError(m.t, err)
	m.forget()
	got, object := outcomes[0].Err, m.object[hash]
	if object == "" {
		require.Equal(m.t, issue.CodeLinkNotFound, got.Code)
		return
	}
	m.expireCopies()
	m.kill(object, []string{hash}, got != nil)
	if got != nil {
		require.NotNil(m.t, m.broken)
	}
}

func (m *model) revokeObject(object string) {
	var victims []string
	for hash, of := range m.object {
		if of == object && m.alive(hash) {
			victims = append(victims, hash)
		}
	}
	outcomes, err := m.issuer.Revoke(context.Background(), []string{object}, nil)
	require.NoError(m.t, err)
	m.forget()
	m.expireCopies()
	m.kill(object, victims, outcomes[0].Err != nil)
	if outcomes[0].Err == nil {
		require.Subset(m.t, outcomes[0].Hashes, victims)
	} else {
		require.NotNil(m.t, m.broken)
	}
}

func (m *model) expireCopies() {
	for hash := range m.cached {
		if !m.time().Before(m.expires[hash]) {
			delete(m.cached, hash)
		}
	}
}

// fetch asks the edge: a copy if it has one, else the mapping.
func (m *model) fetch(hash string) {
	m.expireCopies()
	if m.cached[hash] {
		// Only a revocation that reported its failure may leave a copy.
		require.True(m.t, m.alive(hash) || m.lost[m.object[hash]][hash], "the edge serves a dead link from its cache")
		return
	}
	got, err := m.store.Get(context.Background(), hash)
	served := err == nil && got.Live(m.time())
	require.Equal(m.t, m.alive(hash), served, "%s: %v", hash, err)
	if served {
		require.Equal(m.t, m.object[hash], got.Object.String(), "a hash never changes its object")
		m.cached[hash] = true
	}
}
