package issuer

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/issue/cloud/cloudtest"
	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/seal"
	"secure-media-cdn/function/seal/sealtest"
)

// What the stack says of the queue and its reader, and of the function.
const (
	floodBatch   = 100
	floodWriters = 2
	floodHidden  = 3 * time.Minute
	floodTries   = 5
	floodTimeout = 30 * time.Second
)

// flood delivers messages as Lambda does, with a clock that nobody waits for.
type flood struct {
	h        *Function
	mu       sync.Mutex
	messages []events.SQSMessage
	tries    map[string]int
	left     int // messages that are neither done nor given up
	buried   int
}

// run takes batches until no message is left.
func (f *flood) run(t *testing.T) {
	for {
		f.mu.Lock()
		n := min(floodBatch, len(f.messages))
		batch := slices.Clone(f.messages[:n])
		f.messages = f.messages[n:]
		left := f.left
		f.mu.Unlock()
		if left == 0 {
			return
		}
		if n == 0 {
			time.Sleep(time.Second)
			continue
		}
		failed := f.hand(t, batch)
		f.mu.Lock()
		f.left -= len(batch) - len(failed)
		for _, m := range failed {
			if f.tries[m.MessageId]++; f.tries[m.MessageId] == floodTries {
				f.buried, f.left = f.buried+1, f.left-1
				continue
			}
			time.AfterFunc(floodHidden, func() {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.messages = append(f.messages, m)
			})
		}
		f.mu.Unlock()
	}
}

// hand returns the messages of a batch that were not done.
func (f *flood) hand(t *testing.T, batch []events.SQSMessage) []events.SQSMessage {
	ctx, cancel := context.WithTimeout(t.Context(), floodTimeout)
	defer cancel()
	answer, err := f.h.Handle(ctx, rawBatch(batch))
	if !assert.NoError(t, err) {
		return batch
	}
	failures := answer.(events.SQSEventResponse).BatchItemFailures
	return slices.DeleteFunc(batch, func(m events.SQSMessage) bool {
		return !slices.Contains(failures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
	})
}

// Each call takes 100 ms, and the gate's list has the limits of the real one: one version for all writers, and 50 keys
// an update. Then a batch of a hundred deletions takes 0.4 s to look at the objects, 25 at a time; 0.1 s to read the
// list's version; and two updates with a rest of 0.5 s and another look at the version after each: 1.9 s. Two writers
// need 50 batches each for 10,000 deletions: 95 s. They lose races to each other and to operators: with 40 % of the
// updates, each time for some 0.3 s of waiting and 0.2 s of calls, that makes 20 s more. So three minutes are
// enough for all, and an operator, whose update fails while one of about three a second comes in between, needs
// some tries of half a second.
func TestTenThousandDeletionsAreFollowedInMinutesAndAnOperatorInSeconds(t *testing.T) {
	t.Parallel()
	const deletions, enough, seconds = 10_000, 3 * time.Minute, 5 * time.Second
	synctest.Test(t, func(t *testing.T) {
		aws := &cloudtest.AWS{KeyValueStore: cloudtest.KeyValueStore{Entries: sealtest.Entries(1, 2, 3)}}
		cfg, err := load(goodEnvironment())
		require.NoError(t, err)
		h := wire(cfg, aws.Config(false), func(string) string { return "" }, slog.New(slog.DiscardHandler))
		var store mapping.Memory
		h.issuer.Store, h.events.Store, h.issuer.Unchecked = &store, &store, true
		links := func(prefix string, n int) (hashes []string, messages []events.SQSMessage) {
			for k := range n {
				key := fmt.Sprint("simple-chat/", prefix, k)
				issued, err := h.issuer.Issue(t.Context(), []string{"s3://media/" + key}, issue.Terms{})
				require.NoError(t, err)
				require.Nil(t, issued[0].Err)
				hashes = append(hashes, issued[0].Hash)
				messages = append(messages, events.SQSMessage{EventSource: "aws:sqs", MessageId: key,
					Body: changed("ObjectRemoved:Delete", key)})
			}
			return hashes, messages
		}
		deleted, messages := links("deleted", deletions)
		revoked, _ := links("revoked", 5)
		calls := map[string]string{} // what an operator does, and the entry that tells the gate
		for n, hash := range revoked {
			calls["/links/"+hash] = seal.RevocationEntry(hash)
			session := seal.Session{byte(n)}
			id := sealtest.AudienceKey(t).SessionID(session, time.Now().Add(time.Hour))
			calls["/viewers/"+id] = seal.SessionEntry(session)
		}
		aws.Latency = 100 * time.Millisecond

		f := &flood{h: h, messages: messages, left: deletions, tries: map[string]int{}}
		start := time.Now()
		var writers sync.WaitGroup
		for range floodWriters {
			writers.Go(func() { f.run(t) })
		}
		for path := range calls {
			time.Sleep(5 * time.Second)
			asked := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), floodTimeout)
			answer, err := h.Handle(invoked(ctx), event(t, http.MethodDelete, path, ""))
			cancel()
			require.NoError(t, err)
			assert.Less(t, answer.(events.LambdaFunctionURLResponse).StatusCode, 300)
			assert.Less(t, time.Since(asked), seconds)
			f.mu.Lock()
			assert.NotZero(t, f.left, "it comes in the middle of the deletions")
			f.mu.Unlock()
		}
		writers.Wait()
		assert.Less(t, time.Since(start), enough)
		assert.Zero(t, f.buried)
		for _, hash := range deleted {
			require.NotEmpty(t, aws.KeyValueStore.Entries[seal.RevocationEntry(hash)])
		}
		for _, entry := range calls {
			require.NotEmpty(t, aws.KeyValueStore.Entries[entry])
		}
		assert.Empty(t, aws.CloudFront.Invalidations, "the list is enough")
		t.Logf("%d deletions took %v", deletions, time.Since(start))
	})
}

func TestABatchThatTakesTooLongIsAnsweredInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		aws := &cloudtest.AWS{KeyValueStore: cloudtest.KeyValueStore{Entries: sealtest.Entries(1, 2, 3)}}
		cfg, err := load(goodEnvironment())
		require.NoError(t, err)
		h := wire(cfg, aws.Config(false), func(string) string { return "" }, slog.New(slog.DiscardHandler))
		var store mapping.Memory
		h.issuer.Store, h.events.Store, h.issuer.Unchecked = &store, &store, true
		_, err = h.issuer.Issue(t.Context(), []string{"s3://media/simple-chat/a"}, issue.Terms{})
		require.NoError(t, err)
		aws.Latency = time.Hour
		ctx, cancel := context.WithTimeout(t.Context(), floodTimeout)
		defer cancel()
		answer, err := h.Handle(ctx, changedEvent("ObjectRemoved:Delete", "simple-chat/b", "simple-chat/a"))
		require.NoError(t, err)
		require.NoError(t, ctx.Err(), "Lambda would end the function, and bring back all messages")
		assert.Equal(t, []events.SQSBatchItemFailure{{ItemIdentifier: "m1"}},
			answer.(events.SQSEventResponse).BatchItemFailures)
	})
}
