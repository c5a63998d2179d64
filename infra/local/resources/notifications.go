package resources

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"secure-media-cdn/infra/local/lambda"
	"secure-media-cdn/infra/plan"
)

// s3Event is what the S3 server says of everything that happens in it: one record, in the form of S3's own events
// but for the two differences below.
type s3Event struct {
	Records []map[string]any
}

// rule is one of a bucket's notifications.
type rule struct {
	ID     string
	Arn    string `json:"lambdaFunctionArn"`
	Events []string
}

// objectChanged passes events on to the functions that the bucket's notifications name, and tries three times, as
// Lambda does.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
func (m *Stack) objectChanged(w http.ResponseWriter, r *http.Request) {
	var event s3Event
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload))
	if err != nil || json.Unmarshal(body, &event) != nil || len(event.Records) != 1 {
		return // at its start the server tries whether anybody listens
	}
	rules, err := rulesFor(m.o.Document, event.Records[0])
	if err != nil {
		m.fail(err)
		return
	}
	payload, err := json.Marshal(event)
	if err != nil {
		return
	}
	for _, rule := range rules {
		f, ok := m.functions[rule.Arn]
		if !ok {
			m.fail(fmt.Errorf("notification %s: there is no function %s", rule.ID, rule.Arn))
			return
		}
		go func() {
			var err error
			for range 3 {
				if _, err = f.Invoke(context.Background(), payload); err == nil || errors.Is(err, lambda.ErrClosed) {
					return
				}
			}
			fmt.Fprintf(m.o.Log, "function %s failed three times to take an S3 event: %v\n", f.name, err)
		}()
	}
}

// rulesFor returns the rules that match the record, and makes the record what S3 would send: the event without "s3:"
// before it, the key escaped as a form does.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
func rulesFor(d *plan.Document, record map[string]any) ([]rule, error) {
	name, _ := record["eventName"].(string)
	s3, _ := record["s3"].(map[string]any)
	bucket, _ := s3["bucket"].(map[string]any)
	object, _ := s3["object"].(map[string]any)
	key, _ := object["key"].(string)
	var matching []rule
	for _, r := range d.ByType(typeNotification) {
		var in struct {
			Bucket string
			Rules  []rule `json:"lambdaFunctions"`
		}
		if err := decode(r, &in); err != nil {
			return nil, err
		}
		for _, rule := range in.Rules {
			if in.Bucket == bucket["name"] && matchesAny(rule.Events, name) {
				matching = append(matching, rule)
			}
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
