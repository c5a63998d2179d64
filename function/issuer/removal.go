package issuer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/mapping"
)

// removal is one object, or one version of it, that was deleted.
type removal struct {
	object  mapping.Object
	version bool // an explicit version: others may remain
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
			return nil, fmt.Errorf("record %d is not about a removal", n)
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
		// A delete marker hides the object with all its versions; so does the deletion of an object without
		// versions.
		// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
		all = append(all, removal{object, what == "Delete" && r.S3.Object.VersionID != ""})
	}
	return all, nil
}

// follow revokes the links of deleted objects.
func (f *Function) follow(ctx context.Context, removals []removal) error {
	var objects []string
	for _, r := range removals {
		if r.version {
			remains, err := f.issuer.Objects.Exists(ctx, r.object)
			if err != nil {
				f.log.Error("removal", "error", err.Error())
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
		outcomes, err := f.issuer.Revoke(ctx, chunk, nil)
		if err != nil {
			return err
		}
		revoked := 0
		var failed []*issue.Error
		for _, o := range outcomes {
			revoked += len(o.Hashes)
			// A public object has no links. CloudFront's copies stay until they are stale or somebody revokes the
			// object: an invalidation for each would cost half a cent, and they are deleted by the thousand.
			// https://aws.amazon.com/cloudfront/pricing/
			if o.Err != nil && o.Err.Code != issue.CodePublicObject {
				failed = append(failed, o.Err)
			}
		}
		log := append([]slog.Attr{
			slog.Int("objects", len(chunk)), slog.Int("revoked", revoked), slog.Int("failed", len(failed)),
		}, issue.LogAttrs(failed)...)
		if len(failed) > 0 {
			f.log.LogAttrs(ctx, slog.LevelError, "removal", log...)
			return fmt.Errorf("revoking the links of %d deleted objects: %w", len(failed), failed[0])
		}
		f.log.LogAttrs(ctx, slog.LevelInfo, "removal", log...)
	}
	return nil
}
