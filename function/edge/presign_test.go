package edge

import (
	"context"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/mapping"
	"secure-media-cdn/infra/local/engine/enginetest"
)

func TestASignedURLNamesTheBucketsOwnHostAndRegion(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 999, time.UTC)
	credentials := aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret", SessionToken: "token"}
	p := NewPresigner(credentials, "", func() time.Time { return now })
	object := mapping.Object{Bucket: "media", Key: "a b+c/%2F/ü"}
	signed, err := p.Sign(context.Background(), http.MethodGet, object, "eu-central-1",
		override("content-disposition", `inline; a="b c"`), 300*time.Second)
	require.NoError(t, err)
	u, err := url.Parse(signed)
	require.NoError(t, err)
	assert.Equal(t, "https", u.Scheme)
	assert.Equal(t, "media.s3.eu-central-1.amazonaws.com", u.Host)
	assert.Equal(t, "/a%20b%2Bc/%252F/%C3%BC", u.EscapedPath())
	q := u.Query()
	assert.Equal(t, "300", q.Get("X-Amz-Expires"))
	assert.Equal(t, "20261121T120000Z", q.Get("X-Amz-Date"))
	assert.Equal(t, "AKIDEXAMPLE/20261121/eu-central-1/s3/aws4_request", q.Get("X-Amz-Credential"))
	assert.Equal(t, "token", q.Get("X-Amz-Security-Token"))
	assert.Equal(t, "host", q.Get("X-Amz-SignedHeaders"))
	assert.Equal(t, `inline; a="b c"`, q.Get("response-content-disposition"))
	assert.Len(t, q, 8, "and nothing else: %v", q)
	assert.NotContains(t, signed, "secret")

	p.Endpoint = "http://127.0.0.1:9000"
	object.Key = "a"
	signed, err = p.Sign(context.Background(), http.MethodGet, object, "eu-central-1", "", time.Second)
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(signed, "http://127.0.0.1:9000/media/a?"),
		"a given endpoint has the bucket in the path")
}

func TestOnlyTypesWithoutScriptsAreShownAtS3sHost(t *testing.T) {
	for extension, contentType := range shown {
		kind, _, _ := strings.Cut(contentType, "/")
		assert.Contains(t, []string{"image", "video", "audio", "application"}, kind)
		assert.NotContains(t, contentType, "xml", "XML can hold scripts")
		assert.NotContains(t, contentType, "html")
		assert.Equal(t, strings.ToLower(extension), extension)
		_, _, err := mime.ParseMediaType(contentType)
		assert.NoError(t, err)
	}
	for key, want := range map[string][2]string{
		"chat/photo.jpg":         {"inline", "image/jpeg"},
		"chat/PHOTO.JPG":         {"inline", "image/jpeg"},
		"chat/clip.mp4":          {"inline", "video/mp4"},
		"chat/letter.pdf":        {"inline", "application/pdf"},
		"chat/drawing.svg":       {"attachment", "image/svg+xml"},
		"chat/drawing.SVG":       {"attachment", "image/svg+xml"},
		"chat/page.html":         {"attachment", "application/octet-stream"},
		"chat/page.jpg.html":     {"attachment", "application/octet-stream"},
		"chat/feed.xml":          {"attachment", "application/octet-stream"},
		"chat/script.js":         {"attachment", "application/octet-stream"},
		"chat/photo.jpg ":        {"attachment", "application/octet-stream"},
		"chat/photo.jpg/nothing": {"attachment", "application/octet-stream"},
		"chat/photo":             {"attachment", "application/octet-stream"},
		"jpg":                    {"attachment", "application/octet-stream"},
	} {
		disposition, contentType := label(key)
		assert.Equal(t, want, [2]string{disposition, contentType}, "%q", key)
	}
}

// A real S3 server labels the content as the signed URL says, whatever the
// uploader said, and refuses a URL whose label was changed.
func TestAnUploadWithAFalseTypeCannotRunAtS3sHost(t *testing.T) {
	const script = `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(document.domain)</script></svg>`
	server, client := enginetest.Bucket(t, "media")
	p := NewPresigner(enginetest.Credentials, server, time.Now)
	for _, tt := range []struct{ name, key, uploaded, disposition, contentType string }{
		{"an SVG called a photo", "photo.jpg", "image/svg+xml", "inline", "image/jpeg"},
		{"a page called a photo", "photo.png", "text/html", "inline", "image/png"},
		{"an SVG that says so", "drawing.svg", "image/svg+xml", "attachment", "image/svg+xml"},
		{"a page that says so", "page.html", "text/html", "attachment", "application/octet-stream"},
		{"a page without a name", "page", "text/html", "attachment", "application/octet-stream"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := client.PutObject(t.Context(), &s3.PutObjectInput{
				Bucket: aws.String("media"), Key: &tt.key, Body: strings.NewReader(script),
				ContentType: &tt.uploaded, ContentDisposition: aws.String("inline"),
			})
			require.NoError(t, err)
			object := mapping.Object{Bucket: "media", Key: tt.key}
			signed, err := p.Sign(t.Context(), http.MethodGet, object, "eu-central-1", atS3(object, "", time.Hour, time.Minute),
				time.Minute)
			require.NoError(t, err)

			resp := fetch(t, signed)
			assert.Equal(t, http.StatusOK, resp.StatusCode)
			assert.Equal(t, tt.disposition, resp.Header.Get("Content-Disposition"))
			assert.Equal(t, tt.contentType, resp.Header.Get("Content-Type"))

			assert.Equal(t, "private, max-age=60", resp.Header.Get("Cache-Control"))

			for _, name := range []string{"response-content-disposition", "response-content-type", "response-cache-control"} {
				u, err := url.Parse(signed)
				require.NoError(t, err)
				q := u.Query()
				q.Del(name)
				u.RawQuery = q.Encode()
				assert.Equal(t, http.StatusForbidden, fetch(t, u.String()).StatusCode, "without %s", name)
			}
		})
	}
}

func fetch(t *testing.T, address string) *http.Response {
	t.Helper()
	resp, err := http.Get(address)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp
}
