package distribution

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBucketPolicies(t *testing.T) {
	const other = "arn:aws:cloudfront::999999999999:distribution/OTHER"
	grant := func(principal, condition string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal +
			`,"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/public/*"` + condition + `}]}`
	}
	const service = `{"Service":["cloudfront.amazonaws.com","logs.amazonaws.com"]}`
	for _, row := range []struct {
		name, policy, distribution, action, resource string
		want                                         bool
	}{
		{"what is granted", grant(service, ""), other, "s3:GetObject", "arn:aws:s3:::b/public/a", true},
		{"another action", grant(service, ""), other, "s3:GetObjectAcl", "arn:aws:s3:::b/public/a", false},
		{"another resource", grant(service, ""), other, "s3:GetObject", "arn:aws:s3:::b/private/a", false},
		{"another service", grant(`{"Service":"logs.amazonaws.com"}`, ""), other, "s3:GetObject", "arn:aws:s3:::b/public/a",
			false},
		{"an account is not the service", grant(`{"AWS":"arn:aws:iam::123456789012:root"}`, ""), other, "s3:GetObject",
			"arn:aws:s3:::b/public/a", false},
		{"everyone", grant(`"*"`, ""), other, "s3:GetObject", "arn:aws:s3:::b/public/a", true},
		{"one of several ARNs", grant(service, `,"Condition":{"StringEquals":{"AWS:SourceArn":["x","`+other+`"]}}`), other,
			"s3:GetObject", "arn:aws:s3:::b/public/a", true},
		{"a pattern is none to StringEquals", grant(service,
			`,"Condition":{"StringEquals":{"AWS:SourceArn":"arn:aws:cloudfront::*"}}`), other, "s3:GetObject",
			"arn:aws:s3:::b/public/a", false},
		{"all conditions must hold", grant(service,
			`,"Condition":{"StringEquals":{"AWS:SourceArn":"`+other+`"},"Bool":{"aws:SecureTransport":"false"}}`), other, "s3:GetObject",
			"arn:aws:s3:::b/public/a", false},
		{"CloudFront speaks TLS to S3", grant(service, `,"Condition":{"Bool":{"aws:SecureTransport":"true"}}`), other,
			"s3:GetObject", "arn:aws:s3:::b/public/a", true},
		{"a denial wins",
			`{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},{"Effect":"Deny",` +
				`"Principal":{"AWS":"*"},"Action":"s3:Get*","Resource":"arn:aws:s3:::b/secret*"}]}`, other, "s3:GetObject", "arn:aws:s3:::b/secret", false},
		{"a denial of plain HTTP does not concern CloudFront",
			`{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},{"Effect":"Deny","Principal":"*",` +
				`"Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`, other, "s3:GetObject", "arn:aws:s3:::b/a", true},
	} {
		t.Run(row.name, func(t *testing.T) {
			p, err := parseBucketPolicy(row.policy)
			require.NoError(t, err)
			assert.Equal(t, row.want, p.Allows(row.distribution, row.action, row.resource))
		})
	}
	assert.False(t, (*BucketPolicy)(nil).Allows(other, "s3:GetObject", "x"), "nothing said is denial")
}

func TestPathPatterns(t *testing.T) {
	for _, row := range []struct {
		pattern, path string
		want          bool
	}{
		{"*", "", true},
		{"*", "a/b/c", true},
		{"images/*", "images/", true},
		{"images/*", "images/a/b", true},
		{"images/*", "Images/a", false},
		{"images/*", "images", false},
		{"*.jpg", "a/b.jpg", true},
		{"*.jpg", "a/b.jpg.png", false},
		{"a*b*c", "aXbXbXc", true},
		{"a*b*c", "aXcXb", false},
		{"?.jpg", "a.jpg", true},
		{"?.jpg", ".jpg", false},
		{"?.jpg", "ab.jpg", false},
		{"a?*", "a", false},
		{"a?*", "ab", true},
		{"**", "x", true},
		{"", "", true},
		{"", "a", false},
	} {
		assert.Equal(t, row.want, Matches(row.pattern, row.path), "%s on %s", row.pattern, row.path)
	}
}

func FuzzMatches(f *testing.F) {
	f.Add("a*b?c*", "aXbYcZ")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if Matches(pattern, s) && !Matches("*"+pattern+"*", "x"+s+"y") {
			t.Errorf("%q matches %q, but not inside stars", pattern, s)
		}
	})
}
