package stack_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/plan"
)

func TestTheDashboardShowsEveryPart(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		dashboard := find(t, doc, "Dashboard", "overview").Inputs
		var body struct {
			Widgets []struct {
				Type                string
				X, Y, Width, Height int
				Properties          struct {
					Region  string
					Metrics [][]any
					Alarms  []string
				}
			}
		}
		require.NoError(t, json.Unmarshal([]byte(dashboard["dashboardBody"].(string)), &body))
		assert.Len(t, body.Widgets[0].Properties.Alarms, len(kinds(doc, "MetricAlarm")))
		shown, taken := map[any]bool{}, map[[2]int]bool{}
		for _, w := range body.Widgets {
			assert.LessOrEqual(t, w.X+w.Width, 24)
			assert.False(t, taken[[2]int{w.X, w.Y}], "two pictures in one place")
			taken[[2]int{w.X, w.Y}] = true
			for _, metric := range w.Properties.Metrics {
				shown[metric[1]] = true
				assert.NotEmpty(t, at(metric[len(metric)-1], "region"))
				assert.Equal(t, 1, len(metric)%2, "namespace, metric, pairs of dimensions, and how it is drawn")
			}
		}
		for _, metric := range []string{"Invocations", "Duration", "CacheHitRate", "4xxErrorRate", "5xxErrorRate",
			"ConsumedReadCapacityUnits", "UrlRequestCount"} {
			assert.True(t, shown[metric], metric)
		}
		assert.Equal(t, len(kinds(doc, "KeyValueStore")) > 0, shown["FunctionComputeUtilization"],
			"the gate is shown if there is one")
		assert.Contains(t, doc.Outputs["dashboardUrl"], "#dashboards/dashboard/"+dashboard["dashboardName"].(string))
	})
}
