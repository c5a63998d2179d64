package cloudfront

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

// Whatever happens, the cache stays within its bytes and its books are right.
func TestTheCacheStaysWithinItsLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const limit = 10_000
		c := newCache(limit)
		var flights []*flight
		now := time.Unix(1_800_000_000, 0)
		t.Repeat(map[string]func(*rapid.T){
			"begin": func(t *rapid.T) {
				name := fmt.Sprintf("/%d", rapid.IntRange(0, 20).Draw(t, "name"))
				f, join, o := c.begin(cacheKey(name), name, now, rapid.Bool().Draw(t, "alone"))
				if f == nil && (o == nil || !o.fresh(now)) {
					t.Fatal("neither a fetch nor a fresh object")
				}
				if f != nil && !join {
					flights = append(flights, f)
				}
			},
			"end": func(t *rapid.T) {
				if len(flights) == 0 {
					t.Skip("none under way")
				}
				f := flights[0]
				flights = flights[1:]
				o := &object{name: f.name, body: make([]byte, rapid.IntRange(0, 12_000).Draw(t, "size")),
					expires: now.Add(time.Duration(rapid.IntRange(-1, 5).Draw(t, "life")))}
				before := c.get(f.key)
				c.end(f, f.key, o, o)
				if after := c.get(f.key); f.spoiled && after == o && before != o {
					t.Fatal("what was invalidated meanwhile was kept")
				}
			},
			"invalidate": func(t *rapid.T) {
				c.invalidate([]string{fmt.Sprintf("/%d*",
					rapid.IntRange(0, 20).Draw(t, "name"))})
			},
			"later": func(*rapid.T) { now = now.Add(1) },
			"": func(t *rapid.T) {
				var sum int64
				for e := c.order.Front(); e != nil; e = e.Next() {
					sum += e.Value.(*entry).size
				}
				objects, bytes := c.size()
				if sum != bytes || bytes > limit || int(objects) != c.order.Len() || len(c.flights) != len(flights) ||
					len(c.waiting) > len(flights) {
					t.Fatalf("%d objects of %d bytes in the list, %d and %d in the books, %d fetches of %d", c.order.Len(), sum,
						objects, bytes, len(c.flights), len(flights))
				}
			},
		})
	})
}

func TestWhatIsReplacedDoesNotCountTwice(t *testing.T) {
	c := newCache(100_000)
	for range 3 {
		f, _, _ := c.begin("/a", "/a", time.Now(), false)
		c.end(f, "/a", &object{name: "/a", body: make([]byte, 1000)}, nil)
	}
	objects, bytes := c.size()
	assert.Equal(t, []int64{1, 1000 + overhead + 4}, []int64{objects, bytes})
}
