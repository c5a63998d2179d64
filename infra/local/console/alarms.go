package console

import (
	"encoding/json"
	"fmt"
	"sort"
	"time"

	"secure-media-cdn/infra/plan"
)

const typeAlarm = "aws:cloudwatch/metricAlarm:MetricAlarm"

// alarm is one alarm of the plan, as far as it can be judged here.
type alarm struct {
	name, description string
	region            string
	series            series
	statistic         string
	period            time.Duration
	periods           int64 // evaluated
	datapoints        int   // of them that must breach
	comparison        string
	threshold         float64
	missing           string // how periods without data are treated
	unsupported       string // why it cannot be judged here, or empty
}

func (a alarm) slots() int64 { return int64(a.period / slot) }

// alarmState is an alarm as the page shows it.
type alarmState struct {
	Name        string  `json:"name"`
	Description string  `json:"description"`
	Region      string  `json:"region"`
	Metric      string  `json:"metric"`
	Statistic   string  `json:"statistic"`
	Comparison  string  `json:"comparison"` // ">", …
	Threshold   float64 `json:"threshold"`
	Period      int     `json:"periodSeconds"`
	Periods     int64   `json:"periods"`
	// State is ok, alarm, nodata or unmeasured; Reason says why if unmeasured.
	State  string `json:"state"`
	Reason string `json:"reason,omitempty"`
	// Value is the statistic over the period that ends now, null without data.
	Value *float64 `json:"value"`
}

// comparisons are CloudWatch's for a fixed threshold.
var comparisons = map[string]struct {
	sign     string
	breaches func(value, threshold float64) bool
}{
	"GreaterThanThreshold":          {">", func(v, t float64) bool { return v > t }},
	"GreaterThanOrEqualToThreshold": {"≥", func(v, t float64) bool { return v >= t }},
	"LessThanThreshold":             {"<", func(v, t float64) bool { return v < t }},
	"LessThanOrEqualToThreshold":    {"≤", func(v, t float64) bool { return v <= t }},
}

var statistics = map[string]func(bucket) float64{
	"Sum":         func(b bucket) float64 { return b.sum },
	"Average":     func(b bucket) float64 { return b.sum / float64(b.count) },
	"Minimum":     func(b bucket) float64 { return b.min },
	"Maximum":     func(b bucket) float64 { return b.max },
	"SampleCount": func(b bucket) float64 { return float64(b.count) },
}

// readAlarms reads the plan's alarms, sorted by name. home is the region of resources that name none.
func readAlarms(doc *plan.Document, home string) ([]alarm, error) {
	alarms := []alarm{}
	for _, r := range doc.ByType(typeAlarm) {
		a, err := readAlarm(r, home)
		if err != nil {
			return nil, fmt.Errorf("alarm %s: %w", r.Name, err)
		}
		alarms = append(alarms, a)
	}
	sort.Slice(alarms, func(i, j int) bool { return alarms[i].name < alarms[j].name })
	return alarms, nil
}

func readAlarm(r plan.Resource, home string) (alarm, error) {
	var in struct {
		Namespace, MetricName, Statistic, ComparisonOperator string
		AlarmDescription, TreatMissingData                   string
		Dimensions                                           map[string]string
		Period, EvaluationPeriods, DatapointsToAlarm         int
		Threshold                                            float64
	}
	text, err := json.Marshal(r.Inputs)
	if err == nil {
		err = json.Unmarshal(text, &in)
	}
	if err != nil {
		return alarm{}, err
	}
	a := alarm{
		name: r.Name, description: in.AlarmDescription, region: r.Region,
		series:    series{namespace: in.Namespace, metric: in.MetricName},
		statistic: in.Statistic, period: time.Duration(in.Period) * time.Second, periods: int64(in.EvaluationPeriods),
		datapoints: in.DatapointsToAlarm, comparison: in.ComparisonOperator, threshold: in.Threshold,
		missing: in.TreatMissingData,
	}
	if a.region == "" {
		a.region = home
	}
	a.series.name = in.Dimensions["FunctionName"]
	if in.Namespace == awsLambda {
		a.series.region = a.region
	}
	if a.datapoints == 0 {
		a.datapoints = in.EvaluationPeriods
	}
	a.unsupported = a.limits()
	return a, nil
}

// limits says why the alarm cannot be judged here, or nothing.
func (a alarm) limits() string {
	_, statistic := statistics[a.statistic]
	_, comparison := comparisons[a.comparison]
	switch {
	case a.series.metric == "Throttles" || a.series.metric == "FunctionThrottles" ||
		a.series.metric == "LambdaLimitExceededErrors":
		return "nothing is throttled here: what AWS would refuse waits instead"
	case !a.series.measurable():
		return fmt.Sprintf("nothing here measures %s of %s", a.series.metric, a.series.namespace)
	case !statistic || !comparison:
		return fmt.Sprintf("the console does not compute %q with %q", a.statistic, a.comparison)
	case a.period < slot || a.period%slot != 0 || a.periods < 1 || a.period*time.Duration(a.periods) > 24*time.Hour:
		return "the console looks back a day at most, in steps of ten seconds"
	}
	return ""
}

// judge computes the state of an alarm. Where CloudWatch's periods begin at whole minutes, these end now, so that
// the page shows at once what happens.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
func (m *metrics) judge(a alarm, now time.Time) alarmState {
	s := alarmState{
		Name: a.name, Description: a.description, Region: a.region, Metric: a.series.metric, Statistic: a.statistic,
		Comparison: comparisons[a.comparison].sign, Threshold: a.threshold, Period: int(a.period / time.Second),
		Periods: a.periods,
		State:   "unmeasured", Reason: a.unsupported,
	}
	if a.unsupported != "" {
		return s
	}
	ring, end := m.series[a.series], slotOf(now)+1
	known, breaching := 0, 0
	for n := range a.periods {
		b := ring.sum(end-(n+1)*a.slots(), end-n*a.slots())
		if b.count == 0 {
			if a.missing == "breaching" {
				breaching++
			}
			if a.missing == "breaching" || a.missing == "notBreaching" {
				known++
			}
			continue
		}
		known++
		value := statistics[a.statistic](b)
		if n == 0 {
			s.Value = &value
		}
		if comparisons[a.comparison].breaches(value, a.threshold) {
			breaching++
		}
	}
	switch {
	case breaching >= a.datapoints:
		s.State = "alarm"
	case known == 0:
		s.State = "nodata"
	default:
		s.State = "ok"
	}
	return s
}
