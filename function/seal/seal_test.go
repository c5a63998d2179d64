package seal_test

import (
	"bytes"
	"crypto/hmac"
	crand "crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"secure-media-cdn/function/seal"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var expiry = time.Unix(1_800_000_000, 0)

func TestVectors(t *testing.T) {
	data, err := os.ReadFile("testdata/vectors.json")
	require.NoError(t, err)
	var vectors []struct {
		Name, Current, Previous, Hash, Verdict string
		Now, ExpiresAt                         int64
	}
	require.NoError(t, json.Unmarshal(data, &vectors))
	require.NotEmpty(t, vectors)
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			keys, err := seal.NewKeys(v.Current, v.Previous)
			require.NoError(t, err)
			expiresAt, err := keys.Open(v.Hash)
			if v.Verdict == "forged" {
				require.ErrorIs(t, err, seal.ErrForged)
				assert.True(t, expiresAt.IsZero())
				return
			}
			require.NoError(t, err)
			assert.Equal(t, v.ExpiresAt, expiresAt.Unix())
			assert.Equal(t, v.Verdict == "expired", v.Now >= expiresAt.Unix())
		})
	}
}

func TestSealedHashOpensAgain(t *testing.T) {
	keys := newKeys(t, 7, 0)
	for _, at := range []time.Time{time.Unix(0, 0), expiry, time.Unix(1<<32-1, 0)} {
		hash, err := keys.Seal(at, crand.Reader)
		require.NoError(t, err)
		assert.Regexp(t, `^[A-Za-z0-9_-]{32}$`, hash)
		got, err := keys.Open(hash)
		require.NoError(t, err)
		assert.True(t, at.Equal(got), "%s became %s", at, got)
	}
}

func TestSealIsTheOneOfTheSpecification(t *testing.T) {
	secret := bytes.Repeat([]byte{0xab, 0x01}, 16)
	keys, err := seal.NewKeys("9:"+hex.EncodeToString(secret), "")
	require.NoError(t, err)
	hash, err := keys.Seal(expiry.Add(999*time.Millisecond), strings.NewReader("11 randoms!"))
	require.NoError(t, err)

	body := append([]byte{9, 0x6b, 0x49, 0xd2, 0x00}, "11 randoms!"...)
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	want := base64.RawURLEncoding.EncodeToString(append(body, mac.Sum(nil)[:8]...))
	assert.Equal(t, want, hash)
}

func TestSealRefuses(t *testing.T) {
	keys := newKeys(t, 1, 0)
	for name, at := range map[string]time.Time{
		"an expiry before 1970":     time.Unix(-1, 0),
		"an expiry past four bytes": time.Unix(1<<32, 0),
		"no expiry":                 {},
	} {
		t.Run(name, func(t *testing.T) {
			hash, err := keys.Seal(at, crand.Reader)
			require.ErrorContains(t, err, "1970 to 2106")
			assert.Empty(t, hash)
		})
	}
	t.Run("randomness that runs out", func(t *testing.T) {
		hash, err := keys.Seal(expiry, strings.NewReader("too short"))
		require.Error(t, err)
		assert.Empty(t, hash)
	})
	t.Run("randomness that fails", func(t *testing.T) {
		broken := errors.New("no entropy")
		_, err := keys.Seal(expiry, iotest.ErrReader(broken))
		require.ErrorIs(t, err, broken)
	})
}

func TestEveryChangeOfAHashIsForged(t *testing.T) {
	old := newKeys(t, 1, 0)
	keys := newKeys(t, 2, 1)
	for _, sealer := range []*seal.Keys{keys, old} {
		hash, err := sealer.Seal(expiry, crand.Reader)
		require.NoError(t, err)
		_, err = keys.Open(hash)
		require.NoError(t, err)
		for _, damaged := range damage(t, hash) {
			_, err := keys.Open(damaged)
			require.ErrorIs(t, err, seal.ErrForged, "%q opened, damaged from %q", damaged, hash)
		}
	}
}

// damage returns every single-bit change of a hash and every change of one
// character to another byte.
func damage(t *testing.T, hash string) (out []string) {
	raw, err := base64.RawURLEncoding.DecodeString(hash)
	require.NoError(t, err)
	for bit := range 8 * len(raw) {
		flipped := bytes.Clone(raw)
		flipped[bit/8] ^= 1 << (bit % 8)
		out = append(out, base64.RawURLEncoding.EncodeToString(flipped))
	}
	for i := range hash {
		for c := range 256 {
			if byte(c) != hash[i] {
				out = append(out, hash[:i]+string([]byte{byte(c)})+hash[i+1:])
			}
		}
	}
	return out
}

func TestOneMillionRandomHashesAreForged(t *testing.T) {
	keys := newKeys(t, 2, 1)
	rng := rand.NewChaCha8([32]byte{1})
	for range 1_000_000 {
		hash, err := seal.Random(rng)
		require.NoError(t, err)
		if _, err := keys.Open(hash); err == nil {
			t.Fatalf("%s opened", hash)
		}
	}
}

func TestRotation(t *testing.T) {
	first, second, third := newKeys(t, 1, 0), newKeys(t, 2, 1), newKeys(t, 3, 2)
	hash, err := first.Seal(expiry, crand.Reader)
	require.NoError(t, err)

	_, err = second.Open(hash)
	require.NoError(t, err, "the previous key's links must live on")
	_, err = third.Open(hash)
	require.ErrorIs(t, err, seal.ErrForged)

	newer, err := second.Seal(expiry, crand.Reader)
	require.NoError(t, err)
	_, err = first.Open(newer)
	require.ErrorIs(t, err, seal.ErrForged)
}

func TestOpenAllocatesNothing(t *testing.T) {
	keys := newKeys(t, 2, 1)
	hash, err := keys.Seal(expiry, crand.Reader)
	require.NoError(t, err)
	for name, hash := range map[string]string{
		"a good hash":       hash,
		"a forged one":      hash[:31] + "_",
		"an unknown id":     "_" + hash[1:],
		"a wrong character": "!" + hash[1:],
		"a wrong length":    hash + hash,
	} {
		assert.Zero(t, testing.AllocsPerRun(100, func() { _, _ = keys.Open(hash) }), name)
	}
}

func TestRandom(t *testing.T) {
	one, err := seal.Random(crand.Reader)
	require.NoError(t, err)
	other, err := seal.Random(crand.Reader)
	require.NoError(t, err)
	assert.Regexp(t, `^[A-Za-z0-9_-]{32}$`, one)
	assert.NotEqual(t, one, other)
	_, err = seal.Random(strings.NewReader("twenty-three bytes only"))
	require.Error(t, err)
}

// newKeys returns keys with the given ids; previous 0 means none.
func newKeys(t testing.TB, current, previous int) *seal.Keys {
	t.Helper()
	text := ""
	if previous != 0 {
		text = testKey(previous)
	}
	keys, err := seal.NewKeys(testKey(current), text)
	require.NoError(t, err)
	return keys
}

func testKey(id int) string {
	return fmt.Sprintf("%d:%x", id, sha256.Sum256([]byte{byte(id)}))
}

func FuzzOpen(f *testing.F) {
	keys, err := seal.NewKeys(testKey(2), testKey(1))
	require.NoError(f, err)
	hash, err := keys.Seal(expiry, crand.Reader)
	require.NoError(f, err)
	for _, seed := range []string{"", hash, hash[:31], hash + "\n", strings.ToUpper(hash), "\r\n" + hash[2:]} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		expiresAt, err := keys.Open(s)
		if err != nil {
			if !errors.Is(err, seal.ErrForged) || !expiresAt.IsZero() {
				t.Fatalf("Open(%q) = %v, %v", s, expiresAt, err)
			}
			return
		}
		raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
		if err != nil || base64.RawURLEncoding.EncodeToString(raw) != s {
			t.Fatalf("%q opened, but is not the one spelling of its bytes", s)
		}
		secret := sha256.Sum256(raw[:1])
		mac := hmac.New(sha256.New, secret[:])
		mac.Write(raw[:16])
		if !hmac.Equal(mac.Sum(nil)[:8], raw[16:]) {
			t.Fatalf("%q opened without a seal", s)
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	keys := newKeys(b, 2, 1)
	hash, err := keys.Seal(expiry, crand.Reader)
	require.NoError(b, err)
	for name, hash := range map[string]string{"sealed": hash, "forged": hash[:31] + "_", "unknown key": "_" + hash[1:]} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = keys.Open(hash)
			}
		})
	}
}
