package api

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/issue/cloud"
	"secure-media-cdn/function/mapping"
)

// forgetful is an edge and a bucket that agree to everything.
type forgetful struct{}

func (forgetful) Forget(context.Context, map[string]time.Time) error   { return nil }
func (forgetful) Withdraw(context.Context, []string) error             { return nil }
func (forgetful) Exists(context.Context, mapping.Object) (bool, error) { return true, nil }
func (forgetful) pause(ctx context.Context, _ time.Duration) error     { return ctx.Err() }

// counter is a source of bytes that never gives the same ones twice.
type counter struct{ n uint64 }

func (c *counter) Read(p []byte) (int, error) {
	c.n++
	clear(p)
	binary.BigEndian.PutUint64(p[len(p)-8:], c.n)
	return len(p), nil
}

func newHandler(log *bytes.Buffer) (*Handler, *mapping.Memory) {
	now := func() time.Time { return time.Unix(1_800_000_000, 0) }
	store := &mapping.Memory{}
	return &Handler{
		Issuer: &issue.Issuer{
			Store: store, Hashes: cloud.Unsealed{Random: &counter{}}, Objects: forgetful{}, Edge: forgetful{},
			Bucket: "media", BaseURL: "https://cdn.example", Services: issue.Services{"chat": false, "shop": true},
			TTL: time.Hour, RenewBefore: time.Minute, Now: now, Pause: forgetful{}.pause,
		},
		Log: slog.New(slog.NewJSONHandler(log, nil)), Now: now,
	}, store
}

// sound fails unless the call was answered as every call is.
func sound(t *testing.T, r events.LambdaFunctionURLResponse, log *bytes.Buffer) {
	t.Helper()
	if strings.Contains(log.String(), `"msg":"panic"`) {
		t.Fatalf("a panic: %s", log)
	}
	if r.StatusCode < 200 || r.StatusCode > 599 || !json.Valid([]byte(r.Body)) {
		t.Fatalf("no proper answer: %d %s", r.StatusCode, r.Body)
	}
	if r.StatusCode >= 400 {
		var failure Failure
		if err := json.Unmarshal([]byte(r.Body), &failure); err != nil || failure.Error.Code == "" || failure.Error.Message == "" {
			t.Fatalf("an error without a code and a sentence: %s", r.Body)
		}
	}
	if !json.Valid(log.Bytes()) {
		t.Fatalf("not one JSON line: %s", log)
	}
}

// FuzzRequest: whatever a caller sends is answered, and a link that is given
// out stands for the very object that was asked for.
func FuzzRequest(f *testing.F) {
	for _, seed := range []struct{ method, path, body string }{
		{"POST", "/links", `{"objects":["s3://media/chat/a.jpg","s3://media/shop/b c.jpg"],"ttlSeconds":60}`},
		{"POST", "/links", `{"objects":["s3://media/chat/ä😀%2F?#.jpg"],"ttlSeconds":null}`},
		{"POST", "/links", `{"objects":["\ud800","s3://media/chat/\u0000"],"ttlSeconds":1e3}`},
		{"POST", "/links", `{"objects":[[],{},null,1],"extra":1}`},
		{"POST", "/revocations", `{"objects":["s3://media/chat/a.jpg"],"hashes":["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]}`},
		{"GET", "/links/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", ""},
		{"DELETE", "/links/%41", ""},
		{"PATCH", "//links", "\xff"},
	} {
		f.Add(seed.method, seed.path, seed.body, false)
	}
	f.Add("POST", "/links", "eyJvYmplY3RzIjpbInMzOi8vbWVkaWEvY2hhdC9hIl19", true)
	f.Fuzz(func(t *testing.T, method, path, body string, isBase64 bool) {
		var log bytes.Buffer
		h, store := newHandler(&log)
		r := events.LambdaFunctionURLRequest{RawPath: path, Body: body, IsBase64Encoded: isBase64}
		r.RequestContext.HTTP.Method = method
		response := h.HTTP(context.Background(), r)
		sound(t, response, &log)
		if method != "POST" || path != LinksPath {
			return
		}
		var answer IssueAnswer
		if err := json.Unmarshal([]byte(response.Body), &answer); err != nil {
			t.Fatal(err)
		}
		for _, l := range answer.Links {
			if l.Hash == "" {
				continue
			}
			m, err := store.Get(context.Background(), l.Hash)
			if err != nil || m.Object.String() != l.Object || !strings.HasPrefix(m.Object.Key, "chat/") || !utf8.ValidString(m.Object.Key) {
				t.Fatalf("the link of %q stands for %q, %v", l.Object, m.Object, err)
			}
		}
	})
}

// FuzzEvent: whatever Lambda hands in ends in an answer or an error.
func FuzzEvent(f *testing.F) {
	for _, seed := range []string{
		`{"version":"2.0","rawPath":"/links","requestContext":{"http":{"method":"POST"}},"body":"{\"objects\":[\"s3://media/chat/a\"]}"}`,
		`{"Records":[{"eventSource":"aws:s3","eventName":"ObjectRemoved:Delete","s3":{"bucket":{"name":"media"},"object":{"key":"chat/a+b%2Bc.jpg","versionId":"1"}}}]}`,
		`{"Records":[{"eventSource":"aws:s3","eventName":"ObjectRemoved:DeleteMarkerCreated","s3":{"bucket":{"name":"other"},"object":{"key":"%ff"}}}]}`,
		`{"Service":"Amazon S3","Event":"s3:TestEvent"}`,
		`{"requestContext":{"http":null},"Records":null}`,
		`{"Records":[null,[],{"s3":{}}]}`,
		`[]`, `null`, ``, `{"requestContext":{"http":{}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, event []byte) {
		var log bytes.Buffer
		h, _ := newHandler(&log)
		answer, err := h.Handle(context.Background(), event)
		if strings.Contains(log.String(), `"msg":"panic"`) {
			t.Fatalf("a panic: %s", &log)
		}
		if err != nil {
			return
		}
		if response, ok := answer.(events.LambdaFunctionURLResponse); ok {
			sound(t, response, &log)
		} else if answer != nil {
			t.Fatalf("an answer of another kind: %v", answer)
		}
	})
}
