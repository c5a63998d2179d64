package stack

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	edgefn "secure-media-cdn/function/edge"
)

// oldVersionDays is how long a replaced or deleted object can be brought back.
const oldVersionDays = 30

// content is the private bucket of media: the stack's own, or one that was there
// before (existing.go).
type content struct {
	name, arn pulumi.StringOutput
	// domain is the regional name of its host: the global one answers 307 while DNS
	// settles.
	domain pulumi.StringOutput
	// settings must be in force before anything is allowed into the bucket.
	settings []pulumi.Resource
}

// objects returns the ARN of all objects.
func (c *content) objects() pulumi.StringOutput { return pulumi.Sprintf("%s/*", c.arn) }

// newContent registers the stack's own bucket with everything but its policy.
func (s *builder) newContent() (*content, error) {
	if s.cfg.ExistingBucket != "" {
		return s.readContent()
	}
	// Bucket names are global: the account's number keeps ours from anybody
	// else's, and makes the name known to those who upload.
	name := s.cfg.name() + "-" + s.account
	bucket, err := s3.NewBucketV2(s.ctx, "content", &s3.BucketV2Args{
		Bucket:       pulumi.String(name),
		ForceDestroy: pulumi.Bool(!s.cfg.Protect),
		Tags:         s.tags(),
	}, pulumi.Protect(s.cfg.Protect))
	if err != nil {
		return nil, fmt.Errorf("content bucket: %w", err)
	}
	c := &content{name: bucket.Bucket, arn: bucket.Arn, domain: bucket.BucketRegionalDomainName}
	if c.settings, err = s.hardenBucket("content", bucket, s.cfg.KMSKeyARN); err != nil {
		return nil, err
	}
	if err := s.keepVersions(bucket); err != nil {
		return nil, err
	}
	if len(s.cfg.CORSAllowedOrigins) == 0 {
		return c, nil
	}
	origins := s.cfg.CORSAllowedOrigins
	if s.cfg.Delivery == string(edgefn.DeliverRedirect) {
		// After a redirect from one origin to another a browser sends Origin: null,
		// whichever page asked. The signed address is what keeps others out.
		// https://fetch.spec.whatwg.org/#concept-request-tainted-origin
		origins = []string{"*"}
	}
	_, err = s3.NewBucketCorsConfigurationV2(s.ctx, "content", &s3.BucketCorsConfigurationV2Args{
		Bucket: bucket.ID(),
		CorsRules: s3.BucketCorsConfigurationV2CorsRuleArray{&s3.BucketCorsConfigurationV2CorsRuleArgs{
			AllowedHeaders: pulumi.ToStringArray([]string{"*"}),
			AllowedMethods: pulumi.ToStringArray([]string{"GET", "HEAD"}),
			AllowedOrigins: pulumi.ToStringArray(origins),
			ExposeHeaders:  pulumi.ToStringArray(exposedHeaders),
			MaxAgeSeconds:  pulumi.Int(corsMaxAgeSeconds),
		}},
	})
	if err != nil {
		return nil, fmt.Errorf("content CORS: %w", err)
	}
	return c, nil
}

// hardenBucket closes a bucket to the public, gives its owner every object in
// it and encrypts it, with the KMS key of the given ARN or, if that is empty,
// with S3's own. It returns what must be in force before the bucket is opened.
func (s *builder) hardenBucket(name string, bucket *s3.BucketV2, key string,
	opts ...pulumi.ResourceOption) ([]pulumi.Resource, error) {
	block, err := s3.NewBucketPublicAccessBlock(s.ctx, name, &s3.BucketPublicAccessBlockArgs{
		Bucket:                bucket.ID(),
		BlockPublicAcls:       pulumi.Bool(true),
		BlockPublicPolicy:     pulumi.Bool(true),
		IgnorePublicAcls:      pulumi.Bool(true),
		RestrictPublicBuckets: pulumi.Bool(true),
	}, opts...)
	if err != nil {
		return nil, fmt.Errorf("%s public access block: %w", name, err)
	}
	owner, err := s3.NewBucketOwnershipControls(s.ctx, name, &s3.BucketOwnershipControlsArgs{
		Bucket: bucket.ID(),
		Rule:   &s3.BucketOwnershipControlsRuleArgs{ObjectOwnership: pulumi.String("BucketOwnerEnforced")},
	}, opts...)
	if err != nil {
		return nil, fmt.Errorf("%s ownership: %w", name, err)
	}
	encryption := &s3.BucketServerSideEncryptionConfigurationV2RuleApplyServerSideEncryptionByDefaultArgs{
		SseAlgorithm: pulumi.String("AES256"),
	}
	rule := &s3.BucketServerSideEncryptionConfigurationV2RuleArgs{ApplyServerSideEncryptionByDefault: encryption}
	if key != "" {
		encryption.SseAlgorithm = pulumi.String("aws:kms")
		encryption.KmsMasterKeyId = pulumi.String(key)
		rule.BucketKeyEnabled = pulumi.Bool(true) // one KMS call for many objects
	}
	_, err = s3.NewBucketServerSideEncryptionConfigurationV2(s.ctx, name,
		&s3.BucketServerSideEncryptionConfigurationV2Args{
			Bucket: bucket.ID(),
			Rules:  s3.BucketServerSideEncryptionConfigurationV2RuleArray{rule},
		}, opts...)
	if err != nil {
		return nil, fmt.Errorf("%s encryption: %w", name, err)
	}
	return []pulumi.Resource{block, owner}, nil
}

// keepVersions makes a mistaken overwrite or delete reversible for a while, and
// keeps unfinished uploads and old versions from piling up.
func (s *builder) keepVersions(bucket *s3.BucketV2) error {
	versioning, err := s3.NewBucketVersioningV2(s.ctx, "content", &s3.BucketVersioningV2Args{
		Bucket:                  bucket.ID(),
		VersioningConfiguration: &s3.BucketVersioningV2VersioningConfigurationArgs{Status: pulumi.String("Enabled")},
	})
	if err != nil {
		return fmt.Errorf("content versioning: %w", err)
	}
	_, err = s3.NewBucketLifecycleConfigurationV2(s.ctx, "content", &s3.BucketLifecycleConfigurationV2Args{
		Bucket: bucket.ID(),
		Rules: s3.BucketLifecycleConfigurationV2RuleArray{
			&s3.BucketLifecycleConfigurationV2RuleArgs{
				Id: pulumi.String("aborted-uploads"), Status: pulumi.String("Enabled"),
				Filter: &s3.BucketLifecycleConfigurationV2RuleFilterArgs{},
				AbortIncompleteMultipartUpload: &s3.BucketLifecycleConfigurationV2RuleAbortIncompleteMultipartUploadArgs{
					DaysAfterInitiation: pulumi.Int(7),
				},
			},
			&s3.BucketLifecycleConfigurationV2RuleArgs{
				Id: pulumi.String("old-versions"), Status: pulumi.String("Enabled"),
				Filter: &s3.BucketLifecycleConfigurationV2RuleFilterArgs{},
				NoncurrentVersionExpiration: &s3.BucketLifecycleConfigurationV2RuleNoncurrentVersionExpirationArgs{
					NoncurrentDays: pulumi.Int(oldVersionDays),
				},
			},
		},
	}, pulumi.DependsOn([]pulumi.Resource{versioning}))
	if err != nil {
		return fmt.Errorf("content lifecycle: %w", err)
	}
	return nil
}

// openContent registers the bucket's policy: this distribution may read, nobody
// may speak to the bucket without TLS. Of an existing bucket, who may speak to it and
// how is its owner's to say, and the policy too unless the configuration says not.
func (s *builder) openContent(c *content, d *delivery) error {
	args := &s3.BucketPolicyArgs{Bucket: c.name,
		Policy: policyDocument(s.distributionReads(c, d), tlsOnly("s3:*", c.arn, c.objects()))}
	if s.cfg.ExistingBucket != "" {
		if !s.cfg.ManageBucketPolicy {
			return nil
		}
		args.Policy = policyDocument(s.distributionReads(c, d))
	}
	if _, err := s3.NewBucketPolicy(s.ctx, "content", args, pulumi.DependsOn(c.settings)); err != nil {
		return fmt.Errorf("content policy: %w", err)
	}
	if s.cfg.ExistingBucket != "" {
		return nil // nor is its key the stack's
	}
	return s.openKey(d)
}

// distributionReads lets this distribution read the media, and no other.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
func (s *builder) distributionReads(c *content, d *delivery) statement {
	return statement{
		Sid: s.cfg.readsSid(), Principal: service(cloudFrontPrincipal),
		Actions: []string{"s3:GetObject"}, Resources: []pulumi.StringInput{c.objects()},
		Condition: when("StringEquals", "AWS:SourceArn", d.distribution.Arn),
	}
}

// thisKey is the key itself, in its own policy.
var thisKey = []pulumi.StringInput{pulumi.String("*")}

// distributionDecrypts lets this distribution use the key.
func distributionDecrypts(d *delivery) statement {
	return statement{
		Sid: "DistributionDecrypts", Principal: service(cloudFrontPrincipal), Actions: []string{"kms:Decrypt"},
		Resources: thisKey,
		Condition: when("StringEquals", "AWS:SourceArn", d.distribution.Arn),
	}
}

// openKey registers the policy of the configured KMS key, if there is one: its
// account administers it, and this distribution decrypts with it. CloudFront is
// no role of the account's, so only the key's own policy can let it.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
func (s *builder) openKey(d *delivery) error {
	if s.cfg.KMSKeyARN == "" {
		return nil
	}
	// By its bare ID: so it is read back, and an ARN would differ at every update.
	id := s.cfg.KMSKeyARN[strings.LastIndex(s.cfg.KMSKeyARN, "/")+1:]
	// Each key's policy is a resource of its own: if this one got the ID of another
	// key, the provider would leave that key's policy as it is.
	// https://github.com/hashicorp/terraform-provider-aws/blob/v5.100.0/internal/service/kms/key_policy.go
	_, err := kms.NewKeyPolicy(s.ctx, "content-"+id, &kms.KeyPolicyArgs{
		KeyId: pulumi.String(id),
		Policy: policyDocument(
			// Without it nobody could ever change the policy again.
			statement{Sid: "AccountAdministers", Principal: pulumi.Map{"AWS": pulumi.Sprintf("arn:aws:iam::%s:root", s.account)},
				Actions: []string{"kms:*"}, Resources: thisKey},
			distributionDecrypts(d),
		),
	},
		// Objects stay encrypted with the key that they were uploaded under: were the
		// policy to go when another key is configured, nobody could see them.
		pulumi.RetainOnDelete(true))
	if err != nil {
		return fmt.Errorf("content key policy: %w", err)
	}
	return nil
}

// tlsOnly denies everyone everything in bucket over plain HTTP.
func tlsOnly(actions string, resources ...pulumi.StringInput) statement {
	return statement{
		Sid: "TLSOnly", Deny: true, Principal: pulumi.Map{"AWS": pulumi.String("*")}, Actions: []string{actions},
		Resources: resources,
		Condition: when("Bool", "aws:SecureTransport", pulumi.String("false")),
	}
}
