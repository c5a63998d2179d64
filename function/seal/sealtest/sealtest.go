// Package sealtest has link keys for tests.
package sealtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/seal"
)

// Value returns the value of a generation's key, another one for each.
func Value(generation int) string {
	sum := sha256.Sum256([]byte{byte(generation)})
	return hex.EncodeToString(sum[:])
}

// Key returns the key with that value.
func Key(t testing.TB, generation int) seal.Key {
	t.Helper()
	k, err := seal.NewKey(generation, Value(generation))
	require.NoError(t, err)
	return k
}

// Hashes makes hashes with one key, and accepts its own.
type Hashes struct {
	Key    seal.Key
	Random io.Reader
}

// New returns a hash that lives until expiresAt.
func (h Hashes) New(_ context.Context, expiresAt time.Time) (string, error) {
	return h.Key.Seal(seal.Claims{ExpiresAt: expiresAt}, h.Random)
}

// Accepts reports whether the key opens the hash.
func (h Hashes) Accepts(_ context.Context, hash string) (bool, error) {
	_, err := h.Key.Open(hash)
	return err == nil, nil
}

// Entries are what a store holds in which these generations have keys.
func Entries(generations ...int) map[string]string {
	entries := map[string]string{seal.AudienceEntry: Value(0)}
	for _, g := range generations {
		entries[seal.KeyEntry(g)] = Value(g)
	}
	return entries
}

// AudienceKey returns the audiences' key of [Entries].
func AudienceKey(t testing.TB) seal.AudienceKey {
	t.Helper()
	k, err := seal.NewAudienceKey(Value(0))
	require.NoError(t, err)
	return k
}
