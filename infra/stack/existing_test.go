package stack_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/plan"
	"secure-media-cdn/infra/plan/recorder"
)

// had says what the existing bucket acme-photos has.
func had(properties map[string]any) func(*recorder.Options) {
	return func(o *recorder.Options) { o.Existing = map[string]map[string]any{"acme-photos": properties} }
}

func TestAnExistingBucketIsReadAndNothingOfItIsChanged(t *testing.T) {
	doc := planOf(t, "existing", nil)
	bucket := find(t, doc, "BucketV2", "existing")
	assert.Equal(t, plan.Options{Read: true}, bucket.Options)
	assert.Equal(t, "acme-photos", bucket.ID)
	assert.Empty(t, bucket.Inputs)
	for _, r := range doc.Resources {
		if r.Options.Read {
			continue
		}
		for _, input := range []string{"bucket", "keyId"} {
			text, _ := r.Inputs[input].(string)
			assert.NotContains(t, text, "acme-photos", "%s %s", r.Type, r.Name)
			assert.NotContains(t, text, "11111111-2222", "%s %s", r.Type, r.Name)
		}
	}
	assert.Empty(t, kinds(doc, "KeyPolicy"), "the bucket's key is its owner's")
	assert.Empty(t, kinds(doc, "BucketNotification"))
	assert.Len(t, kinds(doc, "BucketPolicy"), 1, "that of the logs")
}

func TestTheStackServesAnExistingBucketAsItsOwn(t *testing.T) {
	doc := planOf(t, "existing", nil)
	assert.Equal(t, "acme-photos", doc.Outputs["mediaBucket"])
	assert.Equal(t, "acme-photos", customHeaders(t, doc)["x-media-bucket"])
	assert.Equal(t, "acme-photos.s3.eu-central-1.amazonaws.com",
		at(find(t, doc, "Distribution", "cdn").Inputs, "origins[0].domainName"))
	assert.Equal(t, "acme-photos", at(find(t, doc, "Function", "issuer").Inputs, "environment.variables.MEDIA_BUCKET"))
	issuer := find(t, doc, "RolePolicy", "issuer").Inputs["policy"]
	assert.Equal(t, []any{"arn:aws:s3:::acme-photos/*"}, statementOf(t, issuer, "CheckObjects")["Resource"])
	queue := find(t, doc, "QueuePolicy", "events").Inputs["policy"]
	assert.Equal(t, "arn:aws:s3:::acme-photos", at(statementOf(t, queue, "BucketTells"),
		"Condition.ArnEquals.aws:SourceArn"))
	edge := find(t, doc, "RolePolicy", "edge").Inputs["policy"]
	assert.Equal(t, []any{"arn:aws:s3:::acme-photos/*"}, statementOf(t, edge, "SignAddresses")["Resource"])
	assert.NotEmpty(t, statementOf(t, edge, "DecryptSigned"))
}

func TestWhatAnExistingBucketNeedsIsReadyToPaste(t *testing.T) {
	out := planOf(t, "existing", nil).Outputs
	const distribution = "arn:aws:cloudfront::123456789012:distribution/EDFDVBD6EXAMPLE"
	assert.Equal(t, map[string]any{
		"Sid": "SecureMediaCdnExistingReads", "Effect": "Allow",
		"Principal": map[string]any{"Service": []any{"cloudfront.amazonaws.com"}},
		"Action":    []any{"s3:GetObject"}, "Resource": []any{"arn:aws:s3:::acme-photos/*"},
		"Condition": map[string]any{"StringEquals": map[string]any{"AWS:SourceArn": distribution}},
	}, out["bucketPolicyStatement"])
	assert.Equal(t, map[string]any{
		"Id":       "secure-media-cdn-existing",
		"QueueArn": "arn:aws:sqs:eu-central-1:123456789012:secure-media-cdn-existing-events",
		"Events":   []any{"s3:LifecycleExpiration:*", "s3:ObjectCreated:*", "s3:ObjectRemoved:*"},
	}, out["bucketNotification"])
	assert.Equal(t, "kms:Decrypt", at(out["keyPolicyStatement"], "Action[0]"))
	for _, name := range []string{"bucketPolicyStatement", "bucketNotification", "keyPolicyStatement"} {
		assert.NotContains(t, planOf(t, "everything", nil).Outputs, name, "the stack's own bucket has it")
	}
	assert.NotContains(t, planOf(t, "existing", config{"kmsKeyArn": ""}).Outputs, "keyPolicyStatement")
}

func TestWhatTheStackManagesOfAnExistingBucketIsWhatItWouldPaste(t *testing.T) {
	doc := planOf(t, "existing", config{"manageBucketPolicy": "true", "manageBucketEvents": "true"})
	policy := find(t, doc, "BucketPolicy", "content").Inputs
	assert.Equal(t, "acme-photos", policy["bucket"])
	statements := statementsOf(t, policy["policy"])
	assert.Empty(t, kinds(doc, "KeyPolicy"), "the bucket's key is its owner's still")
	require.Len(t, statements, 1, "who else may do what is its owner's to say")
	assert.Equal(t, doc.Outputs["bucketPolicyStatement"], statements[0])

	events := find(t, doc, "BucketNotification", "events")
	assert.False(t, events.Options.Read)
	assert.Equal(t, "acme-photos", events.Inputs["bucket"])
	told := doc.Outputs["bucketNotification"]
	for input, name := range map[string]string{"id": "Id", "queueArn": "QueueArn", "events": "Events"} {
		assert.Equal(t, at(told, name), at(events.Inputs, "queues[0]."+input))
	}
}

func TestNothingOfSomebodyElsesIsReplaced(t *testing.T) {
	sid := func(names ...string) string {
		var statements []map[string]string
		for _, name := range names {
			statements = append(statements, map[string]string{"Sid": name, "Effect": "Allow"})
		}
		text, _ := json.Marshal(map[string]any{"Statement": statements})
		return string(text)
	}
	queue := func(id string) []any { return []any{map[string]any{"id": id, "queueArn": "arn:x", "events": []any{}}} }
	const ours = "SecureMediaCdnExistingReads"
	const policy, events = "manageBucketPolicy", "manageBucketEvents"
	for _, tt := range []struct {
		name   string
		manage string
		had    map[string]any
		want   string // what the error says; empty means valid
	}{
		{"no policy", policy, map[string]any{"policy": ""}, ""},
		{"our own policy", policy, map[string]any{"policy": sid(ours)}, ""},
		{"somebody else's policy", policy, map[string]any{"policy": sid("Theirs")}, "add the output bucketPolicyStatement"},
		{"a statement without a name", policy, map[string]any{"policy": sid("")}, "somebody else's"},
		{"somebody else's statement beside ours", policy, map[string]any{"policy": sid(ours, "Theirs")}, "somebody else's"},
		{"another stack's statement", policy, map[string]any{"policy": sid("SecureMediaCdnProdReads")}, "somebody else's"},
		{"one statement that is no list", policy, map[string]any{"policy": `{"Statement":{"Sid":"Theirs"}}`},
			"somebody else's"},
		{"a policy that nobody can read", policy, map[string]any{"policy": `{`}, "somebody else's"},
		{"a policy of no statements", policy, map[string]any{"policy": `{"Statement":[]}`}, "somebody else's"},
		{"no notifications", events, nil, ""},
		{"our own notification", events, map[string]any{"queues": queue("secure-media-cdn-existing")}, ""},
		{"another queue", events, map[string]any{"queues": queue("theirs")}, "add the output bucketNotification"},
		{"a queue without a name", events, map[string]any{"queues": []any{map[string]any{"queueArn": "arn:x",
			"events": []any{}}}}, "somebody else's"},
		{"a topic", events, map[string]any{"topics": []any{map[string]any{"topicArn": "arn:x", "events": []any{}}}},
			"somebody else's"},
		{"a function", events, map[string]any{"lambdaFunctions": []any{map[string]any{"lambdaFunctionArn": "arn:x",
			"events": []any{}}}}, "somebody else's"},
		{"EventBridge", events, map[string]any{"eventbridge": true}, "somebody else's"},
	} {
		for _, preview := range []bool{true, false} {
			t.Run(fmt.Sprint(tt.name, ", preview ", preview), func(t *testing.T) {
				_, err := evaluate("existing", config{tt.manage: "true"}, had(tt.had),
					func(o *recorder.Options) { o.DryRun = preview })
				if tt.want == "" {
					require.NoError(t, err)
					return
				}
				assert.ErrorContains(t, err, tt.want)
				assert.ErrorContains(t, err, "config "+tt.manage+" is true, but the bucket acme-photos has")
			})
		}
		_, err := evaluate("existing", nil, had(tt.had))
		assert.NoError(t, err, "what is not managed may be anything: %s", tt.name)
	}
}

func TestBothDocumentsOfSomebodyElsesAreToldOfAtOnce(t *testing.T) {
	_, err := evaluate("existing", config{"manageBucketPolicy": "true", "manageBucketEvents": "true"},
		had(map[string]any{"policy": `{"Statement":[]}`, "eventbridge": true}))
	assert.ErrorContains(t, err, "config manageBucketPolicy is true")
	assert.ErrorContains(t, err, "config manageBucketEvents is true")
}

func TestAnExistingBucketMustBeAtHome(t *testing.T) {
	for _, preview := range []bool{true, false} {
		_, err := evaluate("existing", nil, had(map[string]any{"region": "us-east-1"}),
			func(o *recorder.Options) { o.DryRun = preview })
		assert.ErrorContains(t, err,
			`config existingBucket is "acme-photos": it is in us-east-1, and the stack's home is eu-central-1`)
	}
}

func TestAnExistingBucketThatIsNotThereEndsAPreview(t *testing.T) {
	for _, preview := range []bool{true, false} {
		_, err := evaluate("existing", nil, func(o *recorder.Options) {
			o.DryRun, o.Missing = preview, []string{"acme-photos"}
		})
		if preview { // an update cannot read it at all
			assert.ErrorContains(t, err, `config existingBucket is "acme-photos": there is no such bucket`)
		} else {
			assert.ErrorContains(t, err, "does not exist")
		}
	}
}

func TestEveryRuleOfAnExistingBucketIsKept(t *testing.T) {
	configures(t, []configured{
		{"a bucket", config{"existingBucket": "acme-photos"}, ""},
		{"an address for a name", config{"existingBucket": "s3://acme-photos"},
			`config existingBucket is "s3://acme-photos"`},
		{"an ARN for a name", config{"existingBucket": "arn:aws:s3:::acme-photos"}, "must be the name of a bucket"},
		{"a name with dots", config{"existingBucket": "photos.acme.example"}, "without dots"},
		{"the stack's own bucket", config{"existingBucket": "secure-media-cdn-dev-123456789012"},
			"the names of the stack's own buckets begin so"},
		{"a policy of no existing bucket", config{"manageBucketPolicy": "true"},
			"config manageBucketPolicy is true: without existingBucket it has no use"},
		{"events of no existing bucket", config{"manageBucketEvents": "true"},
			"config manageBucketEvents is true: without existingBucket it has no use"},
	})
}
