// Package sealtest has link keys for tests, and what Go and JavaScript must both
// say of links, audiences and tickets.
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
	Key       seal.Key
	Audiences seal.AudienceKey
	Random    io.Reader
}

// New returns a hash that lives until expiresAt, bound to the audience if there is one.
func (h Hashes) New(_ context.Context, expiresAt time.Time, audience string) (string, error) {
	return h.Key.Seal(h.claims(expiresAt, audience), h.Random)
}

// Accepts reports whether the key opens the hash, and whether that is bound to the audience.
func (h Hashes) Accepts(_ context.Context, hash, audience string) (bool, error) {
	c, err := h.Key.Open(hash)
	return err == nil && c == h.claims(c.ExpiresAt, audience), nil
}

func (h Hashes) claims(expiresAt time.Time, audience string) seal.Claims {
	c := seal.Claims{ExpiresAt: expiresAt}
	if audience != "" {
		c.Policy, c.Audience = seal.PolicyTicket, h.Audiences.Audience(audience)
	}
	return c
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
