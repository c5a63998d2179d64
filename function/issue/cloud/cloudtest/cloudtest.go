// Package cloudtest stands for the AWS services that the issuer calls, as an
// HTTP transport that knows them by their real host names. DynamoDB is the real
// engine; the others know what the issuer asks of them and refuse the rest. Any
// call can be made to fail.
package cloudtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"secure-media-cdn/infra/local/cloudfrontjs"
)

const cloudFrontHost = "cloudfront.amazonaws.com"

// Region is the home region of AWS.Config.
const Region = "eu-central-1"

// Fault is what happens to one call.
type Fault int

// The faults.
const (
	None     Fault = iota
	Refused        // the service answers 500 and does nothing
	Throttle       // the service answers that it is too busy, and does nothing
	Lost           // the service does it, and its answer is lost
	Killed         // the caller dies before the call; so do all later ones
)

// ErrKilled is what every call of a dead caller gets.
var ErrKilled = errors.New("the process is dead")

// AWS is a transport to all services. Its fields are set before the first call
// and read after the last.
type AWS struct {
	// DynamoDB is the engine's URL.
	DynamoDB string
	// Objects are the objects in the bucket: their ETags, by key. One with none is not there.
	Objects map[string]string
	// DeleteMarkers are the versions of the delete markers of objects that are not there, by key.
	DeleteMarkers map[string]string
	// Fault says what happens to the n-th call, counted from 1; nil is nothing.
	Fault func(n int, r *http.Request) Fault
	// Latency is how long each call takes, but for those to the engine.
	Latency time.Duration
	// Calls names the calls in their order.
	Calls []string

	CloudFront    CloudFront
	KeyValueStore KeyValueStore

	mu   sync.Mutex
	dead bool
}

// Config returns the AWS configuration of a process whose calls all come here.
// With retries the SDK retries what it does in production, only sooner; without
// it does not.
func (a *AWS) Config(retries bool) aws.Config {
	cfg := aws.Config{
		Region:     Region,
		HTTPClient: &http.Client{Transport: a},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "testtest"}, nil
		}),
	}
	cfg.Retryer = func() aws.Retryer {
		if !retries {
			return aws.NopRetryer{}
		}
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = 5 * time.Millisecond })
	}
	return cfg
}

// Revive lets a new process call, without faults.
func (a *AWS) Revive() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.dead, a.Fault = false, nil
}

// RoundTrip implements http.RoundTripper.
func (a *AWS) RoundTrip(r *http.Request) (*http.Response, error) {
	a.travel(r) // there
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	defer a.travel(r) // and back
	a.mu.Lock()
	a.Calls = append(a.Calls, name(r))
	fault := None
	if a.Fault != nil {
		fault = a.Fault(len(a.Calls), r)
	}
	a.dead = a.dead || fault == Killed
	dead := a.dead
	a.mu.Unlock()
	switch {
	case dead:
		return nil, ErrKilled
	case fault == Refused:
		return answer(r, func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) }), nil
	case fault == Throttle && r.URL.Hostname() == cloudFrontHost:
		return answer(r, func(w http.ResponseWriter) { a.CloudFront.refuse(w, "Throttling") }), nil
	case fault == Throttle:
		return answer(r, func(w http.ResponseWriter) {
			cloudfrontjs.Refuse(w, http.StatusBadRequest,
				"ThrottlingException")
		}), nil
	}
	response, err := a.serve(r)
	if fault == Lost && err == nil {
		_, _ = io.Copy(io.Discard, response.Body)
		response.Body.Close()
		return nil, errors.New("the connection was reset")
	}
	return response, err
}

// travel takes half of the latency, unless the caller gives up.
func (a *AWS) travel(r *http.Request) {
	select {
	case <-time.After(a.Latency / 2):
	case <-r.Context().Done():
	}
}

func (a *AWS) serve(r *http.Request) (*http.Response, error) {
	host := r.URL.Hostname()
	if strings.HasPrefix(host, "dynamodb.") {
		engine, err := url.Parse(a.DynamoDB)
		if err != nil {
			return nil, err
		}
		forwarded := r.Clone(r.Context())
		forwarded.URL.Scheme, forwarded.URL.Host = engine.Scheme, engine.Host
		return http.DefaultTransport.RoundTrip(forwarded)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case host == cloudFrontHost:
		return answer(r, func(w http.ResponseWriter) { a.CloudFront.serve(w, r) }), nil
	case strings.HasSuffix(host, ".cloudfront-kvs.global.api.aws"):
		return answer(r, func(w http.ResponseWriter) { a.KeyValueStore.ServeHTTP(w, r) }), nil
	case strings.HasSuffix(host, ".s3."+Region+".amazonaws.com") && r.Method == http.MethodHead:
		return answer(r, func(w http.ResponseWriter) {
			key := strings.TrimPrefix(r.URL.Path, "/")
			if etag := a.Objects[key]; etag != "" {
				w.Header().Set("ETag", strconv.Quote(etag))
				return
			}
			if version := a.DeleteMarkers[key]; version != "" {
				w.Header().Set("X-Amz-Delete-Marker", "true")
				w.Header().Set("X-Amz-Version-Id", version)
			}
			w.WriteHeader(http.StatusNotFound)
		}), nil
	}
	return nil, fmt.Errorf("cloudtest knows nothing of %s %s", r.Method, r.URL)
}

// name returns the call's service and operation.
func name(r *http.Request) string {
	service, _, _ := strings.Cut(r.URL.Hostname(), ".")
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		return service + ":" + target[strings.LastIndex(target, ".")+1:]
	}
	return service + ":" + r.Method
}

func answer(r *http.Request, serve func(http.ResponseWriter)) *http.Response {
	recorder := httptest.NewRecorder()
	serve(recorder)
	response := recorder.Result()
	response.Request = r
	return response
}
