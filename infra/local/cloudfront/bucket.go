package cloudfront

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go/encoding/httpbinding"

	"secure-media-cdn/infra/local/cloudfront/distribution"
)

// bucket is an origin at the local S3 server.
type bucket struct {
	*distribution.Origin
	endpoint  *url.URL
	keys      aws.Credentials
	arn       string // of the distribution, the source of its requests
	transport http.RoundTripper
}

const (
	// The defaults of CloudFront, which the program leaves alone.
	// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesOrigin.html
	connectAttempts = 3
	connectTimeout  = 10 * time.Second

	unsignedPayload = "UNSIGNED-PAYLOAD"
	maxKeyBytes     = 1024 // https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
	maxSegmentBytes = 255  // of a file name, below versitygw
)

// signer signs as S3 wants it: the path is escaped once only.
var signer = v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })

func newBucket(o *distribution.Origin, arn string, s3 S3) (*bucket, error) {
	endpoint, err := url.Parse(s3.Endpoint)
	if err != nil || endpoint.Host == "" {
		return nil, fmt.Errorf("the S3 endpoint %q is not a URL", s3.Endpoint)
	}
	return &bucket{Origin: o, endpoint: endpoint, arn: arn, keys: s3.Credentials,
		transport: newTransport(originTimeout)}, nil
}

// get sends a request to the bucket, signed as origin access control would sign it, and applies the bucket policy,
// which versitygw knows nothing of. A bucket that cannot be reached is an error.
func (b *bucket) get(ctx context.Context, in originRequest, now time.Time) (*http.Response, error) {
	key, ok := objectKey(in.uri)
	if !ok {
		return s3Error(in, http.StatusBadRequest, "InvalidURI", "Couldn't parse the specified URI."), nil
	}
	if refusal := b.refuse(in, key); refusal != nil {
		return refusal, nil
	}
	reads := in.method != http.MethodOptions && key != ""
	if reads && !holdable(key) {
		return b.missing(in), nil
	}
	for attempt := 1; ; attempt++ {
		resp, err := b.send(ctx, in, key, now)
		// Only a connection that failed is tried again.
		// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesOrigin.html
		if dialFailed(err) && attempt < connectAttempts {
			continue
		}
		if err != nil {
			return nil, err
		}
		resp.Header.Set("Server", "AmazonS3") // not that of the stand-in
		for _, name := range []string{"X-Amz-Id-2", "X-Amz-Request-Id"} {
			if twice := resp.Header[name]; len(twice) > 1 {
				resp.Header[name] = twice[:1] // versitygw v1.8.0 sends them twice
			}
		}
		if resp.StatusCode == http.StatusNotFound && reads {
			_ = resp.Body.Close()
			return b.missing(in), nil
		}
		return resp, nil
	}
}

func (b *bucket) send(ctx context.Context, in originRequest, key string, now time.Time) (*http.Response, error) {
	path := "/" + b.Bucket + "/" + key
	req, err := http.NewRequestWithContext(ctx, in.method, b.endpoint.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("asking S3: %w", err)
	}
	req.URL.Path, req.URL.RawPath, req.URL.RawQuery = path, httpbinding.EscapePath(path, false), in.query
	req.Header = in.header.Clone()
	for _, h := range b.CustomHeaders {
		req.Header.Set(h.Name, h.Value)
	}
	// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
	if b.Signed {
		req.Header.Del("Authorization")
		req.Header.Set("X-Amz-Content-Sha256", unsignedPayload)
		if err := signer.SignHTTP(ctx, b.keys, req, unsignedPayload, "s3", b.Region, now); err != nil {
			return nil, fmt.Errorf("signing the request to S3: %w", err)
		}
	}
	return b.transport.RoundTrip(req)
}

// objectKey decodes a URI into the key that S3 would look for. S3 takes keys literally: "//" and ".." are part of
// them. It reads "+" in a path as a space, so a key with a plus must be escaped as %2B:
// https://github.com/aws-samples/image-optimization/issues/44
func objectKey(uri string) (string, bool) {
	key, err := url.PathUnescape(strings.ReplaceAll(strings.TrimPrefix(uri, "/"), "+", "%20"))
	return key, err == nil
}

// subresources of an object need another permission than s3:GetObject.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
var subresources = []string{
	"acl", "attributes", "legal-hold", "retention", "restore", "select", "tagging", "torrent", "uploadId",
	"uploads", "versionId",
}

// refuse answers what S3 would refuse before looking for the object, nil if it would look.
func (b *bucket) refuse(in originRequest, key string) *http.Response {
	if in.method == http.MethodOptions {
		return nil // preflights are not authorised
	}
	query, _ := url.ParseQuery(in.query)
	action, resource := "s3:GetObject", "arn:aws:s3:::"+b.Bucket+"/"+key
	if key == "" {
		action, resource = "s3:ListBucket", "arn:aws:s3:::"+b.Bucket
	}
	switch {
	case query.Has("X-Amz-Algorithm") && b.Signed:
		// https://github.com/catalyst/moodle-tool_objectfs/issues/303 has CloudFront's case of it.
		return s3Error(in, http.StatusBadRequest, "InvalidArgument", "Only one auth mechanism allowed")
	case !b.Signed, !b.Policy.Allows(b.arn, action, resource), slices.ContainsFunc(subresources, query.Has):
		return s3Error(in, http.StatusForbidden, "AccessDenied", "Access Denied")
	case len(key) > maxKeyBytes:
		return s3Error(in, http.StatusBadRequest, "KeyTooLongError", "Your key is too long")
	}
	return nil
}

// holdable reports whether versitygw, which keeps objects as files, can hold the key. S3 can hold every key, so one
// that cannot be here is just missing.
func holdable(key string) bool {
	for segment := range strings.SplitSeq(strings.TrimSuffix(key, "/"), "/") {
		if segment == "" || segment == "." || segment == ".." || len(segment) > maxSegmentBytes ||
			strings.Contains(segment, "\x00") {
			return false
		}
	}
	return true
}

// missing is S3's answer for a key that is not there: who may not list the bucket is not told so.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func (b *bucket) missing(in originRequest) *http.Response {
	if !b.Policy.Allows(b.arn, "s3:ListBucket", "arn:aws:s3:::"+b.Bucket) {
		return s3Error(in, http.StatusForbidden, "AccessDenied", "Access Denied")
	}
	return s3Error(in, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
}

// s3Error is an answer in S3's form.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func s3Error(in originRequest, status int, code, message string) *http.Response {
	body := `<?xml version="1.0" encoding="UTF-8"?>` + "\n<Error><Code>" + code + "</Code><Message>" + message +
		"</Message></Error>"
	if in.method == http.MethodHead {
		body = ""
	}
	return &http.Response{
		StatusCode: status, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)),
		Header: http.Header{"Content-Type": {"application/xml"}, "Server": {"AmazonS3"}},
	}
}
