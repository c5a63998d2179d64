package stack_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/plan"
)

func TestWhatHappensToObjectsReachesTheIssuerThroughAQueue(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		queue := find(t, doc, "Queue", "events")
		arn := queue.Outputs["arn"].(string)
		notification := find(t, doc, "BucketNotification", "events")
		assert.Equal(t, []any{map[string]any{
			"id": "secure-media-cdn-" + at(queue.Inputs, "tags.stack").(string), "queueArn": arn,
			"events": []any{"s3:LifecycleExpiration:*", "s3:ObjectCreated:*", "s3:ObjectRemoved:*"},
		}}, notification.Inputs["queues"])
		assert.NotContains(t, notification.Inputs, "lambdaFunctions", "a second way would be in the way of the first")
		assert.Contains(t, notification.Options.DependsOn, "aws:sqs/queuePolicy:QueuePolicy::events", "S3 tries it out")
		assert.Empty(t, kinds(doc, "FunctionEventInvokeConfig"))

		reader := find(t, doc, "EventSourceMapping", "events").Inputs
		assert.Equal(t, arn, reader["eventSourceArn"])
		assert.Equal(t, find(t, doc, "Alias", "issuer").Outputs["arn"], reader["functionName"])
		assert.Equal(t, []any{"ReportBatchItemFailures"}, reader["functionResponseTypes"],
			"one bad message does not bring back a hundred good ones")
		assert.Equal(t, 2.0, at(reader, "scalingConfig.maximumConcurrency"), "the least that Lambda allows")
		assert.Equal(t, 100.0, reader["batchSize"])
		assert.Equal(t, 1.0, reader["maximumBatchingWindowInSeconds"], "which more than ten messages need")
		for _, p := range kinds(doc, "Permission") {
			assert.NotEqual(t, "s3.amazonaws.com", p.Inputs["principal"])
		}
	})
}

func TestAMessageIsHiddenLongEnoughAndNeverLostUnseen(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		queue, dead := find(t, doc, "Queue", "events").Inputs, find(t, doc, "Queue", "dead-events")
		timeout := find(t, doc, "Function", "issuer").Inputs["timeout"].(float64)
		assert.GreaterOrEqual(t, queue["visibilityTimeoutSeconds"], 6*timeout)
		var redrive map[string]any
		require.NoError(t, json.Unmarshal([]byte(queue["redrivePolicy"].(string)), &redrive))
		assert.Equal(t, map[string]any{"deadLetterTargetArn": dead.Outputs["arn"], "maxReceiveCount": 5.0}, redrive)
		assert.Equal(t, 14.0*24*3600, dead.Inputs["messageRetentionSeconds"])
		lost := find(t, doc, "MetricAlarm", "EventsLost").Inputs
		assert.Equal(t, dead.Outputs["name"], at(lost, "dimensions.QueueName"))
		assert.Equal(t, 0.0, lost["threshold"])
		late := find(t, doc, "MetricAlarm", "EventsLate").Inputs
		assert.Equal(t, find(t, doc, "Queue", "events").Outputs["name"], at(late, "dimensions.QueueName"))
		assert.Greater(t, late["threshold"], queue["visibilityTimeoutSeconds"])
	})
}

func TestOnlyTheBucketWritesToTheQueueAndOnlyTheIssuerReads(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		for _, name := range []string{"events", "dead-events"} {
			queue, policy := find(t, doc, "Queue", name), find(t, doc, "QueuePolicy", name).Inputs
			assert.Equal(t, true, queue.Inputs["sqsManagedSseEnabled"], name)
			assert.Equal(t, queue.Outputs["url"], policy["queueUrl"], name)
			tls := statementOf(t, policy["policy"], "TLSOnly")
			assert.Equal(t, []any{"Deny", []any{"sqs:*"}, []any{queue.Outputs["arn"]}, "false"},
				[]any{tls["Effect"], tls["Action"], tls["Resource"], at(tls, "Condition.Bool.aws:SecureTransport")}, name)
		}
		policy := find(t, doc, "QueuePolicy", "events").Inputs["policy"]
		assert.Len(t, statementsOf(t, policy), 2)
		assert.Len(t, statementsOf(t, find(t, doc, "QueuePolicy", "dead-events").Inputs["policy"]), 1)
		tells := statementOf(t, policy, "BucketTells")
		assert.Equal(t, map[string]any{"Service": []any{"s3.amazonaws.com"}}, tells["Principal"])
		assert.Equal(t, []any{"sqs:SendMessage"}, tells["Action"])
		assert.Equal(t, map[string]any{
			"ArnEquals":    map[string]any{"aws:SourceArn": find(t, doc, "BucketV2", "content").Outputs["arn"]},
			"StringEquals": map[string]any{"aws:SourceAccount": "123456789012"},
		}, tells["Condition"])

		takes := statementOf(t, find(t, doc, "RolePolicy", "issuer").Inputs["policy"], "TakeEvents")
		assert.Equal(t, []any{"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}, takes["Action"])
		assert.Equal(t, []any{find(t, doc, "Queue", "events").Outputs["arn"]}, takes["Resource"])
	})
}

func TestAListThatFillsUpIsCountedInTheIssuersLogOfThisStackAlone(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		for name, pattern := range map[string]string{
			"RevocationListFull":    `{ $.msg = "the revocation list is full: every link is invalidated instead" }`,
			"RevocationListFilling": `{ $.msg = "the revocation list is nearly full" }`,
		} {
			filter, alarm := find(t, doc, "LogMetricFilter", name).Inputs, find(t, doc, "MetricAlarm", name).Inputs
			assert.Equal(t, pattern, filter["pattern"])
			assert.Equal(t, find(t, doc, "LogGroup", "issuer").Inputs["name"], filter["logGroupName"])
			assert.Equal(t, alarm["namespace"], at(filter, "metricTransformation.namespace"))
			assert.Equal(t, alarm["metricName"], at(filter, "metricTransformation.name"))
			assert.Contains(t, alarm["namespace"], "secure-media-cdn-", "another stack has metrics of its own")
			assert.Empty(t, alarm["dimensions"])
		}
	})
}
