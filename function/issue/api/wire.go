// Package api is the issuer's JSON over HTTP: the types that are sent, and the http.Handler that answers with
// package issue. openapi.yaml describes it for other languages; package client calls it from Go.
package api

import "time"

// The API's paths; a hash may follow LinksPath and a slash, and a session follow ViewersPath and a slash.
const (
	LinksPath       = "/links"
	RevocationsPath = "/revocations"
	ViewersPath     = "/viewers"
)

// IssueRequest is the body of POST /links.
type IssueRequest struct {
	Objects []string `json:"objects"`
	// TTLSeconds is the life of a new link, 0 for the longest that the stack allows.
	TTLSeconds int64 `json:"ttlSeconds,omitempty"`
	// Audience binds the links to one audience: a service that asks its viewers for tickets, or that, a slash and a name
	// below it. Without it each link of such a service is bound to the service.
	Audience string `json:"audience,omitempty"`
}

// IssueAnswer answers POST /links: a link for each object, in the request's order. The status is 200 if there is one
// good link; otherwise it is that of the first problem, which is repeated in Error.
type IssueAnswer struct {
	Links []Link   `json:"links"`
	Error *Problem `json:"error,omitempty"`
}

// Link is one object's link, or the problem with it.
type Link struct {
	Object string `json:"object"`
	URL    string `json:"url,omitempty"`
	// Download is the address at which browsers save the object as a file, and Variants are those of the object in other
	// sizes, by the names that the stack's output imageVariants describes. A public service's object has neither.
	Download string            `json:"download,omitempty"`
	Variants map[string]string `json:"variants,omitempty"`
	// Hash and ExpiresAt are missing for a public service's object, whose URL never expires.
	Hash      string     `json:"hash,omitempty"`
	ExpiresAt *time.Time `json:"expiresAt,omitempty"`
	Service   string     `json:"service,omitempty"`
	// Audience is the audience that the link is bound to, or empty if it shows the object to whoever holds it.
	Audience string   `json:"audience,omitempty"`
	Error    *Problem `json:"error,omitempty"`
}

// Shown answers GET /links/{hash}.
type Shown struct {
	Hash string `json:"hash"`
	URL  string `json:"url"`
	// Download and Variants are as in a Link.
	Download string            `json:"download"`
	Variants map[string]string `json:"variants,omitempty"`
	Object   string            `json:"object"`
	// State is live, expired, revoked or retired.
	State   string `json:"state"`
	Service string `json:"service,omitempty"`
	// Audience is as in a Link. Like CreatedAt and Service it is missing once the link is revoked.
	Audience  string     `json:"audience,omitempty"`
	CreatedAt *time.Time `json:"createdAt,omitempty"`
	ExpiresAt time.Time  `json:"expiresAt"`
	RevokedAt *time.Time `json:"revokedAt,omitempty"`
}

// RevokeRequest is the body of POST /revocations.
type RevokeRequest struct {
	Objects []string `json:"objects,omitempty"`
	Hashes  []string `json:"hashes,omitempty"`
}

// RevokeAnswer answers POST /revocations: objects first, then hashes, in the request's order. The status is 200 only if
// nothing failed; otherwise it is the highest of the problems' statuses, and that problem is repeated in Error. The
// same request again then finishes what it can.
type RevokeAnswer struct {
	Revocations []Revocation `json:"revocations"`
	Error       *Problem     `json:"error,omitempty"`
}

// Revocation is the result for one object or hash. It also answers DELETE /links/{hash}.
type Revocation struct {
	Object string `json:"object,omitempty"`
	Hash   string `json:"hash,omitempty"`
	// Revoked are the hashes that are no longer served, from caches neither.
	Revoked []string `json:"revoked"`
	// Withdrawn says that the object was public and is deleted, and that CloudFront's copies are dropped.
	Withdrawn bool     `json:"withdrawn,omitempty"`
	Error     *Problem `json:"error,omitempty"`
}

// TicketRequest is the body of POST /viewers.
type TicketRequest struct {
	// Viewer is whatever the caller knows the viewer by. It is logged as a pseudonym only.
	Viewer string `json:"viewer"`
	// Audiences are those that the viewer is a member of: 1 to 32 names of services that ask for tickets, or of what is
	// below them.
	Audiences []string `json:"audiences"`
	// TTLSeconds is the life of the ticket, 0 for the longest that the stack allows.
	TTLSeconds int64 `json:"ttlSeconds,omitempty"`
}

// Ticket answers POST /viewers.
type Ticket struct {
	// Ticket goes into the header Authorization, as a bearer token, or into the query parameter ticket.
	Ticket string `json:"ticket"`
	// Cookie is the value of a Set-Cookie header, to be sent to the viewer as it is. It is missing if the stack has no
	// domain for cookies.
	Cookie string `json:"cookie,omitempty"`
	// Session is for DELETE /viewers/{session}, which ends the ticket before its time.
	Session   string    `json:"session"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// Problem is what went wrong: a code for programs (issue.Code…), a sentence for people, and the place in the request,
// such as objects[3], if there is one.
type Problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Field   string `json:"field,omitempty"`
}

// Failure is the answer to a call that went wrong as a whole.
type Failure struct {
	Error Problem `json:"error"`
}
