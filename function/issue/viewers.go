package issue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"secure-media-cdn/function/seal"
)

// maxViewerBytes bounds what a caller may call a viewer.
const maxViewerBytes = 256

// Tickets makes the tickets of signed-in viewers, and ends them.
type Tickets interface {
	// Seal returns a ticket of a session of its own that names the audiences, and the session's name.
	Seal(ctx context.Context, audiences []string, expiresAt time.Time) (ticket, session string, err error)
	// Session returns the session of a name that Seal returned, and when its ticket expires. For any other name the
	// error is seal.ErrForgedSession.
	Session(ctx context.Context, name string) (seal.Session, time.Time, error)
	// Pseudonym returns what a log may call the viewer.
	Pseudonym(ctx context.Context, viewer string) (string, error)
	// End returns once the gate will refuse the session's ticket, which expires at the time given. It may be called
	// again for the same session.
	End(ctx context.Context, session seal.Session, expiresAt time.Time) error
}

// Ticket is what a signed-in viewer shows to the gate beside a link.
type Ticket struct {
	// Ticket goes into the header Authorization, as a bearer token, or the query parameter ticket.
	Ticket string
	// Cookie is the value of a Set-Cookie header with the ticket, or empty if the stack has no domain for cookies.
	Cookie string
	// Session names what EndSession ends, and says until when that has to be remembered.
	Session   string
	ExpiresAt time.Time
	// Viewer is the viewer's pseudonym, for the log.
	Viewer string
}

// Ticket returns a ticket for a viewer who is a member of the audiences, for as long as ttl; 0 is the Issuer's
// TicketTTL. viewer is whatever the caller knows the viewer by. The error is an *Error.
func (i *Issuer) Ticket(ctx context.Context, viewer string, audiences []string, ttl time.Duration) (Ticket, error) {
	if err := i.checkTicket(viewer, audiences, &ttl); err != nil {
		return Ticket{}, err
	}
	now := i.Now().Truncate(time.Second)
	t := Ticket{ExpiresAt: now.Add(ttl.Truncate(time.Second))}
	var err error
	if t.Viewer, err = i.Tickets.Pseudonym(ctx, viewer); err == nil {
		t.Ticket, t.Session, err = i.Tickets.Seal(ctx, audiences, t.ExpiresAt)
	}
	if err != nil {
		return Ticket{}, unavailable("no ticket could be made; try again", err)
	}
	if i.CookieDomain != "" {
		t.Cookie = seal.SetCookie(t.Ticket, i.CookieDomain, t.ExpiresAt.Sub(now))
	}
	return t, nil
}

// checkTicket says why there can be no such ticket, or nothing. It fills in the life that nobody asked for.
func (i *Issuer) checkTicket(viewer string, audiences []string, ttl *time.Duration) error {
	if err := i.checkViewers(); err != nil {
		return err
	}
	switch {
	case viewer == "" || len(viewer) > maxViewerBytes:
		return problem(CodeBadRequest, "name the viewer in 1 to %d bytes: an account's id, or anything else that is the "+
			"same at each call", maxViewerBytes).At("viewer")
	case len(audiences) == 0:
		return problem(CodeBadRequest, "name at least one audience").At("audiences")
	case len(audiences) > seal.MaxAudiences:
		return problem(CodeTooMany, "a ticket names at most %d audiences, not %d", seal.MaxAudiences,
			len(audiences)).At("audiences")
	case *ttl == 0:
		*ttl = i.TicketTTL
	case *ttl < seal.MinTicketLife || *ttl > i.TicketTTL:
		return problem(CodeBadTTL, "a ticket lives for %d to %d seconds", int64(seal.MinTicketLife/time.Second),
			int64(i.TicketTTL/time.Second)).At("ttlSeconds")
	}
	for n, name := range audiences {
		if err := i.checkAudience(name); err != nil {
			return err.At(fmt.Sprintf("audiences[%d]", n))
		}
	}
	return nil
}

// checkViewers says why the caller has nothing to do with viewers, or nothing.
func (i *Issuer) checkViewers() error {
	some := false
	for service, access := range i.Services {
		if access != ByTicket {
			continue
		}
		if i.permitService(service) == nil {
			return nil
		}
		some = true
	}
	if !some {
		return problem(CodeNoViewers, "no service of this stack asks its viewers for tickets: "+
			"set viewers: ticket for one in the stack's services")
	}
	return problem(CodeForbidden, "the stack's issuerPrincipals does not name you for a service that asks for tickets")
}

// EndSession has the gate refuse the ticket of a session. Doing it again is doing it once. The error is an *Error.
func (i *Issuer) EndSession(ctx context.Context, id string) error {
	if err := i.checkViewers(); err != nil {
		return err
	}
	session, expiresAt, err := i.Tickets.Session(ctx, id)
	switch {
	case errors.Is(err, seal.ErrForgedSession):
		return problem(CodeBadSession, "this is no session: pass the one that came with the ticket")
	case err != nil:
		return unavailable("the session is not ended, and its ticket still opens links; try again", err)
	case !i.Now().Before(expiresAt):
		return nil
	}
	if err := i.Tickets.End(ctx, session, expiresAt); err != nil {
		return unavailable("the session is not ended, and its ticket still opens links; try again", err)
	}
	return nil
}
