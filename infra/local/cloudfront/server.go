// Package cloudfront stands in for CloudFront on one machine: an HTTP handler that answers as one distribution of
// the plan would. Package distribution reads what the plan says of it.
//
// Where AWS's documents leave a choice, or this package differs from them:
//   - The listener stands for HTTPS. A request with the header CloudFront-Forwarded-Proto: http stands for plain HTTP.
//   - There is one edge location, with one cache, and no regional cache behind it.
//   - A conditional request (If-None-Match …) that misses the cache is fetched whole and answered here, where
//     CloudFront forwards the condition. The viewer sees the same.
//   - A Range that misses the cache goes to the origin as it is. The 206 is kept for that very range only, and only
//     for a lifetime that its own headers give: the default TTL is never applied to a fragment, since S3 promises the
//     overridden Cache-Control on 200 only: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
//   - A body of more than a quarter of the cache passes through uncached.
//   - A HEAD that misses tells the length of the object as S3 has it, also if a GET would be compressed.
//   - The viewer-response function sees a whole answer, with the status 200, where a condition or a range then makes a
//     304 or a 206 of it; and the response headers policy applies after it.
//   - stale-while-revalidate is ignored: an expired object is fetched first.
//   - The hash of a body reaches a function's URL only in a header that the origin request policy forwards.
package cloudfront

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"secure-media-cdn/infra/local/cloudfront/distribution"
)

// DefaultCacheBytes is the size of the cache if Options does not say.
const DefaultCacheBytes = 256 << 20

// Lambda runs one version of a Lambda@Edge function on one event and returns its answer, both JSON. An error stands
// for a function that failed: thrown, crashed or timed out.
type Lambda func(ctx context.Context, event []byte) ([]byte, error)

// Function runs a CloudFront Function on one event and returns the value that its handler returned, both JSON.
type Function interface {
	Run(ctx context.Context, event []byte) ([]byte, error)
}

// S3 is the S3 server that stands for every bucket.
type S3 struct {
	// Endpoint is its base URL; buckets are addressed by path below it.
	Endpoint string
	// Credentials sign what origin access control signs.
	Credentials aws.Credentials
}

// Options configure a Server.
type Options struct {
	Distribution *distribution.Distribution
	// Lambdas holds the functions at origin-request by numbered ARN, Functions those at viewer events by ARN.
	Lambdas   map[string]Lambda
	Functions map[string]Function
	S3        S3
	URLs      Functions
	// Now is the clock, time.Now if nil.
	Now func() time.Time
	// CacheBytes bounds what the cache holds, bodies, headers and keys; 0 means DefaultCacheBytes.
	CacheBytes int64
	// OnRequest, if set, is called after each answer, from its goroutine.
	OnRequest func(Record)
}

// Record describes one request that was answered.
type Record struct {
	Time      time.Time
	Method    string
	Path      string // as the viewer sent it, with "?…" for a query string
	Status    int
	Bytes     int64  // of the body
	Result    string // x-edge-result-type: Hit, RefreshHit, Miss, Error, LambdaGeneratedResponse, …
	Source    Source
	Behaviour string // the path pattern, "*" for the default
	// Failed names the CloudFront Function that failed or whose answer was refused.
	Failed   string
	Duration time.Duration
	// Note says why a function's answer or a fetch was refused, for the console.
	Note string
}

// Source says who gave an answer.
type Source string

// The sources of answers.
const (
	FromCloudFront Source = "cloudfront" // itself: redirects, refusals, failures
	FromGate       Source = "gate"       // the viewer-request function
	FromCache      Source = "cache"
	FromFunction   Source = "function" // the origin-request function
	FromS3         Source = "s3"
	FromURL        Source = "url" // a Lambda function at its address
)

// Stats are counters since the start, and the cache as it is now.
type Stats struct {
	Requests      int64 `json:"requests"`
	Hits          int64 `json:"hits"` // RefreshHit included
	Errors4xx     int64 `json:"errors4xx"`
	Errors5xx     int64 `json:"errors5xx"`
	FunctionCalls int64 `json:"functionCalls"` // origin-request
	OriginReads   int64 `json:"originReads"`
	CacheObjects  int64 `json:"cacheObjects"`
	CacheBytes    int64 `json:"cacheBytes"`
}

// Server answers for one distribution. It is safe for concurrent use.
type Server struct {
	*distribution.Distribution
	behaviours []*behaviour // as in the distribution
	via        []string     // the Via header, towards viewer and origin alike
	cache      *cache
	now        func() time.Time
	onRequest  func(Record)

	mu    sync.Mutex
	stats Stats
}

// behaviour is one cache behaviour with what runs for it.
type behaviour struct {
	*distribution.Behaviour
	origin         origin
	viewerRequest  Function // nil: none
	viewerResponse Function // nil: none
	originRequest  Lambda   // nil: none
}

var _ http.Handler = (*Server)(nil)

// New makes a Server. Its error names every function that the distribution needs and nothing runs for.
func New(o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = DefaultCacheBytes
	}
	s := &Server{Distribution: o.Distribution, cache: newCache(o.CacheBytes), now: o.Now, onRequest: o.OnRequest}
	host, _, _ := strings.Cut(s.Domain, ".")
	s.via = []string{"1.1 " + host + ".cloudfront.net (CloudFront)"}
	var problems []error
	for _, read := range s.Behaviours {
		b := &behaviour{Behaviour: read, viewerRequest: o.Functions[read.ViewerRequest],
			viewerResponse: o.Functions[read.ViewerResponse], originRequest: o.Lambdas[read.OriginRequest]}
		if b.viewerRequest == nil && read.ViewerRequest != "" {
			problems = append(problems, fmt.Errorf("behaviour %s: no function runs for %s", read.Pattern, read.ViewerRequest))
		}
		if b.viewerResponse == nil && read.ViewerResponse != "" {
			problems = append(problems, fmt.Errorf("behaviour %s: no function runs for %s", read.Pattern, read.ViewerResponse))
		}
		if b.originRequest == nil && read.OriginRequest != "" {
			problems = append(problems, fmt.Errorf("behaviour %s: no function runs for %s", read.Pattern, read.OriginRequest))
		}
		var err error
		if read.Origin.URL != nil {
			b.origin, err = newFunctionURL(read.Origin, s.ARN, o.URLs)
		} else {
			b.origin, err = newBucket(read.Origin, s.ARN, o.S3)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("behaviour %s: %w", read.Pattern, err))
		}
		s.behaviours = append(s.behaviours, b)
	}
	return s, errors.Join(problems...)
}

// Stats returns the counters.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	stats := s.stats
	s.mu.Unlock()
	stats.CacheObjects, stats.CacheBytes = s.cache.size()
	return stats
}

func (s *Server) count(change func(*Stats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.stats)
}
