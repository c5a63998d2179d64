package doctor

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"secure-media-cdn/infra/policies"
)

// actionOf are the calls that IAM names otherwise than the API does.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
var actionOf = map[string]string{
	"s3:GetPublicAccessBlock":               "s3:GetBucketPublicAccessBlock",
	"s3:GetBucketEncryption":                "s3:GetEncryptionConfiguration",
	"s3:GetBucketNotificationConfiguration": "s3:GetBucketNotification",
	"cloudfrontkeyvaluestore:GetKey":        "cloudfront-keyvaluestore:GetKey",
	"cloudwatchlogs:DescribeLogGroups":      "logs:DescribeLogGroups",
}

// TestThePreviewingRoleMayMakeEveryCall and none of them changes anything.
func TestThePreviewingRoleMayMakeEveryCall(t *testing.T) {
	t.Parallel()
	made := map[string]bool{}
	for _, stack := range []string{"everything", "existing"} {
		w := deployed(t, stack)
		if stack == "existing" {
			w = overExisting(t)
		}
		w.asked = made
		w.examine()
	}
	assert.Greater(t, len(made), 20)
	var may []string
	for _, d := range policies.Preview(policies.Scope{Project: "secure-media-cdn", Environment: "prod", Account: account,
		ContentKeys: []string{"arn:aws:kms:…"}}) {
		for _, s := range d.Statements {
			if !s.Deny {
				may = append(may, s.Actions...)
			}
		}
	}
	for _, call := range slices.Sorted(maps.Keys(made)) {
		_, verb, _ := strings.Cut(call, ":")
		assert.Regexp(t, `^(Get|List|Describe)`, verb)
		if action := actionOf[call]; action != "" {
			call = action
		}
		assert.True(t, slices.ContainsFunc(may, func(action string) bool {
			family, wild := strings.CutSuffix(action, "*")
			return action == call || wild && strings.HasPrefix(call, family)
		}), call)
	}
}
