package stack_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/plan"
)

func TestTheTwoAlarmsOfTheContract(t *testing.T) {
	doc := planOf(t, "everything", nil)
	rate := find(t, doc, "MetricAlarm", "HighErrorRate")
	for property, want := range map[string]any{
		"name": "secure-media-cdn-everything-HighErrorRate", "namespace": "AWS/CloudFront", "metricName": "5xxErrorRate",
		"statistic": "Average",
		"threshold": 5.0, "period": 300.0, "evaluationPeriods": 1.0, "comparisonOperator": "GreaterThanThreshold",
		"treatMissingData": "notBreaching",
		"dimensions":       map[string]any{"DistributionId": "EDFDVBD6EXAMPLE", "Region": "Global"},
	} {
		assert.Equal(t, want, rate.Inputs[property], property)
	}
	assert.Equal(t, "us-east-1", rate.Region)

	latency := find(t, doc, "MetricAlarm", "HighLatency-eu-west-1")
	for property, want := range map[string]any{
		"namespace": "AWS/Lambda", "metricName": "Duration", "statistic": "Average", "threshold": 500.0, "period": 300.0,
		"evaluationPeriods": 1.0,
		"dimensions":        map[string]any{"FunctionName": "us-east-1.secure-media-cdn-everything-edge"},
	} {
		assert.Equal(t, want, latency.Inputs[property], property)
	}
}

func TestThresholdsAreTheConfiguredOnes(t *testing.T) {
	doc := planOf(t, "dev", config{"errorRatePercent": "3", "clientErrorRatePercent": "40", "latencyMilliseconds": "250"})
	assert.Equal(t, 3.0, find(t, doc, "MetricAlarm", "HighErrorRate").Inputs["threshold"])
	assert.Equal(t, 40.0, find(t, doc, "MetricAlarm", "ClientErrorSurge").Inputs["threshold"])
	assert.Equal(t, 250.0, find(t, doc, "MetricAlarm", "HighLatency-eu-central-1").Inputs["threshold"])
}

// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/programming-cloudwatch-metrics.html
func TestEveryMetricIsWatchedWhereItIs(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		home := doc.Outputs["mediaBucketRegion"].(string)
		for _, a := range kinds(doc, "MetricAlarm") {
			region := a.Region
			if region == "" {
				region = home
			}
			if strings.HasPrefix(a.Name, "RevocationList") {
				assert.Equal(t, home, region, a.Name) // beside the issuer's log group
				continue
			}
			dimensions := a.Inputs["dimensions"].(map[string]any)
			switch a.Inputs["namespace"] {
			case "AWS/CloudFront":
				assert.Equal(t, "us-east-1", region, a.Name)
				assert.Equal(t, "Global", dimensions["Region"], a.Name)
				assert.Len(t, dimensions, 2, a.Name)
			case "AWS/Lambda":
				if name := dimensions["FunctionName"].(string); strings.HasPrefix(name, "us-east-1.") {
					assert.True(t, strings.HasSuffix(a.Name, "-"+region), "%s is about runs in %s", a.Name, region)
				} else {
					assert.Contains(t, []any{doc.Outputs["issuerFunctionName"], functionNamed(doc, "images"),
						functionNamed(doc, "session")}, name)
					assert.Equal(t, home, region, a.Name)
				}
			case "AWS/DynamoDB":
				assert.Equal(t, doc.Outputs["mappingTable"], dimensions["TableName"])
				assert.Contains(t, doc.Outputs["mappingRegions"], region, a.Name)
			case "AWS/SQS":
				assert.Equal(t, home, region, a.Name)
				assert.Len(t, dimensions, 1, a.Name)
			default:
				assert.Fail(t, "unknown namespace", a.Inputs["namespace"])
			}
			// The singular of it never has data.
			assert.NotEqual(t, "LambdaLimitExceededError", a.Inputs["metricName"])
		}
	})
}

// functionNamed returns the physical name of a function, or nil if there is none.
func functionNamed(doc *plan.Document, name string) any {
	for _, f := range kinds(doc, "Function") {
		if f.Name == name {
			return f.Outputs["name"]
		}
	}
	return nil
}

func TestEveryAlarmSaysWhyAndWhatToDoAndIsHeard(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		names := map[any]bool{}
		for _, a := range kinds(doc, "MetricAlarm") {
			assert.Regexp(t, `^[A-Z].+\. What to do: [A-Z].+\.$`, a.Inputs["alarmDescription"], a.Name)
			assert.LessOrEqual(t, len(a.Inputs["alarmDescription"].(string)), 1024, "CloudWatch's limit")
			assert.False(t, names[a.Inputs["name"]], "two alarms of one name in one region overwrite each other")
			names[a.Inputs["name"]] = true
			require.Len(t, a.Inputs["alarmActions"], 1)
			topic := at(a.Inputs, "alarmActions[0]").(string)
			region := strings.Split(topic, ":")[3]
			assert.Equal(t, a.Outputs["arn"].(string)[:len("arn:aws:cloudwatch:")+len(region)], "arn:aws:cloudwatch:"+region,
				"an alarm acts in its own region")
			assert.Equal(t, topic, doc.Outputs["alarmTopicArns"].(map[string]any)[region])
			assert.Equal(t, a.Inputs["alarmActions"], a.Inputs["okActions"])
		}
	})
}

func TestEveryAddressHearsEveryRegion(t *testing.T) {
	doc := planOf(t, "everything", nil)
	topics := doc.Outputs["alarmTopicArns"].(map[string]any)
	assert.Equal(t, []string{"ap-southeast-2", "eu-west-1", "us-east-1"}, keysOf(topics))
	subscribed := map[string]any{}
	for _, s := range kinds(doc, "TopicSubscription") {
		assert.Equal(t, "email", s.Inputs["protocol"])
		assert.Equal(t, "oncall@example.com", s.Inputs["endpoint"])
		subscribed[strings.Split(s.Inputs["topic"].(string), ":")[3]] = s.Inputs["topic"]
	}
	assert.Equal(t, topics, subscribed)
}

func TestWhatOperatorsMustHearOf(t *testing.T) {
	doc := planOf(t, "everything", nil)
	watched := map[any]bool{}
	for _, a := range kinds(doc, "MetricAlarm") {
		watched[a.Inputs["metricName"]] = true
	}
	for _, metric := range []string{
		"5xxErrorRate", "4xxErrorRate", "Duration", "Throttles", "LambdaExecutionError", "LambdaValidationError",
		"LambdaLimitExceededErrors",
		"ReadThrottleEvents", "WriteThrottleEvents", "SystemErrors", "Errors", "Url5xxCount", "ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage", "RevocationListFull", "RevocationListFilling",
		"FunctionExecutionErrors", "FunctionValidationErrors", "FunctionThrottles",
	} {
		assert.True(t, watched[metric], metric)
	}
}
