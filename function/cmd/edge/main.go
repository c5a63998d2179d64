// The edge function: a Lambda@Edge function at origin-request, in Go.
//
// Lambda@Edge starts Python, whose launcher hands the process to this binary
// (see package bundle); from then on this is an ordinary Lambda function.
package main

import (
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"

	"secure-media-cdn/function/edge"
	"secure-media-cdn/function/mapping"
)

func main() {
	debug.SetGCPercent(gcPercent)
	go func() {
		loadRoots()
		// From here on an environment answers one request at a time, on a fraction
		// of a processor: a second thread would only take some of it to wake the
		// first. `make bench`: 8 % off the median, a quarter less processor time.
		// Sooner, and the first answer would wait for the certificates.
		runtime.GOMAXPROCS(1)
	}()
	// Lambda gives each environment credentials that outlive it.
	credentials := aws.Credentials{
		AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
	}
	// The AWS SDKs' own settings for other endpoints. Lambda@Edge allows no
	// environment variables, so these speak only on a developer's machine.
	endpoints := struct{ dynamoDB, s3 string }{
		os.Getenv("AWS_ENDPOINT_URL_DYNAMODB"), os.Getenv("AWS_ENDPOINT_URL_S3"),
	}
	log := logger()
	handler := &edge.Handler{
		Open: func(c edge.Config) edge.Lookup {
			return reader(c, os.Getenv("AWS_REGION"), credentials, endpoints.dynamoDB, log).Lookup
		},
		Sign: edge.NewPresigner(credentials, endpoints.s3, time.Now).Sign,
		Now:  time.Now,
		Log:  log,
	}
	lambda.Start(handler)
}

// gcPercent lets the heap grow to 16 MB before it is collected, instead of 4.
// Lambda charges for the memory that is configured, not for what is used, and
// what a collector takes of an edge function's fraction of a processor every
// viewer waits for. BenchmarkStart: the first answer after 38 ms instead of 44,
// since checking a certificate for the first time allocates a good deal.
// BenchmarkLookup: a third less at p99. Resident memory: 26 MB instead of 14.
const gcPercent = 400

// reader reads the table from the region that the function runs in, which at
// the edge is any of a dozen.
func reader(c edge.Config, here string, credentials aws.Credentials, endpoint string, log *slog.Logger) *mapping.Reader {
	r := &mapping.Reader{
		Home: c.Regions[0], Budget: mapping.DefaultBudget, Now: time.Now,
		Failed: func(region string, why error) { log.Warn("region on hold", "region", region, "error", why.Error()) },
	}
	signing := &clock{read: time.Now}
	for _, region := range edge.Nearest(here, c.Regions) {
		r.Replicas = append(r.Replicas, mapping.Replica{Region: region, Table: newTable(c.Table, region, endpoint, credentials, signing)})
	}
	return r
}

// logger writes lines in the form that Lambda's JSON log format keeps as they
// are, with its names for the time and the text.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
func logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			switch {
			case len(groups) > 0:
			case a.Key == slog.TimeKey:
				a.Key, a.Value = "timestamp", slog.StringValue(a.Value.Time().UTC().Format(time.RFC3339Nano))
			case a.Key == slog.MessageKey:
				a.Key = "message"
			}
			return a
		},
	}))
}
