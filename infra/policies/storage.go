package policies

import "slices"

// storage is where data lies: buckets, the table and its replicas, the queues of
// what happens to objects, and the key that encrypts media.
func storage(s Scope) topic {
	buckets := []string{"arn:aws:s3:::" + s.prefix() + "*"}
	queues := []string{s.arn("sqs", s.prefix()+"*")}
	tables := []string{s.arn("dynamodb", "table/"+s.prefix()+"*")}
	t := topic{
		name: "storage",
		read: []Statement{
			{
				Sid: "ReadBuckets", Why: "the provider reads every setting of a bucket",
				Actions: []string{
					"s3:GetAccelerateConfiguration", "s3:GetBucket*", "s3:GetEncryptionConfiguration",
					"s3:GetLifecycleConfiguration",
					"s3:GetReplicationConfiguration", "s3:ListBucket",
				},
				Resources: slices.Concat(buckets, bucketARNs(s.ExistingBuckets...), bucketARNs(s.ManagedBuckets...)),
			},
			{
				Sid: "ReadQueues", Why: "the provider reads a queue's settings, not its messages",
				Actions: []string{"sqs:GetQueueAttributes", "sqs:ListQueueTags"}, Resources: queues,
			},
			{
				Sid: "ReadTables", Why: "the provider reads a table's settings, not its items",
				Actions: []string{
					"dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive",
					"dynamodb:ListTagsOfResource",
				},
				Resources: tables,
			},
			{
				// https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-request-alias
				Sid:     "ReadDefaultKey",
				Why:     "the provider compares a table's key with AWS's default one for DynamoDB",
				Actions: []string{"kms:DescribeKey"}, Resources: []string{s.arn("kms", "key/*")},
				Condition: when("StringEquals", map[string][]string{"kms:RequestAlias": {"alias/aws/dynamodb"}}),
			},
		},
		write: []Statement{
			{
				Sid: "Buckets", Why: "the media and log buckets",
				Actions: []string{
					"s3:CreateBucket", "s3:DeleteBucket", "s3:DeleteBucketPolicy", "s3:ListBucketVersions",
					"s3:PutBucketCORS", "s3:PutBucketNotification",
					"s3:PutBucketOwnershipControls", "s3:PutBucketPolicy", "s3:PutBucketPublicAccessBlock",
					"s3:PutBucketTagging", "s3:PutBucketVersioning",
					"s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration",
				},
				Resources: buckets,
			},
			{
				Sid: "EmptyBuckets", Why: "a disposable stack is destroyed with what its buckets hold",
				Actions: []string{"s3:DeleteObject", "s3:DeleteObjectVersion"}, Resources: []string{buckets[0] + "/*"},
			},
			{
				Sid: "Queues", Why: "the queue of what happens to objects, and its dead-letter queue",
				Actions: []string{
					"sqs:CreateQueue", "sqs:DeleteQueue", "sqs:SetQueueAttributes", "sqs:TagQueue", "sqs:UntagQueue",
				},
				Resources: queues,
			},
			{
				Sid: "Tables", Why: "the mapping table",
				Actions: []string{
					"dynamodb:CreateTable", "dynamodb:CreateTableReplica", "dynamodb:DeleteTable",
					"dynamodb:DeleteTableReplica", "dynamodb:TagResource",
					"dynamodb:UntagResource", "dynamodb:UpdateContinuousBackups", "dynamodb:UpdateTable",
					"dynamodb:UpdateTimeToLive",
				},
				Resources: tables,
			},
			{
				// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/globaltables-security.html
				Sid: "FillReplicas", Why: "a new replica is filled with the rights of whoever adds it",
				Actions: []string{
					"dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem",
					"dynamodb:Query", "dynamodb:Scan",
					"dynamodb:UpdateItem",
				},
				Resources: tables,
			},
		},
	}
	if len(s.ContentKeys) > 0 {
		t.read = append(t.read, Statement{
			Sid: "ReadContentKeys", Why: "the provider reads all of a key before its policy",
			Actions: []string{
				"kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags",
			},
			Resources: s.ContentKeys,
		})
		t.write = append(t.write, Statement{
			Sid:       "ContentKeys",
			Why:       "the distribution decrypts by the key's own policy",
			Actions:   []string{"kms:PutKeyPolicy"},
			Resources: s.ContentKeys,
		})
	}
	if len(s.ManagedBuckets) > 0 {
		t.write = append(t.write, Statement{
			Sid:       "ManagedBuckets",
			Why:       "an existing bucket is let to the distribution and tells the queue, if the stack is to see to it",
			Actions:   []string{"s3:DeleteBucketPolicy", "s3:PutBucketNotification", "s3:PutBucketPolicy"},
			Resources: bucketARNs(s.ManagedBuckets...),
		})
	}
	return t
}
