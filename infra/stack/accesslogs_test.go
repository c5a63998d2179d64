package stack_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAccessLogsGoToAPrivateBucketForAWhile(t *testing.T) {
	doc := planOf(t, "everything", nil)
	bucket := find(t, doc, "BucketV2", "logs")
	source, destination, delivery := find(t, doc, "LogDeliverySource", "access"), find(t, doc, "LogDeliveryDestination",
		"access"), find(t, doc, "LogDelivery", "access")
	for _, r := range kinds(doc, "LogDelivery") {
		assert.Equal(t, "us-east-1", r.Region, r.Type)
	}
	assert.Equal(t, "us-east-1", bucket.Region)
	assert.Equal(t, "us-east-1", source.Region)
	assert.Equal(t, "us-east-1", destination.Region)
	assert.Equal(t, "ACCESS_LOGS", source.Inputs["logType"])
	assert.Equal(t, find(t, doc, "Distribution", "cdn").Outputs["arn"], source.Inputs["resourceArn"])
	assert.Equal(t, bucket.Outputs["arn"], at(destination.Inputs,
		"deliveryDestinationConfiguration.destinationResourceArn"))
	assert.Equal(t, source.Outputs["name"], delivery.Inputs["deliverySourceName"])
	assert.Equal(t, destination.Outputs["arn"], delivery.Inputs["deliveryDestinationArn"])
	assert.Contains(t, delivery.Options.DependsOn, "aws:s3/bucketPolicy:BucketPolicy::logs",
		"nothing can be delivered before the bucket is open")
	assert.Equal(t, 90.0, at(find(t, doc, "BucketLifecycleConfigurationV2", "logs").Inputs, "rules[0].expiration.days"))

	policy := find(t, doc, "BucketPolicy", "logs").Inputs["policy"]
	require.Len(t, statementsOf(t, policy), 2)
	writes := statementOf(t, policy, "DeliveryWrites")
	assert.Equal(t, []any{"s3:PutObject"}, writes["Action"])
	assert.Equal(t, source.Outputs["arn"], at(writes, "Condition.ArnLike.aws:SourceArn"))
	assert.Equal(t, "123456789012", at(writes, "Condition.StringEquals.aws:SourceAccount"))
	assert.Nil(t, find(t, doc, "Distribution", "cdn").Inputs["loggingConfig"], "the legacy way is not used beside it")
}

func TestAccessLogsKeepNothingPrivate(t *testing.T) {
	fields := texts(find(t, planOf(t, "everything", nil), "LogDelivery", "access").Inputs["recordFields"])
	for _, field := range fields {
		for _, private := range []string{"Cookie", "Referer", "cs-uri-query", "x-forwarded-for"} {
			assert.False(t, strings.Contains(field, private), field)
		}
	}
	assert.Contains(t, fields, "sc-status")
}

func TestAccessLogsAreOffUnlessConfigured(t *testing.T) {
	doc := planOf(t, "dev", nil)
	for _, kind := range []string{"LogDelivery", "LogDeliverySource", "LogDeliveryDestination"} {
		assert.Empty(t, kinds(doc, kind))
	}
	find(t, doc, "BucketV2", "logs") // what was logged outlives the delivery
}
