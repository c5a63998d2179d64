package issue

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/seal"
)

// A revoked hash takes two writes beside the record's.
const revokedPerTransaction = (mapping.MaxWrites - 1) / 2

// Outcome is the answer for one object or hash to revoke.
type Outcome struct {
	// Object is the object as the caller wrote it, or the one the hash stood for.
	Object string
	// Hash is what the caller named, or empty if it named the object.
	Hash string
	// Hashes are the hashes that are dead and forgotten, in order. An object
	// without a live link has none.
	Hashes []string
	// Withdrawn says that the CDN has dropped the deleted public object; it is
	// Withdraw that does.
	Withdrawn bool
	Err       *Error
}

// victim is one object that loses hashes.
type victim struct {
	object mapping.Object
	whole  bool                 // all of the object's hashes
	hashes map[string]time.Time // else, or also, these
	gone   map[string]time.Time // hashes without a mapping that the CDN may still serve
	err    *Error
}

// Revoke takes back every link of the objects, and the links of the hashes.
// Outcomes come in the order of the call, objects first. The error, an *Error,
// is about the call as a whole, and then nothing was done.
//
// First the mappings go, in one transaction with the note that the CDN has yet
// to be told of them; then the CDN is told; then the note goes. Cut short at any
// point, the same call again finds the note and goes on from there, whether it
// names the object or the hash.
func (i *Issuer) Revoke(ctx context.Context, objects, hashes []string) ([]Outcome, error) {
	if err := checkCount(len(objects) + len(hashes)); err != nil {
		return nil, err
	}
	outcomes := make([]Outcome, len(objects)+len(hashes))
	found := make([]*mapping.Mapping, len(outcomes))
	forEach(len(outcomes), func(n int) {
		if n < len(objects) {
			outcomes[n].Object = objects[n]
			object, err := i.inBucket(objects[n])
			if err == nil {
				err = i.permit(object)
			}
			found[n], outcomes[n].Err = &mapping.Mapping{Object: object}, err
		} else {
			outcomes[n].Hash = hashes[n-len(objects)]
			found[n], outcomes[n].Err = i.trace(ctx, outcomes[n].Hash)
		}
	})
	victims := map[mapping.Object]*victim{}
	for n, m := range found {
		if outcomes[n].Err != nil {
			continue
		}
		v := victims[m.Object]
		if v == nil {
			v = &victim{object: m.Object, hashes: map[string]time.Time{}}
			victims[m.Object] = v
		}
		if m.Hash == "" {
			v.whole = true
		} else if m.Live(i.Now()) {
			v.hashes[m.Hash] = m.ExpiresAt
		}
	}
	i.revoke(ctx, slices.Collect(maps.Values(victims)))
	for n, m := range found {
		if outcomes[n].Err == nil {
			i.conclude(&outcomes[n], *m, victims[m.Object])
		}
	}
	return outcomes, nil
}

// trace returns what the hash stands for, or stood for until it was revoked;
// then without an expiry, since no mapping is left to be deleted.
func (i *Issuer) trace(ctx context.Context, hash string) (*mapping.Mapping, *Error) {
	if !seal.IsHash(hash) {
		return nil, badHash()
	}
	m, err := i.Store.Get(ctx, hash)
	var gone *mapping.RevokedError
	if errors.As(err, &gone) && i.permit(gone.Object) == nil {
		return &mapping.Mapping{Hash: hash, Object: gone.Object}, nil
	}
	if err != nil {
		return nil, AsError(lookupError(err))
	}
	if i.permit(m.Object) != nil {
		return nil, lookupError(mapping.ErrNotFound)
	}
	return &m, nil
}

// conclude fills in the outcome of naming m, whose object is v's.
func (i *Issuer) conclude(o *Outcome, m mapping.Mapping, v *victim) {
	o.Object, o.Err = m.Object.String(), v.err
	switch {
	case o.Err != nil:
	case m.Hash != "":
		o.Hashes = []string{m.Hash}
	default:
		o.Hashes = slices.Sorted(maps.Keys(v.gone))
		if w, err := i.parse(o.Object); err == nil && w.access == Public && len(o.Hashes) == 0 {
			o.Err = problem(CodePublicObject,
				"anybody may fetch the objects of a public service: delete the object first, then revoke it to withdraw its copies")
		}
	}
}

// Withdraw has the CDN drop the public objects among the outcomes of Revoke
// that were deleted, and says so in the outcomes. One that is still there is
// left as it is, since the next viewer would fetch it again.
func (i *Issuer) Withdraw(ctx context.Context, outcomes []Outcome) {
	paths, deletions := make([]string, len(outcomes)), make([]string, len(outcomes)) // of those that are gone
	forEach(len(outcomes), func(n int) {
		o := &outcomes[n]
		w, wrong := i.parse(o.Object)
		failed := o.Err != nil && o.Err.Code != CodePublicObject
		if o.Hash != "" || failed || wrong != nil || w.access != Public {
			return
		}
		sight, err := i.Objects.Look(ctx, w.object)
		switch {
		case err != nil:
			o.Err = unavailable("looking for the object failed; try again", err)
		case sight.Content == "":
			paths[n], deletions[n] = w.object.InvalidationPath(), sight.Deletion
		}
	})
	distinct := map[string]string{}
	for n, path := range paths {
		if path != "" {
			distinct[path] = deletions[n]
		}
	}
	if len(distinct) == 0 {
		return
	}
	err := i.CDN.Withdraw(ctx, distinct)
	for n := range outcomes {
		o := &outcomes[n]
		switch {
		case paths[n] == "":
		case err != nil:
			o.Err = unavailable("the object is deleted, but copies of it may still be served: try again", err)
		default:
			o.Withdrawn, o.Err = true, nil
		}
	}
}

// revoke takes the hashes of all victims, and tells the CDN once.
func (i *Issuer) revoke(ctx context.Context, victims []*victim) {
	forEach(len(victims), func(n int) { victims[n].err = i.unmap(ctx, victims[n]) })
	gone := map[string]time.Time{}
	for _, v := range victims {
		maps.Copy(gone, v.gone)
	}
	if len(gone) == 0 {
		return
	}
	if err := i.CDN.Revoke(ctx, gone); err != nil {
		failure := unavailable("the links are revoked, but copies of the content may still be served: try again", err)
		for _, v := range victims {
			if len(v.gone) > 0 {
				v.err = failure
			}
		}
		return
	}
	forEach(len(victims), func(n int) {
		if v := victims[n]; v.err == nil && len(v.gone) > 0 {
			v.err = i.finish(ctx, v)
		}
	})
}

// unmap deletes the mappings of the victim's hashes and notes what the CDN has
// yet to forget of its object, which includes what earlier calls did not finish.
// A link that is issued after the first transaction survives: else, with many
// asking, there would be no end.
func (i *Issuer) unmap(ctx context.Context, v *victim) *Error {
	scope, taken := v.hashes, map[string]time.Time{}
	v.gone = map[string]time.Time{}
	err := i.change(ctx, v.object, func(r mapping.Record, made int) (mapping.Change, progress) {
		if made > 0 {
			maps.Copy(v.gone, taken)
		} else if v.whole {
			scope = maps.Clone(v.hashes)
			maps.Copy(scope, r.Hashes)
		}
		maps.Copy(v.gone, r.Revoked)
		chosen := v.choose(scope, r)
		c := mapping.Change{Record: r}
		clear(taken)
		for _, hash := range chosen[:min(len(chosen), revokedPerTransaction)] {
			c.Revoke = append(c.Revoke, mapping.Revocation{
				Hash: hash, Object: r.Object, ExpiresAt: scope[hash], RevokedAt: i.Now().Truncate(time.Second),
			})
			taken[hash] = scope[hash]
			delete(c.Record.Hashes, hash)
			c.Record.Revoked[hash] = scope[hash]
		}
		return c, progressOf(len(chosen), len(c.Revoke))
	})
	if err == nil {
		maps.Copy(v.gone, taken)
	}
	return err
}

// choose returns the hashes of scope that still have a mapping. The longest-lived
// come first, so that hardly anybody is given a link that dies in a later transaction.
func (v *victim) choose(scope map[string]time.Time, r mapping.Record) []string {
	return keep(longestLivedFirst(scope), func(hash string) bool {
		_, named := v.hashes[hash] // its mapping was seen, whatever the record says
		_, lives := r.Hashes[hash]
		_, done := r.Revoked[hash]
		return (named || lives) && !done
	})
}

// finish takes back the note that the CDN had yet to be told of v.gone.
func (i *Issuer) finish(ctx context.Context, v *victim) *Error {
	return i.change(ctx, v.object, func(r mapping.Record, _ int) (mapping.Change, progress) {
		before := len(r.Revoked)
		for hash := range v.gone {
			delete(r.Revoked, hash)
		}
		return mapping.Change{Record: r}, progressOf(before-len(r.Revoked), before)
	})
}
