package mapping

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const (
	// DefaultBudget bounds one lookup, whatever fails: enough for another
	// continent's table over a new connection (three round trips of up to a
	// quarter of a second) and for a second region after that. A viewer who has
	// no answer by then is better told to try again.
	DefaultBudget = 2500 * time.Millisecond

	// maxPatience is how long a working region may take before the next one is
	// asked as well: three round trips to the farthest region.
	maxPatience = 800 * time.Millisecond

	// pause is how long a region that failed recently may take instead, and how
	// long the home region is left alone after a failure before it is asked again:
	// an immediate second call does not help a throttled table.
	pause = 50 * time.Millisecond

	// hold is how long a region that failed is asked only after the others.
	hold = 10 * time.Second
)

// Getter reads one region's table.
type Getter interface {
	// Get returns the item whose partition key is hash, or nil if the table has
	// none. The read is consistent within the region, so that no region serves a
	// mapping that the issuer saw gone from it. It does not retry: the Reader asks
	// another region.
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.ReadConsistency.html
	Get(ctx context.Context, hash string) (map[string]types.AttributeValue, error)
}

// Replica is the mapping table in one region.
type Replica struct {
	Region string
	Table  Getter
}

// Reader looks mappings up for the edge: in the nearest region first, in others
// when that one fails or is late. It may be used by many goroutines.
type Reader struct {
	// Home is the region that issues links. Only its table can say that a mapping
	// does not exist: a replica may be a moment behind.
	Home string
	// Replicas are the regions that hold the table, the nearest first. Home is
	// one of them.
	Replicas []Replica
	// Budget bounds one lookup.
	Budget time.Duration
	Now    func() time.Time
	// Failed is told, from any goroutine, when a region is put on hold and why.
	// The lookup itself may succeed elsewhere, and then does not report it.
	Failed func(region string, why error)

	mu     sync.Mutex
	failed map[string]time.Time // when a region last failed, was late or was probed
}

// Lookup returns the mapping of hash and the region that answered. It returns
// ErrNotFound only if the home region says so, ErrCorrupt for an item that is no
// mapping, and otherwise an error that gives each region's reason for having no
// answer. The mapping may have expired: see Mapping.Live.
//
// It returns within the budget even if a table ignores its context.
func (r *Reader) Lookup(ctx context.Context, hash string) (Mapping, string, error) {
	ctx, cancel := context.WithTimeout(ctx, r.Budget)
	defer cancel()
	l := lookup{reader: r, hash: hash, queue: r.plan(ctx, hash)}
	l.answers = make(chan answer, len(l.queue))
	l.next(ctx)
	// The timer fires when the next region is to be asked as well.
	l.turn = time.NewTimer(l.patience)
	defer l.turn.Stop()
	for {
		select {
		case a := <-l.answers:
			if l.heard(a) {
				return a.mapping, a.region, a.err
			}
			if len(l.queue) == 0 && len(l.silent) == 0 {
				return Mapping{}, "", l.gaveUp()
			}
		case <-l.turn.C:
			if len(l.queue) > 0 {
				r.late(l.silent)
				l.next(ctx)
				l.turn.Reset(l.patience)
			}
		case <-ctx.Done():
			r.late(l.silent)
			l.failures = append(l.failures, fmt.Errorf("no answer in time: %w", ctx.Err()))
			return Mapping{}, "", l.gaveUp()
		}
	}
}

// lookup is the state of one Lookup.
type lookup struct {
	reader   *Reader
	hash     string
	queue    []turn // regions yet to be asked
	answers  chan answer
	turn     *time.Timer
	patience time.Duration // of the region that was asked last
	silent   []string      // regions asked that have not answered
	failures []error
}

// turn is one region in the order of asking.
type turn struct {
	Replica
	patience time.Duration // how long it may be silent before the next one is asked as well
}

// answer is what one region came back with.
type answer struct {
	region  string
	mapping Mapping
	err     error // nil, ErrNotFound, ErrCorrupt or a failure
}

// alive reports whether the region answered, whatever the answer is.
func (a answer) alive() bool {
	return a.err == nil || errors.Is(a.err, ErrNotFound) || errors.Is(a.err, ErrCorrupt)
}

// next asks the first region of the queue.
//
// When another region wins, the slower call runs on until the budget ends:
// cancelling it would close its connection, and the next viewer would pay for a
// new one. Its answer is dropped.
func (l *lookup) next(ctx context.Context) {
	asked := l.queue[0]
	l.queue, l.patience = l.queue[1:], asked.patience
	l.silent = append(l.silent, asked.Region)
	r, hash, answers := l.reader, l.hash, l.answers
	deadline, _ := ctx.Deadline()
	ctx = context.WithoutCancel(ctx)
	go func() {
		ctx, cancel := context.WithDeadline(ctx, deadline)
		defer cancel()
		answers <- r.ask(ctx, asked.Replica, hash)
	}()
}

// heard records an answer and reports whether it decides the lookup.
func (l *lookup) heard(a answer) bool {
	i := slices.Index(l.silent, a.region)
	l.silent = slices.Delete(l.silent, i, i+1)
	home := l.reader.Home
	switch {
	case a.alive() && (!errors.Is(a.err, ErrNotFound) || a.region == home):
		l.reader.recovered(a.region)
		return true
	case !a.alive():
		l.reader.fail(a.region, a.err)
		l.failures = append(l.failures, fmt.Errorf("%s: %w", a.region, a.err))
		if len(l.queue) > 0 && l.queue[0].Region == a.region {
			l.turn.Reset(pause)
		} else {
			l.turn.Reset(0)
		}
	case !slices.Contains(l.silent, home):
		l.queue = homeFirst(l.queue, home)
		l.turn.Reset(0)
	}
	return false
}

func (l *lookup) gaveUp() error {
	return fmt.Errorf("reading the mapping: %w", errors.Join(l.failures...))
}

// ask reads one region.
func (r *Reader) ask(ctx context.Context, replica Replica, hash string) (a answer) {
	a.region = replica.Region
	defer func() { // on a goroutine of its own a panic would end the process
		if p := recover(); p != nil {
			a.mapping, a.err = Mapping{}, fmt.Errorf("panic: %v", p)
		}
	}()
	item, err := replica.Table.Get(ctx, hash)
	switch {
	case err != nil:
		a.err = err
	case item == nil:
		a.err = ErrNotFound
	default:
		a.mapping, a.err = FromItem(item)
		if a.err == nil && a.mapping.Hash != hash {
			a.mapping, a.err = Mapping{}, fmt.Errorf("%w: the item is another hash's", ErrCorrupt)
		}
	}
	return a
}

// homeFirst moves the home region to the front of the queue: a replica had
// nothing, and only home can say that there is nothing.
func homeFirst(queue []turn, home string) []turn {
	i := slices.IndexFunc(queue, func(t turn) bool { return t.Region == home })
	if i <= 0 {
		return queue
	}
	return slices.Concat(queue[i:i+1], queue[:i], queue[i+1:])
}
