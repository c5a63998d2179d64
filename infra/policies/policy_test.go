package policies_test

import (
	"bytes"
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

type statement struct {
	Sid, Effect      string
	Action, Resource []string
	Condition        map[string]map[string][]string
}

func statements(t *testing.T, policy []byte) []statement {
	t.Helper()
	var doc struct {
		Version   string
		Statement []statement
	}
	dec := json.NewDecoder(bytes.NewReader(policy))
	dec.DisallowUnknownFields()
	require.NoError(t, dec.Decode(&doc))
	require.Equal(t, "2012-10-17", doc.Version)
	return doc.Statement
}

func actions(t *testing.T, policy []byte) []string {
	t.Helper()
	var all []string
	for _, s := range statements(t, policy) {
		all = append(all, s.Action...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// registered returns the types of all resources that any stack registers.
func registered(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../stack/testdata/*.golden.json")
	require.NoError(t, err)
	require.Len(t, files, 3)
	var types []string
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		var doc struct{ Resources []struct{ Type string } }
		require.NoError(t, json.Unmarshal(data, &doc))
		for _, r := range doc.Resources {
			types = append(types, strings.TrimPrefix(r.Type, "aws:"))
		}
	}
	slices.Sort(types)
	return slices.Compact(types)
}

func TestEveryRegisteredTypeCanBeDeployedAndPreviewed(t *testing.T) {
	deploy, preview := actions(t, policies.Deploy), actions(t, policies.Preview)
	for _, typ := range registered(t) {
		need, ok := needs[typ]
		require.True(t, ok, "what must a role be able to do to deploy a %s?", typ)
		for _, action := range need.read {
			assert.Contains(t, deploy, action, "deploy.json, for %s", typ)
			assert.Contains(t, preview, action, "preview.json, for %s", typ)
		}
		for _, action := range need.write {
			assert.Contains(t, deploy, action, "deploy.json, for %s", typ)
		}
	}
}

func TestNoActionIsAllowedWithoutAUse(t *testing.T) {
	reads, all := map[string]bool{}, map[string]bool{}
	for _, need := range needs {
		for _, action := range need.read {
			reads[action], all[action] = true, true
		}
		for _, action := range need.write {
			all[action] = true
		}
	}
	for _, action := range actions(t, policies.Deploy) {
		assert.True(t, all[action], "deploy.json allows %s, which nothing needs", action)
	}
	for _, action := range actions(t, policies.Preview) {
		assert.True(t, reads[action], "preview.json allows %s, which no preview needs", action)
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

// The edge's rights are those of the deployer, and are written with their
// trailing asterisks.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-edge-permissions.html
func TestTheDeployerMayReplicateEdgeFunctions(t *testing.T) {
	for _, s := range statements(t, policies.Deploy) {
		switch s.Sid {
		case "Functions":
			assert.Subset(t, s.Action, []string{"lambda:GetFunction", "lambda:EnableReplication*", "lambda:DisableReplication*", "lambda:PublishVersion", "lambda:ListVersionsByFunction", "lambda:GetFunctionConfiguration"})
			assert.Equal(t, []string{"arn:aws:lambda:*:*:function:secure-media-cdn-*"}, s.Resource, "the pattern reaches versions too")
		case "ServiceLinkedRoles":
			assert.Equal(t, []string{"iam:CreateServiceLinkedRole"}, s.Action)
			assert.Subset(t, s.Condition["StringEquals"]["iam:AWSServiceName"], []string{"replicator.lambda.amazonaws.com", "logger.cloudfront.amazonaws.com"})
		case "PassRoles":
			assert.Equal(t, []string{"edgelambda.amazonaws.com", "lambda.amazonaws.com"}, s.Condition["StringEquals"]["iam:PassedToService"])
			assert.Equal(t, []string{"arn:aws:iam::*:role/secure-media-cdn-*"}, s.Resource)
		}
	}
	assert.Subset(t, actions(t, policies.Deploy), []string{"iam:PassRole", "iam:CreateServiceLinkedRole", "cloudfront:CreateDistribution", "cloudfront:UpdateDistribution"})
}

func TestPoliciesAreAsNarrowAsTheyCanBe(t *testing.T) {
	named := regexp.MustCompile(`secure-media-cdn-|secure-media-cdn/`)
	// What AWS names itself, or what has no name to go by.
	unnamed := []string{"CloudFront", "LinkKeysInTheStore", "ServiceLinkedRoles", "OwnNames", "MediaKey", "NotScopedByName", "LogGroups", "LogDeliveries"}
	for name, policy := range map[string][]byte{"deploy": policies.Deploy, "preview": policies.Preview} {
		seen := map[string]bool{}
		for _, s := range statements(t, policy) {
			assert.Equal(t, "Allow", s.Effect)
			assert.False(t, seen[s.Sid], "%s twice in %s", s.Sid, name)
			seen[s.Sid] = true
			for _, resource := range s.Resource {
				assert.True(t, named.MatchString(resource) || slices.Contains(unnamed, s.Sid), "%s of %s reaches %s", s.Sid, name, resource)
				assert.True(t, resource != "*" || s.Sid == "NotScopedByName", s.Sid)
			}
			for _, action := range s.Action {
				assert.NotRegexp(t, `^[a-z-]+:\*$|^\*`, action)
			}
		}
		var compact bytes.Buffer
		require.NoError(t, json.Compact(&compact, policy))
		assert.LessOrEqual(t, compact.Len(), 10240, "IAM's limit on a role's inline policies")
	}
}

func TestThePreviewerCanNeitherChangeNorSeeSecrets(t *testing.T) {
	reading := regexp.MustCompile(`^[a-z0-9-]+:(Get|List|Describe)`)
	for _, action := range actions(t, policies.Preview) {
		assert.Regexp(t, reading, action)
		assert.NotContains(t, []string{"secretsmanager:GetSecretValue", "s3:GetObject", "s3:GetObjectVersion", "dynamodb:GetItem", "cloudfront-keyvaluestore:GetKey", "lambda:InvokeFunction"}, action)
	}
}
