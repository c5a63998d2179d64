package cloudfront

import (
	"container/list"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// object is one answer, as it is kept. It never changes once it is in the cache: whoever refreshes it puts a copy in
// its place.
type object struct {
	name      string // the path, as invalidations see it
	status    int
	header    http.Header // the origin's, hop-by-hop headers left out
	body      []byte
	length    string // Content-Length; for a HEAD answer not that of body
	source    Source
	requested time.Time // when the request to the origin was started: its age counts from here
	expires   time.Time // fresh before
	stale     time.Time // may stand in for a failing origin before
	retry     time.Time // stale, and the origin is not to be asked again before
	note      string
}

// fresh reports whether the object may be served without asking the origin.
func (o *object) fresh(now time.Time) bool {
	return now.Before(o.expires) || now.Before(o.retry) && now.Before(o.stale)
}

// overhead is a rough count of what an object takes besides its body and headers.
const overhead = 512

// cache holds objects up to a number of bytes, the least recently used leave first; and the fetches under way, so
// that viewers can wait for one of them and invalidations can spoil it.
type cache struct {
	limit int64

	mu      sync.Mutex
	entries map[cacheKey]*list.Element // of *entry
	order   *list.List                 // most recently used first
	bytes   int64
	flights map[*flight]bool
	waiting map[cacheKey]*flight // those that can be waited for
}

type entry struct {
	key  cacheKey
	size int64
	*object
}

// flight is one fetch under way.
type flight struct {
	key     cacheKey
	name    string
	done    chan struct{}
	shared  *object // what waiting viewers get, nil if each must ask for himself; set before done is closed
	spoiled bool    // invalidated since it began; guarded by cache.mu
}

func newCache(limit int64) *cache {
	return &cache{
		limit: limit, entries: map[cacheKey]*list.Element{}, order: list.New(),
		flights: map[*flight]bool{}, waiting: map[cacheKey]*flight{},
	}
}

// get returns the object under key, nil if there is none.
func (c *cache) get(key cacheKey) *object {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.locked(key)
}

func (c *cache) locked(key cacheKey) *object {
	e, ok := c.entries[key]
	if !ok {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(*entry).object
}

// begin starts a fetch for key, or returns the one to wait for (join true). The object is what the cache holds by
// now: another fetch may just have ended.
func (c *cache) begin(key cacheKey, name string, now time.Time, alone bool) (f *flight, join bool, o *object) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o = c.locked(key)
	if o != nil && o.fresh(now) {
		return nil, false, o
	}
	if f, ok := c.waiting[key]; ok && !alone {
		return f, true, o
	}
	f = &flight{key: key, name: name, done: make(chan struct{})}
	c.flights[f] = true
	if !alone {
		c.waiting[key] = f
	}
	return f, false, o
}

// end finishes a fetch: keeps o, if any, unless an invalidation came in between, and gives shared to those who wait.
func (c *cache) end(f *flight, key cacheKey, keep, shared *object) {
	c.mu.Lock()
	if keep != nil && !f.spoiled {
		c.put(key, keep)
	}
	delete(c.flights, f)
	if c.waiting[f.key] == f {
		delete(c.waiting, f.key)
	}
	f.shared = shared
	c.mu.Unlock()
	close(f.done)
}

func (c *cache) put(key cacheKey, o *object) {
	size := int64(overhead + len(key) + len(o.name) + len(o.body))
	for name, values := range o.header {
		size += int64(len(name) + len(strings.Join(values, "")))
	}
	if size > c.limit {
		return
	}
	if old, ok := c.entries[key]; ok {
		c.drop(old)
	}
	c.entries[key] = c.order.PushFront(&entry{key, size, o})
	c.bytes += size
	for c.bytes > c.limit {
		c.drop(c.order.Back())
	}
}

func (c *cache) drop(e *list.Element) {
	old := c.order.Remove(e).(*entry)
	delete(c.entries, old.key)
	c.bytes -= old.size
}

func (c *cache) size() (objects, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return int64(len(c.entries)), c.bytes
}

// maxInvalidationPath is in characters.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Invalidation.html
const maxInvalidationPath = 4000

// Invalidate removes what is cached under the paths, and keeps fetches that are under way from being cached. A path
// begins with a slash, counts case, and may end with *, which stands for anything; a * elsewhere stands for itself.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Invalidation.html "Invalidation paths"
func (s *Server) Invalidate(paths []string) error {
	for _, p := range paths {
		if !strings.HasPrefix(p, "/") {
			return fmt.Errorf("the invalidation path %q does not begin with a slash", p)
		}
		if len(p) > maxInvalidationPath {
			return fmt.Errorf("an invalidation path has at most %d characters, this one has %d", maxInvalidationPath, len(p))
		}
	}
	s.cache.invalidate(paths)
	return nil
}

func (c *cache) invalidate(paths []string) {
	hit := func(name string) bool {
		name = decodeUnreserved(name)
		return slices.ContainsFunc(paths, func(path string) bool {
			prefix, wild := strings.CutSuffix(decodeUnreserved(path), "*")
			return name == prefix && !wild || wild && strings.HasPrefix(name, prefix)
		})
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.entries {
		if hit(e.Value.(*entry).name) {
			c.drop(e)
		}
	}
	for f := range c.flights {
		if hit(f.name) {
			f.spoiled = true
			// Viewers who ask from now on must not get what was read before.
			if c.waiting[f.key] == f {
				delete(c.waiting, f.key)
			}
		}
	}
}
