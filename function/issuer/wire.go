// Package issuer is the Lambda function behind the stack's output issuerUrl: it reads the environment, joins
// package issue (the rules) to AWS, and hands Lambda's events to package api (the HTTP API).
package issuer

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfrontkeyvaluestore"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/issue/cloud"
	"secure-media-cdn/function/keyring"
	"secure-media-cdn/function/mapping"
)

// globalRegion is where CloudFront's API lives.
// https://docs.aws.amazon.com/general/latest/gr/cf_region.html
const globalRegion = "us-east-1"

// client bounds each call, so that a silent service costs one try, not all of
// the function's time, and keeps as many connections as one call uses at once.
var client = &http.Client{
	Timeout: 5 * time.Second,
	Transport: &http.Transport{
		DialContext:         (&net.Dialer{Timeout: time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout: 2 * time.Second,
		MaxIdleConnsPerHost: 32,
		IdleConnTimeout:     10 * time.Minute,
		ForceAttemptHTTP2:   true,
	},
}

// New returns the function as the environment configures it, with AWS as the environment gives access to it. Its
// error lists everything that is wrong with the configuration.
func New(ctx context.Context, getenv func(string) string, log *slog.Logger) (*Function, error) {
	cfg, err := loadConfig(getenv)
	if err != nil {
		return nil, err
	}
	base, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRegion(cfg.regions[0]))
	if err != nil {
		return nil, err
	}
	base.HTTPClient = client
	return wire(cfg, base, getenv, log), nil
}

// wire joins the parts.
func wire(c config, base aws.Config, getenv func(string) string, log *slog.Logger) *Function {
	in := func(region string) aws.Config {
		copied := base.Copy()
		copied.Region = region
		return copied
	}
	table := func(region string) *mapping.Table {
		return &mapping.Table{Client: dynamodb.NewFromConfig(in(region)), Name: c.table}
	}
	var options []func(*cloudfrontkeyvaluestore.Options)
	if endpoint := getenv("AWS_ENDPOINT_URL_CLOUDFRONT_KEYVALUESTORE"); endpoint != "" {
		options = append(options, keyring.AtEndpoint(endpoint))
	}
	store := cloudfrontkeyvaluestore.NewFromConfig(in(globalRegion), options...)
	list := &cloud.Revocations{Client: store, Store: c.store, Now: time.Now, Pause: issue.Sleep, Log: log}
	cdn := &cloud.CDN{
		Revocations: list,
		Invalidations: &cloud.Invalidations{Client: cloudfront.NewFromConfig(in(globalRegion)), Distribution: c.distribution,
			Now: time.Now, Pause: issue.Sleep, Log: log},
		Pause: issue.Sleep,
	}
	for _, region := range c.regions[1:] {
		cdn.Replicas = append(cdn.Replicas, cloud.Replica{Region: region, Table: table(region)})
	}
	bucket := cloud.Bucket{Client: s3.NewFromConfig(in(c.bucketRegion), func(o *s3.Options) {
		// One machine has no host name for each bucket.
		o.UsePathStyle = getenv("AWS_ENDPOINT_URL_S3") != ""
	})}
	ring := &cloud.Ring{Keys: &keyring.Ring{Client: store, Store: c.store, Generation: c.generation}, Random: rand.Reader}
	issuer := &issue.Issuer{
		Store:   table(c.regions[0]),
		Hashes:  ring,
		CDN:     cdn,
		Tickets: cloud.Tickets{Ring: ring, List: list},
		Objects: bucket, Unchecked: !c.checkObjects,
		Bucket: c.bucket, BaseURL: c.baseURL, Services: c.services, Variants: c.variants,
		TTL: c.linkTTL, RenewBefore: c.renewBefore, TicketTTL: c.ticketLife, CookieDomain: c.cookieDomain,
		Now: time.Now, Pause: issue.Sleep,
	}
	return newFunction(issuer, forEvents(issuer, cdn), byIdentity(c.callers), log)
}

// restOfEvents is how long those who follow events leave the gate's list to others after each update. An update
// takes a read and a write of some 100 ms each: callers find the list unchanged for most of the time.
const restOfEvents = 500 * time.Millisecond

// forEvents returns the issuer that follows events: it leaves the gate's list to calls most of the time.
func forEvents(i *issue.Issuer, cdn *cloud.CDN) *issue.Issuer {
	patient, behind := *cdn, *i
	list := cdn.Revocations
	patient.Revocations = &cloud.Revocations{Client: list.Client, Store: list.Store, Now: list.Now, Pause: list.Pause,
		Log: list.Log, Rest: restOfEvents}
	behind.CDN = &patient
	return &behind
}
