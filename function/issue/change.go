package issue

import (
	"context"
	"errors"
	"maps"
	"time"

	"secure-media-cdn/function/mapping"
)

// progress is what a step of change has to do.
type progress int

const (
	nothing  progress = iota // no change is needed
	lastStep                 // the change, and that is all
	moreToDo                 // the change, and then look again
)

// progressOf compares what there is to do with what a step does.
func progressOf(wanted, doing int) progress {
	switch {
	case wanted == 0:
		return nothing
	case wanted <= doing:
		return lastStep
	default:
		return moreToDo
	}
}

// change makes the changes that next derives from the object's record, one
// after the other. next is told how many were made.
func (i *Issuer) change(ctx context.Context, object mapping.Object,
	next func(r mapping.Record, made int) (mapping.Change, progress)) *Error {
	for made, lost := 0, 0; lost < attempts; {
		records, err := i.Store.Records(ctx, []mapping.Object{object})
		if err != nil {
			return unavailable("the mapping table did not answer; try again", err)
		}
		r := records[0]
		r.Hashes, r.Revoked = cloned(r.Hashes), cloned(r.Revoked)
		r.Prune(i.Now())
		c, step := next(r, made)
		if step == nothing {
			return nil
		}
		err = i.Store.Apply(ctx, c)
		switch {
		case err == nil && step == lastStep:
			return nil
		case err == nil:
			made++
		case errors.Is(err, mapping.ErrConflict):
			lost++
			if err := i.Pause(ctx, backoff(lost)); err != nil {
				return unavailable("the change was cut short; try again", err)
			}
		default:
			return unavailable("the change could not be stored; try again", err)
		}
	}
	return busy()
}

// cloned is maps.Clone with an empty map for nil, to be written to.
func cloned(m map[string]time.Time) map[string]time.Time {
	if m == nil {
		return map[string]time.Time{}
	}
	return maps.Clone(m)
}
