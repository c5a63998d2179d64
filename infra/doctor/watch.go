package doctor

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"secure-media-cdn/infra/plan"
)

// logs looks whether every log group is there and forgets in time.
func (e *examination) logs(ctx context.Context) {
	for _, r := range e.Plan.ByType("aws:cloudwatch/logGroup:LogGroup") {
		var want struct {
			Name string
			Days int32 `json:"retentionInDays"`
		}
		if err := e.decode(r, &want); err != nil {
			e.failed("logs", err)
			continue
		}
		what := "logs: " + want.Name + " in " + e.region(r) + " and its retention"
		out, err := cloudwatchlogs.NewFromConfig(e.in(e.region(r))).DescribeLogGroups(ctx,
			&cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &want.Name})
		if err != nil {
			e.failed(what, err)
			continue
		}
		days := int32(-1)
		for _, g := range out.LogGroups {
			if isLogGroup(aws.ToString(g.LogGroupName), want.Name) {
				days = aws.ToInt32(g.RetentionInDays) // 0 keeps for ever
			}
		}
		if days < 0 {
			e.wrong(mend, "%s: there is no such log group", what)
			continue
		}
		e.same(what, want.Days, days)
	}
}

// functionLogs is where CloudFront Functions log, each to a group of its own name.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-functions-logs.html
const functionLogs = "/aws/cloudfront/function/"

// ending is what Pulumi.yaml has Pulumi put behind the names of functions, and a plan has not.
var ending = regexp.MustCompile(`^-[0-9a-f]{7}$`)

// isLogGroup reports whether a log group is the planned one.
func isLogGroup(name, planned string) bool {
	rest, ok := strings.CutPrefix(name, planned)
	return ok && (rest == "" || strings.HasPrefix(planned, functionLogs) && ending.MatchString(rest))
}

// topics looks whether somebody hears of alarms: a subscription by e-mail counts once its owner has confirmed it.
// https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html
func (e *examination) topics(ctx context.Context) {
	for _, region := range slices.Sorted(maps.Keys(e.Outputs.AlarmTopicARNs)) {
		topic := e.Outputs.AlarmTopicARNs[region]
		what := "alarms: the topic in " + region
		confirmed := map[string]bool{}
		pages := sns.NewListSubscriptionsByTopicPaginator(sns.NewFromConfig(e.in(region)),
			&sns.ListSubscriptionsByTopicInput{TopicArn: &topic})
		var err error
		for err == nil && pages.HasMorePages() {
			var page *sns.ListSubscriptionsByTopicOutput
			if page, err = pages.NextPage(ctx); err == nil {
				for _, s := range page.Subscriptions {
					confirmed[aws.ToString(s.Endpoint)] = strings.HasPrefix(aws.ToString(s.SubscriptionArn), "arn:")
				}
			}
		}
		if err != nil {
			e.failed(what, err, "NotFound", "NotFoundException")
			continue
		}
		e.subscribers(what, region, confirmed)
	}
}

func (e *examination) subscribers(what, region string, confirmed map[string]bool) {
	wanted := e.emails(region)
	for _, email := range wanted {
		switch yes, subscribed := confirmed[email]; {
		case yes:
			e.ok("%s: %s is told", what, email)
		case subscribed:
			e.wrong("have them follow the link in AWS's e-mail", "%s: %s has not confirmed", what, email)
		default:
			e.wrong(mend, "%s: %s is not subscribed", what, email)
		}
	}
	if len(confirmed) == 0 && len(wanted) == 0 {
		e.wrong("set alarmEmails, or subscribe to the topic", "%s: nobody hears of alarms", what)
	}
}

func (e *examination) emails(region string) (all []string) {
	for _, r := range e.Plan.ByType("aws:sns/topicSubscription:TopicSubscription") {
		if e.region(r) == region {
			email, _ := r.Inputs["endpoint"].(string)
			all = append(all, email)
		}
	}
	return all
}

// alarms looks whether every alarm is there, and whether one sounds.
func (e *examination) alarms(ctx context.Context) {
	planned := map[string][]plan.Resource{}
	for _, r := range e.Plan.ByType("aws:cloudwatch/metricAlarm:MetricAlarm") {
		planned[e.region(r)] = append(planned[e.region(r)], r)
	}
	for _, region := range slices.Sorted(maps.Keys(planned)) {
		var names []string
		for _, r := range planned[region] {
			name, _ := r.Inputs["name"].(string)
			names = append(names, name)
		}
		there, err := describe(ctx, cloudwatch.NewFromConfig(e.in(region)), names)
		if err != nil {
			e.failed("alarms: those in "+region, err)
			continue
		}
		for n, r := range planned[region] {
			e.alarm("alarms: "+names[n]+" in "+region, r, there[names[n]])
		}
	}
}

// describe returns the alarms by name, a hundred in a call.
func describe(ctx context.Context, client *cloudwatch.Client, names []string) (map[string]types.MetricAlarm, error) {
	there := map[string]types.MetricAlarm{}
	for part := range slices.Chunk(names, 100) {
		out, err := client.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: part, MaxRecords: aws.Int32(100)})
		if err != nil {
			return nil, err
		}
		for _, a := range out.MetricAlarms {
			there[aws.ToString(a.AlarmName)] = a
		}
	}
	return there, nil
}

func (e *examination) alarm(what string, r plan.Resource, got types.MetricAlarm) {
	threshold, _ := r.Inputs["threshold"].(float64)
	switch {
	case got.AlarmName == nil:
		e.wrong(mend, "%s: there is none", what)
	case !aws.ToBool(got.ActionsEnabled) || len(got.AlarmActions) == 0:
		e.wrong(mend, "%s: it tells nobody", what)
	case got.Threshold != nil && *got.Threshold != threshold:
		e.wrong(mend, "%s: sounds at %v, not %v", what, *got.Threshold, threshold)
	case got.StateValue == types.StateValueAlarm:
		text, _ := r.Inputs["alarmDescription"].(string)
		_, todo, _ := strings.Cut(text, "What to do: ")
		e.wrong(todo, "%s: it sounds: %s", what, aws.ToString(got.StateReason))
	default:
		e.ok("%s", what)
	}
}
