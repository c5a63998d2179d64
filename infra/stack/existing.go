package stack

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// existingName is the logical name of what the program reads and does not own.
const existingName = "existing"

// readContent reads the bucket that was there before the stack. Nothing of it is
// changed here: whoever owns it decides about encryption, versions and the rest.
func (s *builder) readContent() (*content, error) {
	bucket, err := s3.GetBucketV2(s.ctx, existingName, pulumi.ID(s.cfg.ExistingBucket), nil)
	if err != nil {
		return nil, fmt.Errorf("reading the bucket %s: %w", s.cfg.ExistingBucket, err)
	}
	// Everything that needs the bucket waits for this, so a bucket elsewhere ends a
	// preview before anything is made for it.
	name := bucket.Region.ApplyT(func(region string) (string, error) {
		if region != s.cfg.Region {
			return "", fmt.Errorf("config existingBucket is %q: it is in %s, and the stack's home is %s (aws:region); "+
				"events and signed addresses work within one region", s.cfg.ExistingBucket, region, s.cfg.Region)
		}
		return s.cfg.ExistingBucket, nil
	}).(pulumi.StringOutput)
	return &content{
		name: name, arn: pulumi.Sprintf("arn:aws:s3:::%s", name),
		domain: pulumi.Sprintf("%s.s3.%s.amazonaws.com", name, s.cfg.Region),
		policy: bucket.Policy,
	}, nil
}

// unowned returns the bucket's name, to write its policy, unless it has a policy
// of somebody else's. S3 has one policy for each bucket, which would be replaced; and
// were the two merged, whoever deletes ours with the stack would delete both.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
func (c *content) unowned(sid string) pulumi.StringOutput {
	return pulumi.All(c.name, c.policy).ApplyT(func(known []any) (string, error) {
		name, policy := known[0].(string), known[1].(string)
		if policy == "" {
			return name, nil
		}
		var have struct {
			Statement []struct{ Sid string }
		}
		if err := json.Unmarshal([]byte(policy), &have); err != nil || len(have.Statement) != 1 ||
			have.Statement[0].Sid != sid {
			return "", fmt.Errorf("config manageBucketPolicy is true, but the bucket %s has a policy of somebody else's, which "+
				"would be lost: set it to false, and add the output bucketPolicyStatement to that policy", name)
		}
		return name, nil
	}).(pulumi.StringOutput)
}

// untold returns the bucket's name, to write its notifications, unless it has some
// of somebody else's: S3 has one configuration of them for each bucket, too.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html
func (s *builder) untold(c *content) (pulumi.StringOutput, error) {
	have, err := s3.GetBucketNotification(s.ctx, existingName, pulumi.ID(s.cfg.ExistingBucket), nil)
	if err != nil {
		return pulumi.StringOutput{}, fmt.Errorf("reading the notifications of %s: %w", s.cfg.ExistingBucket, err)
	}
	return pulumi.All(c.name, have.Queues, have.Topics, have.LambdaFunctions, have.Eventbridge).ApplyT(
		func(known []any) (string, error) {
			queues, topics := known[1].([]s3.BucketNotificationQueue), known[2].([]s3.BucketNotificationTopic)
			functions, bridge := known[3].([]s3.BucketNotificationLambdaFunction), known[4].(*bool)
			others := len(topics) + len(functions)
			for _, q := range queues {
				if q.Id == nil || *q.Id != s.cfg.name() {
					others++
				}
			}
			if others > 0 || bridge != nil && *bridge {
				return "", fmt.Errorf("config manageBucketEvents is true, but the bucket %s has notifications of somebody "+
					"else's, which would be lost: set it to false, and add the output bucketNotification to them",
					s.cfg.ExistingBucket)
			}
			return known[0].(string), nil
		}).(pulumi.StringOutput), nil
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
