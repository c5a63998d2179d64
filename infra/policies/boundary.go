package policies

import "slices"

// Boundary returns the environment's permissions boundary: the most that any
// role which its stack makes can do, whatever policies the role has. It holds
// no right on identities, on the state, or on another environment.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
func Boundary(s Scope) Document {
	table := s.arn("dynamodb", "table/"+s.prefix()+"*")
	media := []string{}
	for _, bucket := range bucketARNs(slices.Concat([]string{s.prefix() + "*"}, s.ExistingBuckets, s.ManagedBuckets)...) {
		media = append(media, bucket, bucket+"/*")
	}
	statements := []Statement{
		{
			Sid: "WriteLogs", Why: "every function logs, and edge functions in any region",
			Actions:   []string{"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"},
			Resources: s.ownLogGroups(),
		},
		{
			Sid: "Mappings", Why: "the edge reads mappings, the issuer makes and revokes them",
			Actions: []string{
				"dynamodb:BatchGetItem", "dynamodb:BatchWriteItem", "dynamodb:ConditionCheckItem",
				"dynamodb:DeleteItem", "dynamodb:GetItem",
				"dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem",
			},
			Resources: []string{table},
		},
		{
			Sid:       "Media",
			Why:       "signed addresses work with their signer's rights; the issuer looks for objects",
			Actions:   []string{"s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"},
			Resources: media,
		},
		{
			Sid: "Events", Why: "the issuer follows what happens to objects",
			Actions:   []string{"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"},
			Resources: []string{s.arn("sqs", s.prefix()+"*")},
		},
		{
			Sid: "Revocations", Why: "the issuer reads the link keys and writes the gate's list",
			Actions: []string{
				"cloudfront-keyvaluestore:DeleteKey", "cloudfront-keyvaluestore:DescribeKeyValueStore",
				"cloudfront-keyvaluestore:GetKey",
				"cloudfront-keyvaluestore:ListKeys", "cloudfront-keyvaluestore:PutKey",
				"cloudfront-keyvaluestore:UpdateKeys",
			},
			Resources: []string{s.global("cloudfront", "key-value-store/*")},
		},
		{
			Sid: "Invalidations", Why: "cached copies of revoked, replaced and deleted objects are withdrawn",
			Actions:   []string{"cloudfront:CreateInvalidation"},
			Resources: []string{s.global("cloudfront", "distribution/*")},
			Condition: s.ownTags(),
		},
	}
	if keys := slices.Concat(s.ContentKeys, s.ExistingKeys); len(keys) > 0 {
		statements = append(statements, Statement{
			Sid: "ContentKeys", Why: "a signed address of an encrypted object decrypts with its signer's rights",
			Actions: []string{"kms:Decrypt"}, Resources: keys,
		})
	}
	if len(s.Foreign) > 0 {
		statements = append(statements, foreign(s))
	}
	return Document{Name: "boundary", Statements: statements}
}
