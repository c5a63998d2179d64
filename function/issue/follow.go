package issue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"secure-media-cdn/function/mapping"
)

// Followed says what Follow did.
type Followed struct {
	Revoked   int // hashes of objects that are gone
	Forgotten int // hashes of objects that were replaced
}

// seen is one distinct object that something happened to.
type seen struct {
	record   mapping.Record // as it was when the object was looked at
	sight    Sight
	replaced bool
	victim   victim
	err      *Error
}

// Follow brings the links of objects in line with the bucket, after something happened to the objects. It looks at
// each object as it is now, whatever happened and in whatever order: the links of an object that is gone are revoked,
// and of one whose content is another than caches may hold, the copies are dropped. It costs one read of the table for
// a hundred objects, and a look at the bucket for each one that has links.
//
// The errors are those of the objects, in their order.
func (i *Issuer) Follow(ctx context.Context, objects []mapping.Object) ([]*Error, Followed) {
	byObject := map[mapping.Object]*seen{}
	var distinct []mapping.Object
	for _, o := range objects {
		if byObject[o] == nil {
			byObject[o] = &seen{}
			distinct = append(distinct, o)
		}
	}
	var done Followed
	for chunk := range slices.Chunk(distinct, MaxObjects) {
		all := make([]*seen, len(chunk))
		for n, o := range chunk {
			all[n] = byObject[o]
		}
		i.follow(ctx, chunk, all, &done)
	}
	errs := make([]*Error, len(objects))
	for n, o := range objects {
		errs[n] = byObject[o].err
	}
	return errs, done
}

// follow looks at up to a hundred objects and does what is to be done about all of them together.
func (i *Issuer) follow(ctx context.Context, objects []mapping.Object, all []*seen, done *Followed) {
	records, err := i.Store.Records(ctx, objects)
	if err != nil {
		for _, s := range all {
			s.err = unavailable("the mapping table did not answer; try again", err)
		}
		return
	}
	for n, s := range all {
		s.record = records[n]
		s.record.Prune(i.Now())
	}
	known := keep(all, func(s *seen) bool { return !s.record.Empty() })
	forEach(len(known), func(n int) { known[n].look(ctx, i.Objects) })
	var victims []*victim
	for _, s := range known {
		// What an earlier call left undone is finished, also if the object is there again.
		if s.err == nil && (s.sight.Content == "" || len(s.record.Revoked) > 0) {
			s.victim = victim{object: s.record.Object, whole: s.sight.Content == "", hashes: map[string]time.Time{}}
			victims = append(victims, &s.victim)
		}
	}
	i.revoke(ctx, victims)
	for _, s := range known {
		if s.victim.err != nil {
			s.err = s.victim.err
		} else {
			done.Revoked += len(s.victim.gone)
		}
	}
	i.forget(ctx, keep(known, func(s *seen) bool { return s.err == nil && s.replaced }), done)
}

// look compares the bucket with what caches may hold. While that is not known, anything may have been replaced.
func (s *seen) look(ctx context.Context, objects Objects) {
	sight, err := objects.Look(ctx, s.record.Object)
	if err != nil {
		s.err = unavailable("looking for the object failed; try again", err)
		return
	}
	s.sight = sight
	s.replaced = sight.Content != "" && len(s.record.Hashes) > 0 && sight.Content != s.record.Content
}

// forget has the CDN drop the copies of replaced objects, and then notes what caches may hold from now on. The
// records' versions are in the reference: the same work has the same reference until it is noted as done.
func (i *Issuer) forget(ctx context.Context, replaced []*seen, done *Followed) {
	if len(replaced) == 0 {
		return
	}
	var hashes, work []string
	for _, s := range replaced {
		for hash := range s.record.Hashes {
			hashes = append(hashes, hash)
		}
		work = append(work, fmt.Sprintf("%q %d %q\n", s.record.Object.String(), s.record.Version, s.sight.Content))
	}
	slices.Sort(hashes)
	slices.Sort(work)
	sum := sha256.Sum256([]byte(fmt.Sprint(work)))
	if err := i.CDN.Forget(ctx, hashes, hex.EncodeToString(sum[:])); err != nil {
		for _, s := range replaced {
			s.err = unavailable("copies of the replaced object may still be served: try again", err)
		}
		return
	}
	done.Forgotten += len(hashes)
	forEach(len(replaced), func(n int) {
		s := replaced[n]
		s.err = i.change(ctx, s.record.Object, func(r mapping.Record, _ int) (mapping.Change, progress) {
			// Somebody else may have looked, and dropped copies, later than this.
			if len(r.Hashes) == 0 || r.Content != s.record.Content {
				return mapping.Change{}, nothing
			}
			r.Content = s.sight.Content
			return mapping.Change{Record: r}, lastStep
		})
	})
}
