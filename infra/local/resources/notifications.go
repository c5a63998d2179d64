package resources

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"secure-media-cdn/infra/plan"
)

// partial has a function report the messages that it did not do; else one failure is the whole batch's.
const partial = "ReportBatchItemFailures"

// s3Event is what the S3 server says of everything that happens in it: one record, in the form of S3's own events
// but for the two differences below.
type s3Event struct {
	Records []map[string]any
}

// rule is one of a bucket's notifications.
type rule struct {
	ID     string
	Arn    string `json:"queueArn"`
	Events []string
}

// startQueues makes the queues, and has functions read them.
func (m *Stack) startQueues(context.Context) error {
	m.queues = map[string]*queue{}
	for _, r := range m.o.Document.ByType(typeQueue) {
		m.queues[text(r, "arn")] = newQueue(r.Name, m.o.Log)
	}
	for _, r := range m.o.Document.ByType(typeQueue) {
		if err := m.queues[text(r, "arn")].configure(r, m.queues); err != nil {
			return err
		}
	}
	ctx, end := context.WithCancel(context.Background())
	var running sync.WaitGroup
	m.closers = append(m.closers, func() { end(); running.Wait() })
	for _, r := range m.o.Document.ByType(typeReader) {
		taker, concurrency, err := m.newReader(r)
		if err != nil {
			return err
		}
		for range concurrency {
			running.Go(func() { taker.run(ctx) })
		}
	}
	return nil
}

// configure reads the queue's settings.
func (q *queue) configure(r plan.Resource, all map[string]*queue) error {
	var in struct {
		RedrivePolicy            string
		VisibilityTimeoutSeconds int
	}
	if err := decode(r, &in); err != nil {
		return err
	}
	q.hidden = time.Duration(in.VisibilityTimeoutSeconds) * time.Second
	if in.RedrivePolicy == "" {
		return nil
	}
	var redrive struct {
		DeadLetterTargetArn string
		MaxReceiveCount     int
	}
	err := json.Unmarshal([]byte(in.RedrivePolicy), &redrive)
	if q.dead = all[redrive.DeadLetterTargetArn]; err != nil || q.dead == nil || redrive.MaxReceiveCount < 1 {
		return fmt.Errorf("queue %s: the redrive policy names no queue of this stack or no count", r.Name)
	}
	q.tries = redrive.MaxReceiveCount
	return nil
}

// newReader reads an event source mapping. Its batches are handed over by so many readers at once.
func (m *Stack) newReader(r plan.Resource) (taker *reader, concurrency int, err error) {
	var in struct {
		BatchSize, MaximumBatchingWindowInSeconds int
		EventSourceArn, FunctionName              string
		FunctionResponseTypes                     []string
		ScalingConfig                             struct{ MaximumConcurrency int }
	}
	if err := decode(r, &in); err != nil {
		return nil, 0, err
	}
	f, q := m.functions[in.FunctionName], m.queues[in.EventSourceArn]
	switch {
	case f == nil || q == nil:
		return nil, 0, fmt.Errorf("reader %s: there is no function %s or no queue %s", r.Name, in.FunctionName,
			in.EventSourceArn)
	case !slices.Contains(in.FunctionResponseTypes, partial) || in.BatchSize < 1 ||
		in.ScalingConfig.MaximumConcurrency < 2:
		return nil, 0, fmt.Errorf("reader %s: only one with %s, a batch size and a maximum concurrency of at least 2 "+
			"is implemented", r.Name, partial)
	}
	return &reader{
		queue: q, invoke: f.Invoke, arn: in.EventSourceArn, batch: in.BatchSize,
		window: time.Duration(in.MaximumBatchingWindowInSeconds) * time.Second,
	}, in.ScalingConfig.MaximumConcurrency, nil
}

// objectChanged passes an event on to the queues that the bucket's notifications name.
func (m *Stack) objectChanged(w http.ResponseWriter, r *http.Request) {
	var event s3Event
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload))
	if err != nil || json.Unmarshal(body, &event) != nil || len(event.Records) != 1 {
		return // at its start the server tries whether anybody listens
	}
	rules, err := m.rulesFor(event.Records[0])
	if err != nil {
		m.fail(err)
		return
	}
	message, err := json.Marshal(event)
	if err != nil {
		return
	}
	for _, rule := range rules {
		q, ok := m.queues[rule.Arn]
		if !ok {
			m.fail(fmt.Errorf("notification %s: there is no queue %s", rule.ID, rule.Arn))
			return
		}
		q.send(string(message))
	}
}

// rulesFor returns the rules that match the record, and makes the record what S3 would send: the event without "s3:"
// before it, the key escaped as a form does.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
func (m *Stack) rulesFor(record map[string]any) ([]rule, error) {
	name, _ := record["eventName"].(string)
	s3, _ := record["s3"].(map[string]any)
	bucket, _ := s3["bucket"].(map[string]any)
	object, _ := s3["object"].(map[string]any)
	key, _ := object["key"].(string)
	var matching []rule
	of, _ := bucket["name"].(string)
	// A bucket has one configuration of notifications: the program's, if it writes one. In that of somebody else's,
	// other queues than the stack's are not here.
	told, others := m.o.Existing[of].Notifications, true
	for _, r := range m.o.Document.ByType(typeNotification) {
		if r.Options.Read {
			continue // it is what Existing says
		}
		var in struct {
			Bucket string
			Rules  []rule `json:"queues"`
		}
		if err := decode(r, &in); err != nil {
			return nil, err
		}
		if in.Bucket == of {
			told, others = in.Rules, false
		}
	}
	for _, rule := range told {
		if _, ours := m.queues[rule.Arn]; matchesAny(rule.Events, name) && (ours || !others) {
			matching = append(matching, rule)
		}
	}
	record["eventName"] = strings.TrimPrefix(name, "s3:")
	if object != nil {
		object["key"] = strings.ReplaceAll(url.QueryEscape(key), "%2F", "/")
	}
	return matching, nil
}

func matchesAny(patterns []string, event string) bool {
	for _, pattern := range patterns {
		if prefix, wild := strings.CutSuffix(pattern, "*"); pattern == event || wild && strings.HasPrefix(event, prefix) {
			return true
		}
	}
	return false
}
