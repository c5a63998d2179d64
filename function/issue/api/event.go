package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/mapping"
)

// Handle is the function's entry: it takes a call to its address or S3's word
// of what was deleted. An error has Lambda try an S3 event again, twice.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
func (h *Handler) Handle(ctx context.Context, event json.RawMessage) (answer any, err error) {
	defer func() {
		if p := recover(); p != nil {
			h.Log.Error("panic", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			answer, err = nil, errors.New("a panic; the log knows more")
		}
	}()
	r, removals, err := parseEvent(event)
	switch {
	case err != nil:
		h.Log.Error("unknown event", "error", err.Error(), "bytes", len(event))
		return nil, err
	case r != nil:
		return h.HTTP(ctx, *r), nil
	default:
		return nil, h.follow(ctx, removals)
	}
}

// removal is one object, or one version of it, that was deleted.
type removal struct {
	object  mapping.Object
	version bool // an explicit version: others may remain
}

// parseEvent tells the two kinds of event apart. Exactly one of its results
// says something, unless S3 only tried whether it may call us.
func parseEvent(event json.RawMessage) (*events.LambdaFunctionURLRequest, []removal, error) {
	var kind struct {
		RequestContext *struct {
			HTTP *struct{ Method *string }
		}
		Records *[]json.RawMessage
		Event   string
	}
	if err := json.Unmarshal(event, &kind); err != nil {
		return nil, nil, errors.New("the event is not JSON of a known kind")
	}
	switch {
	case kind.RequestContext != nil && kind.RequestContext.HTTP != nil:
		var r events.LambdaFunctionURLRequest
		if err := json.Unmarshal(event, &r); err != nil {
			return nil, nil, errors.New("the event is no call of the function's address")
		}
		return &r, nil, nil
	case kind.Event == "s3:TestEvent":
		return nil, nil, nil
	case kind.Records != nil:
		removals, err := parseRemovals(*kind.Records)
		return nil, removals, err
	}
	return nil, nil, errors.New("the event is neither a call of the function's address nor from S3")
}

func parseRemovals(records []json.RawMessage) ([]removal, error) {
	var all []removal
	for n, raw := range records {
		var r struct {
			EventSource, EventName string
			S3                     struct {
				Bucket struct{ Name string }
				Object struct{ Key, VersionID string }
			}
		}
		if err := json.Unmarshal(raw, &r); err != nil || r.EventSource != "aws:s3" {
			return nil, fmt.Errorf("record %d is not from S3", n)
		}
		kind, what, _ := strings.Cut(strings.TrimPrefix(r.EventName, "s3:"), ":")
		if kind != "ObjectRemoved" && kind != "LifecycleExpiration" {
			return nil, fmt.Errorf("record %d is of something else than a removal", n)
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
		// A delete marker hides the object, whatever versions it has; so does the
		// deletion of an object without versions.
		// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
		all = append(all, removal{object, what == "Delete" && r.S3.Object.VersionID != ""})
	}
	return all, nil
}

// follow revokes the links of what was deleted.
func (h *Handler) follow(ctx context.Context, removals []removal) error {
	var objects []string
	for _, r := range removals {
		if r.version {
			remains, err := h.Issuer.Objects.Exists(ctx, r.object)
			if err != nil {
				h.Log.Error("removal", "error", err.Error())
				return errors.New("looking for the object's other versions failed")
			}
			if remains {
				continue
			}
		}
		if text := r.object.String(); !slices.Contains(objects, text) {
			objects = append(objects, text)
		}
	}
	for chunk := range slices.Chunk(objects, issue.MaxObjects) {
		outcomes, err := h.Issuer.Revoke(ctx, chunk, nil)
		if err != nil {
			return err
		}
		c, revoked := call{}, 0
		var failed []*issue.Error
		for _, o := range outcomes {
			revoked += len(o.Hashes)
			// A public object has no links. Its copies at the edge stay until they are
			// stale or somebody revokes it: an invalidation for each would cost half a
			// cent, and public objects are deleted by the thousand.
			if o.Err != nil && o.Err.Code != issue.CodePublicObject {
				failed = append(failed, o.Err)
			}
		}
		c.note(slog.Int("objects", len(chunk)), slog.Int("revoked", revoked), slog.Int("failed", len(failed)))
		c.noteProblems(failed)
		if len(failed) > 0 {
			h.Log.LogAttrs(ctx, slog.LevelError, "removal", c.log...)
			return fmt.Errorf("revoking the links of %d deleted objects: %w", len(failed), failed[0])
		}
		h.Log.LogAttrs(ctx, slog.LevelInfo, "removal", c.log...)
	}
	return nil
}
