package resources

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"secure-media-cdn/infra/plan"
)

// ExistingFile holds, in the state folder, what S3 would keep with buckets that were there before the stack. The S3
// server keeps neither: it refuses a policy for a service, and has no notifications.
const ExistingFile = "existing.json"

// Existing are the documents of a bucket that somebody else owns. A run reads them and changes nothing.
type Existing struct {
	// Policy is the bucket's policy, null for none.
	Policy json.RawMessage `json:"policy"`
	// Notifications are those to queues; nobody here reads others.
	Notifications []rule `json:"notifications"`
}

// PolicyText is the policy as S3 answers it, empty for none.
func (e Existing) PolicyText() string {
	if string(e.Policy) == "null" {
		return ""
	}
	return string(e.Policy)
}

// Queues are the notifications as Pulumi's provider reads them.
func (e Existing) Queues() []any {
	queues := []any{}
	for _, r := range e.Notifications {
		events := make([]any, len(r.Events))
		for n, event := range r.Events {
			events[n] = event
		}
		queues = append(queues, map[string]any{"id": r.ID, "queueArn": r.Arn, "events": events})
	}
	return queues
}

// ReadExisting reads what the state folder says of buckets that were there before, by name.
func ReadExisting(dir string) (map[string]Existing, error) {
	buckets := map[string]Existing{}
	data, err := os.ReadFile(filepath.Join(dir, ExistingFile))
	if errors.Is(err, fs.ErrNotExist) {
		return buckets, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &buckets)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ExistingFile, err)
	}
	return buckets, nil
}

// Pasted are the documents of a bucket whose owner pasted what the stack's outputs ask for, and had nothing else.
func Pasted(outputs map[string]any) (Existing, error) {
	var e Existing
	policy, err := json.Marshal(map[string]any{"Version": "2012-10-17",
		"Statement": []any{outputs["bucketPolicyStatement"]}})
	if err != nil {
		return e, err
	}
	e.Policy = policy
	notification, err := json.Marshal(outputs["bucketNotification"])
	if err != nil {
		return e, err
	}
	e.Notifications = make([]rule, 1)
	return e, json.Unmarshal(notification, &e.Notifications[0])
}

// ExistingBucket is the name of the bucket that the program reads and does not make, "" if it makes its own.
func ExistingBucket(d *plan.Document) string {
	for _, r := range d.ByType(typeBucket) {
		if r.Options.Read {
			return r.ID
		}
	}
	return ""
}

// missing says what a bucket of somebody else's lacks for the stack to work.
func (m *Stack) missing() []string {
	name := ExistingBucket(m.o.Document)
	if name == "" {
		return nil
	}
	var lines []string
	behaviours := m.Distribution.Behaviours
	if origin := behaviours[len(behaviours)-1].Origin; !origin.Policy.Allows(m.Distribution.ARN, "s3:GetObject",
		"arn:aws:s3:::"+name+"/any") {
		lines = append(lines, "the policy of the bucket "+name+" does not let the distribution read: add the output "+
			"bucketPolicyStatement to it, in "+ExistingFile)
	}
	rules, err := m.rulesFor(map[string]any{"eventName": "s3:ObjectRemoved:Delete",
		"s3": map[string]any{"bucket": map[string]any{"name": name}}})
	if err != nil || len(rules) == 0 {
		lines = append(lines, "the bucket "+name+" does not tell of what is deleted: add the output bucketNotification to "+
			"its notifications, in "+ExistingFile)
	}
	return lines
}

// cleanBuckets deletes the buckets and what the S3 server notes of them, but for those that were there before.
func cleanBuckets(dir string) error {
	keep, err := ReadExisting(dir)
	if err != nil {
		return err
	}
	if len(keep) == 0 {
		return os.RemoveAll(filepath.Join(dir, "s3"))
	}
	for _, kind := range []string{"buckets", "meta"} {
		folder := filepath.Join(dir, "s3", kind)
		entries, err := os.ReadDir(folder)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, entry := range entries {
			if _, kept := keep[entry.Name()]; kept {
				continue
			}
			if err := os.RemoveAll(filepath.Join(folder, entry.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}
