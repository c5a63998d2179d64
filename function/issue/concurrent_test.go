package issue_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/mapping/mappingtest"
)

func scan(t testing.TB, table *mapping.Table) []map[string]types.AttributeValue {
	t.Helper()
	return mappingtest.Items(t, table)
}

// patient is the world's issuer with real waits between attempts.
func patient(w *world) *issue.Issuer {
	i := w.issuer()
	i.Pause = issue.Sleep
	return i
}

const writers = 64

func TestManyWritersOnTheRealEngineGetOneLinkForOneObject(t *testing.T) {
	t.Parallel()
	const objects, asks = 20, 5
	w := newWorld(mappingtest.Table(t, mappingtest.Engine(t), nil))
	for n := range objects { // a race for each: later asks only read
		seen := sync.Map{}
		each(writers, func(int) {
			i := patient(w)
			for range asks {
				links, err := i.Issue(context.Background(), []string{fmt.Sprintf("s3://media/hot%d.jpg", n)}, issue.Terms{})
				if !assert.NoError(t, err) || !assert.Nil(t, links[0].Err) {
					return
				}
				seen.Store(links[0].Hash, true)
			}
		})
		assert.Equal(t, 1, size(&seen), "one hash for everybody")
	}
	assert.Len(t, audit(t, w.store, items(t, w.store), w.time()), objects)
}

func TestManyWritersOnTheRealEngineGetOneLinkForEachOfManyObjects(t *testing.T) {
	t.Parallel()
	const objects = 500
	w := newWorld(mappingtest.Table(t, mappingtest.Engine(t), nil))
	hashes := make([]sync.Map, objects)
	var retries atomic.Int32
	each(writers, func(writer int) {
		i := patient(w)
		order := rand.New(rand.NewPCG(1, uint64(writer))).Perm(objects)
		for len(order) > 0 {
			var batch []string
			for _, n := range order[:100] {
				batch = append(batch, fmt.Sprintf("s3://media/%d.jpg", n))
			}
			links, err := i.Issue(context.Background(), batch, issue.Terms{})
			if !assert.NoError(t, err) {
				return
			}
			done := true
			for k, link := range links {
				if link.Err != nil {
					done = false
					assert.Equal(t, issue.CodeBusy, link.Err.Code, "%v", link.Err)
					continue
				}
				hashes[order[k]].Store(link.Hash, true)
			}
			if done {
				order = order[100:]
			} else if retries.Add(1) > 1000 {
				t.Error("the writers stand in each other's way")
				return
			}
		}
	})
	distinct := map[string]bool{}
	for n := range hashes {
		assert.Equal(t, 1, size(&hashes[n]))
		hashes[n].Range(func(hash, _ any) bool { distinct[hash.(string)] = true; return true })
	}
	assert.Len(t, distinct, objects)
	assert.Len(t, audit(t, w.store, items(t, w.store), w.time()), objects)
	assert.Zero(t, retries.Load(), "no call gave up")
}

func TestRevocationsAmongManyWritersNeverLeaveALinkThatWasIssuedBefore(t *testing.T) {
	t.Parallel()
	const objects, rounds = 10, 60
	w := newWorld(mappingtest.Table(t, mappingtest.Engine(t), nil))
	object := func(n int) string { return fmt.Sprintf("s3://media/%d.jpg", n) }
	issued := make([]sync.Map, objects)
	each(12, func(worker int) {
		i, random := patient(w), rand.New(rand.NewPCG(2, uint64(worker)))
		for range rounds {
			n := random.IntN(objects)
			if worker%4 != 0 {
				links, err := i.Issue(context.Background(), []string{object(n), object((n + 1) % objects)}, issue.Terms{})
				if !assert.NoError(t, err) {
					return
				}
				for k, link := range links {
					if assert.Nil(t, link.Err) {
						issued[(n+k)%objects].Store(link.Hash, true)
					}
				}
				continue
			}
			var before []string
			issued[n].Range(func(hash, _ any) bool { before = append(before, hash.(string)); return true })
			outcomes, err := i.Revoke(context.Background(), []string{object(n)}, nil)
			if !assert.NoError(t, err) || !assert.Nil(t, outcomes[0].Err) {
				return
			}
			for _, hash := range before {
				_, err := w.store.Get(context.Background(), hash)
				assert.ErrorIs(t, err, mapping.ErrNotFound)
				w.mu.Lock()
				assert.Contains(t, w.forgotten, hash)
				w.mu.Unlock()
			}
		}
	})
	live := audit(t, w.store, items(t, w.store), w.time())
	perObject := map[mapping.Object]int{}
	for _, m := range live {
		perObject[m.Object]++
		assert.Equal(t, 1, perObject[m.Object], "one current link, nothing beside it")
	}
	var all []string
	for n := range objects {
		all = append(all, object(n))
	}
	revoke(t, patient(w), all, nil)
	assert.Empty(t, audit(t, w.store, items(t, w.store), w.time()))
}

// each runs f(0) to f(n-1) at once and waits for all.
func each(n int, f func(int)) {
	var wg sync.WaitGroup
	for k := range n {
		wg.Go(func() { f(k) })
	}
	wg.Wait()
}

func size(m *sync.Map) (n int) {
	m.Range(func(any, any) bool { n++; return true })
	return n
}

// A retry that is told of the transaction's conflict must end even if the wait
// is cut short.
func TestAWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, issue.Sleep(ctx, time.Hour), context.Canceled)
	w := newWorld(contended{&mapping.Memory{}})
	links, err := w.issuer().Issue(ctx, []string{"s3://media/a"}, issue.Terms{})
	require.NoError(t, err)
	assert.True(t, links[0].Err.Retryable())
}
