package cloud

import (
	"context"
	"fmt"
	"time"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/seal"
)

// Tickets makes tickets with the gate's own keys, and ends sessions on its list.
type Tickets struct {
	*Ring
	List *Revocations
}

var _ issue.Tickets = Tickets{}

// Seal implements issue.Tickets.
func (t Tickets) Seal(ctx context.Context, audiences []string,
	expiresAt time.Time) (ticket, session string, err error) {
	k, err := t.Keys.Current(ctx)
	if err != nil {
		return "", "", err
	}
	names, err := t.Keys.Audiences(ctx)
	if err != nil {
		return "", "", err
	}
	sealed := seal.Ticket{ExpiresAt: expiresAt}
	if sealed.Session, err = seal.NewSession(t.Random); err != nil {
		return "", "", err
	}
	for _, name := range audiences {
		sealed.Audiences = append(sealed.Audiences, names.Audience(name))
	}
	ticket, err = k.SealTicket(sealed)
	return ticket, names.SessionID(sealed.Session, expiresAt), err
}

// Session implements issue.Tickets.
func (t Tickets) Session(ctx context.Context, name string) (seal.Session, time.Time, error) {
	k, err := t.Keys.Audiences(ctx)
	if err != nil {
		return seal.Session{}, time.Time{}, err
	}
	return k.OpenSessionID(name)
}

// Pseudonym implements issue.Tickets.
func (t Tickets) Pseudonym(ctx context.Context, viewer string) (string, error) {
	k, err := t.Keys.Audiences(ctx)
	if err != nil {
		return "", err
	}
	return k.Pseudonym(viewer), nil
}

// End implements issue.Tickets.
func (t Tickets) End(ctx context.Context, session seal.Session, expiresAt time.Time) error {
	if err := t.List.End(ctx, session, expiresAt); err != nil {
		return fmt.Errorf("adding to the revocation list: %w", err)
	}
	return nil
}
