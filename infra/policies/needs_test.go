package policies_test

// need is what the AWS provider calls for one type of resource: to read it, as a
// preview with refresh does, and to make, change and delete it.
type need struct{ read, write []string }

var (
	tagLogs  = []string{"logs:TagResource", "logs:UntagResource"}
	tagCDN   = []string{"cloudfront:TagResource", "cloudfront:UntagResource"}
	readLogs = []string{"logs:ListTagsForResource"}
)

func with(a []string, b ...string) []string { return append(append([]string(nil), a...), b...) }

// needs are by type of resource, without the prefix "aws:". Those in brackets
// belong to no single resource. Sources: for the actions of each call, the pages
// named at forms; for the calls, the resource of that type in the provider
// itself, version 5.100.0, which pulumi-aws 6.83 is made of:
// https://github.com/hashicorp/terraform-provider-aws/tree/v5.100.0/internal/service
var needs = map[string]need{
	"pulumi:providers:aws":                        {read: []string{"sts:GetCallerIdentity"}},
	"(the previews and updates of the link keys)": {read: []string{"secretsmanager:GetRandomPassword"}},
	"(make doctor)": {read: []string{
		"cloudfront-keyvaluestore:GetKey", "cloudfront:DescribeFunction", "cloudfront:GetCachePolicy",
		"cloudfront:GetDistribution", "cloudfront:GetFunction", "cloudfront:GetOriginAccessControl",
		"cloudfront:GetResponseHeadersPolicy", "cloudwatch:DescribeAlarms", "dynamodb:DescribeContinuousBackups",
		"dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive", "kms:GetKeyPolicy", "lambda:GetFunctionUrlConfig",
		"lambda:ListEventSourceMappings", "logs:DescribeLogGroups", "s3:GetBucket*",
		"s3:GetEncryptionConfiguration", "sns:ListSubscriptionsByTopic", "sqs:GetQueueAttributes",
	}},
	"(make sweep)": {
		write: []string{
			"cloudfront:ListDistributions", "lambda:DeleteFunction", "lambda:ListFunctions", "lambda:ListTags",
			"lambda:ListVersionsByFunction",
		},
	},
	"(the first replica of an edge function, and of a table, in an account)": {
		write: []string{"iam:CreateServiceLinkedRole"},
	},

	"s3/bucketV2:BucketV2": {
		// The provider reads every setting of a bucket.
		read: []string{
			"s3:GetAccelerateConfiguration", "s3:GetBucket*", "s3:GetEncryptionConfiguration",
			"s3:GetLifecycleConfiguration", "s3:GetReplicationConfiguration", "s3:ListBucket",
		},
		write: []string{
			"s3:CreateBucket", "s3:DeleteBucket", "s3:DeleteObject", "s3:DeleteObjectVersion",
			"s3:ListBucketVersions", "s3:PutBucketTagging",
		},
	},
	"s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2": {
		read:  []string{"s3:GetBucket*"},
		write: []string{"s3:PutBucketCORS"},
	},
	"s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2": {
		read:  []string{"s3:GetLifecycleConfiguration"},
		write: []string{"s3:PutLifecycleConfiguration"},
	},
	"s3/bucketNotification:BucketNotification": {
		read:  []string{"s3:GetBucket*"},
		write: []string{"s3:PutBucketNotification"},
	},
	"s3/bucketOwnershipControls:BucketOwnershipControls": {
		read:  []string{"s3:GetBucket*"},
		write: []string{"s3:PutBucketOwnershipControls"},
	},
	"s3/bucketPolicy:BucketPolicy": {
		read:  []string{"s3:GetBucket*"},
		write: []string{"s3:PutBucketPolicy", "s3:DeleteBucketPolicy"},
	},
	"s3/bucketPublicAccessBlock:BucketPublicAccessBlock": {
		read:  []string{"s3:GetBucket*"},
		write: []string{"s3:PutBucketPublicAccessBlock"},
	},
	"s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": {
		read:  []string{"s3:GetEncryptionConfiguration"},
		write: []string{"s3:PutEncryptionConfiguration"},
	},
	"s3/bucketVersioningV2:BucketVersioningV2": {
		read:  []string{"s3:GetBucket*"},
		write: []string{"s3:PutBucketVersioning"},
	},

	"cloudfront/distribution:Distribution": {
		read: []string{"cloudfront:GetDistribution", "cloudfront:ListTagsForResource"},
		// Its edge function is replicated, and its web ACL looked at, on its
		// maker's behalf.
		write: with(
			tagCDN, "cloudfront:CreateDistribution", "cloudfront:UpdateDistribution",
			"cloudfront:DeleteDistribution", "lambda:EnableReplication*", "lambda:DisableReplication*",
			"lambda:GetFunction", "wafv2:GetWebACL",
		),
	},
	"cloudfront/cachePolicy:CachePolicy": {
		read:  []string{"cloudfront:GetCachePolicy"},
		write: []string{"cloudfront:CreateCachePolicy", "cloudfront:UpdateCachePolicy", "cloudfront:DeleteCachePolicy"},
	},
	"cloudfront/originRequestPolicy:OriginRequestPolicy": {
		read: []string{"cloudfront:GetOriginRequestPolicy"},
		write: []string{
			"cloudfront:CreateOriginRequestPolicy", "cloudfront:UpdateOriginRequestPolicy",
			"cloudfront:DeleteOriginRequestPolicy",
		},
	},
	"cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": {
		read: []string{"cloudfront:GetResponseHeadersPolicy"},
		write: []string{
			"cloudfront:CreateResponseHeadersPolicy", "cloudfront:UpdateResponseHeadersPolicy",
			"cloudfront:DeleteResponseHeadersPolicy",
		},
	},
	"cloudfront/originAccessControl:OriginAccessControl": {
		read: []string{"cloudfront:GetOriginAccessControl"},
		write: []string{
			"cloudfront:CreateOriginAccessControl", "cloudfront:UpdateOriginAccessControl",
			"cloudfront:DeleteOriginAccessControl",
		},
	},
	"cloudfront/monitoringSubscription:MonitoringSubscription": {
		read:  []string{"cloudfront:GetMonitoringSubscription"},
		write: []string{"cloudfront:CreateMonitoringSubscription", "cloudfront:DeleteMonitoringSubscription"},
	},
	"cloudfront/function:Function": {
		read: []string{"cloudfront:DescribeFunction", "cloudfront:GetFunction"},
		write: []string{
			"cloudfront:CreateFunction", "cloudfront:UpdateFunction", "cloudfront:PublishFunction",
			"cloudfront:DeleteFunction",
		},
	},
	"cloudfront/keyValueStore:KeyValueStore": {
		read: []string{"cloudfront:DescribeKeyValueStore", "cloudfront:ListKeyValueStores"},
		write: []string{
			"cloudfront:CreateKeyValueStore", "cloudfront:UpdateKeyValueStore", "cloudfront:DeleteKeyValueStore",
		},
	},
	"cloudfront/keyvaluestoreKey:KeyvaluestoreKey": {
		read:  []string{"cloudfront-keyvaluestore:DescribeKeyValueStore", "cloudfront-keyvaluestore:GetKey"},
		write: []string{"cloudfront-keyvaluestore:DeleteKey", "cloudfront-keyvaluestore:PutKey"},
	},

	"lambda/function:Function": {
		read: []string{
			"lambda:GetFunction", "lambda:GetFunctionCodeSigningConfig", "lambda:GetFunctionConfiguration",
			"lambda:ListTags", "lambda:ListVersionsByFunction",
		},
		write: []string{
			"lambda:CreateFunction", "lambda:DeleteFunction", "lambda:PublishVersion", "lambda:TagResource",
			// With a concurrency reserved, and when it is given back.
			"lambda:DeleteFunctionConcurrency", "lambda:PutFunctionConcurrency",
			"lambda:UntagResource", "lambda:UpdateFunctionCode",
			"lambda:UpdateFunctionConfiguration", "iam:PassRole",
		},
	},
	"lambda/alias:Alias": {
		read:  []string{"lambda:GetAlias"},
		write: []string{"lambda:CreateAlias", "lambda:UpdateAlias", "lambda:DeleteAlias"},
	},
	"lambda/functionUrl:FunctionUrl": {
		read: []string{"lambda:GetFunctionUrlConfig"},
		write: []string{
			"lambda:CreateFunctionUrlConfig", "lambda:UpdateFunctionUrlConfig", "lambda:DeleteFunctionUrlConfig",
		},
	},
	"lambda/permission:Permission": {
		read:  []string{"lambda:GetPolicy"},
		write: []string{"lambda:AddPermission", "lambda:RemovePermission"},
	},

	"lambda/eventSourceMapping:EventSourceMapping": {
		read: []string{"lambda:GetEventSourceMapping", "lambda:ListTags"},
		write: []string{"lambda:CreateEventSourceMapping", "lambda:DeleteEventSourceMapping",
			"lambda:TagResource", "lambda:UntagResource", "lambda:UpdateEventSourceMapping"},
	},
	"sqs/queue:Queue": {
		read: []string{"sqs:GetQueueAttributes", "sqs:ListQueueTags"},
		write: []string{"sqs:CreateQueue", "sqs:DeleteQueue", "sqs:SetQueueAttributes", "sqs:TagQueue",
			"sqs:UntagQueue"},
	},
	"sqs/queuePolicy:QueuePolicy": {
		read: []string{"sqs:GetQueueAttributes"}, write: []string{"sqs:SetQueueAttributes"},
	},

	"iam/role:Role": {
		read: []string{
			"iam:GetRole", "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole",
			"iam:ListRolePolicies",
		},
		write: []string{
			"iam:CreateRole", "iam:DeleteRole", "iam:PutRolePermissionsBoundary", "iam:TagRole", "iam:UntagRole",
			"iam:UpdateAssumeRolePolicy", "iam:UpdateRole",
		},
	},
	"iam/rolePolicy:RolePolicy": {
		read:  []string{"iam:GetRolePolicy"},
		write: []string{"iam:PutRolePolicy", "iam:DeleteRolePolicy"},
	},

	"dynamodb/table:Table": {
		read: []string{
			"dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive",
			"dynamodb:ListTagsOfResource", "kms:DescribeKey",
		},
		write: []string{
			"dynamodb:CreateTable", "dynamodb:DeleteTable", "dynamodb:UpdateTable", "dynamodb:UpdateTimeToLive",
			"dynamodb:UpdateContinuousBackups",
			"dynamodb:TagResource", "dynamodb:UntagResource",
		},
	},
	"dynamodb/tableReplica:TableReplica": {
		read: []string{
			"dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTable", "dynamodb:ListTagsOfResource",
			"kms:DescribeKey",
		},
		write: []string{
			"dynamodb:UpdateTable", "dynamodb:UpdateContinuousBackups", "dynamodb:TagResource",
			"dynamodb:UntagResource",
			// A replica is made and filled with the rights of whoever adds it.
			// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2gt_IAM.html
			"dynamodb:CreateTable", "dynamodb:CreateTableReplica", "dynamodb:DeleteTable",
			"dynamodb:DeleteTableReplica", "dynamodb:BatchWriteItem",
			"dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan",
			"dynamodb:UpdateItem",
		},
	},

	"cloudwatch/logGroup:LogGroup": {
		read: with(readLogs, "logs:DescribeLogGroups"),
		write: with(
			tagLogs, "logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:PutRetentionPolicy",
			"logs:DeleteRetentionPolicy",
		),
	},
	"cloudwatch/logDelivery:LogDelivery": {
		read:  with(readLogs, "logs:GetDelivery"),
		write: with(tagLogs, "logs:CreateDelivery", "logs:UpdateDeliveryConfiguration", "logs:DeleteDelivery"),
	},
	"cloudwatch/logDeliverySource:LogDeliverySource": {
		read: with(readLogs, "logs:GetDeliverySource"),
		write: with(
			tagLogs, "logs:PutDeliverySource", "logs:DeleteDeliverySource",
			"cloudfront:AllowVendedLogDeliveryForResource",
		),
	},
	"cloudwatch/logDeliveryDestination:LogDeliveryDestination": {
		read:  with(readLogs, "logs:GetDeliveryDestination"),
		write: with(tagLogs, "logs:PutDeliveryDestination", "logs:DeleteDeliveryDestination"),
	},
	"cloudwatch/metricAlarm:MetricAlarm": {
		read: []string{"cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource"},
		write: []string{
			"cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms", "cloudwatch:TagResource",
			"cloudwatch:UntagResource",
		},
	},
	"cloudwatch/logMetricFilter:LogMetricFilter": {
		read:  []string{"logs:DescribeMetricFilters"},
		write: []string{"logs:DeleteMetricFilter", "logs:PutMetricFilter"},
	},
	"cloudwatch/dashboard:Dashboard": {
		read:  []string{"cloudwatch:GetDashboard"},
		write: []string{"cloudwatch:PutDashboard", "cloudwatch:DeleteDashboards"},
	},
	"sns/topic:Topic": {
		read: []string{"sns:GetTopicAttributes", "sns:ListTagsForResource"},
		write: []string{
			"sns:CreateTopic", "sns:DeleteTopic", "sns:SetTopicAttributes", "sns:TagResource", "sns:UntagResource",
		},
	},
	"sns/topicSubscription:TopicSubscription": {
		read:  []string{"sns:GetSubscriptionAttributes"},
		write: []string{"sns:Subscribe", "sns:Unsubscribe", "sns:SetSubscriptionAttributes"},
	},

	"acm/certificate:Certificate": {
		read: []string{"acm:DescribeCertificate", "acm:ListTagsForCertificate"},
		write: []string{
			"acm:RequestCertificate", "acm:DeleteCertificate", "acm:AddTagsToCertificate",
			"acm:RemoveTagsFromCertificate",
		},
	},
	"acm/certificateValidation:CertificateValidation": {read: []string{"acm:DescribeCertificate"}},
	"route53/record:Record": {
		read:  []string{"route53:GetChange", "route53:GetHostedZone", "route53:ListResourceRecordSets"},
		write: []string{"route53:ChangeResourceRecordSets"},
	},

	"kms/keyPolicy:KeyPolicy": {
		read:  []string{"kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags"},
		write: []string{"kms:PutKeyPolicy"},
	},
}
