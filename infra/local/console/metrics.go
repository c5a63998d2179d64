package console

import (
	"sync"
	"time"

	"secure-media-cdn/infra/local/cloudfront"
	"secure-media-cdn/infra/local/lambda"
	"secure-media-cdn/infra/plan"
)

// Namespaces of the metrics that are measured here.
const (
	cloudFront = "AWS/CloudFront"
	awsLambda  = "AWS/Lambda"
)

// slot is the width of a bucket of samples; it divides every period that CloudWatch has.
const slot = 10 * time.Second

// The metrics that can be measured here, and the sample that each takes of an event; ok is false if it takes none. A
// rate is the average of 0s and 100s.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/programming-cloudwatch-metrics.html
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
var (
	cdnMetrics = map[string]func(cloudfront.Record) (sample float64, ok bool){
		"Requests":        func(cloudfront.Record) (float64, bool) { return 1, true },
		"BytesDownloaded": func(r cloudfront.Record) (float64, bool) { return float64(r.Bytes), true },
		"4xxErrorRate":    func(r cloudfront.Record) (float64, bool) { return rate(r.Status/100 == 4), true },
		"5xxErrorRate":    func(r cloudfront.Record) (float64, bool) { return rate(r.Status/100 == 5), true },
		"TotalErrorRate":  func(r cloudfront.Record) (float64, bool) { return rate(r.Status >= 400), true },
		// Errors are no cacheable requests, and neither are CloudFront's redirects.
		"CacheHitRate": func(r cloudfront.Record) (float64, bool) {
			return rate(r.Result == "Hit" || r.Result == "RefreshHit"), r.Status < 400 && r.Result != "Redirect"
		},
		"LambdaExecutionError":     func(r cloudfront.Record) (float64, bool) { return 1, r.Result == "LambdaExecutionError" },
		"LambdaValidationError":    func(r cloudfront.Record) (float64, bool) { return 1, r.Result == "LambdaValidationError" },
		"FunctionExecutionErrors":  func(r cloudfront.Record) (float64, bool) { return 1, r.Result == "FunctionExecutionError" },
		"FunctionValidationErrors": func(r cloudfront.Record) (float64, bool) { return 1, r.Result == "FunctionValidationError" },
	}
	lambdaMetrics = map[string]func(lambda.Report) float64{
		"Invocations": func(lambda.Report) float64 { return 1 },
		"Duration":    func(r lambda.Report) float64 { return milliseconds(r.Duration) },
		"Errors":      func(r lambda.Report) float64 { return count(r.Err != nil) },
	}
	urlMetrics = map[string]func(status int) float64{
		"UrlRequestCount": func(int) float64 { return 1 },
		"Url4xxCount":     func(status int) float64 { return count(status/100 == 4) },
		"Url5xxCount":     func(status int) float64 { return count(status/100 == 5) },
	}
)

func count(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

func rate(yes bool) float64 { return 100 * count(yes) }

// series names one metric of one function in one region. CloudFront's have no region, and only those of CloudFront
// Functions a name: there is one distribution.
type series struct{ namespace, metric, name, region string }

// measurable reports whether anything here has the metric.
func (s series) measurable() bool {
	switch s.namespace {
	case cloudFront:
		return cdnMetrics[s.metric] != nil
	case awsLambda:
		return lambdaMetrics[s.metric] != nil || urlMetrics[s.metric] != nil
	}
	return false
}

// bucket sums the samples of one slot of time.
type bucket struct {
	slot          int64 // since the epoch; a bucket of another slot is empty
	count         int64
	sum, min, max float64
}

func (b *bucket) add(other bucket) {
	if other.count == 0 {
		return
	}
	if b.count == 0 {
		b.min, b.max = other.min, other.max
	}
	b.min, b.max = min(b.min, other.min), max(b.max, other.max)
	b.count += other.count
	b.sum += other.sum
}

// ring keeps the samples of one series for as long as its alarms look back.
type ring struct {
	mu      sync.Mutex
	buckets []bucket
}

func (r *ring) add(now time.Time, value float64) {
	n := slotOf(now)
	r.mu.Lock()
	defer r.mu.Unlock()
	b := &r.buckets[n%int64(len(r.buckets))]
	if b.slot != n {
		*b = bucket{slot: n}
	}
	b.add(bucket{count: 1, sum: value, min: value, max: value})
}

// sum adds up the slots from first to before end.
func (r *ring) sum(first, end int64) bucket {
	r.mu.Lock()
	defer r.mu.Unlock()
	var total bucket
	for n := max(first, 0); n < end; n++ {
		if b := r.buckets[n%int64(len(r.buckets))]; b.slot == n {
			total.add(b)
		}
	}
	return total
}

func slotOf(t time.Time) int64 { return t.UnixNano() / int64(slot) }

// metrics are the series that alarms ask for; nothing else is kept.
type metrics struct {
	series map[series]*ring
	cdn    []cdnSeries
}

type cdnSeries struct {
	function string // whose errors count; "" for the distribution's own metrics
	sample   func(cloudfront.Record) (float64, bool)
	ring     *ring
}

func newMetrics(alarms []alarm) *metrics {
	m := &metrics{series: map[series]*ring{}}
	for _, a := range alarms {
		if a.unsupported != "" {
			continue
		}
		r := m.series[a.series]
		if r == nil {
			r = &ring{}
			m.series[a.series] = r
			if a.series.namespace == cloudFront {
				m.cdn = append(m.cdn, cdnSeries{a.series.name, cdnMetrics[a.series.metric], r})
			}
		}
		if n := a.slots() * a.periods; n > int64(len(r.buckets)) {
			r.buckets = make([]bucket, n)
		}
	}
	return m
}

func (m *metrics) add(now time.Time, s series, value float64) {
	if r := m.series[s]; r != nil {
		r.add(now, value)
	}
}

// Observe takes note of a request that the CDN answered. It is meant for cloudfront.Options.OnRequest, and quick.
func (c *Console) Observe(r cloudfront.Record) {
	now := c.now()
	for _, s := range c.metrics.cdn {
		if value, ok := s.sample(r); ok && (s.function == "" || s.function == r.Failed) {
			s.ring.add(now, value)
		}
	}
	c.log.add(r)
}

// ObserveLambda takes note of one invocation of a function, which is named as in the plan.
func (c *Console) ObserveLambda(function string, r lambda.Report) {
	now := c.now()
	for metric, sample := range lambdaMetrics {
		c.addTo(function, metric, now, sample(r))
	}
}

// ObserveURL takes note of one answer of the URL of a function, which is named as in the plan.
func (c *Console) ObserveURL(function string, status int) {
	now := c.now()
	for metric, sample := range urlMetrics {
		c.addTo(function, metric, now, sample(status))
	}
}

func (c *Console) addTo(function, metric string, now time.Time, sample float64) {
	for _, name := range c.names[function] {
		c.metrics.add(now, series{awsLambda, metric, name, c.outputs.Regions[0]}, sample)
	}
}

// metricNames returns what CloudWatch calls each function of the plan: by its name, and at the edge with the region
// that it was replicated from before it.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/programming-cloudwatch-metrics.html
func metricNames(doc *plan.Document) map[string][]string {
	names := map[string][]string{}
	for _, r := range doc.ByType("aws:lambda/function:Function") {
		if name, ok := r.Outputs["name"].(string); ok {
			names[r.Name] = []string{name, r.Region + "." + name}
		}
	}
	return names
}
