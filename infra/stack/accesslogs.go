package stack

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// accessLogFields are what is kept of each request. Cookies, query strings and
// referring pages are not ours to keep. The path is a link, which works until
// it expires: the log bucket is as private as the media.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html
var accessLogFields = []string{
	"date", "time", "x-edge-location", "sc-bytes", "c-ip", "cs-method", "cs(Host)", "cs-uri-stem", "sc-status",
	"cs(User-Agent)",
	"x-edge-result-type", "x-edge-request-id", "x-host-header", "cs-protocol", "cs-bytes", "time-taken", "ssl-protocol",
	"x-edge-response-result-type", "cs-protocol-version", "time-to-first-byte", "x-edge-detailed-result-type",
	"sc-content-type",
	"sc-content-len", "sc-range-start", "sc-range-end",
}

// newAccessLogs registers the bucket of CloudFront's access logs and, if configured,
// their delivery (standard logging v2). The bucket is always there, so that what
// was logged stays for its time when logging is turned off. Everything is in
// us-east-1, the only region whose log deliveries CloudFront takes part in.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging.html
func (s *builder) newAccessLogs(d *delivery) error {
	in := s.regions.in(edgeRegion)
	name := s.cfg.name() + "-access"
	bucket, ready, err := s.newLogBucket(fmt.Sprintf("arn:aws:logs:%s:%s:delivery-source:%s", edgeRegion, s.account, name))
	if err != nil || !s.cfg.AccessLogs {
		return err
	}
	source, err := cloudwatch.NewLogDeliverySource(s.ctx, "access", &cloudwatch.LogDeliverySourceArgs{
		Name: pulumi.String(name), LogType: pulumi.String("ACCESS_LOGS"), ResourceArn: d.distribution.Arn, Tags: s.tags(),
	}, in)
	if err != nil {
		return fmt.Errorf("access log source: %w", err)
	}
	destination, err := cloudwatch.NewLogDeliveryDestination(s.ctx, "access", &cloudwatch.LogDeliveryDestinationArgs{
		Name: pulumi.String(name), OutputFormat: pulumi.String("json"), Tags: s.tags(),
		DeliveryDestinationConfiguration: &cloudwatch.LogDeliveryDestinationDeliveryDestinationConfigurationArgs{
			DestinationResourceArn: bucket.Arn,
		},
	}, in)
	if err != nil {
		return fmt.Errorf("access log destination: %w", err)
	}
	_, err = cloudwatch.NewLogDelivery(s.ctx, "access", &cloudwatch.LogDeliveryArgs{
		DeliverySourceName: source.Name, DeliveryDestinationArn: destination.Arn,
		RecordFields: pulumi.ToStringArray(accessLogFields), Tags: s.tags(),
	}, in, pulumi.DependsOn([]pulumi.Resource{ready}))
	if err != nil {
		return fmt.Errorf("access log delivery: %w", err)
	}
	return nil
}

// newLogBucket registers the bucket of access logs and returns it with the
// policy that lets the delivery source of the given ARN write into it.
func (s *builder) newLogBucket(source string) (*s3.BucketV2, pulumi.Resource, error) {
	in := s.regions.in(edgeRegion)
	bucket, err := s3.NewBucketV2(s.ctx, "logs", &s3.BucketV2Args{
		Bucket:       pulumi.String(s.cfg.name() + "-" + s.account + "-logs"),
		ForceDestroy: pulumi.Bool(!s.cfg.Protect), Tags: s.tags(),
	}, in, pulumi.Protect(s.cfg.Protect))
	if err != nil {
		return nil, nil, fmt.Errorf("log bucket: %w", err)
	}
	settings, err := s.hardenBucket("logs", bucket, "", in)
	if err != nil {
		return nil, nil, err
	}
	_, err = s3.NewBucketLifecycleConfigurationV2(s.ctx, "logs", &s3.BucketLifecycleConfigurationV2Args{
		Bucket: bucket.ID(),
		Rules: s3.BucketLifecycleConfigurationV2RuleArray{&s3.BucketLifecycleConfigurationV2RuleArgs{
			Id: pulumi.String("retention"), Status: pulumi.String("Enabled"),
			Filter:     &s3.BucketLifecycleConfigurationV2RuleFilterArgs{},
			Expiration: &s3.BucketLifecycleConfigurationV2RuleExpirationArgs{Days: pulumi.Int(s.cfg.LogRetentionDays)},
		}},
	}, in)
	if err != nil {
		return nil, nil, fmt.Errorf("log lifecycle: %w", err)
	}
	policy, err := s3.NewBucketPolicy(s.ctx, "logs", &s3.BucketPolicyArgs{
		Bucket: bucket.ID(),
		Policy: policyDocument(
			// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-V2-S3.html
			statement{
				Sid: "DeliveryWrites", Principal: service("delivery.logs.amazonaws.com"),
				Actions: []string{"s3:PutObject"}, Resources: []pulumi.StringInput{pulumi.Sprintf("%s/*", bucket.Arn)},
				Condition: pulumi.Map{
					"StringEquals": pulumi.Map{"aws:SourceAccount": pulumi.String(s.account),
						"s3:x-amz-acl": pulumi.String("bucket-owner-full-control")},
					"ArnLike": pulumi.Map{"aws:SourceArn": pulumi.String(source)},
				},
			},
			tlsOnly("s3:*", bucket.Arn, pulumi.Sprintf("%s/*", bucket.Arn)),
		),
	}, in, pulumi.DependsOn(settings))
	if err != nil {
		return nil, nil, fmt.Errorf("log bucket policy: %w", err)
	}
	return bucket, policy, nil
}
