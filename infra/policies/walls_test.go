package policies_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/policies"
)

// each calls f with every role of every environment.
func each(f func(environment, role string, may []policies.Document)) {
	for _, environment := range []string{"dev", "prod"} {
		for role, may := range roles(environment) {
			f(environment, role, may)
		}
	}
}

// widening are the ways to more rights, or to what is not ours.
func widening() map[string]request {
	boundary := map[string]string{"iam:PermissionsBoundary": scope("dev").BoundaryARN()}
	return map[string]request{
		"make a role without a boundary": {"iam:CreateRole", "arn:aws:iam::{account}:role/{name}-x", nil},
		"make a role with a boundary of its own": {
			"iam:CreateRole", "arn:aws:iam::{account}:role/{name}-x",
			map[string]string{"iam:PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"},
		},
		"make a role with another's boundary": {
			"iam:CreateRole", "arn:aws:iam::{account}:role/{name}-x",
			map[string]string{
				"iam:PermissionsBoundary": "arn:aws:iam::{account}:policy/secure-media-cdn-bootstrap-{other}-boundary",
			},
		},
		"make a role of another name": {"iam:CreateRole", "arn:aws:iam::{account}:role/admin", boundary},
		"give an unbounded role rights": {
			"iam:PutRolePolicy", "arn:aws:iam::{account}:role/{name}-x", nil,
		},
		"attach a policy to an unbounded role": {
			"iam:AttachRolePolicy", "arn:aws:iam::{account}:role/{name}-x", nil,
		},
		"attach a policy to its own role": {
			"iam:AttachRolePolicy", "arn:aws:iam::{account}:role/secure-media-cdn-bootstrap-{env}-deploy", boundary,
		},
		"give itself rights": {
			"iam:PutRolePolicy", "arn:aws:iam::{account}:role/secure-media-cdn-bootstrap-{env}-deploy", boundary,
		},
		"be trusted by an unbounded role": {
			"iam:UpdateAssumeRolePolicy", "arn:aws:iam::{account}:role/{name}-x", nil,
		},
		"trust others with its own role": {
			"iam:UpdateAssumeRolePolicy", "arn:aws:iam::{account}:role/secure-media-cdn-bootstrap-{env}-preview",
			boundary,
		},
		"take a boundary off": {
			"iam:DeleteRolePermissionsBoundary", "arn:aws:iam::{account}:role/{name}-edge", boundary,
		},
		"change a boundary for another": {
			"iam:PutRolePermissionsBoundary", "arn:aws:iam::{account}:role/{name}-edge",
			map[string]string{"iam:PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"},
		},
		"take the boundary off its own role": {
			"iam:DeleteRolePermissionsBoundary",
			"arn:aws:iam::{account}:role/secure-media-cdn-bootstrap-{env}-deploy", nil,
		},
		"rewrite the boundary": {
			"iam:CreatePolicyVersion", "arn:aws:iam::{account}:policy/secure-media-cdn-bootstrap-{env}-boundary",
			nil,
		},
		"go back to an older boundary": {
			"iam:SetDefaultPolicyVersion",
			"arn:aws:iam::{account}:policy/secure-media-cdn-bootstrap-{env}-boundary", nil,
		},
		"delete the boundary": {
			"iam:DeletePolicy", "arn:aws:iam::{account}:policy/secure-media-cdn-bootstrap-{env}-boundary", nil,
		},
		"make a policy to give itself": {
			"iam:CreatePolicy", "arn:aws:iam::{account}:policy/{name}-x", nil,
		},
		"go back to an older policy of another role": {
			"iam:SetDefaultPolicyVersion", "arn:aws:iam::{account}:policy/payments", nil,
		},
		"rewrite its own policy": {
			"iam:CreatePolicyVersion",
			"arn:aws:iam::{account}:policy/secure-media-cdn-bootstrap-{env}-deploy-state", nil,
		},
		"detach its guard": {
			"iam:DetachRolePolicy", "arn:aws:iam::{account}:role/secure-media-cdn-bootstrap-{env}-deploy", nil,
		},
		"have another's function read a queue": {
			"lambda:CreateEventSourceMapping", "*",
			map[string]string{
				"lambda:FunctionArn": "arn:aws:lambda:eu-central-1:{account}:function:secure-media-cdn-{other}-issuer",
			},
		},
		"stop another's function reading its queue": {
			"lambda:DeleteEventSourceMapping", reader,
			map[string]string{
				"lambda:FunctionArn": "arn:aws:lambda:eu-central-1:{account}:function:secure-media-cdn-{other}-issuer",
			},
		},
		"change another's queue": {
			"sqs:SetQueueAttributes", "arn:aws:sqs:eu-central-1:{account}:secure-media-cdn-{other}-events", nil,
		},
		"write to its own queue": {"sqs:SendMessage", "arn:aws:sqs:eu-central-1:{account}:{name}-events", nil},
		"make a user":            {"iam:CreateUser", "arn:aws:iam::{account}:user/{name}-x", nil},
		"make an access key":     {"iam:CreateAccessKey", "arn:aws:iam::{account}:user/admin", nil},
		"change the identity provider": {
			"iam:UpdateOpenIDConnectProviderThumbprint",
			"arn:aws:iam::{account}:oidc-provider/token.actions.githubusercontent.com", nil,
		},
		"add an audience to the identity provider": {
			"iam:AddClientIDToOpenIDConnectProvider",
			"arn:aws:iam::{account}:oidc-provider/token.actions.githubusercontent.com", nil,
		},
		"make an identity provider": {
			"iam:CreateOpenIDConnectProvider", "arn:aws:iam::{account}:oidc-provider/example.com", nil,
		},
		"take another role": {"sts:AssumeRole", "arn:aws:iam::{account}:role/admin", nil},
		"run a function as its own role": {
			"iam:PassRole", "arn:aws:iam::{account}:role/secure-media-cdn-bootstrap-{env}-deploy",
			map[string]string{"iam:PassedToService": "lambda.amazonaws.com"},
		},
		"run a machine as one of our roles": {
			"iam:PassRole", "arn:aws:iam::{account}:role/{name}-edge",
			map[string]string{"iam:PassedToService": "ec2.amazonaws.com"},
		},
		"run a function as somebody else": {
			"iam:PassRole", "arn:aws:iam::{account}:role/admin",
			map[string]string{"iam:PassedToService": "lambda.amazonaws.com"},
		},
		"make any service-linked role": {
			"iam:CreateServiceLinkedRole",
			"arn:aws:iam::{account}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
			map[string]string{"iam:AWSServiceName": "ecs.amazonaws.com"},
		},
		"open the state bucket": {
			"s3:PutBucketPolicy", "arn:aws:s3:::secure-media-cdn-bootstrap-{env}-state-{account}", nil,
		},
		"lose the state bucket's versions": {
			"s3:PutBucketVersioning", "arn:aws:s3:::secure-media-cdn-bootstrap-{env}-state-{account}", nil,
		},
		"delete an old state": {
			"s3:DeleteObjectVersion",
			"arn:aws:s3:::secure-media-cdn-bootstrap-{env}-state-{account}/.pulumi/stacks/x.json", nil,
		},
		"share the secrets key": {
			"kms:PutKeyPolicy", "arn:aws:kms:eu-central-1:{account}:key/secrets-{env}", nil,
		},
		"grant the secrets key": {
			"kms:CreateGrant", "arn:aws:kms:eu-central-1:{account}:key/secrets-{env}", nil,
		},
		"delete the secrets key": {
			"kms:ScheduleKeyDeletion", "arn:aws:kms:eu-central-1:{account}:key/secrets-{env}", nil,
		},
		"make an unrelated untagged thing ours": {
			"cloudfront:UpdateDistribution", "arn:aws:cloudfront::{account}:distribution/stranger", nil,
		},
		"change a function that is not ours": {
			"lambda:UpdateFunctionCode", "arn:aws:lambda:us-east-1:{account}:function:payments", nil,
		},
		"feed a function that is not ours": {
			"lambda:CreateEventSourceMapping", "*",
			map[string]string{"lambda:FunctionArn": "arn:aws:lambda:us-east-1:{account}:function:payments"},
		},
		"read a secret that is not ours": {
			"secretsmanager:GetSecretValue", "arn:aws:secretsmanager:eu-central-1:{account}:secret:payments-AbCdEf",
			nil,
		},
		"change a name that is not ours": {
			"route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/Zstranger", nil,
		},
		"use a key that is not ours": {
			"kms:Decrypt", "arn:aws:kms:eu-central-1:{account}:key/payments", nil,
		},
	}
}

// asked fills an environment into a form of a request.
func asked(r request, environment string) request {
	filled := request{action: r.action, resource: ofEnvironment(r.resource, environment), context: map[string]string{}}
	for key, value := range r.context {
		filled.context[key] = ofEnvironment(value, environment)
	}
	return filled
}

func TestNoRoleCanWidenItselfOrAnother(t *testing.T) {
	for name, r := range widening() {
		t.Run(name, func(t *testing.T) {
			each(func(environment, role string, may []policies.Document) {
				assert.False(t, allowed(may, asked(r, environment)), "%s's %s role", environment, role)
			})
		})
	}
}

// The guard holds whatever a role is given one day, an administrator's rights
// included.
func TestTheGuardHoldsEvenAnAdministrator(t *testing.T) {
	everything := policies.Document{
		Statements: []policies.Statement{{Actions: []string{"*"}, Resources: []string{"*"}}},
	}
	guarded := 0
	for name, r := range widening() {
		if !regexp.MustCompile(
			`boundary|unbounded|its own (role|policy)|itself|guard|user|access key|`+
				`identity provider|another role|state|secrets key`,
		).MatchString(name) ||
			r.action == "iam:PassRole" {
			continue
		}
		guarded++
		each(func(environment, role string, may []policies.Document) {
			assert.False(
				t, allowed(append([]policies.Document{everything}, may...), asked(r, environment)),
				"%s's %s role may %s", environment, role, name,
			)
		})
	}
	assert.Greater(t, guarded, 25)
}

func ofEnvironment(form, environment string) string {
	return fill(regexp.MustCompile(`\{other\}`).ReplaceAllString(form, other(environment)), environment)
}

// apart are the actions whose reach no policy can narrow to an environment,
// and why that is borne.
var apart = map[string]string{
	"acm:DescribeCertificate":                 "reads what is public",
	"acm:ListTagsForCertificate":              "reads tags",
	"cloudfront:CreateMonitoringSubscription": "has no resource type; accounts of their own are the wall",
	"cloudfront:DeleteMonitoringSubscription": "has no resource type; accounts of their own are the wall",
	"cloudfront:GetDistribution":              "reads settings, which hold no secret",
	"cloudfront:GetMonitoringSubscription":    "has no resource type",
	"cloudfront:ListTagsForResource":          "reads tags",
	"cloudwatch:DescribeAlarms":               "lists all",
	"iam:CreateServiceLinkedRole":             "makes roles of AWS's own",
	"logs:GetDelivery":                        "reads settings",
	"logs:ListTagsForResource":                "reads tags",
	"route53:GetChange":                       "reads whether a change has arrived",
	"wafv2:GetWebACL":                         "reads the rules that CloudFront is given",
}

func TestNoRoleReachesAnotherEnvironment(t *testing.T) {
	// What has no resource makes something new, or lists.
	reached := map[string]bool{}
	makesOrLists := regexp.MustCompile(`:(Create|List|Describe|Request|GetRandomPassword|GetCallerIdentity)`)
	each(func(environment, role string, may []policies.Document) {
		for typ, need := range needs {
			for _, action := range slices.Concat(need.read, need.write) {
				for _, r := range requests(action, other(environment)) {
					if apart[action] != "" && allowed(may, r) {
						reached[action] = true
						continue
					}
					if r.resource == fill(defaultKey, "") ||
						r.resource == noResource && makesOrLists.MatchString(action) && r.context["aws:RequestTag/stack"] == "" {
						continue
					}
					assert.False(
						t, allowed(may, r), "%s's %s role may %s on %s, for %s", environment, role, action,
						r.resource, typ,
					)
				}
			}
		}
	})
	for action := range apart {
		assert.True(t, reached[action], "%s is kept apart after all", action)
	}
}

func TestNoRoleReadsAnotherEnvironmentsSecretsStateOrMedia(t *testing.T) {
	for _, r := range []request{
		{
			"s3:GetObject",
			"arn:aws:s3:::secure-media-cdn-bootstrap-{other}-state-{account}/.pulumi/stacks/secure-media-cdn/{other}.json",
			nil,
		},
		{
			"s3:PutObject",
			"arn:aws:s3:::secure-media-cdn-bootstrap-{other}-state-{account}/.pulumi/stacks/secure-media-cdn/{other}.json",
			nil,
		},
		{"s3:ListBucket", "arn:aws:s3:::secure-media-cdn-bootstrap-{other}-state-{account}", nil},
		{"kms:Decrypt", "arn:aws:kms:eu-central-1:{account}:key/secrets-{other}", nil},
		{"kms:Decrypt", "arn:aws:kms:eu-central-1:{account}:key/media-{other}", nil},
		{"cloudfront-keyvaluestore:GetKey", "arn:aws:cloudfront::{account}:key-value-store/{other}", nil},
		{"cloudfront-keyvaluestore:ListKeys", "arn:aws:cloudfront::{account}:key-value-store/{other}", nil},
		{"dynamodb:GetItem", "arn:aws:dynamodb:eu-central-1:{account}:table/secure-media-cdn-{other}-mappings", nil},
		{"dynamodb:Scan", "arn:aws:dynamodb:us-east-1:{account}:table/secure-media-cdn-{other}-mappings", nil},
		{"s3:GetObject", "arn:aws:s3:::secure-media-cdn-{other}-{account}/simple-chat/1", nil},
		// Media is not for who deploys.
		{"s3:GetObject", "arn:aws:s3:::secure-media-cdn-{env}-{account}/simple-chat/1", nil},
		{
			"lambda:InvokeFunction",
			"arn:aws:lambda:eu-central-1:{account}:function:secure-media-cdn-{other}-issuer", nil,
		},
		{"sqs:ReceiveMessage", "arn:aws:sqs:eu-central-1:{account}:secure-media-cdn-{other}-events", nil},
	} {
		each(func(environment, role string, may []policies.Document) {
			ask := asked(r, environment)
			assert.False(t, allowed(may, ask), "%s's %s role may %s on %s", environment, role, r.action, ask.resource)
		})
	}
}

// Whoever made a bucket decides about it.
func TestAnExistingBucketIsReadAndOnlyAManagedOnesPolicyAndNotificationsAreWritten(t *testing.T) {
	for _, action := range []string{"s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:PutBucketNotification",
		"s3:PutBucketCORS", "s3:PutBucketPublicAccessBlock", "s3:PutBucketVersioning", "s3:PutEncryptionConfiguration",
		"s3:PutLifecycleConfiguration", "s3:DeleteBucket", "s3:DeleteObject", "s3:GetObject", "s3:GetBucketPolicy"} {
		written := strings.HasSuffix(action, "BucketPolicy") || action == "s3:PutBucketNotification"
		each(func(environment, role string, may []policies.Document) {
			for bucket, want := range map[string]bool{
				existingBucket: action == "s3:GetBucketPolicy",
				managedBucket:  action == "s3:GetBucketPolicy" || written && role == "deploy",
			} {
				for _, form := range []string{bucket, bucket + "/a"} {
					may := allowed(may, asked(request{action: action, resource: form}, environment))
					assert.Equal(t, want && form == bucket, may, "%s's %s role: %s on %s", environment, role, action, form)
				}
			}
		})
	}
	boundary := []policies.Document{policies.Boundary(scope("dev"))}
	for _, resource := range []string{existingBucket, managedBucket} {
		assert.True(t, allowed(boundary, asked(request{action: "s3:GetObject", resource: resource + "/a"}, "dev")))
		assert.False(t, allowed(boundary, asked(request{action: "s3:PutBucketPolicy", resource: resource}, "dev")))
	}
	key := "arn:aws:kms:eu-central-1:{account}:key/existing-{env}"
	assert.True(t, allowed(boundary, asked(request{action: "kms:Decrypt", resource: key}, "dev")))
	each(func(environment, role string, may []policies.Document) {
		assert.False(t, allowed(may, asked(request{action: "kms:PutKeyPolicy", resource: key}, environment)))
	})
}

func TestBothRolesOpenTheirOwnStateAndOnlyTheDeployerWritesIt(t *testing.T) {
	state := "arn:aws:s3:::secure-media-cdn-bootstrap-{env}-state-{account}"
	for _, tt := range []struct {
		request
		preview bool
	}{
		{request{"s3:ListBucket", state, nil}, true},
		{request{"s3:GetObject", state + "/.pulumi/meta.yaml", nil}, true},
		{request{"kms:Decrypt", "arn:aws:kms:eu-central-1:{account}:key/secrets-{env}", nil}, true},
		{request{"kms:Encrypt", "arn:aws:kms:eu-central-1:{account}:key/secrets-{env}", nil}, false},
		{request{"s3:PutObject", state + "/.pulumi/stacks/secure-media-cdn/{env}.json", nil}, false},
		{request{"s3:DeleteObject", state + "/.pulumi/locks/x.json", nil}, false},
	} {
		each(func(environment, role string, may []policies.Document) {
			assert.Equal(
				t, role == "deploy" || tt.preview, allowed(may, asked(tt.request, environment)), "%s's %s role: %s",
				environment, role, tt.action,
			)
		})
	}
}

func TestThePreviewerChangesNothing(t *testing.T) {
	reading := regexp.MustCompile(`^[a-z0-9-]+:(Get|List|Describe)|^kms:Decrypt$`)
	for _, d := range policies.Preview(scope("dev")) {
		for _, s := range d.Statements {
			for _, action := range s.Actions {
				assert.True(t, s.Deny || reading.MatchString(action), "%s: %s", s.Sid, action)
			}
		}
	}
}

func TestTheBoundaryHoldsWhatTheStacksRolesAreGiven(t *testing.T) {
	for stack, doc := range goldens(t) {
		s := scope("dev")
		s.Environment, s.Foreign = stack, nil
		s.ExistingBuckets = []string{"acme-photos"} // of the stack existing
		found := 0
		for _, r := range doc.Resources {
			if r.Type != "aws:iam/rolePolicy:RolePolicy" {
				continue
			}
			found++
			var given struct {
				Statement []struct{ Action, Resource []string }
			}
			require.NoError(t, json.Unmarshal(r.Inputs.Policy, &given))
			for _, statement := range given.Statement {
				for _, action := range statement.Action {
					for _, resource := range statement.Resource {
						if regexp.MustCompile(`^kms:`).MatchString(action) {
							s.ContentKeys = []string{resource}
						}
						asked := request{
							action: action, resource: resource,
							context: map[string]string{
								"aws:ResourceTag/project": s.Project, "aws:ResourceTag/stack": stack,
							},
						}
						assert.True(
							t, allowed([]policies.Document{policies.Boundary(s)}, asked), "%s of %s: %s on %s",
							r.Name, stack, action, resource,
						)
					}
				}
			}
		}
		assert.NotZero(t, found, stack)
	}
}

func TestTheBoundaryKeepsWithinTheEnvironment(t *testing.T) {
	boundary := []policies.Document{policies.Boundary(scope("dev"))}
	for _, r := range []request{
		{
			action: "iam:PutRolePolicy", resource: "arn:aws:iam::123456789012:role/secure-media-cdn-dev-edge",
			context: map[string]string{"iam:PermissionsBoundary": scope("dev").BoundaryARN()},
		},
		{
			action: "iam:PassRole", resource: "arn:aws:iam::123456789012:role/secure-media-cdn-dev-edge",
			context: map[string]string{"iam:PassedToService": "lambda.amazonaws.com"},
		},
		{action: "sts:AssumeRole", resource: "arn:aws:iam::123456789012:role/admin"},
		{
			action:   "s3:GetObject",
			resource: "arn:aws:s3:::secure-media-cdn-bootstrap-dev-state-123456789012/.pulumi/meta.yaml",
		},
		{action: "s3:GetObject", resource: "arn:aws:s3:::secure-media-cdn-prod-123456789012/a"},
		{action: "kms:Decrypt", resource: "arn:aws:kms:eu-central-1:123456789012:key/secrets-dev"},
		{action: "kms:Decrypt", resource: "arn:aws:kms:eu-central-1:123456789012:key/media-prod"},
		{
			action:   "dynamodb:GetItem",
			resource: "arn:aws:dynamodb:eu-central-1:123456789012:table/secure-media-cdn-prod-mappings",
		},
		{
			action:   "dynamodb:DeleteTable",
			resource: "arn:aws:dynamodb:eu-central-1:123456789012:table/secure-media-cdn-dev-mappings",
		},
		{action: "cloudfront-keyvaluestore:GetKey", resource: "arn:aws:cloudfront::123456789012:key-value-store/prod"},
		{
			action: "cloudfront:CreateInvalidation", resource: "arn:aws:cloudfront::123456789012:distribution/prod",
			context: map[string]string{"aws:ResourceTag/project": "secure-media-cdn", "aws:ResourceTag/stack": "prod"},
		},
		{
			action:   "lambda:UpdateFunctionCode",
			resource: "arn:aws:lambda:us-east-1:123456789012:function:secure-media-cdn-dev-edge",
		},
		{action: "sqs:ReceiveMessage", resource: "arn:aws:sqs:eu-central-1:123456789012:secure-media-cdn-prod-events"},
	} {
		assert.False(t, allowed(boundary, r), "%s on %s", r.action, r.resource)
	}
}

func TestNamesOfEnvironmentsCannotBeTakenForEachOther(t *testing.T) {
	for name, ok := range map[string]bool{
		"dev": true, "prod": true, "prod2": true, "dev-eu": false, "Dev": false, "": false, "1st": false,
		"bootstrap": false, "d*": false, "averyveryverylongname": false,
	} {
		s := scope("dev")
		s.Environment = name
		assert.Equal(t, ok, s.Validate() == nil, "%q", name)
	}
	s := scope("dev")
	s.Project = "a-name-that-leaves-the-bucket-too-little-room"
	assert.ErrorContains(t, s.Validate(), "longer than S3's 63 characters")
}

func TestARoleIsTrustedForOneGitHubEnvironment(t *testing.T) {
	trust := policies.Trust(account, "repo:acme@1/media@2", "prod-preview")
	require.Len(t, trust.Statements, 1)
	s := trust.Statements[0]
	assert.Equal(t, "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com", s.Federated)
	assert.Equal(t, []string{"sts:AssumeRoleWithWebIdentity"}, s.Actions)
	token := func(aud, sub string) bool {
		return holds(
			s.Condition,
			map[string]string{
				"token.actions.githubusercontent.com:aud": aud, "token.actions.githubusercontent.com:sub": sub,
			},
		)
	}
	assert.True(t, token("sts.amazonaws.com", "repo:acme@1/media@2:environment:prod-preview"))
	for _, sub := range []string{
		"repo:acme@1/media@2:environment:prod", "repo:acme@1/media@2:pull_request",
		"repo:acme@1/media@2:ref:refs/heads/main",
		"repo:acme/media:environment:prod-preview", "repo:acme@9/media@2:environment:prod-preview",
		"repo:acme@1/media@2:environment:prod-preview-x",
	} {
		assert.False(t, token("sts.amazonaws.com", sub), sub)
	}
	assert.False(t, token("https://github.com/acme", "repo:acme@1/media@2:environment:prod-preview"))
	assert.False(t, holds(s.Condition, nil), "a token without claims")
}
