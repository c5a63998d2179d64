package stack

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/internals"
)

// existingName is the logical name of what the program reads and does not own.
const existingName = "existing"

// readContent reads the bucket that was there before the stack, and returns an error
// before anything is registered if it cannot be served. Nothing of it is changed here:
// whoever owns it decides about encryption, versions and the rest.
func (s *builder) readContent() (*content, error) {
	name := s.cfg.ExistingBucket
	bucket, err := s3.GetBucketV2(s.ctx, existingName, pulumi.ID(name), nil)
	if err != nil {
		return nil, fmt.Errorf("reading the bucket %s: %w", name, err)
	}
	region, known, err := await[string](s, bucket.Region)
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the bucket %s: %w", name, err)
	case !known: // a preview does not mind
		return nil, fmt.Errorf("config existingBucket is %q: there is no such bucket, or it may not be read", name)
	case region != s.cfg.Region:
		return nil, fmt.Errorf("config existingBucket is %q: it is in %s, and the stack's home is %s (aws:region); "+
			"events and signed addresses work within one region", name, region, s.cfg.Region)
	}
	var problems []error
	if s.cfg.ManageBucketPolicy {
		problems = append(problems, s.noOtherPolicy(bucket))
	}
	if s.cfg.ManageBucketEvents {
		problems = append(problems, s.noOtherEvents())
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return &content{
		name: pulumi.String(name).ToStringOutput(), arn: pulumi.String("arn:aws:s3:::" + name).ToStringOutput(),
		domain: pulumi.String(name + ".s3." + region + ".amazonaws.com").ToStringOutput(),
	}, nil
}

// await returns a property of something that was read, and whether it is known: of
// what does not exist nothing is.
func await[T any](s *builder, property pulumi.Output) (value T, known bool, err error) {
	result, err := internals.UnsafeAwaitOutput(s.ctx.Context(), property)
	if err != nil || !result.Known {
		return value, false, err
	}
	value, _ = result.Value.(T)
	return value, true, nil
}

// noOtherPolicy returns an error if the bucket has a policy of somebody else's. S3 has
// one policy for each bucket, which would be replaced; and were the two merged, whoever
// deletes ours with the stack would delete both.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
func (s *builder) noOtherPolicy(bucket *s3.BucketV2) error {
	//nolint:staticcheck // What is to be used instead, s3.BucketPolicy, cannot be read where there is none.
	policy, _, err := await[string](s, bucket.Policy)
	if err != nil || policy == "" {
		return err
	}
	var have struct {
		Statement []struct{ Sid string }
	}
	if err := json.Unmarshal([]byte(policy), &have); err == nil && len(have.Statement) == 1 &&
		have.Statement[0].Sid == s.cfg.readsSid() {
		return nil
	}
	return fmt.Errorf("config manageBucketPolicy is true, but the bucket %s has a policy of somebody else's, which would "+
		"be lost: set it to false, and add the output bucketPolicyStatement to that policy", s.cfg.ExistingBucket)
}

// noOtherEvents returns an error if the bucket has notifications of somebody else's: S3
// has one configuration of them for each bucket, too.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html
func (s *builder) noOtherEvents() error {
	have, err := s3.GetBucketNotification(s.ctx, existingName, pulumi.ID(s.cfg.ExistingBucket), nil)
	if err != nil {
		return fmt.Errorf("reading the notifications of %s: %w", s.cfg.ExistingBucket, err)
	}
	queues, _, queuesErr := await[[]s3.BucketNotificationQueue](s, have.Queues)
	topics, _, topicsErr := await[[]s3.BucketNotificationTopic](s, have.Topics)
	functions, _, functionsErr := await[[]s3.BucketNotificationLambdaFunction](s, have.LambdaFunctions)
	bridge, _, bridgeErr := await[*bool](s, have.Eventbridge)
	if err := errors.Join(queuesErr, topicsErr, functionsErr, bridgeErr); err != nil {
		return fmt.Errorf("reading the notifications of %s: %w", s.cfg.ExistingBucket, err)
	}
	others := len(topics)+len(functions) > 0 || bridge != nil && *bridge
	for _, q := range queues {
		others = others || q.Id == nil || *q.Id != s.cfg.name()
	}
	if others {
		return fmt.Errorf("config manageBucketEvents is true, but the bucket %s has notifications of somebody else's, which "+
			"would be lost: set it to false, and add the output bucketNotification to them", s.cfg.ExistingBucket)
	}
	return nil
}

var notInSid = regexp.MustCompile(`[^A-Za-z0-9]+`)

// readsSid returns the name of the statement that lets the distribution read. In a
// policy that others write, too, it says whose it is.
func (c Config) readsSid() string {
	if c.ExistingBucket == "" {
		return "DistributionReads"
	}
	var sid strings.Builder
	for _, word := range notInSid.Split(c.name(), -1) {
		sid.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return sid.String() + "Reads"
}

// toPaste are the outputs for whoever owns the bucket: what its policy, its
// notifications and its key's policy must have.
func (s *builder) toPaste(c *content, d *delivery, e *events) pulumi.Map {
	if s.cfg.ExistingBucket == "" {
		return pulumi.Map{}
	}
	outputs := pulumi.Map{
		"bucketPolicyStatement": s.distributionReads(c, d).value(),
		"bucketNotification": pulumi.Map{"Id": pulumi.String(s.cfg.name()), "QueueArn": e.queue.Arn,
			"Events": pulumi.ToStringArray(objectEvents)},
	}
	if s.cfg.KMSKeyARN != "" {
		outputs["keyPolicyStatement"] = distributionDecrypts(d).value()
	}
	return outputs
}

// bucketForm is that of S3's names, without dots: its certificate does not cover
// names with dots.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
var bucketForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{1,61})[a-z0-9]$`)

func (v *validation) existing(c Config) {
	if c.ExistingBucket == "" {
		v.want(!c.ManageBucketPolicy, "manageBucketPolicy", true, "without existingBucket it has no use")
		v.want(!c.ManageBucketEvents, "manageBucketEvents", true, "without existingBucket it has no use")
		return
	}
	v.want(bucketForm.MatchString(c.ExistingBucket), "existingBucket", fmt.Sprintf("%q", c.ExistingBucket),
		"it must be the name of a bucket, without dots, which S3's certificate does not cover")
	v.want(!strings.HasPrefix(c.ExistingBucket, c.name()+"-"), "existingBucket", fmt.Sprintf("%q", c.ExistingBucket),
		"the names of the stack's own buckets begin so; leave it empty to have one made")
}
