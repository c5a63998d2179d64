package account

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"secure-media-cdn/infra/policies"
)

// oldStateDays is how long a state that was overwritten can be brought back.
const oldStateDays = 365

// newState registers the bucket of an environment's Pulumi state: closed to the public,
// encrypted, versioned, reached over TLS only. All of it is protected: when an
// environment leaves the configuration, its states stay, and stay as safe as before.
func (p *program) newState(scope policies.Scope) error {
	logical, name := scope.Environment, scope.StateBucket()
	bucket, err := s3.NewBucketV2(
		p.ctx, logical, &s3.BucketV2Args{Bucket: pulumi.String(name), Tags: p.tags()}, pulumi.Protect(true),
	)
	if err != nil {
		return fmt.Errorf("state bucket: %w", err)
	}
	block, err := s3.NewBucketPublicAccessBlock(p.ctx, logical, &s3.BucketPublicAccessBlockArgs{
		Bucket: bucket.ID(), BlockPublicAcls: pulumi.Bool(true), BlockPublicPolicy: pulumi.Bool(true),
		IgnorePublicAcls: pulumi.Bool(true), RestrictPublicBuckets: pulumi.Bool(true),
	}, pulumi.Protect(true))
	if err != nil {
		return fmt.Errorf("state bucket's public access block: %w", err)
	}
	if _, err = s3.NewBucketOwnershipControls(p.ctx, logical, &s3.BucketOwnershipControlsArgs{
		Bucket: bucket.ID(),
		Rule:   &s3.BucketOwnershipControlsRuleArgs{ObjectOwnership: pulumi.String("BucketOwnerEnforced")},
	}, pulumi.Protect(true)); err != nil {
		return fmt.Errorf("state bucket's ownership: %w", err)
	}
	// Secrets in the state are encrypted by the environment's key besides.
	byDefault := &s3.BucketServerSideEncryptionConfigurationV2RuleApplyServerSideEncryptionByDefaultArgs{
		SseAlgorithm: pulumi.String("AES256"),
	}
	_, err = s3.NewBucketServerSideEncryptionConfigurationV2(p.ctx, logical,
		&s3.BucketServerSideEncryptionConfigurationV2Args{
			Bucket: bucket.ID(),
			Rules: s3.BucketServerSideEncryptionConfigurationV2RuleArray{
				&s3.BucketServerSideEncryptionConfigurationV2RuleArgs{ApplyServerSideEncryptionByDefault: byDefault},
			},
		}, pulumi.Protect(true))
	if err != nil {
		return fmt.Errorf("state bucket's encryption: %w", err)
	}
	if err := p.keepStates(logical, bucket); err != nil {
		return err
	}
	tlsOnly := policies.Document{Statements: []policies.Statement{{
		Sid: "TLSOnly", Why: "states travel encrypted", Deny: true, Everybody: true, Actions: []string{"s3:*"},
		Resources: []string{"arn:aws:s3:::" + name, "arn:aws:s3:::" + name + "/*"},
		Condition: policies.Condition{"Bool": {"aws:SecureTransport": {"false"}}},
	}}}
	policy := &s3.BucketPolicyArgs{Bucket: bucket.ID(), Policy: pulumi.String(tlsOnly.JSON())}
	_, err = s3.NewBucketPolicy(p.ctx, logical, policy, pulumi.Protect(true), pulumi.DependsOn([]pulumi.Resource{block}))
	if err != nil {
		return fmt.Errorf("state bucket's policy: %w", err)
	}
	return nil
}

// keepStates keeps every state that was overwritten or deleted for a year.
func (p *program) keepStates(logical string, bucket *s3.BucketV2) error {
	versioning, err := s3.NewBucketVersioningV2(p.ctx, logical, &s3.BucketVersioningV2Args{
		Bucket:                  bucket.ID(),
		VersioningConfiguration: &s3.BucketVersioningV2VersioningConfigurationArgs{Status: pulumi.String("Enabled")},
	}, pulumi.Protect(true))
	if err != nil {
		return fmt.Errorf("state bucket's versioning: %w", err)
	}
	_, err = s3.NewBucketLifecycleConfigurationV2(p.ctx, logical, &s3.BucketLifecycleConfigurationV2Args{
		Bucket: bucket.ID(),
		Rules: s3.BucketLifecycleConfigurationV2RuleArray{&s3.BucketLifecycleConfigurationV2RuleArgs{
			Id: pulumi.String("old-states"), Status: pulumi.String("Enabled"),
			Filter: &s3.BucketLifecycleConfigurationV2RuleFilterArgs{},
			NoncurrentVersionExpiration: &s3.BucketLifecycleConfigurationV2RuleNoncurrentVersionExpirationArgs{
				NoncurrentDays: pulumi.Int(oldStateDays),
			},
			AbortIncompleteMultipartUpload: &s3.BucketLifecycleConfigurationV2RuleAbortIncompleteMultipartUploadArgs{
				DaysAfterInitiation: pulumi.Int(7),
			},
		}},
	}, pulumi.Protect(true), pulumi.DependsOn([]pulumi.Resource{versioning}))
	if err != nil {
		return fmt.Errorf("state bucket's lifecycle: %w", err)
	}
	return nil
}
