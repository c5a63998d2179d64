package resources

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"secure-media-cdn/infra/local/lambda"
)

// queue stands for one of SQS. Its messages last as long as the run.
type queue struct {
	name   string        // logical
	hidden time.Duration // how long a message that was taken is hidden, unless it was done
	tries  int           // after which a message goes to dead; 0 is any number
	dead   *queue
	log    io.Writer

	mu       sync.Mutex
	messages []message
	arrived  chan struct{} // holds something if messages may have come
}

// message is one of a queue.
type message struct {
	id, body string
	taken    int // how often
}

func newQueue(name string, log io.Writer) *queue {
	return &queue{name: name, log: log, arrived: make(chan struct{}, 1)}
}

// send adds a message.
func (q *queue) send(body string) { q.put(message{id: rand.Text(), body: body}) }

func (q *queue) put(m message) {
	q.mu.Lock()
	q.messages = append(q.messages, m)
	q.mu.Unlock()
	q.wake()
}

func (q *queue) wake() {
	select {
	case q.arrived <- struct{}{}:
	default:
	}
}

// reader is an event source mapping: it hands a queue's messages to a function.
type reader struct {
	queue  *queue
	invoke func(context.Context, []byte) ([]byte, error)
	arn    string // of the queue
	batch  int
	window time.Duration
}

// run takes batches, one at a time, until the context ends.
func (r *reader) run(ctx context.Context) {
	for {
		batch := r.next(ctx)
		if len(batch) == 0 {
			return
		}
		r.queue.hide(r.hand(ctx, batch))
	}
}

// next waits for a message, and then a window long for as many as a batch may have.
func (r *reader) next(ctx context.Context) []message {
	var batch []message
	var full <-chan time.Time
	for len(batch) < r.batch {
		r.queue.mu.Lock()
		n := min(r.batch-len(batch), len(r.queue.messages))
		batch = append(batch, r.queue.messages[:n]...)
		r.queue.messages = slices.Delete(r.queue.messages, 0, n)
		left := len(r.queue.messages)
		r.queue.mu.Unlock()
		if left > 0 {
			r.queue.wake() // another reader
		}
		if len(batch) > 0 && full == nil {
			full = time.After(r.window)
		}
		if len(batch) == r.batch {
			break
		}
		select {
		case <-ctx.Done():
			return nil
		case <-full:
			return batch
		case <-r.queue.arrived:
		}
	}
	return batch
}

// hand calls the function with a batch and returns the messages that it did not do.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
func (r *reader) hand(ctx context.Context, batch []message) []message {
	var event events.SQSEvent
	for n := range batch {
		batch[n].taken++
		event.Records = append(event.Records, events.SQSMessage{
			MessageId: batch[n].id, Body: batch[n].body, EventSource: "aws:sqs", EventSourceARN: r.arn,
			Attributes: map[string]string{"ApproximateReceiveCount": strconv.Itoa(batch[n].taken)},
		})
	}
	payload, err := json.Marshal(event)
	if err != nil { // such an event always encodes
		panic(err)
	}
	var answer events.SQSEventResponse
	text, err := r.invoke(ctx, payload)
	if err == nil {
		err = json.Unmarshal(text, &answer)
	}
	if err != nil {
		if !errors.Is(err, lambda.ErrClosed) {
			fmt.Fprintf(r.queue.log, "queue %s: the function failed: %v\n", r.queue.name, err)
		}
		return batch
	}
	return slices.DeleteFunc(batch, func(m message) bool {
		return !slices.ContainsFunc(answer.BatchItemFailures,
			func(f events.SQSBatchItemFailure) bool { return f.ItemIdentifier == m.id })
	})
}

// hide brings messages back after a while. Those that were taken often enough are buried instead.
func (q *queue) hide(undone []message) {
	for _, m := range undone {
		if q.dead != nil && m.taken >= q.tries {
			fmt.Fprintf(q.log, "queue %s: a message was tried %d times and goes to %s\n", q.name, m.taken, q.dead.name)
			q.dead.put(message{id: m.id, body: m.body})
			continue
		}
		time.AfterFunc(q.hidden, func() { q.put(m) })
	}
}
