package api

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"secure-media-cdn/function/issue"
)

// Handler answers calls to the function's address, and follows what is deleted
// from the bucket.
type Handler struct {
	Issuer *issue.Issuer
	Log    *slog.Logger
	Now    func() time.Time
}

// call is one call on its way: what was asked, and what the log will say.
type call struct {
	hash string // from the path
	body []byte
	log  []slog.Attr
}

func (c *call) note(attrs ...slog.Attr) { c.log = append(c.log, attrs...) }

// route is one method of one path.
type route struct {
	method, path string // a path that ends in a slash goes on with a hash
	body         bool   // whether the call has one
	serve        func(h *Handler, ctx context.Context, c *call) (status int, answer any)
}

var routes = []route{
	{http.MethodPost, LinksPath, true, (*Handler).issue},
	{http.MethodGet, LinksPath + "/", false, (*Handler).show},
	{http.MethodDelete, LinksPath + "/", false, (*Handler).remove},
	{http.MethodPost, RevocationsPath, true, (*Handler).revoke},
}

// HTTP answers one call to the function's address. It never fails: whatever
// goes wrong is in the answer.
func (h *Handler) HTTP(ctx context.Context, r events.LambdaFunctionURLRequest) (response events.LambdaFunctionURLResponse) {
	started := h.Now()
	c := &call{}
	c.note(slog.String("method", cut(r.RequestContext.HTTP.Method)), slog.String("request", cut(r.RequestContext.RequestID)))
	status, answer, allow := http.StatusInternalServerError, any(nil), ""
	defer func() {
		if p := recover(); p != nil {
			h.Log.Error("panic", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			status, answer = failure(c, issue.AsError(fmt.Errorf("panic: %v", p)))
		}
		response = respond(status, answer, allow)
		c.note(slog.Int("status", status), slog.Int64("ms", h.Now().Sub(started).Milliseconds()))
		level := slog.LevelInfo
		if status >= http.StatusInternalServerError {
			level = slog.LevelError
		}
		h.Log.LogAttrs(ctx, level, "call", c.log...)
	}()
	found, hash, allowed := find(r)
	if found == nil {
		allow = allowed
		if allow == "" {
			status, answer = failure(c, issue.Problem(issue.CodeNoSuchRoute, "", "there are only %s, %s/{hash} and %s", LinksPath, LinksPath, RevocationsPath))
		} else {
			status, answer = failure(c, issue.Problem(issue.CodeBadMethod, "", "this path takes only %s", allow))
		}
		return
	}
	c.hash = hash
	c.note(slog.String("route", found.path))
	if hash != "" {
		c.note(slog.String("hash", short(hash)))
	}
	if found.body {
		var problem *issue.Error
		if c.body, problem = body(r); problem != nil {
			status, answer = failure(c, problem)
			return
		}
	}
	status, answer = found.serve(h, ctx, c)
	return
}

// find returns the route of the call and the hash in its path, or the methods
// that the path would take.
func find(r events.LambdaFunctionURLRequest) (found *route, hash, allowed string) {
	var methods []string
	for n := range routes {
		route := &routes[n]
		hash = ""
		if strings.HasSuffix(route.path, "/") {
			var below bool
			if hash, below = strings.CutPrefix(r.RawPath, route.path); !below || hash == "" || strings.Contains(hash, "/") {
				continue
			}
		} else if r.RawPath != route.path {
			continue
		}
		if route.method == r.RequestContext.HTTP.Method {
			return route, hash, ""
		}
		methods = append(methods, route.method)
	}
	return nil, "", strings.Join(methods, ", ")
}

func respond(status int, answer any, allow string) events.LambdaFunctionURLResponse {
	text, err := json.Marshal(answer)
	if err != nil { // our types always encode
		panic(err)
	}
	headers := map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store"}
	if allow != "" {
		headers["Allow"] = allow
	}
	if status == http.StatusServiceUnavailable {
		headers["Retry-After"] = "1"
	}
	return events.LambdaFunctionURLResponse{StatusCode: status, Headers: headers, Body: string(text)}
}

// failure answers a call that went wrong as a whole. The cause is for the log.
func failure(c *call, e *issue.Error) (int, any) {
	c.note(slog.String("code", e.Code))
	if e.Unwrap() != nil {
		c.note(slog.String("error", e.Error()))
	}
	return e.Status(), Failure{Error: *wire(e, "")}
}

// wire returns the problem as it is told, at the field if it names none.
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
