package doctor

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	cf "github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudfrontkeyvaluestore"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamo "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lm "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// on changes the answer of one type.
func on[Answer any](change func(Answer)) func(any) error {
	return func(answer any) error {
		change(answer.(Answer))
		return nil
	}
}

// distribution changes the distribution's configuration.
func ofDistribution(change func(*cf.DistributionConfig)) func(any) error {
	return on(func(a *cloudfront.GetDistributionOutput) { change(a.Distribution.DistributionConfig) })
}

func refused(code string) func(any) error {
	return func(any) error { return &smithy.GenericAPIError{Code: code, Message: "…"} }
}

// TestEachSettingThatDiffersIsFound changes one setting at a time, and wants a line that names it.
func TestEachSettingThatDiffersIsFound(t *testing.T) {
	t.Parallel()
	no := aws.Bool(false)
	for name, tt := range map[string]struct {
		call   string
		change func(any) error
		say    string
	}{
		"public ACLs": {"GetPublicAccessBlockInput", on(func(a *s3.GetPublicAccessBlockOutput) {
			a.PublicAccessBlockConfiguration.IgnorePublicAcls = no
		}), "wrong bucket: all public access is blocked: is [true,true,false,true]"},
		"no block at all": {"GetPublicAccessBlockInput", refused("NoSuchPublicAccessBlockConfiguration"),
			"wrong bucket: all public access is blocked: there is none"},
		"ACLs are back": {"GetBucketOwnershipControlsInput", on(func(a *s3.GetBucketOwnershipControlsOutput) {
			a.OwnershipControls.Rules[0].ObjectOwnership = s3types.ObjectOwnershipObjectWriter
		}), "wrong bucket: the bucket's owner owns every object"},
		"another statement": {"GetBucketPolicyInput", on(func(a *s3.GetBucketPolicyOutput) {
			*a.Policy = strings.Replace(*a.Policy, `"Statement":[`,
				`"Statement":[{"Sid":"Open","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"},`, 1)
		}), `wrong bucket: its policy has a statement "Open"`},
		"any distribution": {"GetBucketPolicyInput", on(func(a *s3.GetBucketPolicyOutput) {
			*a.Policy = strings.Replace(*a.Policy, "E2REALREALREAL", "*", 1)
		}), "wrong bucket: its policy lets the distribution read: this statement is missing"},
		"plain HTTP": {"GetBucketPolicyInput", on(func(a *s3.GetBucketPolicyOutput) {
			*a.Policy = strings.Replace(*a.Policy, `"Deny"`, `"Allow"`, 1)
		}), "this statement is missing"},
		"no policy": {"GetBucketPolicyInput", refused("NoSuchBucketPolicy"), "lets the distribution read: this statement is missing"},
		"versions": {"GetBucketVersioningInput", on(func(a *s3.GetBucketVersioningOutput) {
			a.Status = s3types.BucketVersioningStatusSuspended
		}), `bucket: versioning: is "Suspended", not "Enabled"`},
		"another key": {"GetBucketEncryptionInput", on(func(a *s3.GetBucketEncryptionOutput) {
			a.ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault.SSEAlgorithm = "AES256"
		}), "bucket: encryption: is"},
		"a key that is locked": {"GetKeyPolicyInput", on(func(a *kms.GetKeyPolicyOutput) {
			*a.Policy = strings.Replace(*a.Policy, "E2REALREALREAL", "EOTHER", 1)
		}), "KMS key lets the distribution decrypt: no statement"},
		"CORS": {"GetBucketCorsInput", on(func(a *s3.GetBucketCorsOutput) { a.CORSRules[0].AllowedOrigins = []string{"*"} }),
			"bucket: CORS: is"},
		"no notification": {"GetBucketNotificationConfigurationInput",
			on(func(a *s3.GetBucketNotificationConfigurationOutput) { a.QueueConfigurations = nil }),
			"happens to objects: it does not"},
		"fewer events": {"GetBucketNotificationConfigurationInput", on(func(a *s3.GetBucketNotificationConfigurationOutput) {
			a.QueueConfigurations[0].Events = a.QueueConfigurations[0].Events[:1]
		}), "happens to objects: is ["},
		"events of some keys": {"GetBucketNotificationConfigurationInput",
			on(func(a *s3.GetBucketNotificationConfigurationOutput) {
				a.QueueConfigurations[0].Filter = &s3types.NotificationConfigurationFilter{}
			}), "only of some keys"},
		"another queue": {"GetBucketNotificationConfigurationInput", on(func(a *s3.GetBucketNotificationConfigurationOutput) {
			a.QueueConfigurations[0].QueueArn = aws.String("arn:aws:sqs:eu-west-1:1:other")
		}), "another notification of the same events is in the way"},

		"no distribution": {"GetDistributionInput", refused("NoSuchDistribution"), "wrong distribution: there is none"},
		"under way": {"GetDistributionInput", on(func(a *cloudfront.GetDistributionOutput) {
			a.Distribution.Status = aws.String("InProgress")
		}), "distribution: a change is under way (InProgress)"},
		"switched off": {"GetDistributionInput", ofDistribution(func(c *cf.DistributionConfig) { c.Enabled = no }),
			"distribution: is enabled"},
		"no web ACL": {"GetDistributionInput", ofDistribution(func(c *cf.DistributionConfig) { c.WebACLId = nil }),
			"distribution: its web ACL"},
		"one path more": {"GetDistributionInput", ofDistribution(func(c *cf.DistributionConfig) {
			c.CacheBehaviors.Items = append(c.CacheBehaviors.Items, cf.CacheBehavior{PathPattern: aws.String("/open/*")})
		}), "distribution: its paths, in their order"},
		"paths in another order": {"GetDistributionInput", ofDistribution(func(c *cf.DistributionConfig) {
			c.CacheBehaviors.Items[0], c.CacheBehaviors.Items[1] = c.CacheBehaviors.Items[1], c.CacheBehaviors.Items[0]
		}), "distribution: its paths, in their order"},
		"plain HTTP for viewers": {"GetDistributionInput", ofDistribution(func(c *cf.DistributionConfig) {
			c.DefaultCacheBehavior.ViewerProtocolPolicy = "allow-all"
		}), "distribution: *: HTTPS, origin and methods"},
		"a gate that is gone": {"GetDistributionInput", ofDistribution(func(c *cf.DistributionConfig) {
			c.DefaultCacheBehavior.FunctionAssociations = nil
		}), "distribution: *: the function gate at viewer-request: nothing runs there"},
		"a function more": {"GetDistributionInput", ofDistribution(func(c *cf.DistributionConfig) {
			last := c.CacheBehaviors.Items[len(c.CacheBehaviors.Items)-1]
			last.LambdaFunctionAssociations.Items = []cf.LambdaFunctionAssociation{
				{EventType: "viewer-request", LambdaFunctionARN: aws.String("arn:…:evil")}}
		}), "/marketplace/*: a Lambda function that the program does not name runs at viewer-request"},
		"another edge function": {"GetDistributionInput", ofDistribution(func(c *cf.DistributionConfig) {
			c.DefaultCacheBehavior.LambdaFunctionAssociations.Items[0].LambdaFunctionARN = aws.String("arn:…:11")
		}), "distribution: *: the edge function at origin-request"},
		"another gate": {"GetFunctionInput", on(func(a *cloudfront.GetFunctionOutput) {
			a.FunctionCode = append(a.FunctionCode, ' ')
		}), "the code that is live is not the program's"},
		"an unpublished gate": {"GetFunctionInput", refused("NoSuchFunctionExists"), "the function gate at viewer-request: there is none"},
		"queries in the key": {"GetCachePolicyInput", on(func(a *cloudfront.GetCachePolicyOutput) {
			key := a.CachePolicy.CachePolicyConfig.ParametersInCacheKeyAndForwardedToOrigin
			key.QueryStringsConfig.QueryStringBehavior = "all"
		}), "what is cached, and how long"},
		"scripts in what was uploaded": {"GetResponseHeadersPolicyInput",
			on(func(a *cloudfront.GetResponseHeadersPolicyOutput) {
				a.ResponseHeadersPolicy.ResponseHeadersPolicyConfig.SecurityHeadersConfig.ContentSecurityPolicy = nil
			}), "what browsers are told: is"},
		"every page reads": {"GetResponseHeadersPolicyInput", on(func(a *cloudfront.GetResponseHeadersPolicyOutput) {
			if cors := a.ResponseHeadersPolicy.ResponseHeadersPolicyConfig.CorsConfig; cors != nil {
				cors.AccessControlAllowOrigins.Items = []string{"*"}
			}
		}), "what browsers are told: is"},
		"no headers policy": {"GetDistributionInput", ofDistribution(func(c *cf.DistributionConfig) {
			c.DefaultCacheBehavior.ResponseHeadersPolicyId = nil
		}), `distribution: *: what browsers are told: is ""`},
		"a minimum": {"GetCachePolicyInput", on(func(a *cloudfront.GetCachePolicyOutput) {
			a.CachePolicy.CachePolicyConfig.MinTTL = aws.Int64(60)
		}), "what is cached, and how long"},
		"another table at the edge": {"GetDistributionInput", ofDistribution(func(c *cf.DistributionConfig) {
			c.Origins.Items[0].CustomHeaders.Items[0].HeaderValue = aws.String("other")
		}), "the origin content: the edge function's configuration"},
		"another bucket": {"GetDistributionInput", ofDistribution(func(c *cf.DistributionConfig) {
			c.Origins.Items[0].DomainName = aws.String("other.s3.amazonaws.com")
		}), "the origin content: the bucket"},
		"no signature": {"GetDistributionInput", ofDistribution(func(c *cf.DistributionConfig) {
			c.Origins.Items[1].OriginAccessControlId = nil
		}), "the origin images: CloudFront signs what it asks: it has no origin access control"},
		"no origin": {"GetDistributionInput", ofDistribution(func(c *cf.DistributionConfig) {
			c.Origins.Items = c.Origins.Items[:1]
		}), "the origin images: there is none"},
		"signatures on demand": {"GetOriginAccessControlInput", on(func(a *cloudfront.GetOriginAccessControlOutput) {
			a.OriginAccessControl.OriginAccessControlConfig.SigningBehavior = "no-override"
		}), "CloudFront signs what it asks: is"},
		"no store": {"DescribeFunctionInput", on(func(a *cloudfront.DescribeFunctionOutput) {
			a.FunctionSummary.FunctionConfig.KeyValueStoreAssociations = nil
		}), "gate: its store has the keys: it has no store"},
		"a key that is gone": {"GetKeyInput", refused("ResourceNotFoundException"), "gate: its store has the keys: k.7: there is none"},
		"an empty key": {"GetKeyInput", on(func(a *cloudfrontkeyvaluestore.GetKeyOutput) { a.Value = nil }),
			"k.7 is not as long as a key"},

		"no table":  {"DescribeTableInput", refused("ResourceNotFoundException"), "wrong table: there is none"},
		"no stream": {"DescribeTableInput", on(func(a *dynamodb.DescribeTableOutput) { a.Table.StreamSpecification = nil }), "table: its stream"},
		"no protection": {"DescribeTableInput", on(func(a *dynamodb.DescribeTableOutput) {
			a.Table.DeletionProtectionEnabled = no
		}), "table: is protected from deletion"},
		"a replica that is gone": {"DescribeTableInput", on(func(a *dynamodb.DescribeTableOutput) {
			a.Table.Replicas = a.Table.Replicas[:2]
		}), `table: its replicas: is ["us-east-1"]`},
		"a replica in trouble": {"DescribeTableInput", on(func(a *dynamodb.DescribeTableOutput) {
			a.Table.Replicas[2].ReplicaStatus = dynamo.ReplicaStatusInaccessibleEncryptionCredentials
		}), "ap-southeast-2 (INACCESSIBLE_ENCRYPTION_CREDENTIALS)"},
		"no expiry": {"DescribeTimeToLiveInput", on(func(a *dynamodb.DescribeTimeToLiveOutput) {
			a.TimeToLiveDescription.TimeToLiveStatus = dynamo.TimeToLiveStatusDisabled
		}), "table: expired links are deleted"},
		"no recovery": {"DescribeContinuousBackupsInput", on(func(a *dynamodb.DescribeContinuousBackupsOutput) {
			a.ContinuousBackupsDescription.PointInTimeRecoveryDescription = nil
		}), "table: point-in-time recovery"},

		"the issuer does not read": {"ListEventSourceMappingsInput", on(func(a *lambda.ListEventSourceMappingsOutput) {
			a.EventSourceMappings[0].State = aws.String("Disabled")
		}), `the issuer reads its queue: is "Disabled"`},
		"no event source": {"ListEventSourceMappingsInput", on(func(a *lambda.ListEventSourceMappingsOutput) {
			a.EventSourceMappings = nil
		}), "has 0 event sources"},
		"all fail together": {"ListEventSourceMappingsInput", on(func(a *lambda.ListEventSourceMappingsOutput) {
			a.EventSourceMappings[0].FunctionResponseTypes = nil
		}), "one that fails does not fail the others"},
		"no bound": {"ListEventSourceMappingsInput", on(func(a *lambda.ListEventSourceMappingsOutput) {
			a.EventSourceMappings[0].ScalingConfig = nil
		}), "leave the issuer room"},
		"no dead letters": {"GetQueueAttributesInput", on(func(a *sqs.GetQueueAttributesOutput) {
			delete(a.Attributes, "RedrivePolicy")
		}), "has no dead-letter queue"},
		"lost events": {"GetQueueAttributesInput", on(func(a *sqs.GetQueueAttributesOutput) {
			a.Attributes["ApproximateNumberOfMessages"] = "3"
		}), "events: 3 that failed five times"},
		"an open issuer": {"GetFunctionUrlConfigInput", on(func(a *lambda.GetFunctionUrlConfigOutput) {
			a.AuthType = lm.FunctionUrlAuthTypeNone
		}), "issuer: its address takes signed calls only"},

		"logs for ever": {"DescribeLogGroupsInput", on(func(a *cloudwatchlogs.DescribeLogGroupsOutput) {
			a.LogGroups[1].RetentionInDays = nil
		}), "and its retention: is 0, not 90"},
		"no log group": {"DescribeLogGroupsInput", on(func(a *cloudwatchlogs.DescribeLogGroupsOutput) {
			a.LogGroups = a.LogGroups[:1]
		}), "there is no such log group"},
		"an unconfirmed address": {"ListSubscriptionsByTopicInput", on(func(a *sns.ListSubscriptionsByTopicOutput) {
			a.Subscriptions[0].SubscriptionArn = aws.String("PendingConfirmation")
		}), "oncall@example.com has not confirmed"},
		"no subscriber": {"ListSubscriptionsByTopicInput", on(func(a *sns.ListSubscriptionsByTopicOutput) {
			a.Subscriptions = nil
		}), "oncall@example.com is not subscribed"},
		"no topic": {"ListSubscriptionsByTopicInput", refused("NotFoundException"), "alarms: the topic in us-east-1: there is none"},
		"no alarm": {"DescribeAlarmsInput", on(func(a *cloudwatch.DescribeAlarmsOutput) { a.MetricAlarms = nil }),
			"HighErrorRate in us-east-1: there is none"},
		"a mute alarm": {"DescribeAlarmsInput", on(func(a *cloudwatch.DescribeAlarmsOutput) {
			a.MetricAlarms[0].ActionsEnabled = no
		}), "it tells nobody"},
		"a deaf alarm": {"DescribeAlarmsInput", on(func(a *cloudwatch.DescribeAlarmsOutput) {
			a.MetricAlarms[0].Threshold = aws.Float64(1e9)
		}), "sounds at 1e+09"},
		"an alarm that sounds": {"DescribeAlarmsInput", on(func(a *cloudwatch.DescribeAlarmsOutput) {
			a.MetricAlarms[0].StateValue, a.MetricAlarms[0].StateReason = cw.StateValueAlarm, aws.String("too many")
		}), "it sounds: too many"},
		"no right to look": {"GetDistributionInput", refused("AccessDenied"), "unknown distribution: AccessDenied"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := deployed(t, "everything")
			w.change[tt.call] = tt.change
			bad, _ := w.examine()
			require.NotEmpty(t, bad)
			assert.Contains(t, strings.Join(bad, "\n"), tt.say)
		})
	}
}

// TestWhatCannotBeReadIsUnknownAndNeverWell refuses each call in turn, as for lack of a right.
func TestWhatCannotBeReadIsUnknownAndNeverWell(t *testing.T) {
	t.Parallel()
	_, all := deployed(t, "everything").examine()
	for _, call := range []string{"GetPublicAccessBlock", "GetBucketOwnershipControls", "GetBucketPolicy",
		"GetBucketVersioning",
		"GetBucketEncryption", "GetKeyPolicy", "GetBucketCors", "GetBucketNotificationConfiguration", "GetDistribution",
		"GetCachePolicy", "GetResponseHeadersPolicy", "GetOriginAccessControl", "GetFunction", "DescribeFunction", "GetKey", "DescribeTable",
		"DescribeTimeToLive", "DescribeContinuousBackups", "ListEventSourceMappings", "GetFunctionUrlConfig",
		"GetQueueAttributes", "DescribeLogGroups", "ListSubscriptionsByTopic", "DescribeAlarms"} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			w := deployed(t, "everything")
			w.change[call+"Input"] = refused("AccessDenied")
			bad, ok := w.examine()
			require.NotEmpty(t, bad)
			for _, line := range bad {
				assert.True(t, strings.HasPrefix(line, "unknown "), line)
			}
			assert.Less(t, ok, all)
		})
	}
}

// TestNoKeyIsEverPrinted though the doctor reads them.
func TestNoKeyIsEverPrinted(t *testing.T) {
	t.Parallel()
	w := deployed(t, "everything")
	w.change["GetKeyInput"] = on(func(a *cloudfrontkeyvaluestore.GetKeyOutput) { *a.Value = "verysecret" })
	bad, _ := w.examine()
	require.NotEmpty(t, bad)
	assert.NotContains(t, fmt.Sprint(bad), "verysecret")
}
