package issue

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/seal"
)

// A new link takes two writes, so a transaction has room for this many.
const linksPerTransaction = mapping.MaxWrites / 2

// issue gives each of the private objects its link: one read of all records,
// then one round of transactions for those that have no link to reuse. Whoever
// loses a race reads again, and then mostly finds the winner's link.
func (i *Issuer) issue(ctx context.Context, private []*wanted, ttl time.Duration) {
	checked := map[*wanted]bool{}
	for attempt := range attempts {
		if attempt > 0 {
			if err := i.Pause(ctx, backoff(attempt)); err != nil {
				break
			}
		}
		changes := i.renewals(ctx, private, ttl, checked)
		private = i.apply(ctx, changes, max(1, linksPerTransaction>>(2*attempt)))
		if len(private) == 0 {
			return
		}
	}
	fail(private, busy())
}

// renewal is a new link for one object, ready to be written.
type renewal struct {
	*wanted
	change mapping.Change
}

// renewals settles the objects that have a link with enough life left, and
// those that cannot get one, and returns what to write for the others.
func (i *Issuer) renewals(ctx context.Context, private []*wanted, ttl time.Duration,
	checked map[*wanted]bool) []renewal {
	if len(private) == 0 {
		return nil
	}
	objects := make([]mapping.Object, len(private))
	for n, w := range private {
		objects[n] = w.object
	}
	records, err := i.Store.Records(ctx, objects)
	if err != nil {
		fail(private, unavailable("the mapping table did not answer; try again", err))
		return nil
	}
	now := i.Now()
	record := map[*wanted]mapping.Record{}
	var lacking, unchecked []*wanted
	for n, w := range private {
		r := records[n]
		r.Prune(now)
		current, err := i.current(ctx, r, w.audience, now.Add(min(i.RenewBefore, ttl/2)))
		switch {
		case err != nil:
			w.link.Err = unavailable("the link keys could not be read; try again", err)
		case current != "":
			w.link = i.link(current, r.Hashes[current])
		case len(r.Hashes) >= MaxLinks:
			w.link.Err = problem(CodeTooManyLinks, "the object has %d live links, which is the most: "+
				"bind links to fewer audiences, or revoke the object", len(r.Hashes))
		default:
			record[w] = r
			lacking = append(lacking, w)
			if !checked[w] {
				checked[w] = true
				unchecked = append(unchecked, w)
			}
		}
	}
	i.existing(ctx, unchecked)
	var all []renewal
	for _, w := range lacking {
		if w.link.Err != nil {
			continue
		}
		change, err := i.renew(ctx, record[w], w, ttl, now)
		if err != nil {
			w.link.Err = unavailable("no hash could be made; try again", err)
			continue
		}
		all = append(all, renewal{w, change})
	}
	return all
}

// current returns the object's current link for the audience: the longest-lived one that is bound to it. It is empty
// if there is none that lives until the time.
func (i *Issuer) current(ctx context.Context, r mapping.Record, audience string, until time.Time) (string, error) {
	for _, hash := range longestLivedFirst(r.Hashes) {
		if r.Hashes[hash].Before(until) {
			break
		}
		if ok, err := i.Hashes.Accepts(ctx, hash, audience); ok || err != nil {
			return hash, err
		}
	}
	return "", nil
}

// longestLivedFirst returns the hashes in the order of their expiry.
func longestLivedFirst(hashes map[string]time.Time) []string {
	return slices.SortedFunc(maps.Keys(hashes), func(a, b string) int {
		return cmp.Or(hashes[b].Compare(hashes[a]), cmp.Compare(a, b))
	})
}

// renew returns the change that makes a new link the current one of the object
// for the audience. Its former links live on until they expire: somebody may be looking at them.
func (i *Issuer) renew(ctx context.Context, r mapping.Record, w *wanted, ttl time.Duration,
	now time.Time) (mapping.Change, error) {
	created := now.Truncate(time.Second)
	m := mapping.Mapping{Object: r.Object, CreatedAt: created, ExpiresAt: created.Add(ttl.Truncate(time.Second)),
		Service: w.service, Audience: w.audience}
	var err error
	if m.Hash, err = i.Hashes.New(ctx, m.ExpiresAt, w.audience); err != nil {
		return mapping.Change{}, err
	}
	if len(r.Hashes) == 0 {
		r.Content = w.content // while other hashes live, copies of them may be older than what the bucket has now
	}
	r.Hashes = cloned(r.Hashes)
	r.Hashes[m.Hash] = m.ExpiresAt
	return mapping.Change{Record: r, Add: []mapping.Mapping{m}}, nil
}

// apply writes the renewals, perTransaction of them together, and returns the
// objects whose transaction lost a race. Later attempts pass fewer, so that an
// object everybody wants holds nobody else up.
func (i *Issuer) apply(ctx context.Context, all []renewal, perTransaction int) []*wanted {
	groups := slices.Collect(slices.Chunk(all, perTransaction))
	var mu sync.Mutex
	var again []*wanted
	forEach(len(groups), func(n int) {
		changes := make([]mapping.Change, len(groups[n]))
		for k, r := range groups[n] {
			changes[k] = r.change
		}
		err := i.Store.Apply(ctx, changes...)
		mu.Lock()
		defer mu.Unlock()
		for _, r := range groups[n] {
			switch {
			case err == nil:
				r.link = i.link(r.change.Add[0].Hash, r.change.Add[0].ExpiresAt)
				r.link.New = true
			case errors.Is(err, mapping.ErrConflict):
				again = append(again, r.wanted)
			default:
				r.link.Err = unavailable("the link could not be stored; try again", err)
			}
		}
	})
	return again
}

func (i *Issuer) link(hash string, expiresAt time.Time) Link {
	url, download, variants := i.addresses(hash)
	return Link{URL: url, Download: download, Variants: variants, Hash: hash, ExpiresAt: expiresAt}
}

// addresses returns where the hash's object is served: itself, as a file to save, and in each variant.
func (i *Issuer) addresses(hash string) (url, download string, variants map[string]string) {
	if len(i.Variants) > 0 {
		variants = make(map[string]string, len(i.Variants))
	}
	for _, name := range i.Variants {
		variants[name] = i.BaseURL + seal.VariantPath(hash, name)
	}
	return i.BaseURL + seal.LinkPath(hash), i.BaseURL + seal.VariantPath(hash, seal.Download), variants
}

func fail(all []*wanted, err *Error) {
	for _, w := range all {
		w.link.Err = err
	}
}

// backoff returns how long to wait before the attempt: at random, so that those
// who met once do not meet again, below a bound that doubles up to 256 ms.
func backoff(attempt int) time.Duration {
	return rand.N(2 * time.Millisecond << min(attempt, 7))
}

// forEach calls f for 0 to n-1, a few at a time, and returns when all are done.
// A panic of f is the caller's: in a goroutine of its own it would end the
// process.
func forEach(n int, f func(int)) {
	slots := make(chan struct{}, parallel)
	panics := make(chan any, n)
	var wg sync.WaitGroup
	for k := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					panics <- p
				}
				<-slots
			}()
			f(k)
		})
	}
	wg.Wait()
	select {
	case p := <-panics:
		panic(p)
	default:
	}
}

func keep[T any](all []T, wanted func(T) bool) []T {
	var kept []T
	for _, v := range all {
		if wanted(v) {
			kept = append(kept, v)
		}
	}
	return kept
}
