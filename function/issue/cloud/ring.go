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
func (r *Ring) New(ctx context.Context, expiresAt time.Time, audience string) (string, error) {
	k, err := r.Keys.Current(ctx)
	if err != nil {
		return "", err
	}
	policy, bound, err := r.binding(ctx, audience)
	if err != nil {
		return "", err
	}
	return k.Seal(seal.Claims{ExpiresAt: expiresAt, Policy: policy, Audience: bound}, r.Random)
}

// Accepts implements issue.Hashes. The stack keeps the keys of the generations
// before and after this one, so no other needs to be asked for.
func (r *Ring) Accepts(ctx context.Context, hash, audience string) (bool, error) {
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
	if err != nil {
		return false, nil
	}
	policy, bound, err := r.binding(ctx, audience)
	return err == nil && claims.Policy == policy && claims.Audience == bound, err
}

// binding returns what a hash says that is bound to the audience, or to nobody.
func (r *Ring) binding(ctx context.Context, audience string) (policy byte, bound seal.Audience, err error) {
	if audience == "" {
		return seal.PolicyHolder, seal.Audience{}, nil
	}
	k, err := r.Keys.Audiences(ctx)
	if err != nil {
		return 0, seal.Audience{}, err
	}
	return seal.PolicyTicket, k.Audience(audience), nil
}
