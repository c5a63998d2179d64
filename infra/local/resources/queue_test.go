package resources

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// taker is a function that notes its batches, and says with do which messages it did not do.
type taker struct {
	mu      sync.Mutex
	batches [][]string // the messages' bodies
	at      []time.Duration
	started time.Time
	do      func(m events.SQSMessage) error
	broken  error
}

func (f *taker) invoke(_ context.Context, payload []byte) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var event events.SQSEvent
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, err
	}
	var bodies []string
	var answer events.SQSEventResponse
	for _, m := range event.Records {
		bodies = append(bodies, m.Body)
		if f.do != nil && f.do(m) != nil {
			answer.BatchItemFailures = append(answer.BatchItemFailures,
				events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
	}
	f.batches, f.at = append(f.batches, bodies), append(f.at, time.Since(f.started))
	if f.broken != nil {
		return nil, f.broken
	}
	return json.Marshal(answer)
}

// read has f read q, with a window of a second and batches of three, until the test ends.
func read(t *testing.T, q *queue, f *taker) {
	t.Helper()
	f.started = time.Now()
	ctx, end := context.WithCancel(t.Context())
	done := make(chan struct{})
	r := &reader{queue: q, invoke: f.invoke, arn: "arn:q", batch: 3, window: time.Second}
	go func() { r.run(ctx); close(done) }()
	t.Cleanup(func() { end(); <-done })
}

func TestMessagesAreHandedOverInBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newQueue("q", t.Output()), &taker{}
		read(t, q, f)
		for _, body := range []string{"1", "2", "3", "4"} {
			q.send(body)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Equal(t, [][]string{{"1", "2", "3"}, {"4"}}, f.batches)
		assert.Equal(t, []time.Duration{0, time.Second}, f.at, "a full batch does not wait for its window")
	})
}

func TestOnlyWhatWasNotDoneComesBackAndInTheEndIsBuried(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]error{"the function reports it": nil, "the function fails": errors.New("down")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				q, dead := newQueue("q", &log), newQueue("dead", &log)
				q.hidden, q.tries, q.dead = 10*time.Second, 3, dead
				f := &taker{broken: broken, do: func(m events.SQSMessage) error {
					if m.Body == "bad" {
						return errors.New("never")
					}
					return nil
				}}
				read(t, q, f)
				q.send("bad")
				q.send("good")
				time.Sleep(time.Hour)
				synctest.Wait()
				all := []string{"bad", "good"}
				if broken == nil {
					assert.Equal(t, [][]string{all, {"bad"}, {"bad"}}, f.batches)
					require.Len(t, dead.messages, 1)
				} else {
					assert.Len(t, f.batches, 3)
					require.Len(t, dead.messages, 2)
				}
				assert.Equal(t, []time.Duration{time.Second, 12 * time.Second, 23 * time.Second}, f.at)
				assert.Contains(t, log.String(), "queue q: a message was tried 3 times and goes to dead")
			})
		})
	}
}
