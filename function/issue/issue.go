// Package issue makes links, finds out about them, and takes them back.
//
// The promises, which hold whoever asks and however many ask at once:
//
//   - An object has at most one current link for each audience. Asking again
//     returns it while it has enough life left.
//   - A hash stands for one object and never for another.
//   - Revoking an object kills every hash of it that was issued before, for
//     whatever audience, and has the CDN refuse them.
//   - Whatever was cut short, by a crash or a failing service, is healed by
//     asking for the same again.
//
// # How long a link lives
//
// A new link lives for the time asked for, or the Issuer's TTL. The current
// link is returned instead of a new one while it has at least RenewBefore left,
// or half of the time asked for if that is less. So a link that lives longer
// than was asked for is returned as it is: who needs it to die earlier revokes
// the object first. And since a new link lives more than twice as long as the
// one before it had left, an object has few live links for one audience: at most
// 22 within the longest life of 30 days.
//
// # Who may see a link
//
// A link of a service that asks its viewers for tickets is bound to one audience:
// the service, or what the caller names below it. The hash says so under its seal.
// The current link for an audience is the longest-lived one of the object that is
// bound to it, so nothing but the hashes is kept, and once a service asks for
// tickets, or no longer does, no call returns a link of the other kind.
package issue

import (
	"context"
	"time"

	"secure-media-cdn/function/mapping"
)

const (
	// MaxObjects is how many objects and hashes one call may name.
	MaxObjects = 100

	// MaxLinks is how many live links an object may have, for all audiences together. They are in one item of the table,
	// some 45 bytes each, which every new link writes anew; with 50 such objects a transaction stays below its 4 MB.
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
	MaxLinks = 1000

	// attempts bounds how often a change that lost a race is tried.
	attempts = 12

	// parallel bounds how many calls to one service run at once.
	parallel = 25
)

// Issuer issues and revokes links. All fields are required but those
// that say otherwise, Services, Variants and Unchecked; it may be used by many goroutines.
type Issuer struct {
	Store   mapping.Store
	Hashes  Hashes
	Objects Objects
	// Unchecked takes the caller's word for it that an object exists, which is
	// otherwise looked up before it gets its first link.
	Unchecked bool
	CDN       CDN
	// Tickets is required if a service asks its viewers for tickets.
	Tickets Tickets

	// Bucket is the only bucket whose objects get links.
	Bucket string
	// BaseURL is the CDN's address, without a trailing slash.
	BaseURL  string
	Services Services
	// Variants are the names of the pictures' variants.
	Variants []string
	// TTL is the life of a link when none is asked for, and the longest one.
	TTL time.Duration
	// RenewBefore is how much life a link must have left to be given out again.
	RenewBefore time.Duration
	// TicketTTL is the life of a ticket when none is asked for, and the longest one.
	TicketTTL time.Duration
	// CookieDomain is the domain of the cookie with a ticket, or empty for no cookie.
	CookieDomain string

	// scope has the services of Within; nil is every service.
	scope map[string]bool

	Now func() time.Time
	// Pause waits before another try; Sleep does.
	Pause func(ctx context.Context, d time.Duration) error
}

// Hashes makes hashes and knows its own.
type Hashes interface {
	// New returns a fresh hash for a link that lives until expiresAt and is bound to the audience; without one, whoever
	// holds the link may see the object.
	New(ctx context.Context, expiresAt time.Time, audience string) (string, error)
	// Accepts reports whether the gate takes the hash for one of ours, and for one that is bound to the audience. It no
	// longer does once the key that sealed the hash is retired.
	Accepts(ctx context.Context, hash, audience string) (bool, error)
}

// Objects looks into the bucket.
type Objects interface {
	// Look returns what the bucket has of the object now.
	Look(ctx context.Context, object mapping.Object) (Sight, error)
}

// Sight is an object as the bucket has it at one moment.
type Sight struct {
	// Content tells the object's content from that of any other time, or is empty if there is no such object.
	Content string
	// Deletion tells how a missing object was deleted from any other time that it was, or is empty if the bucket
	// does not know.
	Deletion string
}

// CDN is what serves links, and keeps copies.
type CDN interface {
	// Revoke returns once the hashes, whose mappings are gone and would have
	// expired at the times given, will be refused, also where copies are kept. It
	// may be called again for the same hashes.
	Revoke(ctx context.Context, hashes map[string]time.Time) error
	// Forget drops the copies that are kept of hashes, which stay good: their objects were replaced. reference names
	// this piece of work: doing the same again costs nothing.
	Forget(ctx context.Context, hashes []string, reference string) error
	// Withdraw drops the copies at the plain paths of public objects that were deleted. It is told the Sight.Deletion
	// of each: withdrawing the same deletions again costs nothing. Without it each call counts, since the objects may
	// have been there again in between.
	Withdraw(ctx context.Context, deletions map[string]string) error
}

// Sleep waits for d, or returns the context's error.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Link is the answer for one object: where to get it, or Err.
type Link struct {
	// Object is the object as the caller wrote it.
	Object string
	// URL is the whole link.
	URL string
	// Download is the address at which browsers save the object as a file, and Variants are the addresses of the object
	// in other sizes, by the variants' names. A public service's object has neither.
	Download string
	Variants map[string]string
	// Hash is empty for a public service's object, as are the times.
	Hash      string
	ExpiresAt time.Time
	// Service is the service that the object belongs to, or empty.
	Service string
	// Audience is the audience that the link is bound to, or empty.
	Audience string
	// New says that the link was made by this call.
	New bool
	Err *Error
}

// Terms are what the links of one call have in common.
type Terms struct {
	// TTL is the life of a new link in whole seconds, 0 for the Issuer's TTL.
	TTL time.Duration
	// Audience is the audience that the links are bound to: the name of a service that asks its viewers for tickets, or
	// that, a slash and a name below it. All objects must then be the service's. Empty binds each object's link to its
	// own service, if that asks for tickets.
	Audience string
}

// wanted is one distinct object to issue a link for.
type wanted struct {
	object   mapping.Object
	service  string
	access   Access
	audience string // that its link is bound to
	content  string // that the bucket has, if anybody looked
	link     Link
}

// Issue returns a link for each of the objects, in their order; an object named
// twice gets the same link twice. The error, an *Error, is about the call as a
// whole, and then nothing was done; what is wrong with one object is in its Link.
func (i *Issuer) Issue(ctx context.Context, objects []string, terms Terms) ([]Link, error) {
	if err := checkCount(len(objects)); err != nil {
		return nil, err
	}
	ttl, err := i.life(terms.TTL)
	if err != nil {
		return nil, err
	}
	if terms.Audience != "" {
		if err := i.checkAudience(terms.Audience); err != nil {
			return nil, err.At("audience")
		}
	}
	links := make([]Link, len(objects))
	byObject := map[mapping.Object]*wanted{}
	var distinct []*wanted
	for n, text := range objects {
		w, err := i.parse(text)
		if err == nil {
			err = w.bind(terms.Audience)
		}
		if err != nil {
			links[n].Err = err
		} else if byObject[w.object] == nil {
			byObject[w.object] = w
			distinct = append(distinct, w)
		}
	}
	i.publish(ctx, keep(distinct, func(w *wanted) bool { return w.access == Public }))
	i.issue(ctx, keep(distinct, func(w *wanted) bool { return w.access != Public }), ttl)
	for n, text := range objects {
		if object, err := mapping.ParseObject(text); err == nil && byObject[object] != nil {
			links[n] = byObject[object].link
			links[n].Service, links[n].Audience = byObject[object].service, byObject[object].audience
		}
		links[n].Object = text
	}
	return links, nil
}

// life returns the life of a new link, or why it cannot be that long.
func (i *Issuer) life(ttl time.Duration) (time.Duration, error) {
	switch {
	case ttl == 0:
		return i.TTL, nil
	case ttl < time.Second || ttl > i.TTL:
		return 0, problem(CodeBadTTL, "a link lives for 1 to %d seconds", int64(i.TTL/time.Second)).At("ttlSeconds")
	}
	return ttl, nil
}

// publish gives public objects their plain address.
func (i *Issuer) publish(ctx context.Context, public []*wanted) {
	for _, w := range i.existing(ctx, public) {
		w.link.URL = i.BaseURL + w.object.PublicPath()
	}
}

// existing returns those of the wanted objects that are in the bucket; the
// others get their error.
func (i *Issuer) existing(ctx context.Context, all []*wanted) []*wanted {
	if i.Unchecked {
		return all
	}
	forEach(len(all), func(n int) {
		w := all[n]
		sight, err := i.Objects.Look(ctx, w.object)
		w.content = sight.Content
		switch {
		case err != nil:
			w.link.Err = unavailable("looking for the object failed; try again", err)
		case sight.Content == "":
			w.link.Err = problem(CodeObjectNotFound, "the bucket has no such object: upload it before asking for its link")
		}
	})
	return keep(all, func(w *wanted) bool { return w.link.Err == nil })
}
