// Package cloudfront stands for CloudFront on one machine: an HTTP handler that
// behaves as one distribution of the plan document would.
//
// Every input of the distribution, and of the policies, access control and
// functions that it names, is supported, or is listed by [Edge.Unsupported] with
// the reason why one machine cannot, or stops [New] with its property path.
//
// Where AWS's documents leave a choice, or this package differs from them:
//   - The listener stands for HTTPS. A request with the header
//     CloudFront-Forwarded-Proto: http stands for plain HTTP.
//   - There is one edge location, with one cache, no regional tier behind it.
//   - A conditional request (If-None-Match …) that misses the cache is fetched
//     whole and answered here, where CloudFront forwards the condition. The
//     viewer sees the same.
//   - A Range that misses the cache goes to the origin as it is. The 206 is kept
//     for that very range only, and only for a lifetime that its own headers
//     give: the default TTL is never applied to a fragment, since S3 promises
//     the overridden Cache-Control on 200 only (aws-facts 2.5, 3.9).
//   - A body of more than a quarter of the cache passes through uncached.
//   - A HEAD that misses tells the length of the object as S3 has it, also if a
//     GET would be compressed.
//   - stale-while-revalidate is ignored: an expired object is fetched first.
package cloudfront

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"secure-media-cdn/infra/plan"
)

// DefaultCacheBytes is the size of the cache if Options does not say.
const DefaultCacheBytes = 256 << 20

// Lambda runs one version of a Lambda@Edge function on one event and returns
// its answer, both JSON. An error stands for a function that failed: thrown,
// crashed or timed out.
type Lambda func(ctx context.Context, event []byte) ([]byte, error)

// Function runs a CloudFront Function on one event and returns the value that
// its handler returned, both JSON.
type Function interface {
	Run(ctx context.Context, event []byte) ([]byte, error)
}

// S3 is the S3 server that stands for every bucket.
type S3 struct {
	// Endpoint is its base URL; buckets are addressed by path below it.
	Endpoint string
	// AccessKeyID and SecretAccessKey sign what origin access control signs.
	AccessKeyID, SecretAccessKey string
}

// Options configure an Edge.
type Options struct {
	Document *plan.Document
	// Distribution is the logical name; empty means the only one there is.
	Distribution string
	// Lambdas holds the functions of lambdaFunctionAssociations by numbered ARN.
	Lambdas map[string]Lambda
	// Functions holds those of functionAssociations by ARN.
	Functions map[string]Function
	S3        S3
	// Now is the clock, time.Now if nil.
	Now func() time.Time
	// CacheBytes bounds what the cache holds, bodies, headers and keys;
	// 0 means DefaultCacheBytes.
	CacheBytes int64
	// OnRequest, if set, is called after each answer, from its goroutine.
	OnRequest func(Record)
}

// Record describes one request that was answered.
type Record struct {
	Time      time.Time
	Method    string
	Path      string // as the viewer sent it, with the query string
	Status    int
	Bytes     int64  // of the body
	Result    string // x-edge-result-type: Hit, RefreshHit, Miss, Error, LambdaGeneratedResponse, …
	Source    Source
	Behaviour string // the path pattern, "*" for the default
	Duration  time.Duration
	// Note says why a function's answer or a fetch was refused, for the console.
	Note string
}

// Source says who gave an answer.
type Source string

// The sources of answers.
const (
	FromEdge     Source = "edge" // CloudFront itself: redirects, refusals, failures
	FromGate     Source = "gate" // the viewer-request function
	FromCache    Source = "cache"
	FromFunction Source = "function" // the origin-request function
	FromS3       Source = "s3"
)

// Stats are counters since the start, and the cache as it is now.
type Stats struct {
	Requests      int64 `json:"requests"`
	Hits          int64 `json:"hits"` // RefreshHit included
	Errors4xx     int64 `json:"errors4xx"`
	Errors5xx     int64 `json:"errors5xx"`
	BytesSent     int64 `json:"bytesSent"`
	FunctionCalls int64 `json:"functionCalls"` // origin-request
	FunctionFails int64 `json:"functionFails"` // execution and validation errors
	OriginReads   int64 `json:"originReads"`
	CacheObjects  int64 `json:"cacheObjects"`
	CacheBytes    int64 `json:"cacheBytes"`
	Evictions     int64 `json:"evictions"`
}

// Server answers for one distribution. It is safe for concurrent use.
type Server struct {
	distribution
	cache     *cache
	now       func() time.Time
	onRequest func(Record)
	count     struct {
		requests, hits, errors4xx, errors5xx, bytes, calls, fails, reads atomic.Int64
	}
}

// New makes an Edge of a distribution in the plan document. Its error names
// every property that is not supported.
func New(o Options) (*Server, error) {
	r := resolver{options: o}
	d := r.distribution()
	if err := errors.Join(r.problems...); err != nil {
		return nil, fmt.Errorf("the distribution cannot be run locally: %w", err)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = DefaultCacheBytes
	}
	return &Server{distribution: *d, cache: newCache(o.CacheBytes), now: o.Now, onRequest: o.OnRequest}, nil
}

// Unsupported lists the inputs that one machine cannot support, one line each:
// the property path and the reason.
func (e *Server) Unsupported() []string { return e.unsupported }

// Domain is the distribution's domain name, ID its identifier.
func (e *Server) Domain() string { return e.domain }

// ID is the distribution's identifier.
func (e *Server) ID() string { return e.id }

// Stats returns the counters.
func (e *Server) Stats() Stats {
	s := Stats{
		Requests: e.count.requests.Load(), Hits: e.count.hits.Load(), Errors4xx: e.count.errors4xx.Load(), Errors5xx: e.count.errors5xx.Load(),
		BytesSent: e.count.bytes.Load(), FunctionCalls: e.count.calls.Load(), FunctionFails: e.count.fails.Load(), OriginReads: e.count.reads.Load(),
	}
	s.CacheObjects, s.CacheBytes, s.Evictions = e.cache.stats()
	return s
}

var _ http.Handler = (*Server)(nil)
