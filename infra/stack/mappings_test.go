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
			"ttl.attributeName": "ttl", "ttl.enabled": true, "pointInTimeRecovery.enabled": true, "serverSideEncryption.enabled": true,
		} {
			assert.Equal(t, want, at(table, path), path)
		}
		assert.Len(t, table["attributes"], 1, "only keys are declared")
		assert.NotContains(t, table, "rangeKey")
		assert.NotContains(t, table, "name", "a fixed name would collide when the table is replaced")
	})
}

func TestReplicasAreMadeWhereConfigured(t *testing.T) {
	table := find(t, planOf(t, "everything", nil), "Table", "mappings").Inputs
	assert.Equal(t, "us-east-1", at(table, "replicas[0].regionName"))
	assert.Equal(t, "ap-southeast-2", at(table, "replicas[1].regionName"))
	assert.Equal(t, true, at(table, "replicas[1].pointInTimeRecovery"))
	assert.Equal(t, "NEW_AND_OLD_IMAGES", table["streamViewType"], "replication reads the stream")

	dev := find(t, planOf(t, "dev", nil), "Table", "mappings").Inputs
	assert.NotContains(t, dev, "replicas")
	assert.NotContains(t, dev, "streamEnabled")
}
