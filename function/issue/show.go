package issue

import (
	"context"
	"errors"
	"time"

	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/seal"
)

// State says what a request for a link would meet.
type State string

// The states of a link.
const (
	Live    State = "live"    // served
	Expired State = "expired" // its time is over
	Revoked State = "revoked" // taken back before its time
	Retired State = "retired" // sealed by a key that the gate no longer accepts
)

// Shown is what is known of a link.
type Shown struct {
	State State
	// Mapping lacks CreatedAt, Service and Audience once the link is revoked.
	Mapping mapping.Mapping
	// URL, Download and Variants are as those of a Link, whatever the state.
	URL      string
	Download string
	Variants map[string]string
	// RevokedAt is zero unless the link is revoked.
	RevokedAt time.Time
}

// Show tells what the hash stands for, or returns an *Error.
func (i *Issuer) Show(ctx context.Context, hash string) (Shown, error) {
	if !seal.IsHash(hash) {
		return Shown{}, badHash()
	}
	var shown Shown
	shown.URL, shown.Download, shown.Variants = i.addresses(hash)
	m, err := i.Store.Get(ctx, hash)
	var gone *mapping.RevokedError
	switch {
	case errors.As(err, &gone) && i.permit(gone.Object) == nil:
		shown.State, shown.RevokedAt = Revoked, gone.RevokedAt
		shown.Mapping = mapping.Mapping{Hash: hash, Object: gone.Object, ExpiresAt: gone.ExpiresAt}
		return shown, nil
	case err != nil:
		return Shown{}, lookupError(err)
	case i.permit(m.Object) != nil:
		return Shown{}, lookupError(mapping.ErrNotFound)
	}
	shown.Mapping = m
	accepted, err := i.Hashes.Accepts(ctx, hash, m.Audience)
	switch {
	case err != nil:
		return Shown{}, unavailable("the link keys could not be read; try again", err)
	case !m.Live(i.Now()):
		shown.State = Expired
	case !accepted:
		shown.State = Retired
	default:
		shown.State = Live
	}
	return shown, nil
}

func badHash() *Error {
	return problem(CodeBadHash, "a hash has %d characters of A-Z, a-z, 0-9, _ and -", seal.HashLength)
}

// lookupError turns a failed Store.Get into what the caller is told.
func lookupError(err error) *Error {
	switch {
	case errors.Is(err, mapping.ErrNotFound):
		return problem(CodeLinkNotFound, "there is no such link; it may have expired long ago")
	case errors.Is(err, mapping.ErrCorrupt):
		return AsError(err)
	default:
		return unavailable("the mapping table did not answer; try again", err)
	}
}
