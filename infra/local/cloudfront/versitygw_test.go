package cloudfront

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/encoding/httpbinding"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/local/engine/enginetest"
)

// gateway is a real S3 server with the test bucket in it.
func gateway(t *testing.T) (S3, *s3.Client) {
	t.Helper()
	url, client := enginetest.Bucket(t, testBucket)
	return S3{
		Endpoint: url, Credentials: enginetest.Credentials,
	}, client
}

func escape(path string) string { return httpbinding.EscapePath(path, false) }

func upload(t *testing.T, client *s3.Client, key string, body []byte) {
	t.Helper()
	_, err := client.PutObject(context.Background(), &s3.PutObjectInput{
		Bucket: aws.String(testBucket), Key: aws.String(key), Body: bytes.NewReader(body),
		ContentType: aws.String("image/jpeg"),
	})
	require.NoError(t, err)
}

// override is an origin-request function that does as ours: the path without its first segment is the escaped key,
// and the life of the copy is set.
func override(query string) Lambda {
	return func(_ context.Context, event []byte) ([]byte, error) {
		var in lambdaEvent
		if err := json.Unmarshal(event, &in); err != nil {
			return nil, err
		}
		req := in.Records[0].CF.Request
		req.URI = strings.TrimPrefix(req.URI, "/keys")
		req.QueryString = query
		return json.Marshal(req)
	}
}

// asker sends requests as a viewer: paths as they are, redirects not followed.
func asker(t *testing.T, server *Server) func(method, path string, header ...string) (*http.Response, string) {
	t.Helper()
	address := serve(t, server)
	return func(method, path string, header ...string) (*http.Response, string) {
		t.Helper()
		req, err := http.NewRequest(method, address, nil)
		require.NoError(t, err)
		req.URL.Opaque = path
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		resp, err := http.DefaultTransport.RoundTrip(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp, string(body)
	}
}

func TestARealS3ServerBehindTheEdge(t *testing.T) {
	target, client := gateway(t)
	photo := bytes.Repeat([]byte("0123456789"), 500)
	keys := []string{"a/b.jpg", "with space.jpg", "plus+and%percent.jpg", "quëstion?#.jpg", "a&b=c;d,e'f(g)!*$@:.jpg",
		"日本/写真.jpg", "a/-_.~"}
	for _, key := range keys {
		upload(t, client, key, photo)
	}
	server, err := New(Options{Distribution: read(t, newPlan(t)), S3: target, URLs: noURLs, Lambdas: map[string]Lambda{
		testLambda: override("response-cache-control=" + url.QueryEscape("public, max-age=60, s-maxage=60")),
	}})
	require.NoError(t, err)
	ask := asker(t, server)

	for _, key := range keys {
		t.Run("the escaped key is found: "+key, func(t *testing.T) {
			resp, body := ask("GET", "/keys"+escape("/"+key))
			assert.Equal(t, 200, resp.StatusCode, body)
			assert.Equal(t, string(photo), body)
			assert.Equal(t, "Miss from cloudfront", resp.Header.Get("X-Cache"))
			assert.Equal(t, "public, max-age=60, s-maxage=60", resp.Header.Get("Cache-Control"),
				"S3 applies the override of the signed request")
			assert.Equal(t, "image/jpeg", resp.Header.Get("Content-Type"))
			resp, body = ask("GET", "/keys"+escape("/"+key))
			assert.Equal(t, string(photo), body)
			assert.Equal(t, "Hit from cloudfront", resp.Header.Get("X-Cache"))
		})
	}
	for _, path := range []string{"/nope.jpg", "/a/b.jpg/c", "/a/", "/a", "/a//b.jpg", "/./a/b.jpg", "/x/../a/b.jpg",
		"//a/b.jpg", "/..%2f..%2fetc%2fpasswd", "/with+space.jpg+", "/" + strings.Repeat("k", 300), "/a%00"} {
		t.Run("a key that is not there is as a forbidden one: "+path, func(t *testing.T) {
			resp, body := ask("GET", "/keys"+path)
			assert.Equal(t, 403, resp.StatusCode, body)
			assert.Contains(t, body, "<Code>AccessDenied</Code>")
			assert.Equal(t, "Error from cloudfront", resp.Header.Get("X-Cache"))
		})
	}
	t.Run("a plus in the path is a space to S3", func(t *testing.T) {
		resp, _ := ask("GET", "/keys/with+space.jpg")
		assert.Equal(t, 200, resp.StatusCode)
	})
	t.Run("an escape that cannot be decoded is a bad request", func(t *testing.T) {
		resp, body := ask("GET", "/keys/%zz")
		assert.Equal(t, 400, resp.StatusCode, body)
	})
	t.Run("the bucket itself is not listed", func(t *testing.T) {
		resp, body := ask("GET", "/keys/")
		assert.Equal(t, 403, resp.StatusCode, body)
		assert.NotContains(t, body, "ListBucketResult")
	})
}

// What versitygw v1.8.0 does with the overrides, since it decides what a link's copy may live for. S3 promises them
// on 200 only; versitygw sends them on 206 and HEAD too, and on 304 not.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func TestWhatVersitygwOverrides(t *testing.T) {
	target, client := gateway(t)
	upload(t, client, "a.jpg", []byte("0123456789"))
	server, err := New(Options{Distribution: read(t, newPlan(t)), S3: target, URLs: noURLs,
		Lambdas: map[string]Lambda{testLambda: override("")}})
	require.NoError(t, err)
	ask := func(method string, header http.Header) *http.Response {
		resp, err := server.behaviours[0].origin.(*bucket).get(context.Background(), originRequest{
			method: method, uri: "/a.jpg", query: "response-cache-control=max-age%3D60", header: header}, time.Now())
		require.NoError(t, err)
		resp.Body.Close()
		return resp
	}
	whole := ask("GET", http.Header{})
	for _, row := range []struct {
		name, method string
		header       http.Header
		status       int
		override     string
	}{
		{"GET", "GET", http.Header{}, 200, "max-age=60"},
		{"HEAD", "HEAD", http.Header{}, 200, "max-age=60"},
		{"range", "GET", http.Header{"Range": {"bytes=0-3"}}, 206, "max-age=60"},
		{"two ranges are none to S3", "GET", http.Header{"Range": {"bytes=0-1,4-5"}}, 200, "max-age=60"},
		{"If-Range is ignored by S3", "GET", http.Header{"Range": {"bytes=0-3"}, "If-Range": {`"other"`}}, 206, "max-age=60"},
		{"revalidation", "GET", http.Header{"If-None-Match": {whole.Header.Get("Etag")}}, 304, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			resp := ask(row.method, row.header)
			assert.Equal(t, row.status, resp.StatusCode)
			assert.Equal(t, row.override, resp.Header.Get("Cache-Control"))
		})
	}
}

func TestOnlyWhatTheBucketPolicyGrants(t *testing.T) {
	target, client := gateway(t)
	upload(t, client, "public/a.jpg", []byte("photo"))
	allow := func(action, condition string) string {
		return `"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",` +
			`\"Principal\":{\"Service\":\"cloudfront.amazonaws.com\"},\"Action\":` + action +
			`,\"Resource\":[\"arn:aws:s3:::media-test\",\"arn:aws:s3:::media-test/*\"],\"Condition\":` + condition + `}]}"`
	}
	mine := `{\"StringEquals\":{\"AWS:SourceArn\":\"` + testDistribution + `\"}}`
	for _, row := range []struct {
		name, resource, path, value, ask string
		status                           int
	}{
		{"this distribution's source ARN is granted", "bucketPolicy", "policy", allow(`\"s3:GetObject\"`, mine),
			"/public/a.jpg", 200},
		{"another distribution's is not", "bucketPolicy", "policy",
			allow(`\"s3:GetObject\"`,
				`{\"StringEquals\":{\"AWS:SourceArn\":\"arn:aws:cloudfront::123456789012:distribution/OTHER\"}}`), "/public/a.jpg",
			403},
		{"another action is not enough", "bucketPolicy", "policy", allow(`\"s3:PutObject\"`, mine), "/public/a.jpg", 403},
		{"a policy of another bucket counts for nothing", "bucketPolicy", "bucket", `"other"`, "/public/a.jpg", 403},
		{"who may list is told that a key is missing", "bucketPolicy", "policy",
			allow(`[\"s3:GetObject\",\"s3:ListBucket\"]`, mine), "/public/nope.jpg", 404},
		{"who may not list is refused", "bucketPolicy", "policy", allow(`\"s3:GetObject\"`, mine), "/public/nope.jpg", 403},
		{"without access control S3 refuses", "distribution", "origins[0].originAccessControlId", `delete`, "/public/a.jpg",
			403},
	} {
		t.Run(row.name, func(t *testing.T) {
			doc := newPlan(t)
			require.NoError(t, set(doc, row.resource, row.path, row.value))
			server, err := New(Options{Distribution: read(t, doc), S3: target, URLs: noURLs,
				Lambdas: map[string]Lambda{testLambda: override("")}})
			require.NoError(t, err)
			resp, body := asker(t, server)("GET", row.ask)
			assert.Equal(t, row.status, resp.StatusCode, body)
		})
	}
}
