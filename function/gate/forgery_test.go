package gate_test

import (
	"context"
	"encoding/base64"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"secure-media-cdn/function/seal"
	"secure-media-cdn/function/seal/sealtest"
	"secure-media-cdn/infra/local/cloudfrontjs"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	hashes  = flag.Int("hashes", 20_000/slowdown, "how many random hashes the gate must refuse")
	vectors = flag.Int("vectors", 100_000/slowdown, "how many hashes Go and JavaScript must judge alike")
)

// withKeys is a gate whose store has keys 1 and 2.
func withKeys(t testing.TB, code string) *testGate {
	g := newGate(t, code)
	g.store.Update(sealtest.Entries(1, 2))
	return g
}

// parallel calls work for each i below n, on as many goroutines as there are
// processors, until one returns an error.
func parallel(t *testing.T, n int, work func(i int) error) {
	t.Helper()
	var next atomic.Int64
	var workers sync.WaitGroup
	errs := make(chan error, runtime.GOMAXPROCS(0))
	for range cap(errs) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := work(i); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	workers.Wait()
	close(errs)
	require.NoError(t, <-errs)
}

func refused(f *cloudfrontjs.Function, hash string) error {
	a, err := ask(context.Background(), f, "GET", "/images/"+hash)
	if err != nil {
		return err
	}
	if a.StatusCode != http.StatusNotFound {
		return fmt.Errorf("%q got %+v", hash, a)
	}
	return nil
}

// TestRandomHashes asks for random hashes, every other one with the generation of
// a key in use: those get as far as the seal. Package seal has its own million.
func TestRandomHashes(t *testing.T) {
	g := withKeys(t, source(t))
	var answered atomic.Int64
	parallel(t, *hashes, func(i int) error {
		rng := rand.NewChaCha8([32]byte{byte(i), byte(i >> 8), byte(i >> 16), byte(i >> 24)})
		raw := make([]byte, 24)
		rng.Read(raw)
		if i%2 == 0 {
			raw[0] = byte(1 + i/2%2)
		}
		answered.Add(1)
		return refused(g.Function, base64.RawURLEncoding.EncodeToString(raw))
	})
	assert.EqualValues(t, *hashes, answered.Load())
	assert.Empty(t, g.log.String())
}

func TestEveryChangeOfAGoodHash(t *testing.T) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	g := withKeys(t, source(t))
	for _, hash := range []string{sealed(t, 2, expiry, "a"), sealed(t, 1, expiry, "b")} {
		a, err := ask(context.Background(), g.Function, "GET", "/images/"+hash)
		require.NoError(t, err)
		require.True(t, a.passed())

		var damaged []string
		for bit := range 192 {
			damaged = append(damaged, flipBit(t, hash, bit))
		}
		for i := range hash {
			for _, c := range strings.Replace(alphabet, hash[i:i+1], "", 1) {
				damaged = append(damaged, hash[:i]+string(c)+hash[i+1:])
			}
		}
		parallel(t, len(damaged), func(i int) error { return refused(g.Function, damaged[i]) })
	}
}

func flipBit(t testing.TB, hash string, bit int) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(hash)
	require.NoError(t, err)
	raw[bit/8] ^= 1 << (bit % 8)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// TestGoAndJavaScriptAgree judges hashes of every kind by both, valid and
// damaged: one seed for each, so that a failure names the hash to look at.
func TestGoAndJavaScriptAgree(t *testing.T) {
	g := withKeys(t, source(t))
	sealers := []seal.Key{sealtest.Key(t, 1), sealtest.Key(t, 2), sealtest.Key(t, 3)}
	var passed, bound, expired, forged atomic.Int64
	count := map[int]*atomic.Int64{0: &passed, 401: &bound, 403: &expired, 404: &forged}
	parallel(t, *vectors, func(i int) error {
		seed := rand.NewChaCha8([32]byte{1, byte(i), byte(i >> 8), byte(i >> 16), byte(i >> 24)})
		rng := rand.New(seed)
		// Lives of up to an hour either way, and every twentieth right at now.
		at := now.Add(time.Duration(rng.IntN(7200)-3600) * time.Second)
		if i%20 == 0 {
			at = now.Add(time.Duration(i/20%3-1) * time.Second)
		}
		hash, err := sealers[rng.IntN(len(sealers))].Seal(seal.Claims{ExpiresAt: at, Policy: byte(rng.IntN(5) / 2)}, seed)
		if err != nil {
			return err
		}
		hash = damage(t, rng, hash)
		want := verdict(hash, sealers[:2])
		a, err := ask(context.Background(), g.Function, "GET", "/images/"+hash)
		if err != nil {
			return err
		}
		if a.StatusCode != want || want == 0 && a.URI != "/images/"+hash {
			return fmt.Errorf("vector %d, %q: JavaScript %d, Go %d", i, hash, a.StatusCode, want)
		}
		count[want].Add(1)
		return nil
	})
	t.Logf("%d passed, %d bound, %d expired, %d forged", passed.Load(), bound.Load(), expired.Load(), forged.Load())
	for status, n := range count {
		assert.Greater(t, n.Load(), int64(*vectors/20), "too few vectors with status %d to mean anything", status)
	}
}

// verdict is what the gate must answer, as Go sees it, to a viewer without a
// ticket if the store has these keys; 0 means that the link passes.
func verdict(hash string, keys []seal.Key) int {
	for _, k := range keys {
		claims, err := k.Open(hash)
		switch {
		case err != nil:
		case claims.Policy > seal.PolicyTicket:
			return 404
		case !now.Before(claims.ExpiresAt):
			return 403
		case claims.Policy == seal.PolicyTicket:
			return 401
		default:
			return 0
		}
	}
	return 404
}

// damage changes half of the hashes, in one of several ways.
func damage(t testing.TB, rng *rand.Rand, hash string) string {
	switch rng.IntN(12) {
	case 0:
		return flipBit(t, hash, rng.IntN(192))
	case 1:
		return hash[:rng.IntN(32)]
	case 2:
		return hash + hash[:1+rng.IntN(31)]
	case 3:
		at := rng.IntN(32)
		return hash[:at] + string(rune(rng.IntN(0x2000))) + hash[at+1:]
	case 4:
		a, b := rng.IntN(32), rng.IntN(32)
		swapped := []byte(hash)
		swapped[a], swapped[b] = swapped[b], swapped[a]
		return string(swapped)
	case 5:
		return strings.NewReplacer("-", "+", "_", "/").Replace(hash)
	}
	return hash
}
