package mapping

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const readerHash = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"

var errDown = errors.New("connection refused")

// region is a table in one region that answers after a while. It counts what it
// is asked.
type region struct {
	after  time.Duration
	item   map[string]types.AttributeValue
	err    error
	deaf   bool // to its context
	panics bool

	mu      sync.Mutex
	asked   int
	givenUp int // contexts that ended before the answer
	reads   []string
}

func (r *region) Get(ctx context.Context, hash string) (map[string]types.AttributeValue, error) {
	r.mu.Lock()
	r.asked++
	r.reads = append(r.reads, hash)
	after, item, err, done := r.after, r.item, r.err, ctx.Done()
	if r.deaf {
		done = nil
	}
	r.mu.Unlock()
	if r.panics {
		panic("a nil map")
	}
	select {
	case <-time.After(after):
		return item, err
	case <-done:
		r.mu.Lock()
		defer r.mu.Unlock()
		r.givenUp++
		return nil, ctx.Err()
	}
}

func (r *region) becomes(after time.Duration, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.after, r.err = after, err
}

func (r *region) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked
}

const silent = time.Hour

func live() map[string]types.AttributeValue {
	return Mapping{Hash: readerHash, Object: Object{"media", "a.jpg"}, CreatedAt: time.Unix(100, 0),
		ExpiresAt: time.Unix(2_000_000_000, 0)}.Item()
}

// three regions, the nearest first; "home" is the farthest.
func threeRegions(near, next, home *region) *Reader {
	return &Reader{
		Home: "home", Budget: 2 * time.Second, Now: time.Now, Failed: func(string, error) {},
		Replicas: []Replica{{"near", near}, {"next", next}, {"home", home}},
	}
}

func TestLookupAsksRegionsInTurn(t *testing.T) {
	corrupt := map[string]types.AttributeValue{AttrHash: &types.AttributeValueMemberN{Value: "1"}}
	other := Mapping{Hash: "BBECAwQFBgcICQoLDA0ODxAREhMUFRYX", Object: Object{"media", "a.jpg"}}.Item()
	for _, tt := range []struct {
		name             string
		near, next, home *region
		want             string // the region that answered
		err              error
		took             time.Duration
		asked            [3]int
	}{
		{"the nearest answers alone", &region{item: live(), after: 5 * time.Millisecond}, &region{}, &region{}, "near", nil,
			5 * time.Millisecond, [3]int{1, 0, 0}},
		{"an error falls over to the next at once", &region{err: errDown}, &region{item: live()}, &region{}, "next", nil, 0,
			[3]int{1, 1, 0}},
		{"two errors fall over to the home region", &region{err: errDown}, &region{err: errDown}, &region{item: live()},
			"home", nil, 0, [3]int{1, 1, 1}},
		{"a silent region is overtaken", &region{after: silent}, &region{item: live()}, &region{}, "next", nil,
			400 * time.Millisecond, [3]int{1, 1, 0}},
		{"a late region may still win", &region{item: live(), after: 450 * time.Millisecond},
			&region{item: live(), after: time.Second}, &region{}, "near", nil, 450 * time.Millisecond, [3]int{1, 1, 0}},
		{"what a replica misses the home region has", &region{}, &region{}, &region{item: live()}, "home", nil, 0,
			[3]int{1, 0, 1}},
		{"what the home region misses does not exist", &region{}, &region{item: live()}, &region{}, "home", ErrNotFound, 0,
			[3]int{1, 0, 1}},
		{"a replica's miss alone is no proof", &region{}, &region{err: errDown}, &region{err: errDown}, "", errDown, 0,
			[3]int{1, 1, 2}},
		{"a replica that is behind a silent home is asked no more", &region{}, &region{}, &region{after: silent}, "",
			context.DeadlineExceeded, 2 * time.Second, [3]int{1, 1, 2}},
		{"a home region that is slow but alive is waited for", &region{}, &region{}, &region{after: 1500 * time.Millisecond},
			"home", ErrNotFound, 1500 * time.Millisecond, [3]int{1, 1, 2}},
		{"a replica's miss does not outrun a slow home that has it", &region{}, &region{},
			&region{after: 1500 * time.Millisecond, item: live()}, "home", nil, 1500 * time.Millisecond, [3]int{1, 1, 2}},
		{"a panic is one region's failure", &region{panics: true}, &region{item: live()}, &region{}, "next", nil, 0,
			[3]int{1, 1, 0}},
		{"a table that ignores its context cannot stretch the budget", &region{deaf: true, after: time.Minute},
			&region{deaf: true, after: time.Minute}, &region{deaf: true, after: time.Minute}, "", context.DeadlineExceeded,
			2 * time.Second, [3]int{1, 1, 2}},
		{"a replica that is ahead of a broken home serves", &region{}, &region{item: live()}, &region{err: errDown}, "next",
			nil, 0, [3]int{1, 1, 1}},
		{"all errors are reported after the home region's second chance", &region{err: errDown}, &region{err: errDown},
			&region{err: errDown}, "", errDown, pause, [3]int{1, 1, 2}},
		{"all silent end with the budget", &region{after: silent}, &region{after: silent}, &region{after: silent}, "",
			context.DeadlineExceeded, 2 * time.Second, [3]int{1, 1, 2}},
		{"a corrupt item is not looked for elsewhere", &region{item: corrupt}, &region{item: live()}, &region{}, "near",
			ErrCorrupt, 0, [3]int{1, 0, 0}},
		{"another hash's item is corrupt", &region{item: other}, &region{item: live()}, &region{}, "near", ErrCorrupt, 0,
			[3]int{1, 0, 0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				m, region, err := threeRegions(tt.near, tt.next, tt.home).Lookup(t.Context(), readerHash)
				assert.ErrorIs(t, err, tt.err)
				assert.Equal(t, tt.want, region)
				assert.Equal(t, tt.took, time.Since(start))
				assert.Equal(t, tt.asked, [3]int{tt.near.count(), tt.next.count(), tt.home.count()})
				if err == nil {
					assert.Equal(t, Object{"media", "a.jpg"}, m.Object)
				} else {
					assert.Zero(t, m)
				}
				time.Sleep(time.Minute) // whatever lost is over by then, or the bubble reports a leak
			})
		})
	}
}

func TestEveryReadNamesTheHash(t *testing.T) {
	near := &region{item: live()}
	_, _, err := threeRegions(near, &region{}, &region{}).Lookup(t.Context(), readerHash)
	require.NoError(t, err)
	assert.Equal(t, []string{readerHash}, near.reads)
}

func TestAHomeRegionAloneIsAskedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		home := &region{err: errDown}
		r := &Reader{Home: "home", Budget: 2 * time.Second, Now: time.Now, Failed: func(string, error) {},
			Replicas: []Replica{{"home", home}}}
		_, _, err := r.Lookup(t.Context(), readerHash)
		assert.ErrorIs(t, err, errDown)
		assert.Equal(t, 2, home.count(), "the first connection may have died while the process was frozen")

		home.becomes(silent, nil)
		start := time.Now()
		go func() { time.Sleep(100 * time.Millisecond); home.becomes(0, nil) }()
		_, _, err = r.Lookup(t.Context(), readerHash)
		assert.ErrorIs(t, err, ErrNotFound, "a silent connection is overtaken by a new one")
		assert.Less(t, time.Since(start), time.Second)
		time.Sleep(time.Minute)
	})
}

func TestARegionThatFailedIsAskedLastUntilItWorksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, next, home := &region{item: live(), after: silent}, &region{item: live(),
			after: 100 * time.Millisecond}, &region{item: live()}
		r := threeRegions(near, next, home)
		lookup := func() time.Duration {
			t.Helper()
			start := time.Now()
			_, _, err := r.Lookup(t.Context(), readerHash)
			require.NoError(t, err)
			return time.Since(start)
		}
		assert.Equal(t, 500*time.Millisecond, lookup(), "the first viewer waits for the silent region")
		for range 500 { // fifty seconds, over several probes
			assert.Equal(t, 100*time.Millisecond, lookup(), "no later one does")
		}
		assert.Greater(t, near.count(), 3, "the region is probed now and then")
		assert.Less(t, near.count(), 8, "but not by every lookup")

		near.becomes(time.Millisecond, nil)
		time.Sleep(hold)
		assert.Equal(t, 100*time.Millisecond, lookup(), "the probe runs beside this lookup")
		assert.Equal(t, time.Millisecond, lookup(), "and has brought the region back")
		time.Sleep(time.Minute)
	})
}

func TestASlowerCallRunsOnSoThatItsConnectionIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near := &region{item: live(), after: time.Second}
		_, region, err := threeRegions(near, &region{item: live()}, &region{}).Lookup(t.Context(), readerHash)
		require.NoError(t, err)
		assert.Equal(t, "next", region)
		time.Sleep(time.Minute)
		assert.Zero(t, near.givenUp)
	})
}

func TestARegionThatAnswersWhenOthersFailIsTrustedAgain(t *testing.T) {
	near, next, home := &region{item: live(), err: errDown}, &region{item: live(), err: errDown}, &region{item: live()}
	r := threeRegions(near, next, home)
	answers := func() string {
		t.Helper()
		_, region, err := r.Lookup(t.Context(), readerHash)
		require.NoError(t, err)
		return region
	}
	assert.Equal(t, "home", answers())
	next.becomes(0, nil)
	home.becomes(0, errDown)
	assert.Equal(t, "next", answers())
	near.becomes(0, nil)
	home.becomes(0, nil)
	assert.Equal(t, "next", answers(), "it is the only one that is not on hold")
}

func TestRegionsKnownToFailAreNotWaitedForInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, next, home := &region{err: errDown}, &region{err: errDown}, &region{err: errDown}
		r := threeRegions(near, next, home)
		_, _, err := r.Lookup(t.Context(), readerHash)
		require.ErrorIs(t, err, errDown)
		near.becomes(silent, nil)
		next.becomes(silent, nil)
		home.becomes(0, nil)
		home.item = live()
		start := time.Now()
		_, region, err := r.Lookup(t.Context(), readerHash)
		require.NoError(t, err)
		assert.Equal(t, "home", region)
		assert.Equal(t, 2*pause, time.Since(start))
		time.Sleep(time.Minute)
	})
}

func TestARegionOnHoldIsReportedOnceWithItsReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, next, home := &region{after: silent}, &region{err: errDown}, &region{item: live()}
		r := threeRegions(near, next, home)
		var mu sync.Mutex
		var told []string
		r.Failed = func(region string, why error) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, region+": "+why.Error())
		}
		for range 300 {
			_, _, err := r.Lookup(t.Context(), readerHash)
			require.NoError(t, err)
			time.Sleep(100 * time.Millisecond)
		}
		assert.Equal(t, []string{"near: no answer in time", "next: connection refused"}, told)
		next.becomes(0, nil)
		time.Sleep(time.Minute)
		_, _, err := r.Lookup(t.Context(), readerHash)
		require.NoError(t, err)
		time.Sleep(time.Minute)
		next.becomes(0, errDown)
		_, _, err = r.Lookup(t.Context(), readerHash)
		require.NoError(t, err)
		assert.Equal(t, "next: connection refused", told[2], "a region that recovered may fail anew")
		time.Sleep(time.Minute)
	})
}

func TestALookupThatIsGivenUpEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, _, err := threeRegions(&region{after: silent}, &region{}, &region{}).Lookup(ctx, readerHash)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 10*time.Millisecond, time.Since(start))
		time.Sleep(time.Minute)
	})
}
