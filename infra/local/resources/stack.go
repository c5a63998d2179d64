// Package resources makes a plan document real on one machine: the bucket in a real S3 server, the table in a real
// DynamoDB engine, the functions as processes of their own zips, the distribution as an HTTP server.
//
// Each resource type that the program may register is supported, or listed with the reason why one machine cannot;
// see kinds.go. A type or a property that is in neither list is an error, so that a local run never quietly differs
// from what would be deployed.
package resources

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"secure-media-cdn/function/issue/client"
	"secure-media-cdn/infra/local/cloudfront"
	"secure-media-cdn/infra/local/cloudfront/distribution"
	"secure-media-cdn/infra/local/engine"
	"secure-media-cdn/infra/local/lambda"
	"secure-media-cdn/infra/local/locked"
	"secure-media-cdn/infra/plan"
)

// Provider gives a client of AWS's SDK the credentials of everything on the stack.
var Provider = client.LocalCredentials

// Local are those credentials. They open nothing else.
var Local = Provider.Value

// Options say what to make real, and where.
type Options struct {
	// Document is the evaluated program, with its secrets in plain text.
	Document *plan.Document
	// Region is the stack's own, where resources without one are.
	Region string
	// Root is the module's folder: archives are named relative to it.
	Root string
	// Dir keeps the state. What is there is used again.
	Dir string
	// CDN is where the distribution answers, as Listen returns it. Start closes it, at the stack's end or when it
	// fails. nil is any free port.
	CDN net.Listener
	// Bundles replaces archives by those that run on this machine, by the path in the document. An archive that is
	// not named runs as it is.
	Bundles map[string]string
	// Existing are the documents of buckets that were there before the stack, by name.
	Existing map[string]Existing
	// Propagation is how long a change of the key value store takes to reach the functions that read it.
	Propagation time.Duration
	// Log receives what the functions and the stack itself have to say, one write at a time. It may be nil.
	Log io.Writer
	// OnRequest and OnInvocation, if set, are told of each request at the CDN and each run of a function, from many
	// goroutines.
	OnRequest    func(cloudfront.Record)
	OnInvocation func(function string, report lambda.Report)
	// OnURL, if set, is told of each answer of a function at its own address.
	OnURL func(function string, status int)
}

// Stack is a running stack. Close ends all of it.
type Stack struct {
	// BaseURL is the CDN's address: by the distribution's first alias below localhost, if it has one, so that browsers
	// take its cookies.
	BaseURL string
	// Outputs are the stack's outputs with every address that is served here replaced by its local one.
	Outputs map[string]any
	// Endpoints are the addresses that AWS's own SDKs would be pointed to, by the name of their environment
	// variable.
	Endpoints map[string]string
	// Unsupported says, one reason a line, what this machine does not support.
	Unsupported []string
	// Missing says, one sentence a line, what a bucket of somebody else's lacks for the stack to work.
	Missing []string
	// Bucket is the media bucket's name.
	Bucket string
	// BucketExisted says that somebody else made it.
	BucketExisted bool
	// S3 reaches the bucket.
	S3           *s3.Client
	Distribution *cloudfront.Server

	o         Options
	bucket    *engine.Server
	table     *engine.Server
	functions map[string]*function // by every ARN and name that reaches one
	urls      map[string]string    // where a function URL is served, by what the program saw
	queues    map[string]*queue    // by ARN
	gate      *gate
	closers   []func()
	failed    chan error
}

// Start makes the document real. It has changed nothing but the state folder if it fails.
func Start(ctx context.Context, o Options) (m *Stack, err error) {
	if o.Log == nil {
		o.Log = io.Discard
	}
	o.Log = &locked.Writer{W: o.Log}
	if o.CDN == nil {
		if o.CDN, err = Listen(0); err != nil {
			return nil, err
		}
	}
	m = &Stack{o: o, Endpoints: map[string]string{}, functions: map[string]*function{}, urls: map[string]string{},
		failed: make(chan error, 1)}
	m.closers = append(m.closers, func() { o.CDN.Close() })
	defer func() {
		if err != nil {
			m.Close()
			m = nil
		}
	}()
	if m.Unsupported, err = check(o.Document); err != nil {
		return m, err
	}
	d, err := distribution.Read(o.Document)
	if err != nil {
		return m, err
	}
	address := o.CDN.Addr().(*net.TCPAddr)
	m.BaseURL = "http://" + address.String()
	if name := localName(d.Aliases); name != "" {
		m.BaseURL = "http://" + net.JoinHostPort(name, strconv.Itoa(address.Port))
	}
	lock, err := claim(o.Dir)
	if err != nil {
		return m, err
	}
	m.closers = append(m.closers, func() { lock.Close() })
	for _, step := range []func(context.Context) error{
		m.startControl, m.startTable, m.startBucket, m.startGate, m.startFunctions, m.startQueues, m.startURLs,
	} {
		if err := step(ctx); err != nil {
			return m, err
		}
	}
	if err := m.startDistribution(o.CDN, d); err != nil {
		return m, err
	}
	m.Outputs = m.localise(o.Document.Outputs).(map[string]any)
	return m, nil
}

// Failed receives an error when a part ends that should not.
func (m *Stack) Failed() <-chan error { return m.failed }

// HostName is the host of BaseURL without its port. It leads to every server of the stack.
func (m *Stack) HostName() string {
	u, err := url.Parse(m.BaseURL)
	if err != nil { // it was made here
		panic(err)
	}
	return u.Hostname()
}

// Close ends everything that was started, the last first, and waits for it. It may be called once.
func (m *Stack) Close() {
	for i := len(m.closers) - 1; i >= 0; i-- {
		m.closers[i]()
	}
}

// Listen takes a port of 127.0.0.1 for Options.CDN, 0 any free one. Whoever takes it first need not do anything else
// to find that it is in use.
func Listen(port int) (net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("port %d is in use: choose another with PORT=…, or end what uses it (%w)", port, err)
	case err != nil:
		return nil, fmt.Errorf("port %d cannot be had: choose another with PORT=… (%w)", port, err)
	}
	return l, nil
}

// serve answers on l until the stack is closed.
func (m *Stack) serve(l net.Listener, h http.Handler) {
	s := &http.Server{Handler: onlyLoopback(h), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			m.fail(fmt.Errorf("the server at %s ended: %w", l.Addr(), err))
		}
	}()
	m.closers = append(m.closers, func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if s.Shutdown(ctx) != nil {
			s.Close()
		}
	})
}

// Serve answers on a free port as long as the stack runs, and returns the address.
func (m *Stack) Serve(h http.Handler) (string, error) {
	l, err := Listen(0)
	if err != nil {
		return "", err
	}
	m.serve(l, h)
	return "http://" + l.Addr().String(), nil
}

func (m *Stack) fail(err error) {
	select {
	case m.failed <- err:
	default: // the first is the one that matters
	}
}

func (m *Stack) startDistribution(l net.Listener, d *distribution.Distribution) (err error) {
	o := cloudfront.Options{
		Distribution: d, Lambdas: map[string]cloudfront.Lambda{}, Functions: m.gate.functions, OnRequest: m.o.OnRequest,
		S3:   cloudfront.S3{Endpoint: m.bucket.URL, Credentials: Local},
		URLs: cloudfront.Functions{URLs: map[string]string{}, Credentials: serviceKey},
	}
	for made, served := range m.urls {
		if u, err := url.Parse(made); err == nil {
			o.URLs.URLs[u.Host] = strings.TrimSuffix(served, "/")
		}
	}
	for arn, f := range m.functions {
		o.Lambdas[arn] = f.Invoke
	}
	if m.Distribution, err = cloudfront.New(o); err != nil {
		return err
	}
	m.Unsupported = append(m.Unsupported, d.Unsupported...)
	m.Missing = m.missing()
	m.serve(l, m.Distribution)
	return nil
}
