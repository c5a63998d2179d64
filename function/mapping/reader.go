package mapping

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const (
	// DefaultBudget bounds one lookup, whatever fails: enough for another
	// continent's table over a new connection (three round trips of up to a
	// quarter of a second) and for a second region after that. A viewer who has
	// no answer by then is better told to try again.
	DefaultBudget = 2500 * time.Millisecond

	// maxPatience is how long a region may be silent, at the most, before the
	// next one is asked as well.
	maxPatience = 800 * time.Millisecond

	// hold is for how long a region that failed is asked only after the others.
	hold = 10 * time.Second
)

// Getter is the one call that a Reader makes; *dynamodb.Client has it. It does
// not retry: the Reader does, elsewhere.
type Getter interface {
	GetItem(ctx context.Context, in *dynamodb.GetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
}

// Replica is the mapping table in one region.
type Replica struct {
	Region string
	Table  Getter
}

// Reader looks mappings up for the edge: in the nearest region first, in others
// when that one fails or is late. It may be used by many goroutines.
type Reader struct {
	// Table is the table's name, the same in every region.
	Table string
	// Home is the region that issues links. What it does not have does not
	// exist; a replica may be a moment behind.
	Home string
	// Replicas are the regions that hold the table, the nearest first. Home is
	// one of them.
	Replicas []Replica
	// Budget bounds one lookup.
	Budget time.Duration
	Now    func() time.Time

	mu     sync.Mutex
	failed map[string]time.Time // when a region last failed, was late or was probed
}

// Lookup returns the mapping of hash and the region that answered. It returns
// ErrNotFound only on the word of the home region, ErrCorrupt for an item that
// is no mapping, and otherwise, within the budget, an error that says of each
// region why it had no answer. The mapping may be dead: see Mapping.Live.
func (r *Reader) Lookup(ctx context.Context, hash string) (Mapping, string, error) {
	ctx, cancel := context.WithTimeout(ctx, r.Budget)
	defer cancel()
	queue := r.plan(ctx, hash)
	patience := min(maxPatience, r.Budget/time.Duration(len(queue)+1))
	l := lookup{answers: make(chan answer, len(queue))}
	turn := time.NewTimer(0) // fires when the next region is to be asked
	defer turn.Stop()
	for {
		select {
		case <-turn.C:
			if len(queue) == 0 {
				continue
			}
			r.fail(l.silent...)
			replica := queue[0]
			queue = queue[1:]
			l.silent = append(l.silent, replica.Region)
			go func() { l.answers <- r.ask(ctx, replica, hash) }()
			turn.Reset(patience)
		case a := <-l.answers:
			l.heard(a.region)
			switch {
			case a.err == nil || errors.Is(a.err, ErrCorrupt) || errors.Is(a.err, ErrNotFound) && a.region == r.Home:
				r.recovered(a.region)
				return a.mapping, a.region, a.err
			case !errors.Is(a.err, ErrNotFound):
				r.fail(a.region)
				l.failures = append(l.failures, fmt.Errorf("%s: %w", a.region, a.err))
				turn.Reset(0)
			case !slices.Contains(l.silent, r.Home):
				queue = homeFirst(queue, r.Home)
				turn.Reset(0)
			}
			if len(queue) == 0 && len(l.silent) == 0 {
				return Mapping{}, "", l.gaveUp()
			}
		case <-ctx.Done():
			r.fail(l.silent...)
			l.failures = append(l.failures, fmt.Errorf("no answer in time: %w", ctx.Err()))
			return Mapping{}, "", l.gaveUp()
		}
	}
}

// lookup is the state of one Lookup.
type lookup struct {
	answers  chan answer
	silent   []string // regions asked that have not answered
	failures []error
}

// answer is what one region came back with.
type answer struct {
	region  string
	mapping Mapping
	err     error // nil, ErrNotFound, ErrCorrupt or a failure
}

func (l *lookup) heard(region string) {
	if i := slices.Index(l.silent, region); i >= 0 {
		l.silent = slices.Delete(l.silent, i, i+1)
	}
}

func (l *lookup) gaveUp() error {
	return fmt.Errorf("reading the mapping: %w", errors.Join(l.failures...))
}

// ask reads one region. The read is consistent there, so that a mapping which
// the issuer saw gone from every region is served by none.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.ReadConsistency.html
func (r *Reader) ask(ctx context.Context, replica Replica, hash string) answer {
	a := answer{region: replica.Region}
	out, err := replica.Table.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      aws.String(r.Table),
		Key:            map[string]types.AttributeValue{attrHash: &types.AttributeValueMemberS{Value: hash}},
		ConsistentRead: aws.Bool(true),
	})
	switch {
	case err != nil:
		a.err = err
	case out.Item == nil:
		a.err = ErrNotFound
	default:
		a.mapping, a.err = FromItem(out.Item)
		if a.err == nil && a.mapping.Hash != hash {
			a.mapping, a.err = Mapping{}, fmt.Errorf("%w: the item is another hash's", ErrCorrupt)
		}
	}
	return a
}

// plan returns the regions in the order in which to ask them: those that work,
// the nearest first; then those that failed of late; then the home region once
// more, since its word is final and its first connection may merely have died
// while the process was frozen.
//
// A region whose hold is over is probed beside this lookup, not by it, so that
// no viewer waits to find out that it is still dead.
func (r *Reader) plan(ctx context.Context, hash string) []Replica {
	r.mu.Lock()
	defer r.mu.Unlock()
	var working, doubtful, again []Replica
	for _, replica := range r.Replicas {
		if replica.Region == r.Home {
			again = []Replica{replica}
		}
		at, failed := r.failed[replica.Region]
		if !failed {
			working = append(working, replica)
			continue
		}
		doubtful = append(doubtful, replica)
		if now := r.Now(); now.Sub(at) >= hold {
			r.failed[replica.Region] = now // one probe at a time
			go r.probe(context.WithoutCancel(ctx), replica, hash)
		}
	}
	return slices.Concat(working, doubtful, again)
}

func (r *Reader) probe(ctx context.Context, replica Replica, hash string) {
	ctx, cancel := context.WithTimeout(ctx, r.Budget)
	defer cancel()
	if a := r.ask(ctx, replica, hash); a.err == nil || errors.Is(a.err, ErrNotFound) {
		r.recovered(replica.Region)
	}
}

func (r *Reader) recovered(region string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.failed, region)
}

func (r *Reader) fail(regions ...string) {
	if len(regions) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed == nil {
		r.failed = map[string]time.Time{}
	}
	for _, region := range regions {
		if _, known := r.failed[region]; !known {
			r.failed[region] = r.Now()
		}
	}
}

// homeFirst moves the home region to the front of the queue: a replica had
// nothing, and only home can say that there is nothing.
func homeFirst(queue []Replica, home string) []Replica {
	i := slices.IndexFunc(queue, func(r Replica) bool { return r.Region == home })
	if i <= 0 {
		return queue
	}
	return slices.Concat(queue[i:i+1], queue[:i], queue[i+1:])
}
