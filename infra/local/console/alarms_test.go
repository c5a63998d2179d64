package console

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/local/cloudfront"
	"secure-media-cdn/infra/local/lambda"
	"secure-media-cdn/infra/plan"
)

// rule is an alarm of the plan for one metric; more are pairs of an input and its value.
func rule(namespace, metric, statistic string, threshold float64, more ...any) plan.Resource {
	in := map[string]any{
		"namespace": namespace, "metricName": metric, "statistic": statistic, "threshold": threshold, "period": 60.0,
		"evaluationPeriods":  1.0,
		"comparisonOperator": "GreaterThanThreshold", "treatMissingData": "notBreaching",
		"dimensions": map[string]any{"DistributionId": "E1"},
	}
	if namespace == awsLambda {
		in["dimensions"] = map[string]any{"FunctionName": "us-east-1.edge-name"}
	}
	for n := 0; n < len(more); n += 2 {
		in[more[n].(string)] = more[n+1]
	}
	return plan.Resource{Type: typeAlarm, Name: "rule", Inputs: in}
}

var edgeFunction = plan.Resource{Type: "aws:lambda/function:Function", Name: "edge", Region: "us-east-1",
	Outputs: map[string]any{"name": "edge-name"}}

// watch is a console with no more than alarms and a clock.
func watch(t *testing.T, resources ...plan.Resource) (c *Console, forward func(time.Duration)) {
	t.Helper()
	doc := &plan.Document{Resources: append(resources, edgeFunction)}
	alarms, err := readAlarms(doc, testRegion)
	require.NoError(t, err)
	now := time.Unix(1_800_000_000, 0)
	c = &Console{now: func() time.Time { return now }, alarms: alarms, metrics: newMetrics(alarms),
		names: metricNames(doc), log: newRequestLog(),
		options: Options{Stats: func() cloudfront.Stats { return cloudfront.Stats{} }},
		outputs: outputs{Regions: []string{testRegion}}}
	return c, func(d time.Duration) { now = now.Add(d) }
}

func TestAlarmsFollowTheRequests(t *testing.T) {
	answers := func(result string, statuses ...int) func(*Console) {
		return func(c *Console) {
			for _, status := range statuses {
				c.Observe(cloudfront.Record{Status: status, Result: result, Bytes: 10})
			}
		}
	}
	runs := func(milliseconds int, errs ...error) func(*Console) {
		return func(c *Console) {
			for _, err := range errs {
				c.ObserveLambda("edge", lambda.Report{Duration: time.Duration(milliseconds) * time.Millisecond, Err: err})
			}
		}
	}
	gate := map[string]any{"FunctionName": "gate", "Region": "Global"}
	fails := func(function string, status int) func(*Console) {
		return func(c *Console) {
			c.Observe(cloudfront.Record{Status: status, Result: "FunctionExecutionError", Failed: function})
		}
	}
	broken := errors.New("broken")
	for _, row := range []struct {
		name  string
		rule  plan.Resource
		do    func(*Console)
		state string
		value any
	}{
		{"one of four is a server error", rule(cloudFront, "5xxErrorRate", "Average", 24),
			answers("Error", 200, 503, 404, 200), "alarm", 25.0},
		{"exactly at the threshold is not above it", rule(cloudFront, "5xxErrorRate", "Average", 25),
			answers("Error", 200, 503, 404, 200), "ok", 25.0},
		{"at the threshold, if that counts", rule(cloudFront, "5xxErrorRate", "Average", 25, "comparisonOperator",
			"GreaterThanOrEqualToThreshold"), answers("Error", 200, 503, 404, 200), "alarm", 25.0},
		{"client errors are no server errors", rule(cloudFront, "5xxErrorRate", "Average", 0), answers("Error", 404, 403),
			"ok", 0.0},
		{"client errors", rule(cloudFront, "4xxErrorRate", "Average", 25), answers("Error", 404, 403, 200), "alarm",
			200.0 / 3},
		{"the function failed", rule(cloudFront, "LambdaExecutionError", "Sum", 0), answers("LambdaExecutionError", 503),
			"alarm", 1.0},
		{"the function did not fail", rule(cloudFront, "LambdaExecutionError", "Sum", 0),
			answers("LambdaValidationError", 502), "ok", nil},
		{"the gate failed", rule(cloudFront, "FunctionExecutionErrors", "Sum", 0, "dimensions", gate), fails("gate", 503),
			"alarm", 1.0},
		{"another function failed", rule(cloudFront, "FunctionExecutionErrors", "Sum", 0, "dimensions", gate),
			fails("public", 503), "ok", nil},
		{"too few hits", rule(cloudFront, "CacheHitRate", "Average", 80, "comparisonOperator", "LessThanThreshold"),
			func(c *Console) {
				answers("Hit", 200, 206)(c)
				answers("RefreshHit", 200)(c)
				answers("Miss", 200)(c)
				answers("Error", 404, 404)(c)
			}, "alarm", 75.0},
		{"slow on average", rule(awsLambda, "Duration", "Average", 500), runs(501, nil, nil), "alarm", 501.0},
		{"quick on average", rule(awsLambda, "Duration", "Average", 500), runs(20, nil), "ok", 20.0},
		{"the slowest", rule(awsLambda, "Duration", "Maximum", 500), func(c *Console) { runs(900, nil)(c); runs(10, nil)(c) },
			"alarm", 900.0},
		{"the quickest", rule(awsLambda, "Duration", "Minimum", 500),
			func(c *Console) { runs(900, nil)(c); runs(10, nil)(c) }, "ok", 10.0},
		{"runs that failed", rule(awsLambda, "Errors", "Sum", 0), runs(1, nil, broken), "alarm", 1.0},
		{"runs of another function", rule(awsLambda, "Errors", "Sum", 0, "dimensions",
			map[string]any{"FunctionName": "other"}), runs(1, broken), "ok", nil},
		{"the function by its plain name", rule(awsLambda, "Errors", "Sum", 0, "dimensions",
			map[string]any{"FunctionName": "edge-name"}), runs(1, broken), "alarm", 1.0},
		{"the URL answers errors", rule(awsLambda, "Url5xxCount", "Sum", 0),
			func(c *Console) { c.ObserveURL("edge", 502); c.ObserveURL("edge", 404) }, "alarm", 1.0},
		{"how many runs", rule(awsLambda, "Invocations", "SampleCount", 2), runs(1, nil, nil, nil), "alarm", 3.0},
		{"nothing happened", rule(cloudFront, "5xxErrorRate", "Average", 5), func(*Console) {}, "ok", nil},
		{"nothing happened, which is bad", rule(cloudFront, "Requests", "Sum", 5, "treatMissingData", "breaching"),
			func(*Console) {}, "alarm", nil},
		{"nothing happened, which says nothing", rule(cloudFront, "Requests", "Sum", 5, "treatMissingData", "missing"),
			func(*Console) {}, "nodata", nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, _ := watch(t, row.rule)
			row.do(c)
			s := c.pulse().Alarms[0]
			assert.Equal(t, row.state, s.State)
			if row.value == nil {
				assert.Nil(t, s.Value)
			} else if assert.NotNil(t, s.Value) {
				assert.InDelta(t, row.value, *s.Value, 0.001)
			}
		})
	}
}

func TestAlarmsFollowTheClock(t *testing.T) {
	bad := cloudfront.Record{Status: 503, Result: "Error"}
	state := func(c *Console) string { return c.pulse().Alarms[0].State }
	t.Run("an alarm ends when its period is over", func(t *testing.T) {
		c, forward := watch(t, rule(cloudFront, "5xxErrorRate", "Average", 5))
		c.Observe(bad)
		assert.Equal(t, "alarm", state(c))
		forward(50 * time.Second)
		assert.Equal(t, "alarm", state(c))
		forward(10 * time.Second)
		assert.Equal(t, "ok", state(c))
	})
	t.Run("three periods in a row must be bad", func(t *testing.T) {
		c, forward := watch(t, rule(cloudFront, "5xxErrorRate", "Average", 5, "evaluationPeriods", 3.0))
		for range 2 {
			c.Observe(bad)
			assert.Equal(t, "ok", state(c))
			forward(time.Minute)
		}
		c.Observe(bad)
		assert.Equal(t, "alarm", state(c))
	})
	t.Run("two of three periods are enough, if so many are asked for", func(t *testing.T) {
		c, forward := watch(t, rule(cloudFront, "5xxErrorRate", "Average", 5, "evaluationPeriods", 3.0, "datapointsToAlarm",
			2.0))
		c.Observe(bad)
		forward(2 * time.Minute)
		c.Observe(bad)
		assert.Equal(t, "alarm", state(c))
	})
	t.Run("what was long ago is overwritten, not added to", func(t *testing.T) {
		c, forward := watch(t, rule(cloudFront, "Requests", "Sum", 5))
		for range 10 {
			c.Observe(bad)
			forward(time.Minute)
		}
		c.Observe(bad)
		assert.InDelta(t, 1, *c.pulse().Alarms[0].Value, 0)
	})
}

func TestAlarmsThatCannotBeJudgedSayWhy(t *testing.T) {
	for _, row := range []struct {
		name string
		rule plan.Resource
		says string
	}{
		{"throttling", rule(awsLambda, "Throttles", "Sum", 0), "waits instead"},
		{"the table's metrics", rule("AWS/DynamoDB", "SystemErrors", "Sum", 0),
			"nothing here measures SystemErrors of AWS/DynamoDB"},
		{"CloudFront's time to the origin", rule(cloudFront, "OriginLatency", "Average", 0), "OriginLatency"},
		{"a percentile", rule(awsLambda, "Duration", "", 0, "extendedStatistic", "p99"), "does not compute"},
		{"a band in place of a threshold", rule(awsLambda, "Duration", "Average", 0, "comparisonOperator",
			"GreaterThanUpperThreshold"), "does not compute"},
		{"a week", rule(awsLambda, "Duration", "Average", 0, "period", 86400.0, "evaluationPeriods", 7.0), "a day at most"},
		{"no period", rule(awsLambda, "Duration", "Average", 0, "period", 0.0), "ten seconds"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, _ := watch(t, row.rule)
			s := c.pulse().Alarms[0]
			assert.Equal(t, "unmeasured", s.State)
			assert.Contains(t, s.Reason, row.says)
		})
	}
}
