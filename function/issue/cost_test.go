package issue_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/mapping/mappingtest"
)

// calls is a transport that counts what it passes on, by operation.
type calls struct {
	mu    sync.Mutex
	count map[string]int
}

func (c *calls) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	if c.count == nil {
		c.count = map[string]int{}
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	c.count[operation]++
	c.mu.Unlock()
	return http.DefaultTransport.RoundTrip(r)
}

func (c *calls) take() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.count
	c.count = nil
	return taken
}

func hundredObjects(from int) []string {
	objects := make([]string, issue.MaxObjects)
	for n := range objects {
		objects[n] = fmt.Sprintf("s3://media/chat/%d.jpg", from+n)
	}
	return objects
}

// The issue's bound is four sequential round trips for new links; these are all
// the calls, of which the two transactions run at once.
func TestACallForAHundredLinksMakesFewCallsToTheTable(t *testing.T) {
	t.Parallel()
	seen := &calls{}
	w := newWorld(mappingtest.Table(t, mappingtest.Engine(t), seen))
	i := w.issuer()
	issueAll := func(objects []string) (fresh int) {
		links, err := i.Issue(context.Background(), objects, issue.Terms{})
		require.NoError(t, err)
		for _, link := range links {
			require.Nil(t, link.Err)
			if link.New {
				fresh++
			}
		}
		return fresh
	}
	assert.Equal(t, 100, issueAll(hundredObjects(0)))
	assert.Equal(t, map[string]int{"BatchGetItem": 1, "TransactWriteItems": 2}, seen.take(), "all new")
	assert.Equal(t, 0, issueAll(hundredObjects(0)))
	assert.Equal(t, map[string]int{"BatchGetItem": 1}, seen.take(), "all there")
	assert.Equal(t, 50, issueAll(hundredObjects(50)))
	assert.Equal(t, map[string]int{"BatchGetItem": 1, "TransactWriteItems": 1}, seen.take(), "half of them new")
	assert.Equal(t, 1, issueAll([]string{"s3://media/one.jpg"}))
	assert.Equal(t, map[string]int{"BatchGetItem": 1, "TransactWriteItems": 1}, seen.take(), "a single new one")
	i.Services = issue.Services{"chat": issue.ByTicket}
	for _, fresh := range []int{100, 0} {
		links, err := i.Issue(context.Background(), hundredObjects(0), issue.Terms{Audience: "chat/room"})
		require.NoError(t, err)
		made := 0
		for _, link := range links {
			require.Equal(t, "chat/room", link.Audience)
			if link.New {
				made++
			}
		}
		assert.Equal(t, fresh, made)
		want := map[string]int{"BatchGetItem": 1}
		if fresh > 0 {
			want["TransactWriteItems"] = 2
		}
		assert.Equal(t, want, seen.take(), "an audience costs what others do")
	}
	i.Services = nil

	revoke(t, i, []string{"s3://media/one.jpg"}, nil)
	assert.Equal(t, map[string]int{"BatchGetItem": 2, "TransactWriteItems": 2}, seen.take(),
		"a revocation: unmapping and settling, each after a read")
}

func BenchmarkIssue(b *testing.B) {
	for _, size := range []int{1, 100} {
		b.Run(fmt.Sprintf("new/%d", size), func(b *testing.B) {
			i := newWorld(mappingtest.Table(b, mappingtest.Engine(b), nil)).issuer()
			n := 0
			for b.Loop() {
				issueOrFail(b, i, hundredObjects(n)[:size])
				n += size
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "links/s")
		})
		b.Run(fmt.Sprintf("existing/%d", size), func(b *testing.B) {
			i := newWorld(mappingtest.Table(b, mappingtest.Engine(b), nil)).issuer()
			objects := hundredObjects(0)[:size]
			issueOrFail(b, i, objects)
			n := 0
			for b.Loop() {
				issueOrFail(b, i, objects)
				n += size
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "links/s")
		})
	}
}

func issueOrFail(b *testing.B, i *issue.Issuer, objects []string) {
	b.Helper()
	links, err := i.Issue(context.Background(), objects, issue.Terms{TTL: time.Hour})
	if err != nil || links[len(links)-1].Err != nil {
		b.Fatal(err, links[len(links)-1].Err)
	}
}
