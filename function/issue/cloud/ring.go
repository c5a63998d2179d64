package cloud

import (
	"context"
	"errors"
	"io"
	"time"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/keyring"
	"secure-media-cdn/function/seal"
)

// Ring makes hashes that the gate accepts, with the gate's own keys.
type Ring struct {
	Keys *keyring.Ring
	// Random is crypto/rand.Reader outside tests.
	Random io.Reader
}

var _ issue.Hashes = (*Ring)(nil)

// New implements issue.Hashes.
func (r *Ring) New(ctx context.Context, expiresAt time.Time) (string, error) {
	k, err := r.Keys.Current(ctx)
	if err != nil {
		return "", err
	}
	return k.Seal(seal.Claims{ExpiresAt: expiresAt}, r.Random)
}

// Accepts implements issue.Hashes. The stack keeps the keys of the generations
// before and after this one, so no other needs to be asked for.
func (r *Ring) Accepts(ctx context.Context, hash string) (bool, error) {
	generation := seal.Generation(hash)
	if generation < 1 || generation < r.Keys.Generation-1 || generation > r.Keys.Generation+1 {
		return false, nil
	}
	k, err := r.Keys.Key(ctx, generation)
	if errors.Is(err, keyring.ErrNoEntry) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	claims, err := k.Open(hash)
	return err == nil && claims.Policy == seal.PolicyHolder, nil
}
