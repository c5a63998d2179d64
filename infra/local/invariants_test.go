package local

import (
	"encoding/base64"
	"flag"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/seal"
)

// TestThreeRotationsRefuseNoLinkThatShouldLive bumps linkKeyGeneration while
// requests run: links of the generation that seals and of the one before it are
// served all the time, older ones are refused, also from the cache.
func TestThreeRotationsRefuseNoLinkThatShouldLive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	issue := func(generation int) string {
		key := fmt.Sprintf("simple-chat/%d.jpg", generation)
		w.upload(key)
		out, err := w.issuer.Issue(t.Context(), []string{"s3://" + w.issuer.Bucket + "/" + key}, issue.Terms{})
		require.NoError(t, err)
		require.Nil(t, out[0].Err)
		require.Equal(t, generation, seal.Generation(out[0].Hash))
		return seal.LinkPath(out[0].Hash)
	}
	links := map[int]string{1: issue(1)}
	for to := 2; to <= 4; to++ {
		stop, traffic := make(chan struct{}), sync.WaitGroup{}
		var asked atomic.Int64
		link := links[to-1]
		for range 4 {
			traffic.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						asked.Add(1)
						assert.Equal(t, http.StatusOK, w.get(link).Code, "generation %d on the way to %d", to-1, to)
					}
				}
			})
		}
		require.Eventually(t, func() bool { return asked.Load() > 20 }, time.Minute, time.Millisecond)
		w.rotate(to)
		links[to] = issue(to)
		before := asked.Load()
		require.Eventually(t, func() bool { return asked.Load() > before+20 }, time.Minute, time.Millisecond)
		close(stop)
		traffic.Wait()
		for generation, link := range links {
			want := http.StatusOK
			if generation < to-1 {
				want = http.StatusNotFound
			}
			a := w.get(link)
			assert.Equal(t, want, a.Code, "a link of generation %d after the rotation to %d", generation, to)
		}
	}
}

var guesses = flag.Int("guesses", 50_000, "how many hashes and tickets to guess; make soak guesses a million")

// guess has several workers guess at once, and returns how often they were right.
// right makes the worker's n-th guess.
func guess(right func(random *mathrand.ChaCha8, n int) bool) int64 {
	const workers = 4
	var wait sync.WaitGroup
	var count atomic.Int64
	for worker := range workers {
		wait.Go(func() {
			random := mathrand.NewChaCha8([32]byte{byte(worker)})
			for n := range *guesses / workers {
				if right(random, n) {
					count.Add(1)
				}
			}
		})
	}
	wait.Wait()
	return count.Load()
}

// TestForgedLinksNeverReachTheFunction asks the local CloudFront, with the real gate,
// for many hashes that nobody issued and for every single-bit change of one that
// was, and counts the runs of the edge function.
func TestForgedLinksNeverReachTheFunction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const key = "simple-chat/photo.jpg"
	w.upload(key)
	out, err := w.issuer.Issue(t.Context(), []string{"s3://" + w.issuer.Bucket + "/" + key}, issue.Terms{})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, w.get("/images/"+out[0].Hash).Code)
	require.EqualValues(t, 1, w.runs.Load(), "a good link does reach it")

	raw, err := base64.RawURLEncoding.DecodeString(out[0].Hash)
	require.NoError(t, err)
	for bit := range 8 * len(raw) {
		raw[bit/8] ^= 1 << (bit % 8)
		require.Equal(t, http.StatusNotFound, w.get("/images/"+base64.RawURLEncoding.EncodeToString(raw)).Code, "bit %d", bit)
		raw[bit/8] ^= 1 << (bit % 8)
	}
	for n := range 200 {
		a := w.ask(http.MethodOptions, fmt.Sprintf("/images/%032d", n), "Origin", "http://localhost:3000",
			"Access-Control-Request-Method", "GET")
		require.Equal(t, http.StatusNotFound, a.Code, "a forged preflight")
	}
	require.EqualValues(t, 1, w.runs.Load(), "no forged preflight reached it")
	served := guess(func(random *mathrand.ChaCha8, _ int) bool {
		hash := make([]byte, 24)
		random.Read(hash)
		hash[0] = 1 // the generation in use: the seal itself must refuse
		return w.get("/images/"+base64.RawURLEncoding.EncodeToString(hash)).Code != http.StatusNotFound
	})
	assert.Zero(t, served, "guesses that were answered otherwise than 404")
	assert.EqualValues(t, 1, w.runs.Load(), "no guess reached the edge function")
}
