package stack

import (
	"fmt"
	"maps"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// graph is one picture on the dashboard.
type graph struct {
	title string
	place place
	lines []line
}

// line is one metric of a graph, drawn once for each region of the graph's place.
type line struct {
	of        metricSet
	metric    string
	operation string
	statistic string
}

var graphs = []graph{
	{title: "Edge function: runs", place: atEdge,
		lines: []line{{of: edgeMetrics, metric: "Invocations", statistic: "Sum"}}},
	{title: "Edge function: duration (ms)", place: atEdge, lines: []line{
		{of: edgeMetrics, metric: "Duration", statistic: "Average"}, {of: edgeMetrics, metric: "Duration", statistic: "p95"},
	}},
	{title: "Requests and cache hit rate (%)", place: atCloudFront, lines: []line{
		{of: distributionMetrics, metric: "Requests", statistic: "Sum"},
		{of: distributionMetrics, metric: "CacheHitRate", statistic: "Average"},
	}},
	{title: "Error rates (%)", place: atCloudFront, lines: []line{
		{of: distributionMetrics, metric: "4xxErrorRate", statistic: "Average"},
		{of: distributionMetrics, metric: "5xxErrorRate", statistic: "Average"},
	}},
	{title: "Edge function: errors", place: atCloudFront, lines: []line{
		{of: distributionMetrics, metric: "LambdaExecutionError", statistic: "Sum"},
		{of: distributionMetrics, metric: "LambdaValidationError", statistic: "Sum"},
		{of: distributionMetrics, metric: "LambdaLimitExceededErrors", statistic: "Sum"},
	}},
	{title: "Table: lookups and their latency (ms)", place: atTable, lines: []line{
		{of: tableMetrics, metric: "ConsumedReadCapacityUnits", statistic: "Sum"},
		{of: tableMetrics, metric: "SuccessfulRequestLatency", operation: "GetItem", statistic: "Average"},
	}},
	{title: "Issuer: calls and errors", place: atHome, lines: []line{
		{of: issuerMetrics, metric: "UrlRequestCount", statistic: "Sum"},
		{of: issuerMetrics, metric: "Url4xxCount", statistic: "Sum"},
		{of: issuerMetrics, metric: "Url5xxCount", statistic: "Sum"}, {of: issuerMetrics, metric: "Errors", statistic: "Sum"},
	}},
	{title: "Issuer: duration (ms)", place: atHome, lines: []line{
		{of: issuerMetrics, metric: "Duration", statistic: "Average"},
		{of: issuerMetrics, metric: "Duration", statistic: "p95"},
	}},
	viewerFunctionGraph("Gate", gateMetrics),
	viewerFunctionGraph("Answers", headersMetrics),
	viewerFunctionGraph("Public paths", publicMetrics),
}

var imagesGraphs = []graph{
	{title: "Variants: runs and errors", place: atHome, lines: []line{
		{of: imagesMetrics, metric: "Invocations", statistic: "Sum"},
		{of: imagesMetrics, metric: "Errors", statistic: "Sum"},
		{of: imagesMetrics, metric: "Url5xxCount", statistic: "Sum"},
		{of: imagesMetrics, metric: "Throttles", statistic: "Sum"},
	}},
	{title: "Variants: duration (ms) and how many at once", place: atHome, lines: []line{
		{of: imagesMetrics, metric: "Duration", statistic: "Average"},
		{of: imagesMetrics, metric: "Duration", statistic: "Maximum"},
		{of: imagesMetrics, metric: "ConcurrentExecutions", statistic: "Maximum"},
	}},
}

var sessionGraphs = []graph{
	{title: "Signing in: calls and errors", place: atHome, lines: []line{
		{of: sessionMetrics, metric: "UrlRequestCount", statistic: "Sum"},
		{of: sessionMetrics, metric: "Url4xxCount", statistic: "Sum"},
		{of: sessionMetrics, metric: "Url5xxCount", statistic: "Sum"},
		{of: sessionMetrics, metric: "Errors", statistic: "Sum"},
	}},
	viewerFunctionGraph("Before signing in", sessionGateMetrics),
	{title: "Signing in: duration (ms)", place: atHome, lines: []line{
		{of: sessionMetrics, metric: "Duration", statistic: "Average"},
		{of: sessionMetrics, metric: "Duration", statistic: "p95"},
	}},
}

// viewerFunctionGraph is that of a CloudFront Function.
func viewerFunctionGraph(name string, of metricSet) graph {
	return graph{title: name + ": runs, errors and compute utilisation (%)", place: atCloudFront, lines: []line{
		{of: of, metric: "FunctionInvocations", statistic: "Sum"},
		{of: of, metric: "FunctionExecutionErrors", statistic: "Sum"},
		{of: of, metric: "FunctionComputeUtilization", statistic: "Maximum"},
	}}
}

// graphsOf returns the graphs of the stack's parts.
func graphsOf(w watched) []graph {
	all := slices.Clone(graphs)
	if w.images != nil {
		all = append(all, imagesGraphs...)
	}
	if w.session != nil {
		all = append(all, sessionGraphs...)
	}
	return all
}

// Sizes on CloudWatch's grid, which is 24 wide.
const (
	graphWidth  = 12
	graphHeight = 6
)

// newDashboard registers the dashboard and returns its address.
//
// It is the last resource, and waits for all others. What waits is deleted
// first: a dashboard that is protected ends a `pulumi destroy` before anything of
// the stack is gone, also one without the preview that would refuse it.
// https://www.pulumi.com/docs/iac/concepts/resources/options/protect/
func (s *builder) newDashboard(w watched, a alarmed) (pulumi.StringOutput, error) {
	widgets := pulumi.Array{pulumi.Map{
		"type": pulumi.String("alarm"), "x": pulumi.Int(0), "y": pulumi.Int(0), "width": pulumi.Int(2 * graphWidth),
		"height":     pulumi.Int(graphHeight),
		"properties": pulumi.Map{"title": pulumi.String("Alarms"), "alarms": a.alarms},
	}}
	for _, g := range graphsOf(w) {
		n := len(widgets) - 1
		widgets = append(widgets, pulumi.Map{
			"type": pulumi.String("metric"), "width": pulumi.Int(graphWidth), "height": pulumi.Int(graphHeight),
			"x": pulumi.Int(n % 2 * graphWidth), "y": pulumi.Int((n/2 + 1) * graphHeight),
			"properties": s.graph(g, w),
		})
	}
	dashboard, err := cloudwatch.NewDashboard(s.ctx, "overview", &cloudwatch.DashboardArgs{
		DashboardName: pulumi.String(s.cfg.name()),
		DashboardBody: pulumi.JSONMarshal(pulumi.Map{"widgets": widgets}),
	}, pulumi.Protect(s.cfg.Protect), pulumi.DependsOn(s.registered))
	if err != nil {
		return pulumi.StringOutput{}, fmt.Errorf("dashboard: %w", err)
	}
	return pulumi.Sprintf("https://%s.console.aws.amazon.com/cloudwatch/home?region=%s#dashboards/dashboard/%s",
		s.cfg.Region, s.cfg.Region, dashboard.DashboardName), nil
}

// graph returns the properties of one picture.
func (s *builder) graph(g graph, w watched) pulumi.Map {
	regions, _ := g.place.regions(s.cfg)
	metrics := pulumi.Array{}
	for _, l := range g.lines {
		dimensions := l.of.dimensions(w)
		if l.operation != "" {
			dimensions["Operation"] = pulumi.String(l.operation)
		}
		for _, region := range regions {
			metric := pulumi.Array{pulumi.String(l.of.namespace), pulumi.String(l.metric)}
			for _, name := range slices.Sorted(maps.Keys(dimensions)) {
				metric = append(metric, pulumi.String(name), dimensions[name])
			}
			metrics = append(metrics, append(metric, pulumi.Map{
				"region": pulumi.String(region), "stat": pulumi.String(l.statistic),
				"label": pulumi.String(l.metric + " " + l.statistic + " " + region),
			}))
		}
	}
	return pulumi.Map{
		"title": pulumi.String(g.title), "region": pulumi.String(regions[0]), "period": pulumi.Int(alarmPeriodSeconds),
		"view": pulumi.String("timeSeries"), "stacked": pulumi.Bool(false), "metrics": metrics,
	}
}
