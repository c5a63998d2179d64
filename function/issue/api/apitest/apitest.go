// Package apitest has an issuer without AWS, for tests of the API and of its clients.
package apitest

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/issue/api"
	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/seal"
)

// Services are the issuer's, by name: whether they are public.
var Services = issue.Services{"chat": issue.ByLink, "board": issue.ByLink, "shop": issue.Public,
	"club": issue.ByTicket, "lodge": issue.ByTicket}

// AWS is what the issuer calls. Its bucket has every object that Missing does not name.
type AWS struct {
	mapping.Memory
	Missing map[string]bool // by key
	CDN     error           // what every call to the CDN fails with
	made    atomic.Uint64
	bound   sync.Map // audiences by hash
	Ended   sync.Map // the expiry of ended sessions' tickets, by session
}

// Issuer returns an issuer of the bucket "media" with links below https://cdn.example that live for 30 days.
func (a *AWS) Issuer() *issue.Issuer {
	return &issue.Issuer{
		Store: &a.Memory, Hashes: a, Objects: a, CDN: a,
		Bucket: "media", BaseURL: "https://cdn.example", Services: Services, Variants: []string{"blur", "w320"},
		Tickets: a, TicketTTL: 12 * time.Hour, CookieDomain: "example",
		TTL: 30 * 24 * time.Hour, RenewBefore: time.Hour, Now: time.Now,
		Pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
}

// New implements issue.Hashes.
func (a *AWS) New(_ context.Context, _ time.Time, audience string) (string, error) {
	var raw [24]byte
	binary.BigEndian.PutUint64(raw[16:], a.made.Add(1))
	hash := base64.RawURLEncoding.EncodeToString(raw[:])
	a.bound.Store(hash, audience)
	return hash, nil
}

// Accepts implements issue.Hashes.
func (a *AWS) Accepts(_ context.Context, hash, audience string) (bool, error) {
	bound, made := a.bound.Load(hash)
	return made && bound == audience, nil
}

// Look implements issue.Objects.
func (a *AWS) Look(_ context.Context, o mapping.Object) (issue.Sight, error) {
	if a.Missing[o.Key] {
		return issue.Sight{}, nil
	}
	return issue.Sight{Content: "1"}, nil
}

// Revoke implements issue.CDN.
func (a *AWS) Revoke(context.Context, map[string]time.Time) error { return a.CDN }

// Forget implements issue.CDN.
func (a *AWS) Forget(context.Context, []string, string) error { return a.CDN }

// Withdraw implements issue.CDN.
func (a *AWS) Withdraw(context.Context, map[string]string) error { return a.CDN }

// Seal implements issue.Tickets: the ticket names its audiences.
func (a *AWS) Seal(_ context.Context, audiences []string, expiresAt time.Time) (string, string, error) {
	var session seal.Session
	binary.BigEndian.PutUint64(session[:], a.made.Add(1))
	return "ticket:" + strings.Join(audiences, "+"), Names().SessionID(session, expiresAt), a.CDN
}

// Session implements issue.Tickets.
func (a *AWS) Session(_ context.Context, name string) (seal.Session, time.Time, error) {
	return Names().OpenSessionID(name)
}

// Names is the key that names sessions.
func Names() seal.AudienceKey {
	k, err := seal.NewAudienceKey(strings.Repeat("k", seal.ValueLength))
	if err != nil {
		panic(err)
	}
	return k
}

// Pseudonym implements issue.Tickets.
func (a *AWS) Pseudonym(context.Context, string) (string, error) { return "pseudonym", nil }

// End implements issue.Tickets.
func (a *AWS) End(_ context.Context, session seal.Session, expiresAt time.Time) error {
	if a.CDN == nil {
		a.Ended.Store(session, expiresAt)
	}
	return a.CDN
}

// As returns the API for a caller who may handle the services.
func As(h http.Handler, services ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(api.WithCaller(r.Context(), api.Caller{Services: services})))
	})
}
