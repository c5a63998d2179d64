package issuer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/issue/api"
	"secure-media-cdn/function/mapping"
)

// timeToAnswer is what is left of the function's time when its work on a batch is cut short: an answer spares the
// messages that are done.
const timeToAnswer = 2 * time.Second

// objectsOf returns the objects that a message of the queue is about: an event of S3, of any kind. The event that S3
// sends to try the queue is about none.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
func objectsOf(message string) ([]mapping.Object, error) {
	if problem := api.CheckText([]byte(message)); problem != nil {
		return nil, errors.New("the message's text is broken")
	}
	var event struct {
		Event   string
		Records *[]json.RawMessage
	}
	if err := json.Unmarshal([]byte(message), &event); err != nil {
		return nil, errors.New("the message is not JSON of a known kind")
	}
	if event.Event == "s3:TestEvent" {
		return nil, nil
	}
	if event.Records == nil {
		return nil, errors.New("the message is no event of S3")
	}
	var objects []mapping.Object
	for n, raw := range *event.Records {
		var r struct {
			EventSource string
			S3          struct {
				Bucket struct{ Name string }
				Object struct{ Key string }
			}
		}
		if err := json.Unmarshal(raw, &r); err != nil || r.EventSource != "aws:s3" {
			return nil, fmt.Errorf("record %d is not from S3", n)
		}
		// S3 writes the key as a form does: escaped, a space being a plus.
		key, err := url.QueryUnescape(r.S3.Object.Key)
		if err != nil {
			return nil, fmt.Errorf("record %d has a key that cannot be read", n)
		}
		object, err := mapping.ParseObject("s3://" + r.S3.Bucket.Name + "/" + key)
		if err != nil {
			return nil, fmt.Errorf("record %d: %w", n, err)
		}
		objects = append(objects, object)
	}
	return objects, nil
}

// follow takes a batch of S3's events from the queue. It names the messages that were not done: they come back, and
// in the end go to the dead-letter queue.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
func (f *Function) follow(ctx context.Context, batch []events.SQSMessage) events.SQSEventResponse {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel func()
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-timeToAnswer))
		defer cancel()
	}
	var objects []mapping.Object
	from := map[mapping.Object][]string{} // the ids of the messages
	failed := map[string]bool{}
	for _, message := range batch {
		about, err := objectsOf(message.Body)
		if err != nil {
			f.log.Error("unknown message", "error", err.Error(), "bytes", len(message.Body))
			failed[message.MessageId] = true
		}
		for _, object := range about {
			if from[object] == nil {
				objects = append(objects, object)
			}
			from[object] = append(from[object], message.MessageId)
		}
	}
	errs, done := f.events.Follow(ctx, objects)
	var problems []*issue.Error
	for n, object := range objects {
		if errs[n] != nil {
			problems = append(problems, errs[n])
			for _, id := range from[object] {
				failed[id] = true
			}
		}
	}
	level := slog.LevelInfo
	if len(failed) > 0 {
		level = slog.LevelError
	}
	f.log.LogAttrs(ctx, level, "objects changed", append([]slog.Attr{
		slog.Int("messages", len(batch)), slog.Int("objects", len(objects)), slog.Int("revoked", done.Revoked),
		slog.Int("forgotten", done.Forgotten), slog.Int("failed", len(failed)),
	}, issue.LogAttrs(problems)...)...)
	var answer events.SQSEventResponse
	for _, message := range batch {
		if failed[message.MessageId] {
			answer.BatchItemFailures = append(answer.BatchItemFailures,
				events.SQSBatchItemFailure{ItemIdentifier: message.MessageId})
		}
	}
	return answer
}
