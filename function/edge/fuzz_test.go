package edge

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/seal"
)

// FuzzEvent checks that no event, whatever its bytes, gets anything but a valid
// answer, and that a request is let through only if the table says so.
func FuzzEvent(f *testing.F) {
	for _, file := range []string{
		"testdata/origin-request.json", "testdata/origin-request-minimal.json", "testdata/origin-request-variant.json",
	} {
		raw, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(raw)
		f.Add(bytes.ReplaceAll(raw, []byte(`"origin-request"`), []byte(`"viewer-request"`)))
		f.Add(bytes.ReplaceAll(raw, []byte(`"s3"`), []byte(`"custom"`)))
		f.Add(bytes.ReplaceAll(raw, []byte(`"/images/`), []byte(`"/images/../images/`)))
		f.Add(raw[:len(raw)/2])
	}
	f.Add([]byte(`{"Records":[{"cf":{"config":{"eventType":"origin-request"},"request":null}}]}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		var log bytes.Buffer
		looked := 0
		h := &Handler{
			Open: func(c Config) Lookup {
				return func(_ context.Context, hash string) (mapping.Mapping, string, error) {
					looked++
					if !seal.IsHash(hash) {
						t.Errorf("a lookup of %q", hash)
					}
					return mapping.Mapping{Hash: hash, Object: mapping.Object{Bucket: c.Bucket, Key: "the object's key"},
						ExpiresAt: testNow.Add(time.Hour)}, "r", nil
				}
			},
			Sign: NewPresigner(aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "confidential"}, "",
				func() time.Time { return testNow }).Sign,
			Now: func() time.Time { return testNow },
			Log: slog.New(slog.NewJSONHandler(&log, nil)),
		}
		out, err := h.Invoke(context.Background(), payload)
		if err != nil {
			t.Fatal(err)
		}
		var answer map[string]any
		if err := json.Unmarshal(out, &answer); err != nil {
			t.Fatalf("the answer is no JSON object: %v: %s", err, out)
		}
		switch status := answer["status"]; {
		case looked == 0 && status != "404" && status != "500" && status != "204":
			t.Fatalf("%v without a lookup", answer)
		case strings.Contains(log.String(), `"msg":"panic"`):
			t.Fatalf("a panic: %s", &log)
		case strings.Contains(log.String(), "the object's key"):
			t.Fatalf("the key is in the log: %s", &log)
		}
	})
}

// FuzzURI checks that only one path is a link: the folder and a hash.
func FuzzURI(f *testing.F) {
	for _, path := range hostilePaths {
		f.Add(path)
	}
	f.Add("/images/" + testHash)
	f.Fuzz(func(t *testing.T, uri string) {
		hash, name, ok := seal.ParsePath(uri)
		if !ok || name != "" {
			return
		}
		if uri != "/images/"+hash || len(hash) != 32 {
			t.Fatalf("%q was taken for a link to %q", uri, hash)
		}
		for _, c := range hash {
			if !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-", c) {
				t.Fatalf("%q was taken for a hash", hash)
			}
		}
	})
}
