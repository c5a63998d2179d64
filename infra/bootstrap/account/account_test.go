package account

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/plan"
	"secure-media-cdn/infra/plan/recorder"
	"secure-media-cdn/infra/policies"
)

// evaluate runs the program for an account with two environments.
func evaluate(t *testing.T, config map[string]string) (*plan.Document, error) {
	t.Helper()
	return recorder.Evaluate(recorder.Options{
		Program: Deploy, Root: "..", Stack: "account", ConfigFile: "testdata/Pulumi.account.yaml", Config: config,
	})
}

func deployed(t *testing.T, config map[string]string) *plan.Document {
	t.Helper()
	doc, err := evaluate(t, config)
	require.NoError(t, err)
	return doc
}

// find returns the one resource of a type and a name.
func find(t *testing.T, doc *plan.Document, typ, name string) plan.Resource {
	t.Helper()
	for _, r := range doc.Resources {
		if r.Type == typ && r.Name == name {
			return r
		}
	}
	require.Fail(t, "not registered", "%s %s", typ, name)
	return plan.Resource{}
}

func TestAPreviewOfANewAccountSucceeds(t *testing.T) {
	_, err := recorder.Evaluate(
		recorder.Options{
			Program: Deploy, Root: "..", Stack: "account", ConfigFile: "testdata/Pulumi.account.yaml", DryRun: true,
		},
	)
	assert.NoError(t, err)
}

func TestEachStateBucketIsVersionedLockedAndKept(t *testing.T) {
	doc := deployed(t, nil)
	for _, name := range []string{"dev", "prod"} {
		bucket := find(t, doc, "aws:s3/bucketV2:BucketV2", name)
		assert.Equal(t, "secure-media-cdn-bootstrap-"+name+"-state-123456789012", bucket.Inputs["bucket"])
		assert.True(t, bucket.Options.Protect)
		assert.NotContains(t, bucket.Inputs, "forceDestroy")
		block := find(t, doc, "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", name).Inputs
		for _, wall := range []string{"blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"} {
			assert.Equal(t, true, block[wall], wall)
		}
		assert.Equal(
			t, map[string]any{"status": "Enabled"},
			find(t, doc, "aws:s3/bucketVersioningV2:BucketVersioningV2", name).Inputs["versioningConfiguration"],
		)
		var policy struct{ Statement []map[string]any }
		require.NoError(
			t,
			json.Unmarshal(
				[]byte(find(t, doc, "aws:s3/bucketPolicy:BucketPolicy", name).Inputs["policy"].(string)), &policy,
			),
		)
		require.Len(t, policy.Statement, 1)
		assert.Equal(t, "Deny", policy.Statement[0]["Effect"])
		assert.Equal(t, "*", policy.Statement[0]["Principal"])
		assert.Equal(
			t, map[string]any{"Bool": map[string]any{"aws:SecureTransport": []any{"false"}}},
			policy.Statement[0]["Condition"],
		)
		assert.Equal(
			t,
			[]any{
				"arn:aws:s3:::secure-media-cdn-bootstrap-" + name + "-state-123456789012",
				"arn:aws:s3:::secure-media-cdn-bootstrap-" + name + "-state-123456789012/*",
			},
			policy.Statement[0]["Resource"],
		)
	}
}

func TestNothingOfAStateBucketGoesWhileTheBucketIsKept(t *testing.T) {
	kinds := map[string]bool{}
	for _, r := range deployed(t, nil).Resources {
		if strings.HasPrefix(r.Type, "aws:s3/") {
			kinds[r.Type] = true
			assert.True(t, r.Options.Protect, "%s %s", r.Type, r.Name)
		}
	}
	assert.Len(t, kinds, 7, "the bucket and what keeps it versioned, encrypted and closed")
}

func TestEachEnvironmentHasAKeyOfItsOwnThatRotatesAndStays(t *testing.T) {
	doc := deployed(t, nil)
	for _, name := range []string{"dev", "prod"} {
		key := find(t, doc, "aws:kms/key:Key", name)
		assert.Equal(t, true, key.Inputs["enableKeyRotation"])
		assert.True(t, key.Options.Protect)
	}
}

func TestEachRoleIsTrustedForItsGitHubEnvironmentAndHasItsPoliciesOnly(t *testing.T) {
	doc := deployed(t, nil)
	scopeOf := map[string]policies.Scope{
		"dev": {
			Project: "secure-media-cdn", Environment: "dev", Account: recorder.AccountID,
			SecretsKey: "arn:aws:kms:eu-central-1:123456789012:key/00000000-aaaa-bbbb-cccc-dev",
			Foreign: []string{
				"arn:aws:cloudfront::123456789012:key-value-store/99999999-2222-3333-4444-555555555555",
				"arn:aws:cloudfront::123456789012:key-value-store/secure-media-cdn-prod-*",
			},
		},
		"prod": {
			Project: "secure-media-cdn", Environment: "prod", Account: recorder.AccountID,
			SecretsKey:      "arn:aws:kms:eu-central-1:123456789012:key/00000000-aaaa-bbbb-cccc-prod",
			Zones:           []string{"Z0123456789ABCDEFGHIJ"},
			Foreign:         []string{"arn:aws:cloudfront::123456789012:key-value-store/secure-media-cdn-dev-*"},
			ContentKeys:     []string{"arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"},
			ExistingBuckets: []string{"acme-photos"}, ManagedBuckets: []string{"acme-pictures"},
			ExistingKeys: []string{"arn:aws:kms:eu-central-1:123456789012:key/22222222-2222-3333-4444-555555555555"},
		},
	}
	attached := map[string][]string{}
	for _, r := range doc.Resources {
		if r.Type == "aws:iam/rolePolicyAttachment:RolePolicyAttachment" {
			role := r.Inputs["role"].(string)
			attached[role] = append(attached[role], r.Inputs["policyArn"].(string))
		}
	}
	assert.Len(t, attached, 4)
	for environment, scope := range scopeOf {
		for purpose, tt := range map[string]struct {
			gitHub    string
			documents []policies.Document
		}{"deploy": {environment, policies.Deploy(scope)}, "preview": {environment + "-preview", policies.Preview(scope)}} {
			name := "secure-media-cdn-bootstrap-" + environment + "-" + purpose
			role := find(t, doc, "aws:iam/role:Role", environment+"-"+purpose)
			assert.Equal(t, name, role.Inputs["name"])
			assert.JSONEq(
				t, policies.Trust(recorder.AccountID, "repo:acme@11/media@22", tt.gitHub).JSON(),
				role.Inputs["assumeRolePolicy"].(string),
			)
			assert.NotContains(t, role.Inputs, "managedPolicyArns")
			assert.NotContains(t, role.Inputs, "inlinePolicies")
			var want []string
			for _, d := range tt.documents {
				policy := find(t, doc, "aws:iam/policy:Policy", name+"-"+d.Name)
				assert.JSONEq(t, d.JSON(), policy.Inputs["policy"].(string))
				want = append(want, "arn:aws:iam::123456789012:policy/"+name+"-"+d.Name)
			}
			assert.ElementsMatch(t, want, attached[name])
		}
		boundary := find(t, doc, "aws:iam/policy:Policy", "secure-media-cdn-bootstrap-"+environment+"-boundary")
		assert.JSONEq(t, policies.Boundary(scope).JSON(), boundary.Inputs["policy"].(string))
		assert.Equal(t, scope.BoundaryName(), boundary.Inputs["name"])
	}
}

func TestAnIdentityProviderThatIsThereIsNotMadeAgain(t *testing.T) {
	made := find(t, deployed(t, nil), "aws:iam/openIdConnectProvider:OpenIdConnectProvider", "github")
	assert.Equal(t, "https://token.actions.githubusercontent.com", made.Inputs["url"])
	assert.Equal(t, []any{"sts.amazonaws.com"}, made.Inputs["clientIdLists"])
	for _, r := range deployed(t, map[string]string{"oidcProvider": "false"}).Resources {
		assert.NotContains(t, r.Type, "openIdConnectProvider")
	}
}

func TestTheCommandsSetEachEnvironmentUp(t *testing.T) {
	const variable, role = "gh variable set ", "arn:aws:iam::123456789012:role/"
	commands := deployed(t, nil).Outputs["commands"].(string)
	for _, line := range []string{
		"gh api --silent --method POST repos/acme/media/environments/dev/deployment-branch-policies -f name=main",
		"gh api --silent --method POST repos/acme/media/environments/prod/deployment-branch-policies -f name=release",
		"gh api --silent --method PUT repos/acme/media/environments/prod-preview",
		variable + "AWS_ROLE_ARN --repo acme/media --env dev --body '" + role + "secure-media-cdn-bootstrap-dev-deploy'",
		variable + "AWS_ROLE_ARN --repo acme/media --env dev-preview --body '" + role +
			"secure-media-cdn-bootstrap-dev-preview'",
		variable + "AWS_ROLE_ARN --repo acme/media --env prod --body '" + role + "secure-media-cdn-bootstrap-prod-deploy'",
		"gh variable set AWS_REGION --repo acme/media --env prod-preview --body 'eu-central-1'",
		variable + "PULUMI_BACKEND_URL --repo acme/media --env prod --body '" +
			"s3://secure-media-cdn-bootstrap-prod-state-123456789012?region=eu-central-1'",
		"pulumi login 's3://secure-media-cdn-bootstrap-dev-state-123456789012?region=eu-central-1'",
		"pulumi stack init dev --secrets-provider 'awskms://00000000-aaaa-bbbb-cccc-dev?region=eu-central-1'",
		"pulumi config set permissionsBoundaryArn " +
			"arn:aws:iam::123456789012:policy/secure-media-cdn-bootstrap-prod-boundary --stack prod",
	} {
		assert.Contains(t, strings.Split(commands, "\n"), line)
	}
	assert.Contains(t, commands, "# after the first deployment, into unnamedArns of dev")
	assert.NotContains(t, commands, "into unnamedArns of prod", "they are known")
	alone := deployed(t, map[string]string{"environments": `[{"name":"dev"}]`}).Outputs["commands"].(string)
	assert.NotContains(t, alone, "unnamedArns", "there is nobody to keep apart")
}

func TestAConfigurationThatIsWrongSaysAllOfItAndRegistersNothing(t *testing.T) {
	for name, tt := range map[string]struct {
		config map[string]string
		want   []string
	}{
		"all at once": {
			map[string]string{"repository": "media", "subjectPrefix": "acme", "environments": "[]"},
			[]string{"OWNER/NAME", "repo:OWNER/NAME", "names none"},
		},
		"another repository's subject": {
			map[string]string{"subjectPrefix": "repo:acme/other"},
			[]string{"of another repository than acme/media"},
		},
		"a subject with a wildcard": {
			map[string]string{"subjectPrefix": "repo:acme/*"}, []string{"it must be repo:OWNER/NAME"},
		},
		"two of a name": {
			map[string]string{"environments": `[{"name":"dev"},{"name":"dev"}]`}, []string{"names dev twice"},
		},
		"a misspelt field": {
			map[string]string{"environments": `[{"name":"dev","zones":["Z1"]}]`}, []string{"unknown field"},
		},
		"a name with a hyphen": {
			map[string]string{"environments": `[{"name":"dev-eu"}]`}, []string{"lower-case letters and digits"},
		},
		"the bootstrap's own name": {
			map[string]string{"environments": `[{"name":"bootstrap"}]`}, []string{"is taken"},
		},
		"a zone by its name": {
			map[string]string{"environments": `[{"name":"dev","hostedZoneIds":["example.com"]}]`},
			[]string{"hostedZoneIds of dev"},
		},
		"a key by its alias": {
			map[string]string{"environments": `[{"name":"dev","kmsKeyArns":["alias/x"]}]`},
			[]string{"kmsKeyArns of dev"},
		},
		"an existing bucket by a pattern": {
			map[string]string{"environments": `[{"name":"dev","existingBuckets":["acme-*"]}]`},
			[]string{"existingBuckets of dev"},
		},
		"a managed bucket by its ARN": {
			map[string]string{"environments": `[{"name":"dev","managedBuckets":["arn:aws:s3:::acme"]}]`},
			[]string{"managedBuckets of dev"},
		},
		"an existing bucket's key by its alias": {
			map[string]string{"environments": `[{"name":"dev","existingKmsKeyArns":["alias/x"]}]`},
			[]string{"existingKmsKeyArns of dev"},
		},
		"an ARN that denies too much": {
			map[string]string{"environments": `[{"name":"dev"},{"name":"prod","unnamedArns":["*"]}]`},
			[]string{"unnamedArns of prod"},
		},
		"a branch with a quote": {
			map[string]string{"environments": `[{"name":"dev","branch":"a'b"}]`}, []string{"branch of dev"},
		},
		"a misspelt key": {
			map[string]string{"oidcProviders": "true"},
			[]string{"oidcProviders is not known: the keys are environments, oidcProvider"},
		},
		"no region": {map[string]string{"aws:region": ""}, []string{"aws:region is missing"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := evaluate(t, tt.config)
			for _, want := range tt.want {
				assert.ErrorContains(t, err, want)
			}
		})
	}
}
