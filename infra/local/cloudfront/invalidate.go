package cloudfront

import (
	"fmt"
	"strings"
)

// maxInvalidationPath is in characters. CFDG Invalidation.html
const maxInvalidationPath = 4000

// Invalidate removes what is cached under the paths, and keeps fetches that are
// under way from being cached. A path begins with a slash, counts case, holds
// the query string if that is part of the cache key, and may end with *, which
// stands for anything; a * elsewhere stands for itself.
// CFDG Invalidation.html, "Invalidation paths"
func (e *Server) Invalidate(paths []string) error {
	for _, p := range paths {
		if !strings.HasPrefix(p, "/") {
			return fmt.Errorf("the invalidation path %q does not begin with a slash", p)
		}
		if len(p) > maxInvalidationPath {
			return fmt.Errorf("an invalidation path has at most %d characters, this one has %d", maxInvalidationPath, len(p))
		}
	}
	e.cache.invalidate(paths)
	return nil
}

func (c *cache) invalidate(paths []string) {
	whole := map[string]bool{}
	var prefixes []string
	for _, p := range paths {
		if prefix, ok := strings.CutSuffix(p, "*"); ok {
			prefixes = append(prefixes, decodeUnreserved(prefix))
		} else {
			whole[decodeUnreserved(p)] = true
		}
	}
	hit := func(name string) bool {
		name = decodeUnreserved(name)
		if whole[name] {
			return true
		}
		for _, prefix := range prefixes {
			if strings.HasPrefix(name, prefix) {
				return true
			}
		}
		return false
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
