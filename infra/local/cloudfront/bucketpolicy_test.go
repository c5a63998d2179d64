package cloudfront

import (
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBucketPolicies(t *testing.T) {
	const other = "arn:aws:cloudfront::999999999999:distribution/OTHER"
	grant := func(principal, condition string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/public/*"` + condition + `}]}`
	}
	const service = `{"Service":["cloudfront.amazonaws.com","logs.amazonaws.com"]}`
	for _, row := range []struct {
		name, policy, distribution, action, resource string
		want                                         bool
	}{
		{"what is granted", grant(service, ""), other, "s3:GetObject", "arn:aws:s3:::b/public/a", true},
		{"another action", grant(service, ""), other, "s3:GetObjectAcl", "arn:aws:s3:::b/public/a", false},
		{"another resource", grant(service, ""), other, "s3:GetObject", "arn:aws:s3:::b/private/a", false},
		{"another service", grant(`{"Service":"logs.amazonaws.com"}`, ""), other, "s3:GetObject", "arn:aws:s3:::b/public/a", false},
		{"an account is not the service", grant(`{"AWS":"arn:aws:iam::123456789012:root"}`, ""), other, "s3:GetObject", "arn:aws:s3:::b/public/a", false},
		{"everyone", grant(`"*"`, ""), other, "s3:GetObject", "arn:aws:s3:::b/public/a", true},
		{"the source account", grant(service, `,"Condition":{"StringEquals":{"aws:SourceAccount":"999999999999"}}`), other, "s3:GetObject", "arn:aws:s3:::b/public/a", true},
		{"another source account", grant(service, `,"Condition":{"StringEquals":{"aws:SourceAccount":"999999999999"}}`), testDistribution, "s3:GetObject", "arn:aws:s3:::b/public/a", false},
		{"one of several ARNs", grant(service, `,"Condition":{"StringEquals":{"AWS:SourceArn":["x","`+other+`"]}}`), other, "s3:GetObject", "arn:aws:s3:::b/public/a", true},
		{"a pattern is none to StringEquals", grant(service, `,"Condition":{"StringEquals":{"AWS:SourceArn":"arn:aws:cloudfront::*"}}`), other, "s3:GetObject", "arn:aws:s3:::b/public/a", false},
		{"all conditions must hold", grant(service, `,"Condition":{"StringEquals":{"AWS:SourceArn":"`+other+`","aws:SourceAccount":"1"}}`), other, "s3:GetObject", "arn:aws:s3:::b/public/a", false},
		{"CloudFront speaks TLS to S3", grant(service, `,"Condition":{"Bool":{"aws:SecureTransport":"true"}}`), other, "s3:GetObject", "arn:aws:s3:::b/public/a", true},
		{"a denial wins", `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"s3:Get*","Resource":"arn:aws:s3:::b/secret*"}]}`, other, "s3:GetObject", "arn:aws:s3:::b/secret", false},
		{"a denial of plain HTTP does not concern CloudFront", `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`, other, "s3:GetObject", "arn:aws:s3:::b/a", true},
		{"TLS 1.2 is what CloudFront speaks", `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"NumericLessThan":{"s3:TlsVersion":"1.2"}}}]}`, other, "s3:GetObject", "arn:aws:s3:::b/a", true},
	} {
		t.Run(row.name, func(t *testing.T) {
			p, err := parseBucketPolicy(row.policy)
			require.NoError(t, err)
			assert.Equal(t, row.want, p.allows(row.distribution, row.action, row.resource))
		})
	}
	assert.False(t, (*bucketPolicy)(nil).allows(other, "s3:GetObject", "x"), "nothing said is denial")
}

func TestWhatS3RefusesBeforeItLooks(t *testing.T) {
	everything, err := parseBucketPolicy(`{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}]}`)
	require.NoError(t, err)
	o := &origin{bucket: "b", signing: "always", policy: everything}
	for _, row := range []struct {
		name   string
		in     originRequest
		key    string
		status int
		code   string
	}{
		{"an object", originRequest{method: "GET"}, "a", 0, ""},
		{"an override", originRequest{method: "GET", query: "response-cache-control=max-age%3D1"}, "a", 0, ""},
		{"its ACL", originRequest{method: "GET", query: "acl"}, "a", 403, "AccessDenied"},
		{"its tags", originRequest{method: "HEAD", query: "tagging="}, "a", 403, ""},
		{"an old version", originRequest{method: "GET", query: "versionId=1"}, "a", 403, "AccessDenied"},
		{"a signed URL beside a signature", originRequest{method: "GET", query: "X-Amz-Algorithm=AWS4-HMAC-SHA256"}, "a", 400, "InvalidArgument"},
		{"the list of the bucket", originRequest{method: "GET"}, "", 403, "AccessDenied"},
		{"a key too long", originRequest{method: "GET"}, string(make([]byte, 1025)), 400, "KeyTooLongError"},
		{"without a signature", originRequest{method: "GET", unsigned: true}, "a", 403, "AccessDenied"},
		{"a preflight", originRequest{method: "OPTIONS", unsigned: true}, "a", 0, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			resp := o.refuse(row.in, row.key)
			if row.status == 0 {
				require.Nil(t, resp)
				return
			}
			require.NotNil(t, resp)
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			assert.Equal(t, row.status, resp.StatusCode)
			assert.Contains(t, string(body), row.code)
		})
	}
}
