package cloudfront

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// originRequest is what goes to S3, after the origin-request function.
type originRequest struct {
	method, uri, query string
	header             http.Header
	custom             []customHeader
	unsigned           bool // the function changed the origin: aws-facts 2.2
}

const (
	unsignedPayload = "UNSIGNED-PAYLOAD"
	maxKeyBytes     = 1024 // S3 userguide object-keys.html
	maxSegmentBytes = 255  // of a file name, below versitygw
)

// signer signs as S3 wants it: the path is escaped once only.
var signer = v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })

// get sends a request to the bucket, signed as origin access control would sign
// it, and applies the bucket policy, which versitygw knows nothing of. A bucket
// that cannot be reached is an error.
func (o *origin) get(ctx context.Context, in originRequest, now time.Time) (*http.Response, error) {
	key, ok := objectKey(o.path + in.uri)
	if !ok {
		return s3Error(in, http.StatusBadRequest, "InvalidURI", "Couldn't parse the specified URI."), nil
	}
	if refusal := o.refuse(in, key); refusal != nil {
		return refusal, nil
	}
	if in.method != http.MethodOptions && key != "" && !o.holdable(key) {
		return o.missing(in), nil
	}
	for attempt := 1; ; attempt++ {
		resp, err := o.send(ctx, in, key, now)
		// Only a connection that failed is tried again. CFDG DownloadDistValuesOrigin.html
		var dial *net.OpError
		if err != nil && errors.As(err, &dial) && dial.Op == "dial" && attempt < o.attempts {
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
		if resp.StatusCode == http.StatusNotFound && key != "" && in.method != http.MethodOptions {
			_ = resp.Body.Close()
			return o.missing(in), nil
		}
		return resp, nil
	}
}

func (o *origin) send(ctx context.Context, in originRequest, key string, now time.Time) (*http.Response, error) {
	path := "/" + o.bucket + "/" + key
	u := &url.URL{Scheme: o.endpoint.Scheme, Host: o.endpoint.Host, Path: path, RawPath: escapeKey(path), RawQuery: in.query}
	req, err := http.NewRequestWithContext(ctx, in.method, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("asking S3: %w", err)
	}
	req.URL = u // as it is: parsing it again may change it
	req.Header = in.header.Clone()
	for _, h := range in.custom {
		req.Header.Set(h.name, h.value)
	}
	sign := o.signing == "always" || o.signing == "no-override" && in.header.Get("Authorization") == ""
	if sign && !in.unsigned {
		req.Header.Del("Authorization") // aws-facts 2.1
		req.Header.Set("X-Amz-Content-Sha256", unsignedPayload)
		keys := aws.Credentials{AccessKeyID: o.keys.AccessKeyID, SecretAccessKey: o.keys.SecretAccessKey}
		if err := signer.SignHTTP(ctx, keys, req, unsignedPayload, "s3", o.region, now); err != nil {
			return nil, fmt.Errorf("signing the request to S3: %w", err)
		}
	}
	return o.transport.RoundTrip(req)
}

// objectKey decodes a URI into the key that S3 would look for. S3 takes keys
// literally: "//" and ".." are part of them. It reads "+" in a path as a space
// (aws-facts 2.6), so a key with a plus must be escaped as %2B.
func objectKey(uri string) (string, bool) {
	key, err := url.PathUnescape(strings.ReplaceAll(strings.TrimPrefix(uri, "/"), "+", "%20"))
	return key, err == nil
}

// escapeKey encodes a path as signature version 4 does for S3.
// S3 API sig-v4-header-based-auth.html, UriEncode
func escapeKey(path string) string {
	const hex = "0123456789ABCDEF"
	var out strings.Builder
	for i := range len(path) {
		if c := path[i]; c == '/' || unreserved(c) {
			out.WriteByte(c)
		} else {
			out.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return out.String()
}

// subresources of an object that need another permission than s3:GetObject.
// S3 API reference, service authorization reference
var subresources = []string{"acl", "attributes", "legal-hold", "retention", "restore", "select", "tagging", "torrent", "uploadId", "uploads", "versionId"}

// refuse answers what S3 would refuse before looking for the object, nil if it
// would look.
func (o *origin) refuse(in originRequest, key string) *http.Response {
	if in.method == http.MethodOptions {
		return nil // preflights are not authorised
	}
	query, _ := url.ParseQuery(in.query)
	signed := !in.unsigned && o.signing != "never"
	if query.Has("X-Amz-Algorithm") && signed {
		return s3Error(in, http.StatusBadRequest, "InvalidArgument", // aws-facts 2.9
			"Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified")
	}
	action, resource := "s3:GetObject", "arn:aws:s3:::"+o.bucket+"/"+key
	if key == "" {
		action, resource = "s3:ListBucket", "arn:aws:s3:::"+o.bucket
	}
	denied := !signed || !o.policy.allows(o.arn, action, resource)
	for _, name := range subresources {
		denied = denied || query.Has(name)
	}
	switch {
	case denied:
		return s3Error(in, http.StatusForbidden, "AccessDenied", "Access Denied")
	case len(key) > maxKeyBytes:
		return s3Error(in, http.StatusBadRequest, "KeyTooLongError", "Your key is too long")
	}
	return nil
}

// holdable reports whether versitygw, which keeps objects as files, can hold
// the key. S3 can hold every key, so one that cannot be here is just missing.
func (o *origin) holdable(key string) bool {
	for segment := range strings.SplitSeq(strings.TrimSuffix(key, "/"), "/") {
		if segment == "" || segment == "." || segment == ".." || len(segment) > maxSegmentBytes || strings.Contains(segment, "\x00") {
			return false
		}
	}
	return true
}

// missing is S3's answer for a key that is not there: who may not list the
// bucket is not told so. aws-facts 2.7
func (o *origin) missing(in originRequest) *http.Response {
	if !o.policy.allows(o.arn, "s3:ListBucket", "arn:aws:s3:::"+o.bucket) {
		return s3Error(in, http.StatusForbidden, "AccessDenied", "Access Denied")
	}
	return s3Error(in, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
}

// s3Error is an answer in S3's form. S3 API ErrorResponses.html
func s3Error(in originRequest, status int, code, message string) *http.Response {
	id := randomID(16)
	body := `<?xml version="1.0" encoding="UTF-8"?>` + "\n<Error><Code>" + code + "</Code><Message>" + message + "</Message><RequestId>" + id + "</RequestId></Error>"
	if in.method == http.MethodHead {
		body = ""
	}
	return &http.Response{
		StatusCode: status, ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader([]byte(body))),
		Header: http.Header{"Content-Type": {"application/xml"}, "Server": {"AmazonS3"}, "X-Amz-Request-Id": {id}},
	}
}
