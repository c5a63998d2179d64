package doctor

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const reads = `{"Sid":"Ours","Effect":"Allow","Principal":{"Service":"cloudfront.amazonaws.com"},` +
	`"Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-photos/*","Condition":{"StringEquals":{"AWS:SourceArn":` +
	`"arn:aws:cloudfront::` + account + `:distribution/E2REALREALREAL"}}}`

// overExisting is a stack whose bucket was there before: the program registers nothing for it, and says what to paste.
func overExisting(t *testing.T) *world {
	w := deployed(t, "existing")
	w.fixed = map[string]any{
		"GetBucketPolicyInput": &s3.GetBucketPolicyOutput{Policy: aws.String(`{"Statement":[` + reads + `]}`)},
		"GetBucketNotificationConfigurationInput": &s3.GetBucketNotificationConfigurationOutput{
			QueueConfigurations: []s3types.QueueConfiguration{{QueueArn: aws.String(w.queue("events")),
				Events: []s3types.Event{"s3:LifecycleExpiration:*", "s3:ObjectRemoved:*", "s3:ObjectCreated:*"}}}},
		"GetBucketCorsInput": &s3.GetBucketCorsOutput{CORSRules: []s3types.CORSRule{{AllowedMethods: []string{"GET"}}}},
	}
	return w
}

func TestABucketThatWasThereBeforeNeedsOnlyWhatTheStackNeeds(t *testing.T) {
	t.Parallel()
	bad, _ := overExisting(t).examine()
	assert.Empty(t, bad)
}

func TestWhatContradictsTheStackInABucketThatWasThereBefore(t *testing.T) {
	t.Parallel()
	policy := func(more string) func(any) error {
		return on(func(a *s3.GetBucketPolicyOutput) { *a.Policy = `{"Statement":[` + reads + `,` + more + `]}` })
	}
	const (
		deny = `{"Sid":"Theirs","Effect":"Deny","Resource":"*"`
		role = `"Principal":{"AWS":"arn:aws:iam::1:role/app"}`
	)
	notification := func(events ...s3types.Event) func(any) error {
		return on(func(a *s3.GetBucketNotificationConfigurationOutput) {
			a.QueueConfigurations = nil
			a.TopicConfigurations = []s3types.TopicConfiguration{{Events: events}}
		})
	}
	for name, tt := range map[string]struct {
		call   string
		change func(any) error
		say    string // empty if all is well
	}{
		"no policy": {"GetBucketPolicyInput", refused("NoSuchBucketPolicy"), "lets the distribution read: this statement is missing"},
		"without our statement": {"GetBucketPolicyInput", on(func(a *s3.GetBucketPolicyOutput) {
			*a.Policy = `{"Statement":{"Effect":"Allow","Principal":{"AWS":"1"},"Action":"s3:*","Resource":"*"}}`
		}), "this statement is missing"},
		"somebody else may write": {"GetBucketPolicyInput",
			policy(`{"Sid":"App","Effect":"Allow",` + role + `,"Action":"s3:PutObject","Resource":"*"}`), ""},
		"nothing without TLS": {"GetBucketPolicyInput",
			policy(deny + `,"Principal":"*","Action":"s3:*","Condition":{"Bool":{"aws:SecureTransport":false}}}`), ""},
		"nothing without TLS from elsewhere": {"GetBucketPolicyInput",
			policy(deny + `,"Principal":"*","Action":"s3:*","Condition":{"Bool":{"aws:SecureTransport":"false"},` +
				`"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}`), ""},
		"nobody but a VPC": {"GetBucketPolicyInput",
			policy(deny + `,"Principal":"*","Action":["s3:PutObject","s3:GetObject"],` +
				`"Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}}`),
			`the statement "Theirs" of its policy may deny the distribution`},
		"nobody but a role": {"GetBucketPolicyInput",
			policy(deny + `,"Not` + role[1:] + `,"Action":"s3:*"}`), `the statement "Theirs"`},
		"no TLS and something else": {"GetBucketPolicyInput",
			policy(deny + `,"Principal":{"AWS":"*"},"NotAction":"s3:PutObject","Condition":{"Bool":{"aws:SecureTransport":` +
				`"true"}}}`), `the statement "Theirs"`},
		"a role may not delete": {"GetBucketPolicyInput",
			policy(deny + `,"Principal":"*","Action":"s3:DeleteObject*"}`), ""},
		"another role may not read": {"GetBucketPolicyInput",
			policy(deny + `,` + role + `,"Action":"s3:*"}`), ""},
		"our notification is missing": {"GetBucketNotificationConfigurationInput", notification("s3:Replication:*"),
			"happens to objects: it does not"},
		"a notification in the way": {"GetBucketNotificationConfigurationInput", notification("s3:ObjectCreated:Put"),
			"another notification of the same events is in the way"},
		"a wider notification in the way": {"GetBucketNotificationConfigurationInput", notification("s3:ObjectRemoved:*"),
			"is in the way"},
		"public": {"GetPublicAccessBlockInput", refused("NoSuchPublicAccessBlockConfiguration"), "all public access is blocked: there is none"},
		"ACLs": {"GetBucketOwnershipControlsInput", refused("OwnershipControlsNotFoundError"),
			"owns every object: there is none"},
		"AWS's own key": {"GetBucketEncryptionInput", on(func(a *s3.GetBucketEncryptionOutput) {
			a.ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault.KMSMasterKeyID = nil
		}), "AWS's own key for S3 lets no other service use it"},
		"S3's own encryption": {"GetBucketEncryptionInput", on(func(a *s3.GetBucketEncryptionOutput) {
			a.ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault.SSEAlgorithm = "AES256"
		}), ""},
		"no versions": {"GetBucketVersioningInput", on(func(a *s3.GetBucketVersioningOutput) { a.Status = "" }), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := overExisting(t)
			w.change[tt.call] = tt.change
			bad, _ := w.examine()
			if tt.say == "" {
				assert.Empty(t, bad)
				return
			}
			require.Len(t, bad, 1)
			assert.Contains(t, bad[0], tt.say)
			assert.NotContains(t, w.advice[0], "make up", "which mends nothing of this bucket")
			assert.NotContains(t, bad[0], "null", "a statement is shown as it can be pasted")
		})
	}
}

func TestARedirectNeedsCORSForEveryOrigin(t *testing.T) {
	t.Parallel()
	w := overExisting(t)
	for n, r := range w.plan.Resources {
		if r.Type == "aws:cloudfront/distribution:Distribution" {
			headers := r.Inputs["origins"].([]any)[0].(map[string]any)["customHeaders"].([]any)
			for _, h := range headers {
				if h := h.(map[string]any); h["value"] == "origin" {
					h["value"] = "redirect"
				}
			}
			w.plan.Resources[n] = r
		}
	}
	bad, _ := w.examine()
	require.Len(t, bad, 1)
	assert.Contains(t, bad[0], "browsers send the origin null")
	w.change["GetBucketCorsInput"] = on(func(a *s3.GetBucketCorsOutput) { a.CORSRules[0].AllowedOrigins = []string{"*"} })
	bad, _ = w.examine()
	assert.Empty(t, bad)
	w.change["GetBucketCorsInput"] = refused("NoSuchCORSConfiguration")
	bad, _ = w.examine()
	require.Len(t, bad, 1)
	assert.Contains(t, bad[0], "CORS: there is none")
}
