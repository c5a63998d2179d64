package stack_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"secure-media-cdn/infra/plan"
)

func TestEveryBucketIsClosed(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		buckets := kinds(doc, "BucketV2")
		assert.NotEmpty(t, buckets)
		for _, bucket := range buckets {
			name := bucket.Inputs["bucket"]
			block := find(t, doc, "BucketPublicAccessBlock", bucket.Name)
			for _, property := range []string{"blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls",
				"restrictPublicBuckets"} {
				assert.Equal(t, true, block.Inputs[property], "%s of %s", property, bucket.Name)
			}
			assert.Equal(t, name, block.Inputs["bucket"])
			assert.Equal(t, "BucketOwnerEnforced", at(find(t, doc, "BucketOwnershipControls", bucket.Name).Inputs,
				"rule.objectOwnership"))
			encryption := find(t, doc, "BucketServerSideEncryptionConfigurationV2", bucket.Name).Inputs
			assert.NotEmpty(t, at(encryption, "rules[0].applyServerSideEncryptionByDefault.sseAlgorithm"))

			deny := statementOf(t, find(t, doc, "BucketPolicy", bucket.Name).Inputs["policy"], "TLSOnly")
			assert.Equal(t, map[string]any{
				"Sid": "TLSOnly", "Effect": "Deny", "Principal": map[string]any{"AWS": "*"}, "Action": []any{"s3:*"},
				"Resource":  []any{"arn:aws:s3:::" + name.(string), "arn:aws:s3:::" + name.(string) + "/*"},
				"Condition": map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}},
			}, deny)

			// The bucket itself says nothing of what the V2 siblings say: both
			// would fight, and those properties are deprecated.
			assert.Subset(t, []string{"bucket", "forceDestroy", "tags"}, keysOf(bucket.Inputs))
		}
		assert.Empty(t, kinds(doc, "BucketAclV2"))
		assert.Empty(t, kinds(doc, "Bucket"))
	})
}

func TestOnlyThisDistributionReadsMedia(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		policy := find(t, doc, "BucketPolicy", "content").Inputs["policy"]
		bucket := "arn:aws:s3:::" + find(t, doc, "BucketV2", "content").Inputs["bucket"].(string)
		assert.Equal(t, map[string]any{
			"Sid": "DistributionReads", "Effect": "Allow",
			"Principal": map[string]any{"Service": []any{"cloudfront.amazonaws.com"}},
			"Action":    []any{"s3:GetObject"}, "Resource": []any{bucket + "/*"},
			"Condition": map[string]any{"StringEquals": map[string]any{"AWS:SourceArn": "arn:aws:cloudfront::123456789012:distribution/EDFDVBD6EXAMPLE"}},
		}, statementOf(t, policy, "DistributionReads"))
		assert.Len(t, statementsOf(t, policy), 2, "nobody else is let in")
	})
}

func TestTheBucketsNameIsItsAccountsOwn(t *testing.T) {
	assert.Equal(t, "secure-media-cdn-dev-123456789012",
		find(t, planOf(t, "dev", nil), "BucketV2", "content").Inputs["bucket"])
	assert.Equal(t, "secure-media-cdn-prod-123456789012",
		find(t, planOf(t, "prod", nil), "BucketV2", "content").Inputs["bucket"])
}

func TestOldVersionsAndBrokenUploadsDoNotPileUp(t *testing.T) {
	doc := planOf(t, "prod", nil)
	assert.Equal(t, "Enabled", at(find(t, doc, "BucketVersioningV2", "content").Inputs, "versioningConfiguration.status"))
	rules := find(t, doc, "BucketLifecycleConfigurationV2", "content").Inputs["rules"].([]any)
	assert.Len(t, rules, 2)
	assert.Equal(t, 7.0, at(rules, "[0].abortIncompleteMultipartUpload.daysAfterInitiation"))
	assert.Equal(t, 30.0, at(rules, "[1].noncurrentVersionExpiration.noncurrentDays"))
	for _, rule := range rules {
		assert.Equal(t, "Enabled", at(rule, "status"))
		assert.Nil(t, at(rule, "expiration"), "media themselves never expire")
	}
}

func TestTheBucketAnswersOnlyConfiguredOrigins(t *testing.T) {
	doc := planOf(t, "everything", nil)
	rule := at(find(t, doc, "BucketCorsConfigurationV2", "content").Inputs, "corsRules[0]")
	assert.Equal(t, []any{"GET", "HEAD"}, at(rule, "allowedMethods"))
	assert.Equal(t, []any{"https://app.example.com", "https://admin.example.com"}, at(rule, "allowedOrigins"))

	assert.Empty(t, kinds(planOf(t, "dev", config{"corsAllowedOrigins": "[]"}), "BucketCorsConfigurationV2"))
}

// https://fetch.spec.whatwg.org/#concept-request-tainted-origin
func TestInRedirectDeliveryTheBucketAnswersTheOriginNull(t *testing.T) {
	doc := planOf(t, "everything", config{"delivery": "redirect"})
	rule := at(find(t, doc, "BucketCorsConfigurationV2", "content").Inputs, "corsRules[0]")
	assert.Equal(t, []any{"*"}, at(rule, "allowedOrigins"), "which browsers send after a redirect")
	assert.Equal(t, []any{"https://app.example.com", "https://admin.example.com"}, at(find(t, doc, "ResponseHeadersPolicy",
		"content").Inputs, "corsConfig.accessControlAllowOrigins.items"), "only they are told where to")

	closed := planOf(t, "dev", config{"delivery": "redirect", "corsAllowedOrigins": "[]"})
	assert.Empty(t, kinds(closed, "BucketCorsConfigurationV2"), "where nobody may read, nobody may")
}

func TestACustomerManagedKeyIsUsedAndOpenedToTheDistribution(t *testing.T) {
	doc := planOf(t, "everything", nil)
	const key = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
	rule := at(find(t, doc, "BucketServerSideEncryptionConfigurationV2", "content").Inputs, "rules[0]")
	assert.Equal(t, "aws:kms", at(rule, "applyServerSideEncryptionByDefault.sseAlgorithm"))
	assert.Equal(t, key, at(rule, "applyServerSideEncryptionByDefault.kmsMasterKeyId"))
	assert.Equal(t, true, at(rule, "bucketKeyEnabled"))

	policy := find(t, doc, "KeyPolicy", "content-11111111-2222-3333-4444-555555555555")
	assert.Equal(t, "11111111-2222-3333-4444-555555555555", policy.Inputs["keyId"],
		"an ARN is read back as the ID, and changes at every update")
	assert.True(t, policy.Options.RetainOnDelete, "objects stay encrypted with the key that they were uploaded under")
	assert.Equal(t, map[string]any{
		"Sid": "DistributionDecrypts", "Effect": "Allow",
		"Principal": map[string]any{"Service": []any{"cloudfront.amazonaws.com"}},
		"Action":    []any{"kms:Decrypt"}, "Resource": []any{"*"},
		"Condition": map[string]any{"StringEquals": map[string]any{"AWS:SourceArn": "arn:aws:cloudfront::123456789012:distribution/EDFDVBD6EXAMPLE"}},
	}, statementOf(t, policy.Inputs["policy"], "DistributionDecrypts"))
	assert.Equal(t, "arn:aws:iam::123456789012:root",
		at(statementOf(t, policy.Inputs["policy"], "AccountAdministers"), "Principal.AWS"),
		"the account does not lock itself out")

	dev := planOf(t, "dev", nil)
	assert.Empty(t, kinds(dev, "KeyPolicy"))
	assert.Equal(t, "AES256", at(find(t, dev, "BucketServerSideEncryptionConfigurationV2", "content").Inputs,
		"rules[0].applyServerSideEncryptionByDefault.sseAlgorithm"))
}
