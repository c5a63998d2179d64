package console

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/seal"
	"secure-media-cdn/function/seal/sealtest"
	"secure-media-cdn/infra/local/cloudfront"
	"secure-media-cdn/infra/local/cloudfront/distribution"
	"secure-media-cdn/infra/local/cloudfrontjs"
	"secure-media-cdn/infra/local/lambda"
	"secure-media-cdn/infra/local/resources"
	"secure-media-cdn/infra/plan"
	"secure-media-cdn/infra/plan/recorder"
	"secure-media-cdn/infra/stack"
)

// operated is the stack `everything` before its alarms: its distribution with its own CloudFront Functions, of which
// parts can be broken.
type operated struct {
	console   *Console
	server    *cloudfront.Server
	store     *cloudfrontjs.MapStore
	functions map[string]*breakable // by name in the plan
	edge      func() ([]byte, error)
	now       time.Time
	link      string
}

// breakable is a CloudFront Function that can be made to answer otherwise.
type breakable struct {
	cloudfront.Function
	instead func() ([]byte, error)
}

func (b *breakable) Run(ctx context.Context, event []byte) ([]byte, error) {
	if b.instead != nil {
		return b.instead()
	}
	return b.Function.Run(ctx, event)
}

func everything(t *testing.T) *plan.Document {
	t.Helper()
	doc, err := recorder.Evaluate(recorder.Options{
		Program: stack.Deploy, Root: moduleRoot(t), Stack: "everything",
		ConfigFile:    "../../stack/testdata/Pulumi.everything.yaml",
		RevealSecrets: true,
	})
	require.NoError(t, err)
	return doc
}

func operate(t *testing.T, doc *plan.Document) *operated {
	t.Helper()
	o := &operated{now: time.Unix(1_800_000_000, 0), store: &cloudfrontjs.MapStore{}, functions: map[string]*breakable{}}
	clock := func() time.Time { return o.now }
	const home = "eu-west-1" // of the stack `everything`
	alarms, err := readAlarms(doc, home)
	require.NoError(t, err)
	o.console = &Console{now: clock, alarms: alarms, metrics: newMetrics(alarms), names: metricNames(doc),
		log: newRequestLog(), outputs: outputs{Regions: []string{home}},
		options: Options{Stats: func() cloudfront.Stats { return cloudfront.Stats{} }}}

	bucket := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "photo")
	}))
	t.Cleanup(bucket.Close)
	options := cloudfront.Options{Now: clock, OnRequest: o.console.Observe, Functions: map[string]cloudfront.Function{},
		Lambdas: map[string]cloudfront.Lambda{},
		S3:      cloudfront.S3{Endpoint: bucket.URL, Credentials: resources.Local},
		URLs:    cloudfront.Functions{URLs: map[string]string{}}}
	for _, u := range doc.ByType("aws:lambda/functionUrl:FunctionUrl") {
		address, err := url.Parse(u.Outputs["functionUrl"].(string))
		require.NoError(t, err)
		options.URLs.URLs[address.Host] = bucket.URL
	}
	options.Distribution, err = distribution.Read(doc)
	require.NoError(t, err)
	for _, f := range doc.ByType("aws:cloudfront/function:Function") {
		function, err := cloudfrontjs.New(f.Inputs["code"].(string), o.store, cloudfrontjs.WithClock(clock),
			cloudfrontjs.WithLog(io.Discard), cloudfrontjs.WithLimit(time.Minute))
		require.NoError(t, err)
		o.functions[f.Name] = &breakable{Function: function}
		options.Functions[f.Outputs["arn"].(string)] = o.functions[f.Name]
	}
	o.edge = func() ([]byte, error) {
		return []byte(`{"status":"200","headers":{"cache-control":[{"key":"Cache-Control","value":"no-store"}]}}`), nil
	}
	for _, f := range doc.ByType("aws:lambda/function:Function") {
		options.Lambdas[f.Outputs["qualifiedArn"].(string)] = func(context.Context, []byte) ([]byte, error) {
			return o.edge()
		}
	}
	o.server, err = cloudfront.New(options)
	require.NoError(t, err)
	o.store.Update(sealtest.Entries(1))
	hash, err := sealtest.Key(t, 1).Seal(seal.Claims{ExpiresAt: o.now.Add(24 * time.Hour)}, strings.NewReader("random"))
	require.NoError(t, err)
	o.link = seal.LinkPath(hash)
	return o
}

func (o *operated) get(path string) {
	o.server.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil))
}

// sounding returns the alarms that sound.
func (o *operated) sounding() (names []string) {
	for _, a := range o.console.pulse().Alarms {
		if a.State == "alarm" {
			names = append(names, a.Name)
		}
	}
	return names
}

var errBroken = errors.New("broken")

func fails() ([]byte, error)   { return nil, errBroken }
func invalid() ([]byte, error) { return []byte("null"), nil }

// brings is how the condition of each alarm comes about here.
var brings = map[string]func(*operated){
	"HighErrorRate": func(o *operated) { o.edge = fails; o.get(o.link) },
	"ClientErrorSurge": func(o *operated) {
		for range 3 {
			o.get("/images/" + strings.Repeat("A", 32))
			o.now = o.now.Add(5 * time.Minute)
		}
		o.get("/images/" + strings.Repeat("A", 32))
	},
	"HighLatency-eu-west-1": func(o *operated) {
		o.console.ObserveLambda("edge", lambda.Report{Duration: 900 * time.Millisecond})
	},
	"EdgeFailed":          func(o *operated) { o.edge = fails; o.get(o.link) },
	"EdgeAnswerRefused":   func(o *operated) { o.edge = invalid; o.get(o.link) },
	"IssuerFailed":        func(o *operated) { o.console.ObserveLambda("issuer", lambda.Report{Err: errBroken}) },
	"IssuerAnswersErrors": func(o *operated) { o.console.ObserveURL("issuer", http.StatusBadGateway) },
	"ImagesFailed":        func(o *operated) { o.console.ObserveLambda("images", lambda.Report{Err: errBroken}) },
	"ImagesAnswersErrors": func(o *operated) { o.console.ObserveURL("images", http.StatusServiceUnavailable) },
	"ImagesSlow": func(o *operated) {
		o.console.ObserveLambda("images", lambda.Report{Duration: 25 * time.Second})
	},
	"SessionFailed":        func(o *operated) { o.console.ObserveLambda("session", lambda.Report{Err: errBroken}) },
	"SessionAnswersErrors": func(o *operated) { o.console.ObserveURL("session", http.StatusServiceUnavailable) },
	"SessionGateFailed": func(o *operated) {
		o.functions["session-gate"].instead = fails
		o.get("/session")
	},
	"SessionGateAnswerRefused": func(o *operated) {
		o.functions["session-gate"].instead = invalid
		o.get("/session")
	},
	// The gate itself: it cannot read its store, or a key is not as it must be.
	"GateFailed": func(o *operated) {
		o.store.FailReads(func(string) error { return errBroken })
		o.get(o.link)
	},
	"GateAnswerRefused":    func(o *operated) { o.functions["gate"].instead = invalid; o.get(o.link) },
	"PublicFailed":         func(o *operated) { o.functions["public"].instead = fails; o.get("/marketplace/a") },
	"PublicAnswerRefused":  func(o *operated) { o.functions["public"].instead = invalid; o.get("/marketplace/a") },
	"HeadersFailed":        func(o *operated) { o.functions["headers"].instead = fails; o.get(o.link) },
	"HeadersAnswerRefused": func(o *operated) { o.functions["headers"].instead = invalid; o.get(o.link) },
}

const (
	waits   = "nothing is throttled here: what AWS would refuse waits instead"
	unknown = "nothing here measures "
)

// cannot is why one machine cannot bring about the condition of the others. The name is without the region.
var cannot = map[string]string{
	"EdgeThrottled": waits, "EdgeLimitExceeded": waits, "IssuerThrottled": waits, "ImagesThrottled": waits,
	"SessionThrottled": waits, "SessionGateThrottled": waits,
	"GateThrottled": waits, "PublicThrottled": waits, "HeadersThrottled": waits,
	"TableThrottled": unknown, "TableFailed": unknown, "TableWritesThrottled": unknown,
	"EventsLost": unknown, "EventsLate": unknown, "RevocationListFull": unknown, "RevocationListFilling": unknown,
}

func TestEveryAlarmCanSoundHereOrItIsSaidWhyNot(t *testing.T) {
	doc := everything(t)
	known := map[string]bool{}
	for _, a := range operate(t, doc).console.alarms {
		known[a.name] = true
		name, _, _ := strings.Cut(a.name, "-")
		known[name] = true
		why, not := cannot[name]
		bring, can := brings[a.name]
		require.NotEqual(t, can, not, "say how the alarm %s comes to sound here, or why it cannot", a.name)
		t.Run(a.name, func(t *testing.T) {
			if not {
				assert.Contains(t, a.unsupported, why)
				return
			}
			o := operate(t, doc)
			o.get(o.link)
			o.get("/marketplace/a")
			require.Empty(t, o.sounding(), "all is well to begin with")
			bring(o)
			assert.Contains(t, o.sounding(), a.name)
		})
	}
	for name := range brings {
		assert.True(t, known[name], "there is no alarm %s", name)
	}
	for name := range cannot {
		assert.True(t, known[name], "there is no alarm %s", name)
	}
}

// A gate that refuses every link because of its keys does so with an error, which counts, and not with an answer.
func TestAGateWithoutAUsableKeySoundsItsAlarm(t *testing.T) {
	doc := everything(t)
	for name, spoil := range map[string]func(*operated){
		"the key is too short": func(o *operated) { o.store.Put("k.1", "short") },
		"the keys are gone": func(o *operated) {
			o.store.Update(nil, seal.KeyEntry(1), seal.AudienceEntry)
		},
		"the store cannot be read": func(o *operated) { o.store.FailReads(func(string) error { return errBroken }) },
	} {
		t.Run(name, func(t *testing.T) {
			o := operate(t, doc)
			spoil(o)
			o.get(o.link)
			assert.ElementsMatch(t, []string{"GateFailed", "HighErrorRate"}, o.sounding())
		})
	}
}
