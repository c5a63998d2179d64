package stack

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sns"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// alarmPeriodSeconds is the length of one measurement of every alarm.
const alarmPeriodSeconds = 300

// alarm is one row of the table of alarms. It sounds when the metric is above
// its threshold in each of its periods. Missing data is good news, since a
// quiet CDN measures nothing.
type alarm struct {
	name      string
	place     place
	of        metricSet
	metric    string
	operation string // of the table, where its metric is per operation
	statistic string // Sum unless set
	// above is the threshold. The configured one counts, if there is one.
	above      int
	configured func(Config) int
	periods    int // 1 unless set
	// why it matters and what to do are the alarm's description.
	why, do string
}

// alarmsOf returns the rows of the stack's parts.
func alarmsOf(w watched) []alarm {
	rows := slices.Concat(alarms,
		viewerFunctionAlarms("Gate", gateMetrics, "gate",
			"check that its key value store can be read and holds the link keys"),
		viewerFunctionAlarms("Public", publicMetrics, "public", "roll back if a deployment came just before"),
		viewerFunctionAlarms("Headers", headersMetrics, "headers", "roll back if a deployment came just before"),
	)
	if w.images != nil {
		rows = append(rows, imagesAlarms...)
	}
	if w.session != nil {
		rows = slices.Concat(rows, sessionAlarms,
			viewerFunctionAlarms("SessionGate", sessionGateMetrics, "session-gate",
				"roll back if a deployment came just before"))
	}
	return rows
}

// newAlarms registers all alarms and, in each region that has one, a topic that
// sends them to the configured addresses.
func (s *builder) newAlarms(w watched) (alarmed, error) {
	done := alarmed{topics: map[string]pulumi.StringOutput{}}
	for _, a := range alarmsOf(w) {
		regions, several := a.place.regions(s.cfg)
		for _, region := range regions {
			if _, ok := done.topics[region]; !ok {
				topic, err := s.newTopic(region)
				if err != nil {
					return alarmed{}, err
				}
				done.topics[region] = topic.Arn
			}
			name := a.name
			if several {
				name += "-" + region
			}
			alarm, err := s.newAlarm(a, name, region, done.topics[region], w)
			if err != nil {
				return alarmed{}, err
			}
			done.alarms = append(done.alarms, alarm.Arn)
		}
	}
	return done, nil
}

// alarmed is what sounds, and where it is heard.
type alarmed struct {
	topics map[string]pulumi.StringOutput // ARNs by region
	alarms pulumi.StringArray             // ARNs
}

func (s *builder) newAlarm(a alarm, name, region string, topic pulumi.StringOutput,
	w watched) (*cloudwatch.MetricAlarm, error) {
	threshold := a.above
	if a.configured != nil {
		threshold = a.configured(s.cfg)
	}
	dimensions := a.of.dimensions(w)
	if a.operation != "" {
		dimensions["Operation"] = pulumi.String(a.operation)
	}
	alarm, err := cloudwatch.NewMetricAlarm(s.ctx, name, &cloudwatch.MetricAlarmArgs{
		// Alarms are read by people at night: their names carry no suffix.
		Name:               pulumi.String(s.cfg.name() + "-" + name),
		AlarmDescription:   pulumi.String(a.why + " What to do: " + a.do),
		Namespace:          pulumi.String(cmp.Or(a.of.namespace, s.cfg.name())),
		MetricName:         pulumi.String(a.metric),
		Dimensions:         dimensions,
		Statistic:          pulumi.String(cmp.Or(a.statistic, "Sum")),
		Period:             pulumi.Int(alarmPeriodSeconds),
		EvaluationPeriods:  pulumi.Int(cmp.Or(a.periods, 1)),
		ComparisonOperator: pulumi.String("GreaterThanThreshold"),
		Threshold:          pulumi.Float64(float64(threshold)),
		TreatMissingData:   pulumi.String("notBreaching"),
		AlarmActions:       pulumi.Array{topic},
		OkActions:          pulumi.Array{topic},
		Tags:               s.tags(),
	}, s.regions.in(region))
	if err != nil {
		return nil, fmt.Errorf("alarm %s: %w", name, err)
	}
	return alarm, nil
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
