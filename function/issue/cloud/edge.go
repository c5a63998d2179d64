// Package cloud joins the issuer to AWS: the edge that must forget revoked
// links, the bucket, and the keys that seal.
package cloud

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"secure-media-cdn/function/issue"
)

const (
	// replicaPatience bounds the wait for the replicas of a global table, which
	// mostly follow within a second.
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html
	replicaPatience = 5 * time.Second
	replicaPoll     = 100 * time.Millisecond
)

// Edge is the issue.Edge of CloudFront.
type Edge struct {
	// Replicas are the other regions that hold the mapping table.
	Replicas []Replica
	// Settle is the time between the mappings' end and the invalidation. An edge
	// function that read a mapping just before its end, or from a storage node
	// that is a moment behind, puts what it fetches into the cache until then.
	Settle time.Duration
	// Revocations is the gate's list, or nil without a gate.
	Revocations   *Revocations
	Invalidations *Invalidations
	// Pause waits; issue.Sleep does.
	Pause func(ctx context.Context, d time.Duration) error
}

var _ issue.Edge = (*Edge)(nil)

// Replica is the mapping table in one region.
type Replica struct {
	Region string
	Table  Presence
}

// Presence tells which hashes a region still has; *mapping.Table has it.
type Presence interface {
	Present(ctx context.Context, hashes []string) ([]string, error)
}

// Forget implements issue.Edge. The gate learns of the hashes first, since it
// then refuses them within seconds, cached or not. The caches are emptied once
// no region can fill them again. If a region does not say so, they are emptied
// all the same, and the error has the caller come back to empty them for good.
func (e *Edge) Forget(ctx context.Context, hashes map[string]time.Time) error {
	var failures []error
	if e.Revocations != nil {
		if err := e.Revocations.Add(ctx, hashes); err != nil && !errors.Is(err, ErrFull) {
			failures = append(failures, fmt.Errorf("adding to the revocation list: %w", err))
		}
	}
	names := slices.Sorted(maps.Keys(hashes))
	late := e.awaitReplicas(ctx, names)
	if late != nil {
		failures = append(failures, late)
	}
	if err := e.Pause(ctx, e.Settle); err != nil {
		return errors.Join(append(failures, err)...)
	}
	if err := e.Invalidations.Create(ctx, names, late != nil); err != nil {
		failures = append(failures, fmt.Errorf("invalidating %d links: %w", len(names), err))
	}
	return errors.Join(failures...)
}

// Withdraw implements issue.Edge. S3 has no older state to read from, so only
// what is under way is waited for.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel
func (e *Edge) Withdraw(ctx context.Context, paths []string) error {
	if err := e.Pause(ctx, e.Settle); err != nil {
		return err
	}
	if err := e.Invalidations.Withdraw(ctx, paths); err != nil {
		return fmt.Errorf("invalidating %d public objects: %w", len(paths), err)
	}
	return nil
}

// awaitReplicas returns once every replica is without the hashes, or an error
// that names the regions that are not.
func (e *Edge) awaitReplicas(ctx context.Context, hashes []string) error {
	late := e.Replicas
	var last []error
	for waited := time.Duration(0); len(late) > 0; waited += replicaPoll {
		var still []Replica
		last = nil
		for n, err := range e.ask(ctx, late, hashes) {
			if err != nil {
				still = append(still, late[n])
				last = append(last, err)
			}
		}
		late = still
		if len(late) == 0 {
			return nil
		}
		if waited >= replicaPatience {
			break
		}
		if err := e.Pause(ctx, replicaPoll); err != nil {
			return err
		}
	}
	return errors.Join(last...)
}

// ask asks the replicas at once and returns, for each, nil if it has none of
// the hashes.
func (e *Edge) ask(ctx context.Context, replicas []Replica, hashes []string) []error {
	answers := make([]error, len(replicas))
	done := make(chan int)
	for n, r := range replicas {
		go func() {
			present, err := r.Table.Present(ctx, hashes)
			if err == nil && len(present) > 0 {
				err = fmt.Errorf("still has %d of the mappings", len(present))
			}
			if err != nil {
				answers[n] = fmt.Errorf("the replica in %s: %w", r.Region, err)
			}
			done <- n
		}()
	}
	for range replicas {
		<-done
	}
	return answers
}
