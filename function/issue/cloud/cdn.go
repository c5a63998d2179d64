// Package cloud joins the issuer to AWS: CloudFront, which must refuse revoked
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

// CDN is the issue.CDN of CloudFront.
type CDN struct {
	// Revocations is the gate's list.
	Revocations   *Revocations
	Invalidations *Invalidations
	// Replicas are the other regions that hold the mapping table.
	Replicas []Replica
	// Pause waits; issue.Sleep does.
	Pause func(ctx context.Context, d time.Duration) error
}

var _ issue.CDN = (*CDN)(nil)

// Replica is the mapping table in one region.
type Replica struct {
	Region string
	Table  Presence
}

// Presence tells which hashes a region still has; *mapping.Table has it.
type Presence interface {
	Present(ctx context.Context, hashes []string) ([]string, error)
}

// Revoke implements issue.CDN. The gate refuses what is on its list, cached or
// not. If the list is full, the copies of all links must go instead: once no
// region can fill the caches again. If a region does not say so, they go all the
// same, and the error has the caller come back.
func (c *CDN) Revoke(ctx context.Context, hashes map[string]time.Time) error {
	err := c.Revocations.Add(ctx, hashes)
	if err == nil {
		return nil
	}
	if !errors.Is(err, ErrFull) {
		return fmt.Errorf("adding to the revocation list: %w", err)
	}
	late := c.awaitReplicas(ctx, slices.Sorted(maps.Keys(hashes)))
	if err := c.Invalidations.EveryLink(ctx); err != nil {
		return errors.Join(late, fmt.Errorf("invalidating every link: %w", err))
	}
	return late
}

// Forget implements issue.CDN.
func (c *CDN) Forget(ctx context.Context, hashes []string, reference string) error {
	if err := c.Invalidations.Links(ctx, hashes, reference); err != nil {
		return fmt.Errorf("invalidating %d links: %w", len(hashes), err)
	}
	return nil
}

// Withdraw implements issue.CDN.
func (c *CDN) Withdraw(ctx context.Context, deletions map[string]string) error {
	if err := c.Invalidations.Public(ctx, deletions); err != nil {
		return fmt.Errorf("invalidating %d public objects: %w", len(deletions), err)
	}
	return nil
}

// awaitReplicas returns once every replica is without the hashes, or an error
// that names the regions that are not.
func (c *CDN) awaitReplicas(ctx context.Context, hashes []string) error {
	late := c.Replicas
	var last []error
	for waited := time.Duration(0); len(late) > 0; waited += replicaPoll {
		var still []Replica
		last = nil
		for n, err := range ask(ctx, late, hashes) {
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
		if err := c.Pause(ctx, replicaPoll); err != nil {
			return err
		}
	}
	return errors.Join(last...)
}

// ask asks the replicas at once and returns, for each, nil if it has none of
// the hashes.
func ask(ctx context.Context, replicas []Replica, hashes []string) []error {
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
