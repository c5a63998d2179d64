package local

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// publicPaths are ways through a public service to what is not its own.
var publicPaths = []attack{
	{tries: "the key of a private object as the path", send: get("/{key}"), want: 404},
	{tries: "the bucket and the key as the path", send: get("/{bucket}/{key}"), want: 404},
	{tries: "a private object by dot segments", send: get("/nudges/../{key}"), want: 404},
	{tries: "a private object by escaped dot segments", send: get("/nudges/%2e%2e/{key}"), want: 404},
	{tries: "a private object by half escaped dot segments", send: get("/nudges/.%2E/{key}"), want: 404},
	{tries: "a private object by an escaped slash", send: get("/nudges/..%2f{key}"), want: 404},
	{tries: "a private object by an escaped slash in capitals", send: get("/nudges%2F..%2F{key}"), want: 404},
	{tries: "a private object by dots escaped twice", send: get("/nudges/%252e%252e/{key}"), want: 403, read: true},
	{tries: "a private object by overlong dots", send: get("/nudges/%c0%ae%c0%ae/{key}"), want: 404},
	{tries: "a private object by dots in the middle of a longer path", send: get("/nudges/a/../../{key}"), want: 404},
	{tries: "a private object by two slashes", send: get("//{key}"), want: 404},
	{tries: "a private object as a name below the service", send: get("/nudges/{key}"), want: 403, read: true},
	{tries: "a private object behind a null byte", send: get("/nudges/%00/../{key}"), want: 404},
	{tries: "the service's listing", send: get("/nudges/?list-type=2&prefix=simple-chat/"), want: 403, read: true,
		lacks: []string{"ListBucketResult"}},
	{tries: "the bucket's listing", send: get("/?list-type=2"), want: 404, lacks: []string{"ListBucketResult"}},
	{tries: "the object's rights instead of the object", send: get("{public}?acl"), want: 200, read: true,
		lacks: []string{"AccessControlPolicy", "Owner"}},
	{tries: "the bucket's policy through the service", send: get("/nudges/?policy"), want: 403, read: true,
		lacks: []string{"Statement"}},
	{tries: "another type for a public object", want: 200, read: true,
		send:  get("{public}?response-content-type=text/html"),
		lacks: []string{"text/html"}},
	{tries: "a redirect to another host by slashes", send: get("//evil.example/%2e%2e/nudges/%61"), want: 404,
		lacks: []string{"Location"}},
	{tries: "a redirect to another host by a backslash", send: get(`/nudges/\evil.example`), want: 301,
		has: []string{"Location: /nudges/%5Cevil.example\r\n"}},
	{tries: "a header injected into the redirect to the one spelling", want: 301,
		send:  get("/nudges/%61%0d%0aX-Evil:%201"),
		lacks: []string{"\nX-Evil"}},
	{tries: "another spelling of a public object", send: get("/nudges/%6fpen%20(1).png"), want: 301,
		has: []string{"Location: {public}\r\n"}},
}

// playKeys sees that keys that mean something elsewhere are names of photos here.
func (s *scene) playKeys(t *testing.T) {
	for _, key := range []string{"line\nSet-Cookie: a=b", "line\r\n\r\n<script>", "%2e%2e%2fdiscussion", "a%00.png",
		"..a/..b", "a?versionId=1", "a#b", `a\..\b`, "s3:\u2215\u2215other", "\u202egnp.exe", "a&lt;b>\"'", "*", "a+b c"} {
		t.Run(key, func(t *testing.T) {
			body := []byte("the photo of " + key)
			for _, service := range []string{"simple-chat", "nudges"} {
				link := s.issue(s.upload(service+"/"+key, body), 0)
				raw := say(t, s.names["host"], s.fill(get(strings.TrimPrefix(link, s.base))))
				a := answered(t, "GET", raw)
				assert.Equal(t, 200, a.StatusCode, link)
				assert.Equal(t, body, a.body)
				assert.Empty(t, a.Header.Get("Set-Cookie"))
			}
		})
	}
}

// playUploads sees what becomes of files that somebody uploads to harm whoever looks at them.
func (s *scene) playUploads(t *testing.T) {
	for _, u := range []struct{ tries, name, kind, body string }{
		{"a drawing with a script", "a.svg", "image/svg+xml",
			`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`},
		{"a page in a photo's name", "b.png", "text/html", `<script>alert(1)</script>`},
		{"a page that claims no type", "c", "", `<html><script>alert(1)</script></html>`},
		{"a script to include elsewhere", "d.js", "text/javascript", `alert(1)`},
		{"a manifest of a worker", "e.json", "application/manifest+json", `{}`},
	} {
		for _, service := range []string{"simple-chat", "nudges"} {
			t.Run(u.tries+" in "+service, func(t *testing.T) {
				key := service + "/" + u.name
				put := &s3.PutObjectInput{Bucket: &s.stack.Bucket, Key: &key, Body: bytes.NewReader([]byte(u.body)),
					CacheControl: aws.String("public, max-age=31536000"), ContentDisposition: aws.String("inline"),
					Metadata: map[string]string{"uploader": "somebody@example.com"}}
				if u.kind != "" {
					put.ContentType = &u.kind
				}
				_, err := s.s3.PutObject(t.Context(), put)
				require.NoError(t, err)
				link := s.issue("s3://"+s.stack.Bucket+"/"+key, 0)
				for range 2 { // from S3, and from the cache
					a := fetch(t, "GET", link)
					require.Equal(t, 200, a.StatusCode)
					assert.Equal(t, "nosniff", a.Header.Get("X-Content-Type-Options"))
					assert.Contains(t, a.Header.Get("Content-Security-Policy"), "sandbox")
					assert.Contains(t, a.Header.Get("Content-Security-Policy"), "default-src 'none'")
					assert.NotContains(t, a.Header.Get("Content-Security-Policy"), "script")
					assert.NotContains(t, fmt.Sprint(a.Header), "somebody@example.com", "who uploaded it")
					for name := range a.Header {
						own := strings.HasPrefix(name, "X-Amz-Cf-")
						assert.True(t, own || !strings.HasPrefix(name, "X-Amz-"), "S3's own header %s", name)
					}
					if service == "simple-chat" {
						assert.NotContains(t, a.Header.Get("Cache-Control"), "31536000", "the link's life decides")
					}
				}
			})
		}
	}
}
