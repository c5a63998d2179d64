package stack

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sns"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// alarmPeriodSeconds is the length of one measurement of every alarm.
const alarmPeriodSeconds = 300

// watched is what the alarms measure.
type watched struct {
	edge     *edge
	mappings *mappings
	delivery *delivery
}

// alarm is one row of the table of alarms. It sounds when the metric is above
// its threshold in every one of its periods; missing data is good news, since
// a quiet CDN measures nothing.
type alarm struct {
	// name is the logical name, followed by the region where there are several.
	name string
	// in returns the regions that the metric is watched in.
	in                           func(Config) []string
	several                      bool
	namespace, metric, statistic string
	dimensions                   func(watched) pulumi.StringMap
	above                        func(Config) int
	periods                      int
	why, do                      string
}

// distributionMetrics are in us-east-1 under these dimensions.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/programming-cloudwatch-metrics.html
func distributionMetrics(w watched) pulumi.StringMap {
	return pulumi.StringMap{"DistributionId": w.delivery.distribution.ID(), "Region": pulumi.String("Global")}
}

// edgeMetrics are in every region that runs the function, under the same name.
func edgeMetrics(w watched) pulumi.StringMap {
	return pulumi.StringMap{"FunctionName": w.edge.metricName()}
}

func inEdgeRegion(Config) []string     { return []string{edgeRegion} }
func inAlarmRegions(c Config) []string { return c.AlarmRegions }

var alarms = []alarm{
	{
		name: "HighErrorRate", in: inEdgeRegion, periods: 1,
		namespace: "AWS/CloudFront", metric: "5xxErrorRate", statistic: "Average", dimensions: distributionMetrics,
		above: func(c Config) int { return c.ErrorRatePercent },
		why:   "Viewers get server errors instead of media.",
		do:    "Look at the edge function's errors and the table's alarms first; if a deployment came just before, roll it back.",
	},
	{
		name: "HighLatency", in: inAlarmRegions, several: true, periods: 1,
		namespace: "AWS/Lambda", metric: "Duration", statistic: "Average", dimensions: edgeMetrics,
		above: func(c Config) int { return c.LatencyMilliseconds },
		why:   "Every photo that is not cached yet waits this long before it starts to load.",
		do:    "Compare with the table's latency; add a replica region near this one, or raise edgeMemoryMb if cold starts dominate.",
	},
}

// newAlarms registers all alarms and, in each region that has one, a topic that
// sends them to the configured addresses. It returns the topics' ARNs by region.
func (s *builder) newAlarms(w watched) (map[string]pulumi.StringOutput, error) {
	topics := map[string]pulumi.StringOutput{}
	for _, a := range alarms {
		for _, region := range a.in(s.cfg) {
			if _, ok := topics[region]; !ok {
				topic, err := s.newTopic(region)
				if err != nil {
					return nil, err
				}
				topics[region] = topic.Arn
			}
			if err := s.newAlarm(a, region, topics[region], w); err != nil {
				return nil, err
			}
		}
	}
	return topics, nil
}

func (s *builder) newAlarm(a alarm, region string, topic pulumi.StringOutput, w watched) error {
	name := a.name
	if a.several {
		name += "-" + region
	}
	_, err := cloudwatch.NewMetricAlarm(s.ctx, name, &cloudwatch.MetricAlarmArgs{
		Name:               pulumi.String(s.cfg.name() + "-" + name),
		AlarmDescription:   pulumi.String(a.why + " What to do: " + a.do),
		Namespace:          pulumi.String(a.namespace),
		MetricName:         pulumi.String(a.metric),
		Dimensions:         a.dimensions(w),
		Statistic:          pulumi.String(a.statistic),
		Period:             pulumi.Int(alarmPeriodSeconds),
		EvaluationPeriods:  pulumi.Int(a.periods),
		ComparisonOperator: pulumi.String("GreaterThanThreshold"),
		Threshold:          pulumi.Float64(float64(a.above(s.cfg))),
		TreatMissingData:   pulumi.String("notBreaching"),
		AlarmActions:       pulumi.Array{topic},
		OkActions:          pulumi.Array{topic},
		Tags:               s.tags(),
	}, s.regions.in(region))
	if err != nil {
		return fmt.Errorf("alarm %s: %w", name, err)
	}
	return nil
}

func (s *builder) newTopic(region string) (*sns.Topic, error) {
	topic, err := sns.NewTopic(s.ctx, "alarms-"+region, &sns.TopicArgs{Tags: s.tags()}, s.regions.in(region))
	if err != nil {
		return nil, fmt.Errorf("alarm topic in %s: %w", region, err)
	}
	for _, address := range s.cfg.AlarmEmails {
		_, err := sns.NewTopicSubscription(s.ctx, address+"-"+region, &sns.TopicSubscriptionArgs{
			Topic: topic.Arn, Protocol: pulumi.String("email"), Endpoint: pulumi.String(address),
		}, s.regions.in(region))
		if err != nil {
			return nil, fmt.Errorf("subscription of %s in %s: %w", address, region, err)
		}
	}
	return topic, nil
}
