package stack_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"secure-media-cdn/infra/plan"
)

func TestEveryAnswerIsDisarmed(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		security := find(t, doc, "ResponseHeadersPolicy", "content").Inputs["securityHeadersConfig"]
		for path, want := range map[string]any{
			"contentTypeOptions.override": true, "contentSecurityPolicy.override": true,
			"strictTransportSecurity.override":               true,
			"strictTransportSecurity.accessControlMaxAgeSec": 31536000.0, "strictTransportSecurity.preload": nil,
			"strictTransportSecurity.includeSubdomains": nil,
			"contentSecurityPolicy.contentSecurityPolicy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' " +
				"data:; sandbox",
		} {
			assert.Equal(t, want, at(security, path), path)
		}
	})
}

// https://docs.aws.amazon.com/AmazonS3/latest/API/RESTCommonResponseHeaders.html
func TestErrorsLoseWhatS3AddsToThem(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		var removed []any
		for _, item := range at(find(t, doc, "ResponseHeadersPolicy", "content").Inputs,
			"removeHeadersConfig.items").([]any) {
			removed = append(removed, at(item, "header"))
		}
		assert.Equal(t, []any{"x-amz-bucket-region", "x-amz-delete-marker", "x-amz-id-2", "x-amz-request-id",
			"x-amz-version-id"},
			removed)
	})
}

func TestOnlyConfiguredOriginsMayRead(t *testing.T) {
	doc := planOf(t, "everything", nil)
	cors := find(t, doc, "ResponseHeadersPolicy", "content").Inputs["corsConfig"]
	assert.Equal(t, []any{"https://app.example.com", "https://admin.example.com"},
		at(cors, "accessControlAllowOrigins.items"))
	assert.Equal(t, []any{"GET", "HEAD", "OPTIONS"}, at(cors, "accessControlAllowMethods.items"))
	assert.Equal(t, true, at(cors, "originOverride"), "S3's headers are those of whoever filled the cache")

	forward := find(t, doc, "OriginRequestPolicy", "cors")
	for pattern, b := range behaviors(t, doc) {
		if pattern == "/session" || pattern == "/images/*/*" {
			continue // the functions see no more of a page than they are for
		}
		assert.Equal(t, forward.ID, at(b, "originRequestPolicyId"), pattern)
	}
	assert.Equal(t, []any{"Origin", "Access-Control-Request-Headers", "Access-Control-Request-Method"},
		at(forward.Inputs, "headersConfig.headers.items"))
	assert.Equal(t, "none", at(forward.Inputs, "queryStringsConfig.queryStringBehavior"),
		"a viewer's query string must not reach S3")
	assert.Equal(t, "none", at(forward.Inputs, "cookiesConfig.cookieBehavior"))
}

func TestWithoutOriginsThereIsNoCORS(t *testing.T) {
	doc := planOf(t, "dev", config{"corsAllowedOrigins": "[]"})
	assert.NotContains(t, find(t, doc, "ResponseHeadersPolicy", "content").Inputs, "corsConfig")
	assert.Empty(t, kinds(doc, "OriginRequestPolicy"))
	for pattern, b := range behaviors(t, doc) {
		assert.Equal(t, []any{"GET", "HEAD"}, at(b, "allowedMethods"), pattern)
		assert.Nil(t, at(b, "originRequestPolicyId"), pattern)
	}
}
