package stack

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudfront"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// watched is what the alarms and the dashboard measure.
type watched struct {
	edge     *edge
	mappings *mappings
	delivery *delivery
	issuer   *issuer
	gate     *gate
	images   *images  // nil without variants
	session  *session // nil without a provider
}

// place is where a metric is measured, and so where its alarm must be: alarms
// act in one region.
type place int

const (
	// atCloudFront is us-east-1, where CloudFront's own metrics are.
	atCloudFront place = iota
	// atEdge is every watched region: an edge function's metrics are where it ran.
	atEdge
	// atTable is every region that holds the mapping table.
	atTable
	// atHome is the home region.
	atHome
)

// regions returns the regions of a place, and whether it may have several: then
// their alarms' names carry the region, even if there happens to be one.
func (p place) regions(c Config) (regions []string, several bool) {
	switch p {
	case atEdge:
		return c.watchedRegions(), true
	case atTable:
		return c.tableRegions(), true
	case atHome:
		return []string{c.Region}, false
	}
	return []string{edgeRegion}, false
}

// metricSet is a namespace of CloudWatch and the dimensions of what is ours in
// it.
type metricSet struct {
	// namespace is empty for metrics of our own, whose namespace is the stack's name.
	namespace  string
	dimensions func(watched) pulumi.StringMap
}

var (
	// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/programming-cloudwatch-metrics.html
	distributionMetrics = metricSet{"AWS/CloudFront", func(w watched) pulumi.StringMap {
		return pulumi.StringMap{"DistributionId": w.delivery.distribution.ID(), "Region": pulumi.String("Global")}
	}}
	gateMetrics    = viewerFunctionMetrics(func(w watched) *cloudfront.Function { return w.gate.function })
	publicMetrics  = viewerFunctionMetrics(func(w watched) *cloudfront.Function { return w.gate.public })
	headersMetrics = viewerFunctionMetrics(func(w watched) *cloudfront.Function { return w.gate.headers })
	// An edge function bears the same name in every region that it runs in,
	// us-east-1 included.
	edgeMetrics = metricSet{"AWS/Lambda", func(w watched) pulumi.StringMap {
		return pulumi.StringMap{"FunctionName": w.edge.metricName()}
	}}
	issuerMetrics = metricSet{"AWS/Lambda", func(w watched) pulumi.StringMap {
		return pulumi.StringMap{"FunctionName": w.issuer.function.Name}
	}}
	imagesMetrics = metricSet{"AWS/Lambda", func(w watched) pulumi.StringMap {
		return pulumi.StringMap{"FunctionName": w.images.function.Name}
	}}
	sessionMetrics = metricSet{"AWS/Lambda", func(w watched) pulumi.StringMap {
		return pulumi.StringMap{"FunctionName": w.session.function.Name}
	}}
	sessionGateMetrics = viewerFunctionMetrics(func(w watched) *cloudfront.Function { return w.session.check })
	// ownMetrics are counted in the logs.
	ownMetrics   = metricSet{"", func(watched) pulumi.StringMap { return pulumi.StringMap{} }}
	queueMetrics = metricSet{"AWS/SQS", func(w watched) pulumi.StringMap {
		return pulumi.StringMap{"QueueName": w.issuer.events.queue.Name}
	}}
	deadMetrics = metricSet{"AWS/SQS", func(w watched) pulumi.StringMap {
		return pulumi.StringMap{"QueueName": w.issuer.events.dead.Name}
	}}
	tableMetrics = metricSet{"AWS/DynamoDB", func(w watched) pulumi.StringMap {
		return pulumi.StringMap{"TableName": w.mappings.table.Name}
	}}
)

// viewerFunctionMetrics are those of a CloudFront Function.
func viewerFunctionMetrics(of func(watched) *cloudfront.Function) metricSet {
	return metricSet{"AWS/CloudFront", func(w watched) pulumi.StringMap {
		return pulumi.StringMap{"FunctionName": of(w).Name, "Region": pulumi.String("Global")}
	}}
}
