package local

import (
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"secure-media-cdn/function/issue/client"
	"secure-media-cdn/function/mapping"
	"secure-media-cdn/infra/local/cloudfront"
	"secure-media-cdn/infra/local/console"
	"secure-media-cdn/infra/local/lambda"
	"secure-media-cdn/infra/local/resources"
	"secure-media-cdn/infra/plan"
)

// page is the console. The machine tells it of every request from its start on, while it can only be made once the
// stack runs.
type page struct {
	console atomic.Pointer[console.Console]
}

func (p *page) onRequest(r cloudfront.Record) {
	if c := p.console.Load(); c != nil {
		c.Observe(r)
	}
}

func (p *page) onInvocation(function string, r lambda.Report) {
	if c := p.console.Load(); c != nil {
		c.ObserveLambda(function, r)
	}
}

func (p *page) onURL(function string, status int) {
	if c := p.console.Load(); c != nil {
		c.ObserveURL(function, status)
	}
}

// serve makes the console of a running machine and returns its address.
func (p *page) serve(doc *plan.Document, m *resources.Stack) (string, error) {
	region, _ := m.Outputs["mediaBucketRegion"].(string)
	table, _ := m.Outputs["mappingTable"].(string)
	issuer, err := issuerOf(m.Outputs)
	if err != nil {
		return "", err
	}
	c, err := console.New(console.Options{
		Document: doc, Outputs: m.Outputs, S3: m.S3, Stats: m.Distribution.Stats, Unsupported: m.Unsupported,
		Records: &mapping.Table{Name: table, Client: dynamodb.New(dynamodb.Options{
			Region: region, BaseEndpoint: aws.String(m.Endpoints["AWS_ENDPOINT_URL_DYNAMODB"]), Credentials: resources.Provider,
		})},
		Issuer: issuer,
	})
	if err != nil {
		return "", fmt.Errorf("the console: %w", err)
	}
	url, err := m.Serve(c)
	if err != nil {
		return "", err
	}
	p.console.Store(c)
	// By the CDN's own name, so that a browser takes the CDN's cookies from the page.
	return strings.Replace(url, "127.0.0.1", m.HostName(), 1) + console.Path, nil
}

// issuerOf returns the issuer at its own address, called as any application would call it.
func issuerOf(outputs map[string]any) (*client.Client, error) {
	url, _ := outputs["issuerUrl"].(string)
	region, _ := outputs["mediaBucketRegion"].(string)
	return client.Local(url, region)
}
