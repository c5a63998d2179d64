package session

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"secure-media-cdn/function/keyring"
	"secure-media-cdn/function/seal"
)

const (
	allowedMethods = "POST, DELETE, OPTIONS"
	// preflightLife is how long a browser need not ask again, the most that Chromium takes.
	preflightLife = "7200"
)

// Handler is the Lambda function; [New] makes one. It is safe for concurrent use.
type Handler struct {
	config   config
	keys     *keyring.Ring
	provider *provider
	random   io.Reader
	now      func() time.Time
	log      *slog.Logger
}

// Handle answers one call of the Function URL, which only CloudFront may make. It has an answer for everything, so that
// no error and no panic becomes one of Lambda's own answers.
func (h *Handler) Handle(ctx context.Context, r request) (response, error) {
	started := h.now()
	a, err := h.guarded(ctx, r)
	note := []slog.Attr{slog.String("request", r.RequestContext.RequestID)}
	if err != nil {
		e := asError(err)
		a = refuse(e)
		note = append(note, slog.String("code", e.Code), slog.String("error", e.Error()))
	}
	if origin := r.Headers["origin"]; h.allows(origin) {
		a.Headers["Access-Control-Allow-Origin"] = origin
		a.Headers["Access-Control-Allow-Credentials"] = "true"
	}
	level := slog.LevelInfo
	if a.StatusCode >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	note = append(note, slog.Int("status", a.StatusCode), slog.Int64("ms", h.now().Sub(started).Milliseconds()))
	h.log.LogAttrs(ctx, level, "session", note...)
	return a, nil
}

// allows reports whether pages of the origin may call. A browser says which one it is, in every request with one of our
// methods.
// https://fetch.spec.whatwg.org/#origin-header
func (h *Handler) allows(origin string) bool { return slices.Contains(h.config.origins, origin) }

// guarded answers a call and turns a panic into an error.
func (h *Handler) guarded(ctx context.Context, r request) (a response, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if !h.allows(r.Headers["origin"]) {
		return response{}, problem(CodeForbidden,
			"only pages of this CDN's applications may call; the Origin must be one of corsAllowedOrigins")
	}
	return h.answer(ctx, r)
}

// answer answers a call from an allowed origin.
func (h *Handler) answer(ctx context.Context, r request) (response, error) {
	method := r.RequestContext.HTTP.Method
	switch {
	case r.RawPath != Path:
		return response{}, problem(CodeNoSuchRoute, "there is only %s", Path)
	case r.Body != "":
		return response{}, problem(CodeBadRequest, "the request must have no body")
	case method == http.MethodOptions:
		return preflight(), nil
	case method == http.MethodPost:
		return h.signIn(ctx, r.Headers[HeaderToken])
	case method == http.MethodDelete:
		return h.signOut(), nil
	}
	return response{}, problem(CodeBadMethod, "this path takes only POST and DELETE")
}

// preflight tells a browser what a page of an allowed origin may send.
// https://fetch.spec.whatwg.org/#http-cors-protocol
func preflight() response {
	a := answer(http.StatusNoContent, nil)
	a.Headers["Access-Control-Allow-Methods"] = allowedMethods
	a.Headers["Access-Control-Allow-Headers"] = HeaderToken
	a.Headers["Access-Control-Max-Age"] = preflightLife
	return a
}

// signIn exchanges a token for the cookie. The ticket lives as long as the stack says, not as long as the token: an ID
// token mostly lives for minutes, which says how old a proof may be, and not how long a viewer stays signed in.
func (h *Handler) signIn(ctx context.Context, token string) (response, error) {
	claims, err := h.check(ctx, token)
	if err != nil {
		return response{}, err
	}
	names, err := h.audiences(claims)
	if err != nil {
		return response{}, err
	}
	session, err := seal.NewSession(h.random)
	if err != nil {
		return response{}, err
	}
	expiresAt := h.now().Add(h.config.ticketTTL).Truncate(time.Second)
	ticket, id, err := h.ticket(ctx, seal.Ticket{ExpiresAt: expiresAt, Session: session}, names)
	if err != nil {
		return response{}, err
	}
	a := answer(http.StatusOK, Session{Session: id, ExpiresAt: expiresAt.UTC(), Audiences: names})
	a.Cookies = []string{seal.SetCookie(ticket, h.config.cookieDomain, h.config.ticketTTL)}
	return a, nil
}

// ticket seals a ticket for the audiences of these names, and names its session.
func (h *Handler) ticket(ctx context.Context, t seal.Ticket, names []string) (ticket, session string, err error) {
	unavailable := func(err error) error {
		return &Error{Code: CodeUnavailable, Message: "the key that seals cannot be read; try again", cause: err}
	}
	audience, err := h.keys.Audiences(ctx)
	if err != nil {
		return "", "", unavailable(err)
	}
	key, err := h.keys.Current(ctx)
	if err != nil {
		return "", "", unavailable(err)
	}
	for _, name := range names {
		t.Audiences = append(t.Audiences, audience.Audience(name))
	}
	ticket, err = key.SealTicket(t)
	return ticket, audience.SessionID(t.Session, t.ExpiresAt), err
}

// signOut takes the browser's cookie away.
func (h *Handler) signOut() response {
	a := answer(http.StatusNoContent, nil)
	a.Cookies = []string{seal.SetCookie("", h.config.cookieDomain, 0)}
	return a
}
