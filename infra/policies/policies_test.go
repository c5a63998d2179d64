package policies_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/policies"
)

// roles are both roles of an environment.
func roles(environment string) map[string][]policies.Document {
	s := scope(environment)
	return map[string][]policies.Document{"deploy": policies.Deploy(s), "preview": policies.Preview(s)}
}

// golden is a recorded stack, of which the policies must know every type.
type golden struct {
	Resources []struct {
		Type, Name string
		Inputs     struct{ Policy json.RawMessage }
	}
}

func goldens(t *testing.T) map[string]golden {
	t.Helper()
	files, err := filepath.Glob("../stack/testdata/*.golden.json")
	require.NoError(t, err)
	require.Len(t, files, 4)
	all := map[string]golden{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		var doc golden
		require.NoError(t, json.Unmarshal(data, &doc))
		all[strings.TrimSuffix(filepath.Base(file), ".golden.json")] = doc
	}
	return all
}

// registered returns the types of all resources that any stack registers.
func registered(t *testing.T) []string {
	t.Helper()
	var types []string
	for _, doc := range goldens(t) {
		for _, r := range doc.Resources {
			types = append(types, strings.TrimPrefix(r.Type, "aws:"))
		}
	}
	slices.Sort(types)
	return slices.Compact(types)
}

func TestEveryCallOfTheProviderIsAllowedOnTheResourceItIsJudgedBy(t *testing.T) {
	for _, typ := range registered(t) {
		_, ok := needs[typ]
		assert.True(t, ok, "what does the provider call for a %s?", typ)
	}
	for _, environment := range []string{"dev", "prod"} {
		may := roles(environment)
		for typ, need := range needs {
			for _, action := range slices.Concat(need.read, need.write) {
				for _, r := range requests(action, environment) {
					assert.True(
						t, allowed(may["deploy"], r), "deploying needs %s on %s, for %s", action, r.resource, typ,
					)
				}
			}
			for _, action := range need.read {
				for _, r := range requests(action, environment) {
					assert.True(
						t, allowed(may["preview"], r), "previewing needs %s on %s, for %s", action, r.resource, typ,
					)
				}
			}
		}
	}
}

func TestWhatIsBeingMadeIsTaggedThoughItHasNoTagsYet(t *testing.T) {
	deploy := roles("dev")["deploy"]
	for _, action := range []string{"acm:AddTagsToCertificate", "cloudfront:TagResource", "logs:TagResource"} {
		for _, r := range requests(action, "dev") {
			delete(r.context, "aws:ResourceTag/project")
			delete(r.context, "aws:ResourceTag/stack")
			assert.True(t, allowed(deploy, r), "%s on a new %s", action, r.resource)
			r.context["aws:RequestTag/stack"] = "prod"
			assert.False(
				t, !strings.Contains(r.resource, "secure-media-cdn") && allowed(deploy, r), "%s as prod's",
				r.resource,
			)
		}
	}
}

func TestNoActionIsAllowedWithoutAUse(t *testing.T) {
	var reads, all []string
	for _, need := range needs {
		reads, all = append(reads, need.read...), append(all, need.read...)
		all = append(all, need.write...)
	}
	state := []string{"kms:Decrypt", "s3:GetObject", "s3:ListBucket"}
	reads, all = append(reads, state...), append(all, state...)
	all = append(all, "kms:Encrypt", "s3:DeleteObject", "s3:PutObject")
	for role, used := range map[string][]string{"deploy": all, "preview": reads} {
		for _, d := range roles("dev")[role] {
			for _, s := range d.Statements {
				for _, action := range s.Actions {
					assert.True(
						t, s.Deny || slices.Contains(used, action), "%s allows %s, which nothing needs", role,
						action,
					)
				}
			}
		}
	}
}

func TestEveryNeedBelongsToSomething(t *testing.T) {
	types := registered(t)
	for typ := range needs {
		if !strings.HasPrefix(typ, "(") {
			assert.Contains(t, types, typ, "no stack registers it any more")
		}
	}
}

func TestEveryStatementHasAReasonAndANameOfItsOwn(t *testing.T) {
	for role, documents := range roles("dev") {
		for _, d := range append(documents, policies.Boundary(scope("dev"))) {
			seen := map[string]bool{}
			for _, s := range d.Statements {
				assert.NotEmpty(t, s.Why, "%s %s %s", role, d.Name, s.Sid)
				assert.Regexp(t, `^[A-Za-z0-9]+$`, s.Sid)
				assert.False(t, seen[s.Sid], "%s twice in %s", s.Sid, d.Name)
				seen[s.Sid] = true
				for _, action := range s.Actions {
					assert.True(
						t, s.Deny || !regexp.MustCompile(`^\*|:\*`).MatchString(action), "%s allows %s", s.Sid,
						action,
					)
				}
			}
		}
	}
}

// A role takes ten policies of 6,144 characters each, white space not counted.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
func TestThePoliciesFitIntoIAM(t *testing.T) {
	s := scope("production")
	s.Foreign = slices.Repeat(
		[]string{"arn:aws:cloudfront::123456789012:response-headers-policy/12345678-1234-1234-1234-123456789012"},
		24,
	)
	s.ExistingBuckets, s.ManagedBuckets = []string{strings.Repeat("b", 63)}, []string{strings.Repeat("m", 63)}
	s.Zones, s.ContentKeys = slices.Repeat([]string{"Z00000000000000000000"}, 4), slices.Repeat(
		[]string{s.SecretsKey + "-1234-1234-1234-123456789012"}, 2,
	)
	for role, documents := range map[string][]policies.Document{
		"deploy": policies.Deploy(s), "preview": policies.Preview(s), "boundary": {policies.Boundary(s)},
	} {
		assert.LessOrEqual(t, len(documents), 10, role)
		for _, d := range documents {
			assert.LessOrEqual(t, len(d.JSON()), 6144, "%s %s", role, d.Name)
		}
	}
}

func TestADocumentIsThePolicyLanguage(t *testing.T) {
	s := scope("dev")
	for _, d := range append(policies.Deploy(s), policies.Boundary(s), policies.Trust(account, "repo:o/r", "dev")) {
		var doc struct {
			Version   string
			Statement []struct {
				Sid, Effect string
				Principal   map[string]string
				Action      []string
				Resource    []string
				Condition   map[string]map[string][]string
			}
		}
		require.NoError(t, json.Unmarshal([]byte(d.JSON()), &doc))
		assert.Equal(t, "2012-10-17", doc.Version)
		require.Len(t, doc.Statement, len(d.Statements))
		for i, s := range d.Statements {
			got := doc.Statement[i]
			assert.Equal(t, map[bool]string{false: "Allow", true: "Deny"}[s.Deny], got.Effect)
			assert.Equal(t, s.Actions, got.Action)
			assert.Equal(t, s.Resources, got.Resource)
			assert.Equal(t, s.Federated, got.Principal["Federated"])
			assert.Equal(t, map[string]map[string][]string(s.Condition), got.Condition)
		}
	}
}
