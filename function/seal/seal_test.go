package seal_test

import (
	"bytes"
	"crypto/hmac"
	crand "crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"secure-media-cdn/function/seal"
	"secure-media-cdn/function/seal/sealtest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var expiry = time.Unix(1_800_000_000, 0)

// open opens a hash with the key of the generation that it names, if the values
// have one.
func open(values map[int]string, hash string) (seal.Claims, error) {
	generation := seal.Generation(hash)
	value, ok := values[generation]
	if !ok {
		return seal.Claims{}, seal.ErrForged
	}
	k, err := seal.NewKey(generation, value)
	if err != nil {
		return seal.Claims{}, err
	}
	return k.Open(hash)
}

func TestVectorsOfLinks(t *testing.T) {
	vectors := sealtest.Read(t).Links
	require.NotEmpty(t, vectors)
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			claims, err := open(v.Keys, v.Hash)
			if v.Verdict == "forged" {
				require.ErrorIs(t, err, seal.ErrForged)
				assert.Zero(t, claims)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, v.ExpiresAt, claims.ExpiresAt.Unix())
			assert.Equal(t, v.Policy, claims.Policy)
			assert.Equal(t, v.Audience, binary.BigEndian.Uint32(claims.Audience[:]))
			assert.Equal(t, v.Verdict == "refused", claims.Policy != seal.PolicyHolder && claims.Policy != seal.PolicyTicket)
			if v.Verdict != "refused" {
				assert.Equal(t, v.Verdict == "expired", v.Now >= claims.ExpiresAt.Unix())
			}
			if v.Verdict == "bound" || v.Verdict == "live" {
				assert.Equal(t, v.Verdict == "bound", claims.Policy == seal.PolicyTicket)
			}
		})
	}
}

func TestASealedHashSaysAgainWhatWasSealed(t *testing.T) {
	k := sealtest.Key(t, 7)
	for _, want := range []seal.Claims{
		{ExpiresAt: time.Unix(0, 0)},
		{ExpiresAt: expiry, Policy: 1, Audience: seal.Audience{1, 2, 3, 4}},
		{ExpiresAt: time.Unix(1<<32-1, 0), Policy: 255, Audience: seal.Audience{255, 255, 255, 255}},
	} {
		hash, err := k.Seal(want, crand.Reader)
		require.NoError(t, err)
		assert.Regexp(t, `^[A-Za-z0-9_-]{32}$`, hash)
		assert.Equal(t, 7, seal.Generation(hash))
		assert.Equal(t, want.Policy == seal.PolicyTicket, seal.NeedsTicket(hash))
		got, err := k.Open(hash)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
}

func TestTheLayoutIsTheOneOfTheSpecification(t *testing.T) {
	value := strings.Repeat("aZ09", 16)
	k, err := seal.NewKey(9, value)
	require.NoError(t, err)
	claims := seal.Claims{ExpiresAt: expiry.Add(999 * time.Millisecond), Policy: 2, Audience: seal.Audience{3, 4, 5, 6}}
	hash, err := k.Seal(claims, strings.NewReader("random"))
	require.NoError(t, err)

	body := append([]byte{9, 0x6b, 0x49, 0xd2, 0x00, 2, 3, 4, 5, 6}, "random"...)
	mac := hmac.New(sha256.New, []byte(value))
	mac.Write(body)
	assert.Equal(t, base64.RawURLEncoding.EncodeToString(append(body, mac.Sum(nil)[:8]...)), hash)
}

func TestSealRefusesWhatItCannotSay(t *testing.T) {
	k := sealtest.Key(t, 1)
	for name, at := range map[string]time.Time{
		"an expiry before 1970":     time.Unix(-1, 0),
		"an expiry past four bytes": time.Unix(1<<32, 0),
		"no expiry":                 {},
	} {
		t.Run(name, func(t *testing.T) {
			hash, err := k.Seal(seal.Claims{ExpiresAt: at}, crand.Reader)
			require.ErrorContains(t, err, "1970 to 2106")
			assert.Empty(t, hash)
		})
	}
	t.Run("randomness that runs out", func(t *testing.T) {
		hash, err := k.Seal(seal.Claims{ExpiresAt: expiry}, strings.NewReader("short"))
		require.Error(t, err)
		assert.Empty(t, hash)
	})
	t.Run("randomness that fails", func(t *testing.T) {
		broken := errors.New("no entropy")
		_, err := k.Seal(seal.Claims{ExpiresAt: expiry}, iotest.ErrReader(broken))
		require.ErrorIs(t, err, broken)
	})
}

func TestEveryChangeOfAHashIsForged(t *testing.T) {
	values := map[int]string{1: sealtest.Value(1), 2: sealtest.Value(2)}
	for generation := range values {
		hash, err := sealtest.Key(t, generation).Seal(seal.Claims{ExpiresAt: expiry}, crand.Reader)
		require.NoError(t, err)
		_, err = open(values, hash)
		require.NoError(t, err)
		for _, damaged := range damage(t, hash) {
			_, err := open(values, damaged)
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
	k := sealtest.Key(t, 1)
	random := rand.NewChaCha8([32]byte{1})
	raw := make([]byte, 24)
	for range 1_000_000 {
		random.Read(raw)
		raw[0] = 1 // the generation in use: the seal itself must refuse
		hash := base64.RawURLEncoding.EncodeToString(raw)
		if _, err := k.Open(hash); err == nil {
			t.Fatalf("%s opened", hash)
		}
	}
}

func TestAKeyOpensOnlyItsOwnGeneration(t *testing.T) {
	one, err := seal.NewKey(1, sealtest.Value(1))
	require.NoError(t, err)
	two, err := seal.NewKey(2, sealtest.Value(1))
	require.NoError(t, err)
	hash, err := one.Seal(seal.Claims{ExpiresAt: expiry}, crand.Reader)
	require.NoError(t, err)
	_, err = two.Open(hash)
	require.ErrorIs(t, err, seal.ErrForged, "the same value under another generation is another key")
	assert.Equal(t, 1, seal.Generation(hash))
	assert.Zero(t, seal.Generation("AQ=="), "what is no hash names no key")
}

func FuzzOpen(f *testing.F) {
	k := sealtest.Key(f, 2)
	hash, err := k.Seal(seal.Claims{ExpiresAt: expiry}, crand.Reader)
	require.NoError(f, err)
	for _, seed := range []string{"", hash, hash[:31], hash + "\n", strings.ToUpper(hash), "\r\n" + hash[2:]} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		claims, err := k.Open(s)
		if err != nil {
			if !errors.Is(err, seal.ErrForged) || claims != (seal.Claims{}) {
				t.Fatalf("Open(%q) = %v, %v", s, claims, err)
			}
			return
		}
		raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
		if err != nil || base64.RawURLEncoding.EncodeToString(raw) != s {
			t.Fatalf("%q opened, but is not the one spelling of its bytes", s)
		}
		mac := hmac.New(sha256.New, []byte(sealtest.Value(2)))
		mac.Write(raw[:16])
		if !hmac.Equal(mac.Sum(nil)[:8], raw[16:]) {
			t.Fatalf("%q opened without a seal", s)
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	k := sealtest.Key(b, 2)
	hash, err := k.Seal(seal.Claims{ExpiresAt: expiry}, crand.Reader)
	require.NoError(b, err)
	for name, hash := range map[string]string{"sealed": hash, "forged": hash[:31] + "_"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = k.Open(hash)
			}
		})
	}
}
