package stack_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/plan"
)

// reasons are why each statement of a role exists. A statement without one here
// does not belong to the role.
var reasons = map[string]map[string]string{
	"edge": {
		"ReadMappings":  "looks a link's hash up, in whichever region is nearest",
		"WriteLogs":     "logs wherever CloudFront happens to run it",
		"SignAddresses": "redirect delivery and variants: a signed address has the rights of its signer",
		"DecryptSigned": "the same with a customer-managed key: the signer needs the key too",
	},
	"images": {"WriteLogs": "logs into its own group, which exists already"},
	"session": {
		"ReadKeys":  "seals tickets with the gate's keys",
		"WriteLogs": "logs into its own group, which exists already",
	},
	"issuer": {
		"KeepMappings":       "reads, makes and deletes mappings, in the home region only",
		"Invalidate":         "drops copies of replaced and withdrawn objects, and of revoked links when the gate's list is full",
		"CheckObjects":       "refuses links to objects that do not exist",
		"TellMissingObjects": "S3 says 404 instead of 403 only to those who may list",
		"TakeEvents":         "reads the queue of events, and no other",
		"WriteLogs":          "logs into its own group, which exists already",
		"SeeRevocations":     "waits until a revoked link is gone from every replica when the gate's list is full",
		"ReadKeysAndRevoke":  "seals with the gate's keys, and writes its list of revoked links",
	},
}

func statementsOf(t *testing.T, policy any) []map[string]any {
	t.Helper()
	var doc struct {
		Version   string
		Statement []map[string]any
	}
	text, ok := policy.(string)
	require.True(t, ok, "a policy is JSON in a string, not %T", policy)
	require.NoError(t, json.Unmarshal([]byte(text), &doc))
	require.Equal(t, "2012-10-17", doc.Version)
	return doc.Statement
}

func statementOf(t *testing.T, policy any, sid string) map[string]any {
	t.Helper()
	for _, s := range statementsOf(t, policy) {
		if s["Sid"] == sid {
			return s
		}
	}
	require.Failf(t, "no such statement", "%s in %v", sid, policy)
	return nil
}

func keysOf(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

func texts(v any) []string {
	var out []string
	for _, s := range v.([]any) {
		out = append(out, s.(string))
	}
	return out
}

func TestEveryRightOfEveryRoleHasAReason(t *testing.T) {
	seen := map[string]bool{}
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		policies := kinds(doc, "RolePolicy")
		assert.Len(t, policies, len(kinds(doc, "Role")))
		for _, policy := range policies {
			for _, s := range statementsOf(t, policy.Inputs["policy"]) {
				sid := s["Sid"].(string)
				assert.NotEmpty(t, reasons[policy.Name][sid], "%s of %s has no known reason", sid, policy.Name)
				seen[policy.Name+" "+sid] = true
				assert.Equal(t, "Allow", s["Effect"])
				for _, action := range texts(s["Action"]) {
					assert.NotContains(t, action, "*", "%s of %s", sid, policy.Name)
				}
				for _, resource := range texts(s["Resource"]) {
					assert.NotEqual(t, "*", resource, "%s of %s", sid, policy.Name)
					service := strings.Split(resource, ":")
					require.GreaterOrEqual(t, len(service), 6, resource)
					if strings.Contains(resource, "*") {
						assert.Contains(t, []string{"logs", "s3"}, service[2], "only log streams and objects are not known beforehand")
					}
				}
			}
		}
	})
	for role, sids := range reasons {
		for sid := range sids {
			assert.True(t, seen[role+" "+sid], "%s of %s is never granted", sid, role)
		}
	}
}

func TestTheEdgeMayOnlyReadMappingsUnlessItSigns(t *testing.T) {
	sids := func(doc *plan.Document) (names []string) {
		for _, s := range statementsOf(t, find(t, doc, "RolePolicy", "edge").Inputs["policy"]) {
			names = append(names, s["Sid"].(string))
		}
		return names
	}
	assert.Equal(t, []string{"ReadMappings", "WriteLogs"}, sids(planOf(t, "everything", config{"imageVariants": plain})))
	assert.Equal(t, []string{"ReadMappings", "WriteLogs", "SignAddresses"},
		sids(planOf(t, "dev", config{"delivery": "redirect", "imageVariants": plain})))
	redirect := planOf(t, "everything", config{"delivery": "redirect", "imageVariants": plain})
	assert.Equal(t, []string{"ReadMappings", "WriteLogs", "SignAddresses", "DecryptSigned"}, sids(redirect))
	policy := find(t, redirect, "RolePolicy", "edge").Inputs["policy"]
	assert.Equal(t, []any{"s3:GetObject"}, statementOf(t, policy, "SignAddresses")["Action"])
	assert.Equal(t, "s3.eu-west-1.amazonaws.com",
		at(statementOf(t, policy, "DecryptSigned"), "Condition.StringEquals.kms:ViaService"))
}

func TestRolesReachExactlyTheirTables(t *testing.T) {
	doc := planOf(t, "everything", nil)
	const table = ":123456789012:table/secure-media-cdn-everything-mappings"
	edge := statementOf(t, find(t, doc, "RolePolicy", "edge").Inputs["policy"], "ReadMappings")
	assert.Equal(t, []any{"dynamodb:GetItem"}, edge["Action"])
	assert.Equal(t, []any{"arn:aws:dynamodb:eu-west-1" + table, "arn:aws:dynamodb:us-east-1" + table,
		"arn:aws:dynamodb:ap-southeast-2" + table}, edge["Resource"])
	issuer := statementOf(t, find(t, doc, "RolePolicy", "issuer").Inputs["policy"], "KeepMappings")
	assert.Equal(t, []any{"arn:aws:dynamodb:eu-west-1" + table}, issuer["Resource"])
	replicas := statementOf(t, find(t, doc, "RolePolicy", "issuer").Inputs["policy"], "SeeRevocations")
	assert.Equal(t, []any{"arn:aws:dynamodb:us-east-1" + table, "arn:aws:dynamodb:ap-southeast-2" + table},
		replicas["Resource"])
	assert.Equal(t, []any{"dynamodb:BatchGetItem"}, replicas["Action"], "all writes go to the home region")
	for _, action := range texts(issuer["Action"]) {
		assert.NotContains(t, []string{"dynamodb:Scan", "dynamodb:Query", "dynamodb:DeleteTable"}, action)
	}
}

func TestTheEdgesRoleLogsInEveryRegionAndMakesNoGroup(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		group := at(find(t, doc, "Function", "edge").Inputs, "loggingConfig.logGroup").(string)
		logs := statementOf(t, find(t, doc, "RolePolicy", "edge").Inputs["policy"], "WriteLogs")
		assert.Equal(t, []any{"arn:aws:logs:*:123456789012:log-group:" + group + ":*"}, logs["Resource"])
		assert.Equal(t, []any{"logs:CreateLogStream", "logs:PutLogEvents"}, logs["Action"],
			"a group that it made would never expire")
	})
}

func TestWhoMayAssumeWhichRole(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		for role, want := range map[string][]any{
			"edge":   {"lambda.amazonaws.com", "edgelambda.amazonaws.com"},
			"issuer": {"lambda.amazonaws.com"},
		} {
			statements := statementsOf(t, find(t, doc, "Role", role).Inputs["assumeRolePolicy"])
			require.Len(t, statements, 1)
			assert.Equal(t, want, at(statements[0], "Principal.Service"), role)
			assert.Equal(t, []any{"sts:AssumeRole"}, statements[0]["Action"])
		}
	})
}

func TestThePermissionsBoundaryIsOnEveryRole(t *testing.T) {
	const boundary = "arn:aws:iam::123456789012:policy/secure-media-cdn-everything-boundary"
	for _, role := range kinds(planOf(t, "everything", nil), "Role") {
		assert.Equal(t, boundary, role.Inputs["permissionsBoundary"], role.Name)
	}
	for _, role := range kinds(planOf(t, "dev", nil), "Role") {
		assert.NotContains(t, role.Inputs, "permissionsBoundary", role.Name)
	}
}
