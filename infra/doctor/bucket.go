package doctor

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"secure-media-cdn/infra/plan"
)

// bucket looks at the media bucket. What the program makes must be as the program says. What it does not make, because
// the bucket was there before, must not contradict it.
func (e *examination) bucket(ctx context.Context) {
	client := s3.NewFromConfig(e.in(e.Outputs.MediaBucketRegion), func(o *s3.Options) { o.UsePathStyle = e.Local })
	name := &e.Outputs.MediaBucket
	if _, ours := e.ofBucket("bucketPublicAccessBlock:BucketPublicAccessBlock"); !ours {
		e.mend = mendOwner
		defer func() { e.mend = mend }()
	}
	e.publicAccess(ctx, client, name)
	e.ownership(ctx, client, name)
	e.bucketPolicy(ctx, client, name)
	e.versioning(ctx, client, name)
	e.encryption(ctx, client, name)
	e.cors(ctx, client, name)
	e.notifications(ctx, client, name)
}

// ofBucket returns what the program registers for the media bucket.
func (e *examination) ofBucket(kind string) (plan.Resource, bool) {
	made, _ := e.Plan.Outputs["mediaBucket"].(string)
	for _, r := range e.Plan.ByType("aws:s3/" + kind) {
		if bucket, _ := r.Inputs["bucket"].(string); bucket == made {
			return r, true
		}
	}
	return plan.Resource{}, false
}

func (e *examination) publicAccess(ctx context.Context, client *s3.Client, name *string) {
	const what = "bucket: all public access is blocked"
	got, err := client.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: name})
	if err != nil {
		e.failed(what, err, "NoSuchPublicAccessBlockConfiguration")
		return
	}
	b := got.PublicAccessBlockConfiguration
	e.same(what, []bool{true, true, true, true}, []bool{aws.ToBool(b.BlockPublicAcls), aws.ToBool(b.BlockPublicPolicy),
		aws.ToBool(b.IgnorePublicAcls), aws.ToBool(b.RestrictPublicBuckets)})
}

// ownership must be enforced: CloudFront cannot read an object that another account owns by an ACL.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
func (e *examination) ownership(ctx context.Context, client *s3.Client, name *string) {
	const what = "bucket: the bucket's owner owns every object"
	got, err := client.GetBucketOwnershipControls(ctx, &s3.GetBucketOwnershipControlsInput{Bucket: name})
	if err != nil {
		e.failed(what, err, "OwnershipControlsNotFoundError")
		return
	}
	var owner types.ObjectOwnership
	for _, rule := range got.OwnershipControls.Rules {
		owner = rule.ObjectOwnership
	}
	e.same(what, types.ObjectOwnershipBucketOwnerEnforced, owner)
}

func (e *examination) versioning(ctx context.Context, client *s3.Client, name *string) {
	r, ours := e.ofBucket("bucketVersioningV2:BucketVersioningV2")
	got, err := client.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: name})
	switch {
	case err != nil:
		e.failed("bucket: versioning", err)
	case ours:
		var want struct{ VersioningConfiguration struct{ Status string } }
		if e.decode(r, &want) == nil {
			e.same("bucket: versioning", want.VersioningConfiguration.Status, string(got.Status))
		}
	case got.Status != types.BucketVersioningStatusEnabled:
		e.ok("bucket: versioning is off, so a photo that is replaced or deleted cannot be had back")
	default:
		e.ok("bucket: versioning")
	}
}

// encryption looks at the key, which CloudFront must be able to use, whoever set it.
func (e *examination) encryption(ctx context.Context, client *s3.Client, name *string) {
	const what = "bucket: encryption"
	got, err := client.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: name})
	if err != nil {
		e.failed(what, err, "ServerSideEncryptionConfigurationNotFoundError")
		return
	}
	algorithm, key := "", ""
	for _, rule := range got.ServerSideEncryptionConfiguration.Rules {
		if d := rule.ApplyServerSideEncryptionByDefault; d != nil {
			algorithm, key = string(d.SSEAlgorithm), aws.ToString(d.KMSMasterKeyID)
		}
	}
	if r, ours := e.ofBucket("bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2"); ours {
		var want struct {
			Rules []struct {
				Apply struct {
					Key       string `json:"kmsMasterKeyId"`
					Algorithm string `json:"sseAlgorithm"`
				} `json:"applyServerSideEncryptionByDefault"`
			}
		}
		if e.decode(r, &want) == nil && len(want.Rules) == 1 &&
			!e.same(what, []string{want.Rules[0].Apply.Algorithm, want.Rules[0].Apply.Key}, []string{algorithm, key}) {
			return
		}
	}
	if strings.HasPrefix(algorithm, "aws:kms") {
		e.keyPolicy(ctx, key)
	}
}

// keyPolicy looks whether the distribution may decrypt with the bucket's key. AWS's own key for S3 never lets it.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
func (e *examination) keyPolicy(ctx context.Context, key string) {
	const what = "bucket: its KMS key lets the distribution decrypt"
	advice := `add to the key's policy: {"Effect":"Allow","Principal":{"Service":"cloudfront.amazonaws.com"},` +
		`"Action":"kms:Decrypt","Resource":"*","Condition":{"StringEquals":{"AWS:SourceArn":"` + e.distributionARN() + `"}}}`
	if key == "" || strings.HasSuffix(key, "alias/aws/s3") {
		e.wrong("encrypt with a key of your own, or with SSE-S3", "%s: AWS's own key for S3 lets no other service use it",
			what)
		return
	}
	got, err := kms.NewFromConfig(e.in(e.Outputs.MediaBucketRegion)).GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{
		KeyId: &key, PolicyName: aws.String("default")})
	if err != nil {
		e.failed(what, err)
		return
	}
	all, err := statements(aws.ToString(got.Policy))
	if err != nil {
		e.failed(what, err)
		return
	}
	if slices.ContainsFunc(all, func(s statement) bool {
		service, _ := s.Principal["Service"].([]any)
		return s.Effect == "Allow" && slices.Contains(service, any("cloudfront.amazonaws.com")) &&
			(slices.Contains(s.Action, "kms:Decrypt") || slices.Contains(s.Action, "kms:*")) &&
			slices.Contains(s.Condition["StringEquals"]["aws:sourcearn"], e.distributionARN())
	}) {
		e.ok(what)
		return
	}
	e.wrong(advice, "%s: no statement of its policy does", what)
}

func (e *examination) distributionARN() string {
	return "arn:aws:cloudfront::" + e.account + ":distribution/" + e.Outputs.DistributionID
}

// cors must allow every origin in redirect delivery: after a redirect, browsers say that the origin is null.
// https://fetch.spec.whatwg.org/#concept-request-tainted-origin
func (e *examination) cors(ctx context.Context, client *s3.Client, name *string) {
	const what = "bucket: CORS"
	type rule struct{ AllowedMethods, AllowedOrigins []string }
	r, ours := e.ofBucket("bucketCorsConfigurationV2:BucketCorsConfigurationV2")
	if !ours && !e.redirects() {
		return
	}
	out, err := client.GetBucketCors(ctx, &s3.GetBucketCorsInput{Bucket: name})
	if err != nil {
		e.failed(what, err, "NoSuchCORSConfiguration")
		return
	}
	var got []rule
	for _, c := range out.CORSRules {
		got = append(got, rule{c.AllowedMethods, c.AllowedOrigins})
	}
	if ours {
		var want struct {
			Rules []rule `json:"corsRules"`
		}
		if e.decode(r, &want) == nil {
			e.same(what, want.Rules, got)
		}
		return
	}
	if slices.ContainsFunc(got, func(c rule) bool {
		return slices.Contains(c.AllowedOrigins, "*") && slices.Contains(c.AllowedMethods, "GET")
	}) {
		e.ok(what)
		return
	}
	e.wrong(`add a rule that allows GET and HEAD to the origin "*"`,
		"%s: after a redirect browsers send the origin null, which no rule allows", what)
}

// redirects reports whether the stack has redirect delivery.
func (e *examination) redirects() bool {
	text, _ := json.Marshal(e.Plan.ByType("aws:cloudfront/distribution:Distribution"))
	return strings.Contains(string(text), `"value":"redirect"`)
}
