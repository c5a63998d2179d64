package issue

import (
	"strings"

	"secure-media-cdn/function/seal"
)

// checkAudience says why links and tickets cannot be bound to the audience, or nothing: its service must ask for
// tickets, and the caller must be named for it.
func (i *Issuer) checkAudience(name string) *Error {
	if err := seal.CheckAudience(name); err != nil {
		return problem(CodeBadAudience, "%s", err)
	}
	service := serviceOf(name)
	access, known := i.Services[service]
	switch {
	case !known:
		return problem(CodeBadAudience, "there is no service %.64q: an audience is a service's name, or begins with it and "+
			"a slash", service)
	case access != ByTicket:
		return problem(CodeBadAudience, "the service %.64q does not ask its viewers for tickets: set viewers: ticket for it "+
			"in the stack's services, or leave the audience out", service)
	}
	return i.permitService(service)
}

// serviceOf returns the service of an audience or of a key below it.
func serviceOf(name string) string {
	service, _, _ := strings.Cut(name, "/")
	return service
}

// bind says whom the wanted link is for: the audience that the caller named, or the object's service.
func (w *wanted) bind(audience string) *Error {
	switch {
	case audience == "" && w.access == ByTicket:
		w.audience = w.service
	case audience != "" && serviceOf(audience) != w.service:
		return problem(CodeBadAudience, "the audience %.200q is of another service than the object", audience)
	default:
		w.audience = audience
	}
	return nil
}
