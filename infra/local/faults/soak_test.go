package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// viewers is how many ask at a time, each in a process of its own.
const viewers = 4

// TestSoak sends mixed traffic through the zip that ships while links come and go and regions fail and recover, and
// holds every answer against a model. At the end no process may have more descriptors, memory or goroutines than
// after a third of it. It runs for SOAK_SECONDS, six unless set.
func TestSoak(t *testing.T) {
	seconds, err := strconv.Atoi(os.Getenv("SOAK_SECONDS"))
	if err != nil {
		seconds = 6
	}
	client, engine := startTable(t)
	s := &soak{t: t, client: client, proxy: startProxy(t, engine)}
	s.function = startFunction(t, s.proxy, viewers)
	s.warm()

	length := time.Duration(seconds) * time.Second
	s.run(length / 3)
	s.rest()
	early := processes(t)
	s.run(length * 2 / 3)
	s.rest()
	late := processes(t)
	t.Logf("%d requests, %d of them while regions failed; answers: %s", s.requests.Load(), s.disturbed.Load(), s.tally())
	require.Len(t, late, viewers, "no process may die")
	require.Len(t, early, viewers)
	for i := range late {
		t.Logf("process %d: %d descriptors, %d KB, %d threads; early on %d, %d KB, %d",
			late[i].pid, late[i].descriptors, late[i].residentKB, late[i].threads, early[i].descriptors, early[i].residentKB,
			early[i].threads)
		assert.Equal(t, early[i].pid, late[i].pid)
		assert.LessOrEqual(t, late[i].descriptors, 24, "a few connections to each region and the rest of the process")
		assert.LessOrEqual(t, late[i].residentKB, max(30<<10, early[i].residentKB*5/4), "memory must come to rest")
	}
	for pid, goroutines := range s.goroutines(late) {
		assert.LessOrEqual(t, goroutines, 24, "goroutines at rest in process %d", pid)
	}
}

// soak is the traffic, the model and the counts.
type soak struct {
	t         *testing.T
	client    *dynamodb.Client
	proxy     *Proxy
	function  *function
	requests  atomic.Int64
	disturbed atomic.Int64
	links     atomic.Int64

	mu      sync.Mutex
	answers map[string]int
	// failing holds how many regions may fail now; a request that begins or ends while it is not zero may be refused
	// for that.
	failing atomic.Int64
}

// warm starts every process.
func (s *soak) warm() {
	var wait sync.WaitGroup
	for range viewers {
		wait.Go(func() { s.function.ask(s.t, get(live, "origin", home, nearest, next)) })
	}
	wait.Wait()
}

func (s *soak) run(length time.Duration) {
	ctx, cancel := context.WithTimeout(s.t.Context(), length)
	defer cancel()
	var wait sync.WaitGroup
	wait.Go(func() { s.disturb(ctx) })
	for i := range viewers {
		wait.Go(func() { s.view(ctx, rand.New(rand.NewPCG(uint64(i), uint64(length)))) })
	}
	wait.Wait()
}

// disturb lets one to three regions fail for a while, and then none.
func (s *soak) disturb(ctx context.Context) {
	faults := []Fault{Refused, ResetMidAnswer, BlackHole, SlowFirstByte, SlowTrickle, ServerError, Throttled,
		TruncatedJSON, ExpiredToken, ClockSkew}
	random := rand.New(rand.NewPCG(1, 2))
	for ctx.Err() == nil {
		s.failing.Store(1)
		for _, region := range []string{nearest, next, home} {
			if random.IntN(2) == 0 {
				s.proxy.Set(region, faults[random.IntN(len(faults))])
			}
		}
		sleep(ctx, time.Second)
		for _, region := range []string{nearest, next, home} {
			s.proxy.Set(region, nil)
		}
		sleep(ctx, 300*time.Millisecond) // what began under the fault may still fail
		s.failing.Store(0)
		sleep(ctx, 500*time.Millisecond)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// view is one viewer after the other, on links of their own.
func (s *soak) view(ctx context.Context, random *rand.Rand) {
	for ctx.Err() == nil {
		hash := fmt.Sprintf("soak%028d", s.links.Add(1))
		key := fmt.Sprintf("simple-chat/%s ü+%%.jpg", hash)
		s.expect(get(hash, "origin", home, nearest, next), "404", "")
		put(s.t, s.client, hash, key, time.Now().Add(time.Hour))
		for range 1 + random.IntN(20) {
			s.oneOf(random, hash)
		}
		_, err := s.client.DeleteItem(s.t.Context(), &dynamodb.DeleteItemInput{
			TableName: aws.String("mappings"),
			Key:       map[string]types.AttributeValue{"hash": &types.AttributeValueMemberS{Value: hash}},
		})
		if !assert.NoError(s.t, err) {
			return
		}
		s.expect(get(hash, "origin", home, nearest, next), "404", "")
	}
}

// oneOf asks for the live link or for something that must not be served.
func (s *soak) oneOf(random *rand.Rand, hash string) {
	path := "/simple-chat/" + hash + "%20%C3%BC%2B%25.jpg"
	switch random.IntN(8) {
	case 0:
		s.expect(get(expired, "origin", home, nearest, next), "403", "")
	case 1:
		s.expect(get(expired, "redirect", home, nearest, next), "403", "")
	case 2:
		s.expect(get(unknown, "redirect", home, nearest, next), "404", "")
	case 3:
		s.expect(get("no-hash", "origin", home), "404", "")
	case 4:
		s.expect([]byte(`{"Records":[]}`), "500", "")
	case 5:
		s.expect(get(hash, "redirect", home, nearest, next), "302", "https://"+bucket+".s3."+home+".amazonaws.com"+path+"?")
	default:
		s.expect(get(hash, "origin", home, nearest, next), "served", path)
	}
}

// expect asks and checks the answer. Only a lookup may be refused instead, only with 503, and only while regions
// fail.
func (s *soak) expect(event []byte, status, location string) {
	before := s.failing.Load()
	a := s.function.ask(s.t, event)
	disturbed := before+s.failing.Load() > 0
	s.requests.Add(1)
	if disturbed {
		s.disturbed.Add(1)
	}
	s.mu.Lock()
	if s.answers == nil {
		s.answers = map[string]int{}
	}
	s.answers[a.status]++
	s.mu.Unlock()
	if a.status == "503" && disturbed && status != "500" {
		status, location = "503", ""
	}
	assert.Equal(s.t, status, a.status)
	assert.True(s.t, strings.HasPrefix(a.location, location), "%s leads to %s", a.status, a.location)
	assert.Less(s.t, a.took, budget)
	if a.status != "served" && a.status != "302" {
		assert.Equal(s.t, "no-store", a.cacheControl)
		assert.Empty(s.t, a.location)
	}
}

func (s *soak) tally() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprint(s.answers)
}

// rest waits until what lost a race has come to its end, and has every process serve once more.
func (s *soak) rest() {
	time.Sleep(budget)
	s.warm()
}

// goroutines has the processes end with a list of their goroutines, as Go does on SIGQUIT, and counts them.
func (s *soak) goroutines(running []process) map[int]int {
	counts := map[int]int{}
	for _, p := range running {
		before := strings.Count(s.function.log.String(), " | goroutine ")
		require.NoError(s.t, syscall.Kill(p.pid, syscall.SIGQUIT))
		require.Eventually(s.t, func() bool {
			return len(processes(s.t)) < len(running)-len(counts)
		}, 20*time.Second, 10*time.Millisecond)
		time.Sleep(100 * time.Millisecond) // the rest of the pipe
		counts[p.pid] = strings.Count(s.function.log.String(), " | goroutine ") - before
		require.Positive(s.t, counts[p.pid])
	}
	s.t.Logf("goroutines by process: %v", counts)
	return counts
}
