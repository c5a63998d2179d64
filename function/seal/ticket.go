package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// MaxAudiences is how many audiences a ticket may name. The gate compares each of
// them, on every request.
const MaxAudiences = 32

// MinTicketLife and MaxTicketLife bound how long a ticket lives, whatever a stack
// says.
const (
	MinTicketLife = time.Minute
	MaxTicketLife = 30 * 24 * time.Hour
)

// The layout of a ticket: where each part begins, and how long it is. The seal
// follows the audiences.
const (
	sessionAt      = 5
	audiencesAt    = 13
	audienceLength = 4
	ticketSeal     = 16
	maxTicketBytes = audiencesAt + MaxAudiences*audienceLength + ticketSeal
)

// ticketDomain is sealed before the body of a ticket. A link's body begins with a
// generation, so a link never passes for a ticket, nor a ticket for a link.
const ticketDomain = "viewer ticket 1\n"

// ErrForgedTicket says that a ticket was not sealed by the key: invented, damaged,
// or sealed by another one.
var ErrForgedTicket = errors.New("forged ticket")

// Session is what a viewer's tickets share from signing in to signing out. Ending
// it ends them all.
type Session [8]byte

// NewSession returns a new session. It reads 8 bytes from random, which must be
// crypto/rand.Reader outside tests.
func NewSession(random io.Reader) (s Session, err error) {
	if _, err := io.ReadFull(random, s[:]); err != nil {
		return Session{}, fmt.Errorf("making a session: %w", err)
	}
	return s, nil
}

// Ticket is what a signed-in viewer shows to the gate beside a bound link.
type Ticket struct {
	// ExpiresAt is the end of the ticket, in whole seconds from 1970 to 2106.
	ExpiresAt time.Time
	Session   Session
	// Audiences are those whose bound links the viewer may see, 1 to
	// [MaxAudiences] of them.
	Audiences []Audience
}

// SealTicket returns a ticket as it travels, in base64url, its expiry rounded down
// to whole seconds: the generation of the key (1 byte), the expiry in epoch
// seconds (4), the session (8), 4 for each audience, and the first 16 bytes of
// HMAC-SHA256 over "viewer ticket 1\n" and all that.
func (k Key) SealTicket(t Ticket) (string, error) {
	if n := len(t.Audiences); n < 1 || n > MaxAudiences {
		return "", fmt.Errorf("sealing a ticket: it names 1 to %d audiences, not %d", MaxAudiences, n)
	}
	raw, err := k.head(t.ExpiresAt, sessionAt, maxTicketBytes)
	if err != nil {
		return "", fmt.Errorf("sealing a ticket: %w", err)
	}
	raw = append(raw, t.Session[:]...)
	for _, a := range t.Audiences {
		raw = append(raw, a[:]...)
	}
	return base64.RawURLEncoding.EncodeToString(append(raw, k.ticketSum(raw)...)), nil
}

// OpenTicket checks the seal of a ticket and returns what it says. The expiry may
// have passed, and the session may have ended: that is the caller's part. It
// returns [ErrForgedTicket] for anything that this key did not seal.
func (k Key) OpenTicket(ticket string) (Ticket, error) {
	raw, ok := decodeTicket(ticket)
	if !ok || raw[0] != k.generation {
		return Ticket{}, ErrForgedTicket
	}
	end := len(raw) - ticketSeal
	if !hmac.Equal(k.ticketSum(raw[:end]), raw[end:]) {
		return Ticket{}, ErrForgedTicket
	}
	t := Ticket{ExpiresAt: expiryOf(raw), Session: Session(raw[sessionAt:audiencesAt])}
	for at := audiencesAt; at < end; at += audienceLength {
		t.Audiences = append(t.Audiences, Audience(raw[at:at+audienceLength]))
	}
	return t, nil
}

// ticketSum returns the seal of a ticket's body.
func (k Key) ticketSum(body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(k.value))
	mac.Write([]byte(ticketDomain))
	mac.Write(body)
	return mac.Sum(nil)[:ticketSeal]
}

// decodeTicket returns the bytes of a ticket, and whether it has the form of one,
// in its one spelling: the decoder alone would skip line ends and ignore bits that
// are left over.
func decodeTicket(ticket string) ([]byte, bool) {
	if len(ticket) > base64.RawURLEncoding.EncodedLen(maxTicketBytes) {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(ticket)
	if err != nil || base64.RawURLEncoding.EncodeToString(raw) != ticket {
		return nil, false
	}
	audiences := len(raw) - audiencesAt - ticketSeal
	return raw, audiences >= audienceLength && audiences%audienceLength == 0
}

// SetCookie returns the value of a Set-Cookie header that has browsers below
// domain send the ticket with every request for a link, for maxAge. An empty
// ticket and a maxAge of 0 take the cookie away again.
// https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Set-Cookie
func SetCookie(ticket, domain string, maxAge time.Duration) string {
	return fmt.Sprintf("%s=%s; Domain=%s; Path=%s; Max-Age=%d; Secure; HttpOnly; SameSite=Lax",
		TicketCookie, ticket, domain, strings.TrimSuffix(Path, "/"), int64(maxAge/time.Second))
}
