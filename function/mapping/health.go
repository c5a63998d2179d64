package mapping

import (
	"context"
	"errors"
	"slices"
	"time"
)

// plan returns the regions in the order in which to ask them: those that work,
// the nearest first; then those that failed recently; then the home region
// once more, since its answer is final and a throttled table may answer in a
// moment.
//
// A region whose hold is over is probed beside this lookup, not by it, so that
// no viewer waits to find out that it is still down.
func (r *Reader) plan(ctx context.Context, hash string) []turn {
	patience := min(maxPatience, r.Budget/time.Duration(len(r.Replicas)+2))
	r.mu.Lock()
	defer r.mu.Unlock()
	working := make([]turn, 0, len(r.Replicas)+1)
	var doubtful, again []turn
	for _, replica := range r.Replicas {
		if replica.Region == r.Home {
			again = []turn{{replica, patience}}
		}
		at, failed := r.failed[replica.Region]
		if !failed {
			working = append(working, turn{replica, patience})
			continue
		}
		doubtful = append(doubtful, turn{replica, pause})
		if now := r.Now(); now.Sub(at) >= hold {
			r.failed[replica.Region] = now // one probe at a time
			go r.probe(context.WithoutCancel(ctx), replica, hash, patience)
		}
	}
	queue := slices.Concat(working, doubtful, again)
	if last := len(queue) - 2; last >= 0 && queue[last].Region == r.Home {
		queue[last].patience = patience // no other region is kept waiting
	}
	return queue
}

// probe asks a region that failed, and ends its hold if it answers in the time
// that a lookup would have given it: to a viewer, a slow region is no better than
// one that is down. A probe that Lambda froze meanwhile does not count either,
// but the connection that it opened stays for the next one.
func (r *Reader) probe(ctx context.Context, replica Replica, hash string, patience time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, r.Budget)
	defer cancel()
	start := r.Now()
	if a := r.ask(ctx, replica, hash); a.alive() && r.Now().Sub(start) <= patience {
		r.recovered(replica.Region)
	}
}

func (r *Reader) recovered(region string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.failed, region)
}

// errLate says that a region took too long. It may still answer.
var errLate = errors.New("no answer in time")

// late puts the regions on hold that have not answered.
func (r *Reader) late(regions []string) {
	for _, region := range regions {
		r.fail(region, errLate)
	}
}

// fail puts a region on hold, if it is not already.
func (r *Reader) fail(region string, why error) {
	r.mu.Lock()
	_, known := r.failed[region]
	if r.failed == nil {
		r.failed = map[string]time.Time{}
	}
	if !known {
		r.failed[region] = r.Now()
	}
	r.mu.Unlock()
	if !known {
		r.Failed(region, why)
	}
}
