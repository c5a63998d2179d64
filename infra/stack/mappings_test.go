package stack_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"secure-media-cdn/infra/plan"
)

func TestTheTableIsWhatLinksNeed(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		table := find(t, doc, "Table", "mappings").Inputs
		for path, want := range map[string]any{
			"billingMode": "PAY_PER_REQUEST", "hashKey": "hash", "attributes[0].name": "hash", "attributes[0].type": "S",
			"ttl.attributeName": "ttl", "ttl.enabled": true, "pointInTimeRecovery.enabled": true,
			"serverSideEncryption.enabled": true,
		} {
			assert.Equal(t, want, at(table, path), path)
		}
		assert.Len(t, table["attributes"], 1, "only keys are declared")
		assert.NotContains(t, table, "rangeKey")
		assert.NotContains(t, table, "name", "a fixed name would collide when the table is replaced")
	})
}

func TestReplicasAreMadeAndProtectedWhereConfigured(t *testing.T) {
	doc := planOf(t, "everything", nil)
	table := find(t, doc, "Table", "mappings")
	assert.Equal(t, []string{"replicas"}, table.Options.IgnoreChanges,
		"the table reads back what the replicas' own resources made")
	assert.NotContains(t, table.Inputs, "replicas", "both would fight")
	var regions []string
	for _, replica := range kinds(doc, "TableReplica") {
		regions = append(regions, replica.Region)
		assert.Equal(t, "mappings-"+replica.Region, replica.Name)
		assert.Equal(t, table.Outputs["arn"], replica.Inputs["globalTableArn"])
		assert.Equal(t, true, replica.Inputs["pointInTimeRecovery"])
		assert.Equal(t, true, replica.Inputs["deletionProtectionEnabled"])
		assert.True(t, replica.Options.Protect)
		assert.Contains(t, find(t, doc, "Distribution", "cdn").Options.DependsOn, replica.Type+"::"+replica.Name,
			"the edge reads it at once")
	}
	assert.ElementsMatch(t, []string{"us-east-1", "ap-southeast-2"}, regions)

	for _, replica := range kinds(planOf(t, "everything", config{"protect": "false"}), "TableReplica") {
		assert.Equal(t, false, replica.Inputs["deletionProtectionEnabled"])
		assert.False(t, replica.Options.Protect)
	}
	assert.Empty(t, kinds(planOf(t, "dev", nil), "TableReplica"))
}

func TestTheTablesStreamIsAlwaysOn(t *testing.T) {
	// DynamoDB refuses to end the stream of a table that has a replica, so one
	// that came and went with the replicas could not go.
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		table := find(t, doc, "Table", "mappings").Inputs
		assert.Equal(t, true, table["streamEnabled"])
		assert.Equal(t, "NEW_AND_OLD_IMAGES", table["streamViewType"])
	})
}
