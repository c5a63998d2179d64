package gate_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"secure-media-cdn/function/gate"
	"secure-media-cdn/infra/local/cloudfrontjs"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rotation is what a store goes through when key `to` follows key `to`-1: one
// state for each write.
func rotation(to int) []map[string]string {
	return []map[string]string{
		{gate.CurrentKey: testKey(to - 1), gate.PreviousKey: testKey(to - 2)},
		{gate.CurrentKey: testKey(to - 1), gate.PreviousKey: testKey(to - 1)},
		{gate.CurrentKey: testKey(to), gate.PreviousKey: testKey(to - 1)},
	}
}

// TestRotationBetweenAnyTwoReads moves the store on between the reads of one
// request in every way there is: a link of the key that was current, and is now
// the previous one, must pass through all of them.
func TestRotationBetweenAnyTwoReads(t *testing.T) {
	states := rotation(3)
	good := "/images/" + sealed(t, 2, expiry, "a")
	for first := range states {
		for second := first; second < len(states); second++ {
			for third := second; third < len(states); third++ {
				name := fmt.Sprintf("current in state %d, previous in %d and %d", first, second, third)
				store := &scriptedStore{states: states, script: []int{first, second, third}}
				f, err := cloudfrontjs.New(gate.Source, store, cloudfrontjs.WithClock(func() time.Time { return now }))
				require.NoError(t, err)
				a, err := ask(context.Background(), f, "GET", good)
				require.NoError(t, err)
				assert.True(t, a.passed(), name)
			}
		}
	}
}

// scriptedStore answers each read of a link key from the next state in its
// script, and from the last one when the script is over.
type scriptedStore struct {
	states []map[string]string
	script []int
}

func (s *scriptedStore) Get(key string) (string, bool) {
	value, found := s.states[s.script[0]][key]
	if len(s.script) > 1 {
		s.script = s.script[1:]
	}
	return value, found
}

// TestRotationsUnderTraffic rotates again and again while requests go on.
func TestRotationsUnderTraffic(t *testing.T) {
	g := newGate(t, gate.Source)
	g.store.Update(rotation(3)[0])
	status := func(id int) int {
		a, err := ask(context.Background(), g.Function, "GET", "/images/"+sealed(t, id, expiry, "a"))
		assert.NoError(t, err)
		return a.StatusCode
	}
	for to := 3; to < 23; to++ {
		assert.Zero(t, status(to-2), "key %d is still the previous one", to-2)

		stop, traffic := make(chan struct{}), sync.WaitGroup{}
		for range 4 {
			traffic.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						assert.Zero(t, status(to-1), "a link of key %d while key %d comes", to-1, to)
					}
				}
			})
		}
		for _, state := range rotation(to)[1:] {
			g.store.Put(gate.PreviousKey, state[gate.PreviousKey])
			g.store.Put(gate.CurrentKey, state[gate.CurrentKey])
			assert.Zero(t, status(to-1))
		}
		assert.Zero(t, status(to), "a link of the new key %d", to)
		close(stop)
		traffic.Wait()

		assert.Equal(t, 404, status(to-2), "key %d was rotated out", to-2)
	}
	assert.Empty(t, g.log.String())
}

// TestPreviousKeysLinksEndAtTheirExpiry: a rotation neither shortens nor lengthens
// a life.
func TestPreviousKeysLinksEndAtTheirExpiry(t *testing.T) {
	clock := expiry.Add(-time.Second)
	g := newGate(t, gate.Source, cloudfrontjs.WithClock(func() time.Time { return clock }))
	g.store.Update(map[string]string{gate.CurrentKey: testKey(2), gate.PreviousKey: testKey(1)})
	uri := "/images/" + sealed(t, 1, expiry, "a")
	a, err := ask(context.Background(), g.Function, "GET", uri)
	require.NoError(t, err)
	assert.True(t, a.passed())
	clock = expiry
	a, err = ask(context.Background(), g.Function, "GET", uri)
	require.NoError(t, err)
	assert.Equal(t, 403, a.StatusCode)
}
