package session

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

type (
	request  = events.LambdaFunctionURLRequest
	response = events.LambdaFunctionURLResponse
)

// Codes of an Error. They are part of the API: programs compare them.
const (
	CodeBadRequest       = "bad_request"        // the request has a body
	CodeForbidden        = "forbidden"          // pages of this origin may not call
	CodeBadToken         = "bad_token"          // the token is none that this function takes
	CodeNoAudience       = "no_audience"        // the token names no audience of this stack
	CodeTooManyAudiences = "too_many_audiences" // the token names more than a ticket holds
	CodeNoSuchRoute      = "no_such_route"      // there is only /session
	CodeBadMethod        = "bad_method"         // there are only POST and DELETE
	CodeUnavailable      = "unavailable"        // the provider or the key value store failed; try again
	CodeInternal         = "internal"           // a bug; the log knows more
)

// statuses are the HTTP statuses of the codes.
var statuses = map[string]int{
	CodeBadRequest:       http.StatusBadRequest,
	CodeForbidden:        http.StatusForbidden,
	CodeBadToken:         http.StatusUnauthorized,
	CodeNoAudience:       http.StatusForbidden,
	CodeTooManyAudiences: http.StatusForbidden,
	CodeNoSuchRoute:      http.StatusNotFound,
	CodeBadMethod:        http.StatusMethodNotAllowed,
	CodeUnavailable:      http.StatusServiceUnavailable,
	CodeInternal:         http.StatusInternalServerError,
}

// Error is a problem to tell the caller, in the form of the issuer's API: a code for programs and a sentence for
// people. What caused it is for the log alone.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	cause   error
}

func (e *Error) Error() string {
	if e.cause != nil {
		return e.Message + ": " + e.cause.Error()
	}
	return e.Message
}

// Unwrap returns what caused the problem, or nil.
func (e *Error) Unwrap() error { return e.cause }

// Failure is the answer to a call that went wrong.
type Failure struct {
	Error *Error `json:"error"`
}

// Session answers POST /session. The cookie is beside it.
type Session struct {
	// Session is the name by which the issuer ends the session.
	Session string `json:"session"`
	// ExpiresAt is when the viewer must sign in again.
	ExpiresAt time.Time `json:"expiresAt"`
	// Audiences are those of the token that the cookie stands for.
	Audiences []string `json:"audiences"`
}

// asError returns err as an *Error; one that is none is internal.
func asError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: CodeInternal, Message: "something went wrong inside; the log knows more", cause: err}
}

// answer is JSON, or nothing at all. No cache may keep it.
func answer(status int, body any) response {
	a := response{StatusCode: status, Headers: map[string]string{"Cache-Control": "no-store", "Vary": "Origin"}}
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil { // our types always encode
			panic(err)
		}
		a.Headers["Content-Type"], a.Body = "application/json", string(text)
	}
	return a
}

func refuse(e *Error) response {
	a := answer(statuses[e.Code], Failure{e})
	switch e.Code {
	case CodeBadMethod:
		a.Headers["Allow"] = allowedMethods
	case CodeUnavailable:
		a.Headers["Retry-After"] = "5"
	}
	return a
}
