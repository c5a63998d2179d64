package issue

import "secure-media-cdn/function/mapping"

// Within returns the issuer for a caller who may handle the named services only. Objects of other services are
// refused with CodeForbidden before anything is looked up. Hashes of other services are answered as hashes that never
// were, so that nobody learns whether a link of theirs exists.
func (i *Issuer) Within(services []string) *Issuer {
	limited := *i
	limited.scope = map[string]bool{}
	for _, name := range services {
		limited.scope[name] = true
	}
	return &limited
}

// permit says why the caller may not handle the object, or nothing.
func (i *Issuer) permit(o mapping.Object) *Error { return i.permitService(serviceOf(o.Key)) }

// permitService says why the caller may not handle what is the service's, or nothing.
func (i *Issuer) permitService(service string) *Error {
	if i.scope == nil || i.scope[service] {
		return nil
	}
	return problem(CodeForbidden,
		"you may do nothing for the service %.64q: the stack's issuerPrincipals does not name you for it", service)
}
