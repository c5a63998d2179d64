package client

import (
	"context"
	"errors"

	"secure-media-cdn/function/issue"
)

// Temporary reports whether a call that ended with err may succeed minutes later: the issuer could not be reached, was
// too busy or out of service for longer than a Client tries again by itself. It is false for what somebody must mend
// first: credentials, rights, or the call.
func Temporary(err error) bool {
	var refused *Error
	switch {
	case err == nil, errors.As(err, new(final)), errors.Is(err, context.Canceled):
		return false
	case errors.As(err, &refused):
		return TemporaryCode(refused.Code)
	default:
		return true
	}
}

// TemporaryCode reports whether an object with this code of a Problem may get its link by asking again.
func TemporaryCode(code string) bool { return code == issue.CodeBusy || code == issue.CodeUnavailable }
