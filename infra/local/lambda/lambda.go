// Package lambda is AWS Lambda on one machine. It runs the very zip that ships: unzipped into a folder, started as
// processes that speak the Lambda Runtime API, invoked one request at a time each.
//
// A [Function] keeps a pool of execution environments. An environment is one process (a group of them, if it starts
// more) with a Runtime API of its own on a free port of 127.0.0.1, since AWS_LAMBDA_RUNTIME_API is how a process
// finds its invocations. New environments start on demand, up to a maximum; beyond it requests wait. Those that are
// idle for a while end. A process that dies takes at most the request in flight with it.
//
// What is not here: memory and processor limits, a read-only /var/task, IAM, and the freezing of idle environments.
// Only reserved concurrency throttles; without it a request waits instead.
package lambda

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"secure-media-cdn/infra/local/locked"
)

// Runtimes that a bundle may name.
const (
	// Python runs the host's python3, whichever version that is: it does what AWS's runtime client does at init,
	// which is to import the handler's module. Only a module that replaces its process is of use here.
	Python = "python3.13"
	// Provided runs ./bootstrap of the bundle.
	Provided = "provided.al2023"
)

// initTimeout is Lambda's limit on the time from start to the first poll.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
const initTimeout = 10 * time.Second

// idleLimit is how long an environment without work lives. Lambda does not say how long that is.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
const idleLimit = 5 * time.Minute

var (
	// ErrClosed says that the function was closed before it answered.
	ErrClosed = errors.New("the function is closed")
	// ErrThrottled says that as many invocations as are reserved for the function are under way.
	ErrThrottled = errors.New("the function's reserved concurrency is used up")
)

// Config describes one version of a function.
type Config struct {
	// Name is what the function sees as its own name; at the edge CloudFront's replicas see "us-east-1.<name>".
	Name    string
	Version string
	ARN     string // of the version, sent with every invocation
	Region  string // where the function believes to run

	Bundle  string // path of the zip
	Dir     string // folder below which it is unzipped; empty: the system's for temporary files
	Runtime string // Python or Provided
	Handler string

	MemoryMB int
	Timeout  time.Duration // of one invocation
	// Concurrency is the largest number of environments at a time.
	Concurrency int
	// Reserved is the largest number of invocations at a time; one more fails with ErrThrottled. nil: they wait.
	// https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
	Reserved *int

	// Credentials are the access key that the function finds in its environment.
	Credentials aws.Credentials
	// Environment holds the function's own variables, and the endpoint overrides (AWS_ENDPOINT_URL_…) that lead its
	// AWS clients to this machine. Naming a variable that Lambda sets is an error.
	Environment map[string]string

	// Logs receives every line that the function prints, after the function's name. It need not be safe for
	// concurrent use.
	Logs io.Writer
	// Report, if set, is called once per invocation, from many goroutines.
	Report func(Report)
}

// Report says what one invocation cost, like Lambda's REPORT line.
type Report struct {
	RequestID string
	Cold      bool          // the invocation started an environment
	Init      time.Duration // from its start to its first poll, if cold
	Duration  time.Duration // of the handler
	Err       error
}

// Function is an unzipped bundle and the environments that run it. It is safe for concurrent use.
type Function struct {
	cfg       Config
	dir       string
	command   []string
	variables []string
	logs      *locked.Writer
	initLimit time.Duration
	idleLimit time.Duration

	slots   chan struct{} // one per environment that is not idle
	closing context.Context
	close   context.CancelFunc

	mu      sync.Mutex
	closed  bool
	taken   int            // invocations under way or waiting
	idle    []*environment // the last is the one used last
	running sync.WaitGroup
}

// New unzips the bundle. No process starts before the first [Function.Invoke]. The caller closes the function.
func New(cfg Config) (*Function, error) {
	if cfg.Concurrency < 1 || cfg.Timeout <= 0 {
		return nil, fmt.Errorf("function %s: concurrency and timeout must be positive", cfg.Name)
	}
	if cfg.Logs == nil {
		cfg.Logs = io.Discard
	}
	dir, err := os.MkdirTemp(cfg.Dir, "lambda-")
	if err != nil {
		return nil, fmt.Errorf("function %s: %w", cfg.Name, err)
	}
	f := &Function{cfg: cfg, dir: dir, slots: make(chan struct{}, cfg.Concurrency),
		logs: &locked.Writer{W: cfg.Logs}, initLimit: initTimeout, idleLimit: idleLimit}
	f.closing, f.close = context.WithCancel(context.Background())
	if err := f.prepare(); err != nil {
		_ = os.RemoveAll(dir)
		return nil, fmt.Errorf("function %s: %w", cfg.Name, err)
	}
	return f, nil
}

func (f *Function) prepare() (err error) {
	if err := unzip(f.cfg.Bundle, f.dir); err != nil {
		return err
	}
	if f.command, err = command(f.cfg, f.dir); err != nil {
		return err
	}
	f.variables, err = variables(f.cfg, f.dir)
	return err
}

// Invoke runs the function on payload and returns its answer. A failure of the function, its process included, is an
// [*Error]. If ctx ends first, Invoke returns at once while the environment finishes its work, as Lambda's does.
func (f *Function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	return f.InvokeAs(ctx, NewRequestID(), payload)
}

// InvokeAs is Invoke for a payload that tells the invocation's own name, which comes from [NewRequestID].
func (f *Function) InvokeAs(ctx context.Context, requestID string, payload []byte) ([]byte, error) {
	if err := f.take(); err != nil {
		return nil, err
	}
	select {
	case f.slots <- struct{}{}:
	case <-ctx.Done():
		f.give()
		return nil, fmt.Errorf("waiting for a free environment of function %s: %w", f.cfg.Name, ctx.Err())
	case <-f.closing.Done():
		f.give()
		return nil, ErrClosed
	}
	done := make(chan answer, 1)
	go func() {
		defer f.running.Done()
		report, body := f.run(requestID, payload)
		<-f.slots
		f.mu.Lock()
		f.taken-- // before the answer: whoever has it may ask again
		f.mu.Unlock()
		if f.cfg.Report != nil {
			f.cfg.Report(report)
		}
		done <- answer{body, report.Err}
	}()
	select {
	case a := <-done:
		return a.body, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for function %s: %w", f.cfg.Name, ctx.Err())
	}
}

// Close ends every process of the function, waits until all are gone and removes the unzipped bundle. Invocations in
// flight fail with ErrClosed. It may be called more than once.
func (f *Function) Close() error {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.close()
	f.running.Wait()

	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.idle {
		e.end()
	}
	f.idle = nil
	if err := os.RemoveAll(f.dir); err != nil {
		return fmt.Errorf("removing the bundle of function %s: %w", f.cfg.Name, err)
	}
	return nil
}
