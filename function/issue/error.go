package issue

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
)

// Codes of an Error. They are part of the API: programs compare them.
const (
	CodeBadRequest     = "bad_request"      // the call is malformed; Field says where
	CodeTooLarge       = "too_large"        // the call's body is too long
	CodeTooMany        = "too_many"         // the call names more than MaxObjects
	CodeBadTTL         = "bad_ttl"          // ttlSeconds is out of range
	CodeBadObject      = "bad_object"       // an object is not written s3://bucket/key
	CodeWrongBucket    = "wrong_bucket"     // the object is in another bucket
	CodeDirectory      = "directory"        // the key ends in a slash
	CodeUnknownService = "unknown_service"  // the key is below no configured service
	CodeBadAudience    = "bad_audience"     // an audience is malformed, or not one of a service that asks for tickets
	CodeBadSession     = "bad_session"      // a session is not one that came with a ticket
	CodeNoViewers      = "no_viewers"       // no service of the stack asks its viewers for tickets
	CodeTooManyLinks   = "too_many_links"   // the object has MaxLinks live links
	CodeBadHash        = "bad_hash"         // a hash is not 32 characters of [A-Za-z0-9_-]
	CodePublicObject   = "public_object"    // a public object cannot be revoked
	CodeObjectNotFound = "object_not_found" // the bucket does not have the object
	CodeLinkNotFound   = "link_not_found"   // there is no such link
	CodeForbidden      = "forbidden"        // the caller is not named for the object's service
	CodeNoSuchRoute    = "no_such_route"    // the API has no such path
	CodeBadMethod      = "bad_method"       // the path has no such method
	CodeBusy           = "busy"             // too many others changed the same objects
	CodeUnavailable    = "unavailable"      // a service we need failed; try again
	CodeInternal       = "internal"         // a bug; the log knows more
)

// statuses are the HTTP statuses of the codes; the others are 400.
var statuses = map[string]int{
	CodeTooLarge:       http.StatusRequestEntityTooLarge,
	CodeForbidden:      http.StatusForbidden,
	CodePublicObject:   http.StatusConflict,
	CodeTooManyLinks:   http.StatusConflict,
	CodeNoViewers:      http.StatusConflict,
	CodeObjectNotFound: http.StatusNotFound,
	CodeLinkNotFound:   http.StatusNotFound,
	CodeNoSuchRoute:    http.StatusNotFound,
	CodeBadMethod:      http.StatusMethodNotAllowed,
	CodeBusy:           http.StatusServiceUnavailable,
	CodeUnavailable:    http.StatusServiceUnavailable,
	CodeInternal:       http.StatusInternalServerError,
}

// Error is a problem to tell the caller: a code for programs and a sentence for
// people. What caused it may name keys and hosts: it is for the log alone, and
// not in Message.
type Error struct {
	Code    string
	Message string
	// Field is the place in the request that is wrong, such as "objects[3]".
	Field string
	cause error
}

func (e *Error) Error() string {
	text := e.Message
	if e.Field != "" {
		text = e.Field + ": " + text
	}
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Unwrap returns what caused the problem, or nil.
func (e *Error) Unwrap() error { return e.cause }

// Status returns the HTTP status of the error's code.
func (e *Error) Status() int {
	if status, ok := statuses[e.Code]; ok {
		return status
	}
	return http.StatusBadRequest
}

// Retryable reports whether the same call may succeed later.
func (e *Error) Retryable() bool { return e.Status() == http.StatusServiceUnavailable }

// AsError returns err as an *Error; one that is none is internal.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: CodeInternal, Message: "something went wrong inside; the log knows more", cause: err}
}

// Problem returns an Error about one field of a request, or about all of it if
// field is empty.
func Problem(code, field, format string, args ...any) *Error {
	return problem(code, format, args...).At(field)
}

func problem(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// At returns the error as one about the field.
func (e *Error) At(field string) *Error {
	copied := *e
	copied.Field = field
	return &copied
}

// LogAttrs returns what a log says of the problems: how many there are of each code, and the cause of the first that
// has one, since the others mostly have the same.
func LogAttrs(problems []*Error) []slog.Attr {
	if len(problems) == 0 {
		return nil
	}
	codes := map[string]int{}
	for _, e := range problems {
		codes[e.Code]++
	}
	attrs := []slog.Attr{slog.Any("codes", codes)}
	for _, e := range problems {
		if e.Unwrap() != nil {
			return append(attrs, slog.String("error", e.Error()))
		}
	}
	return attrs
}

func unavailable(message string, cause error) *Error {
	return &Error{Code: CodeUnavailable, Message: message, cause: cause}
}

func busy() *Error {
	return problem(CodeBusy, "too many others are changing the same objects; try again")
}

func checkCount(n int) error {
	if n > MaxObjects {
		return problem(CodeTooMany, "one call takes at most %d objects and hashes, not %d", MaxObjects, n)
	}
	return nil
}
