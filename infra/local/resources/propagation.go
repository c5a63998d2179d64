package resources

import (
	"sync"
	"time"
)

// propagating is a key value store as the functions at an edge location see it: each change arrives there a while after
// it was made. Changes of one key arrive in their order; nothing is promised between keys.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/kvs-with-functions.html
type propagating struct {
	delay time.Duration
	now   func() time.Time

	mu      sync.Mutex
	changes map[string][]change // by key; the first may be visible, the rest are on their way
}

type change struct {
	value   string
	deleted bool
	at      time.Time // when it arrives
}

// Get returns the value that has arrived.
func (p *propagating) Get(key string) (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	changes, now := p.changes[key], p.now()
	for len(changes) > 1 && !changes[1].at.After(now) {
		changes = changes[1:]
	}
	if len(changes) == 0 || changes[0].at.After(now) {
		return "", false
	}
	p.changes[key] = changes
	return changes[0].value, !changes[0].deleted
}

// Update takes changes that arrive after the delay.
func (p *propagating) Update(puts map[string]string, deletes ...string) {
	p.arrive(p.delay, puts, deletes)
}

// Start takes entries that are there already.
func (p *propagating) Start(entries map[string]string) { p.arrive(0, entries, nil) }

func (p *propagating) arrive(delay time.Duration, puts map[string]string, deletes []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.changes == nil {
		p.changes = map[string][]change{}
	}
	at := p.now().Add(delay)
	for key, value := range puts {
		p.changes[key] = append(p.changes[key], change{value: value, at: at})
	}
	for _, key := range deletes {
		p.changes[key] = append(p.changes[key], change{deleted: true, at: at})
	}
}
