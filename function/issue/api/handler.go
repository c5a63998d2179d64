package api

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"runtime/debug"
	"strings"
	"time"

	"secure-media-cdn/function/issue"
)

// Caller is what the handler knows of a call that is not in the HTTP request. Whoever puts the handler behind an
// address says it with [WithCaller].
type Caller struct {
	// Request is the call's id in the logs.
	Request string
	// Services are those whose links the caller may issue, show and revoke. Without any, it may do nothing.
	Services []string
}

type callerKey struct{}

// WithCaller returns a context for a request of the caller.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

func callerOf(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}

// handler answers the API's calls.
type handler struct {
	issuer *issue.Issuer
	log    *slog.Logger
	now    func() time.Time
}

// call is one call: what was asked, and what the log will say.
type call struct {
	*http.Request
	issuer  *issue.Issuer
	hash    string // from the path, as is the session
	session string
	body    []byte
	log     []slog.Attr
}

func (c *call) note(attrs ...slog.Attr) { c.log = append(c.log, attrs...) }

// serve answers a call: the HTTP status and the JSON to send.
type serve func(c *call) (status int, answer any)

// methods are those that each path takes.
var methods = map[string]map[string]serve{
	LinksPath:                  {http.MethodPost: withBody(issueLinks)},
	LinksPath + "/{hash}":      {http.MethodGet: showLink, http.MethodDelete: revokeLink},
	RevocationsPath:            {http.MethodPost: withBody(revoke)},
	ViewersPath:                {http.MethodPost: withBody(makeTicket)},
	ViewersPath + "/{session}": {http.MethodDelete: endSession},
}

// New returns the API of the issuer. It logs one line for each call, without keys or whole hashes, and answers a
// panic with status 500.
func New(issuer *issue.Issuer, log *slog.Logger, now func() time.Time) http.Handler {
	h := &handler{issuer: issuer, log: log, now: now}
	mux := http.NewServeMux()
	for path, byMethod := range methods {
		var allowed []string
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			if f := byMethod[method]; f != nil {
				allowed = append(allowed, method)
				mux.Handle(method+" "+path, h.answer(path, f))
			}
		}
		refuse := h.answer(path, wrongMethod(strings.Join(allowed, ", ")))
		mux.Handle(path, refuse)
		if byMethod[http.MethodGet] != nil {
			mux.Handle(http.MethodHead+" "+path, refuse) // else GET would serve it
		}
	}
	noRoute := h.answer("", noSuchRoute)
	mux.Handle("/", noRoute)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path.Clean(r.URL.Path) != r.URL.Path {
			noRoute.ServeHTTP(w, r) // ServeMux would redirect
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// answer returns a handler that answers with what f returns. It never fails: whatever goes wrong is in the answer.
func (h *handler) answer(route string, f serve) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := h.now()
		caller := callerOf(r.Context())
		c := &call{Request: r, issuer: h.issuer.Within(caller.Services), hash: r.PathValue("hash"),
			session: r.PathValue("session")}
		c.note(slog.String("method", cut(r.Method)), slog.String("request", cut(caller.Request)))
		if route != "" {
			c.note(slog.String("route", route))
		}
		if c.hash != "" {
			c.note(slog.String("hash", short(c.hash)))
		}
		if c.session != "" {
			c.note(slog.String("session", shortSession(c.session)))
		}
		status, answer := h.guarded(c, f)
		respond(w, status, answer)
		c.note(slog.Int("status", status), slog.Int64("ms", h.now().Sub(started).Milliseconds()))
		level := slog.LevelInfo
		if status >= http.StatusInternalServerError {
			level = slog.LevelError
		}
		h.log.LogAttrs(r.Context(), level, "call", c.log...)
	})
}

// guarded calls f and turns a panic into an answer.
func (h *handler) guarded(c *call, f serve) (status int, answer any) {
	defer func() {
		if p := recover(); p != nil {
			h.log.Error("panic", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			status, answer = failure(c, issue.AsError(fmt.Errorf("panic: %v", p)))
		}
	}()
	return f(c)
}

func noSuchRoute(c *call) (int, any) {
	return failure(c, issue.Problem(issue.CodeNoSuchRoute, "",
		"there are only %s, %s/{hash}, %s, %s and %s/{session}", LinksPath, LinksPath, RevocationsPath, ViewersPath,
		ViewersPath))
}

// refusedMethod is the answer to a method that a path does not take.
type refusedMethod struct {
	Failure
	allow string
}

func wrongMethod(allow string) serve {
	return func(c *call) (int, any) {
		status, answer := failure(c, issue.Problem(issue.CodeBadMethod, "", "this path takes only %s", allow))
		return status, refusedMethod{answer.(Failure), allow}
	}
}

// respond sends the answer, or nothing but the status if there is none.
func respond(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Cache-Control", "no-store")
	if answer == nil {
		w.WriteHeader(status)
		return
	}
	text, err := json.Marshal(answer)
	if err != nil { // our types always encode
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	if refused, ok := answer.(refusedMethod); ok {
		w.Header().Set("Allow", refused.allow)
	}
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(status)
	_, _ = w.Write(text) // it fails only when the caller has gone
}

// failure answers a call that went wrong as a whole. The cause is for the log.
func failure(c *call, e *issue.Error) (int, any) {
	c.note(slog.String("code", e.Code))
	if e.Unwrap() != nil {
		c.note(slog.String("error", e.Error()))
	}
	return e.Status(), Failure{Error: *wire(e, "")}
}

// wire returns the problem as the API tells it, at the given field if it names none.
func wire(e *issue.Error, field string) *Problem {
	if e == nil {
		return nil
	}
	if e.Field != "" {
		field = e.Field
	}
	return &Problem{Code: e.Code, Message: e.Message, Field: field}
}

// short returns a hash as it may be logged.
func short(hash string) string { return hash[:min(len(hash), 8)] }

// shortSession returns a session as it may be logged.
func shortSession(session string) string { return session[:min(len(session), 4)] }
