// Package cloudfrontjs runs CloudFront Functions of the runtime cloudfront-js-2.0
// in Go, on the JavaScript engine goja. The local edge and the gate's tests use
// it; nothing that ships does.
//
// It is meant to be narrower than CloudFront, never wider: what the runtime's
// documentation does not list is refused when the source is read ([Check]) or
// missing when it runs, and what is listed but not modelled here is an error
// that says so. Modelled are the language, the modules cloudfront (the key value
// store) and crypto, Buffer, console.log, and a Date that stands still. Not
// modelled are the 2 MB of memory and the unit in which CloudFront counts
// computing time: here a function is stopped after a time on the clock.
//
// Where the documentation is silent, njs decides, the engine of the same make
// whose error texts ("await in arguments not supported") it repeats.
//
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-javascript-runtime-20.html
package cloudfrontjs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/dop251/goja"
)

// MaxSource is the most bytes a function's source may have.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
const MaxSource = 10 * 1024

// defaultLimit stops a function that does not end. It is far above what
// CloudFront allows (about a millisecond), because goja is slower and a busy
// machine slower still.
const defaultLimit = time.Second

// ErrLimit says that a function was stopped because it ran too long.
var ErrLimit = errors.New("the function ran longer than its limit")

// Function is a CloudFront Function, ready to run. It may be used by many
// goroutines at once; each run has an engine of its own and starts afresh, as
// at CloudFront, so nothing is remembered from one run to the next.
type Function struct {
	program *goja.Program
	store   KeyValueStore
	limit   time.Duration
	now     func() time.Time

	logging sync.Mutex
	log     io.Writer

	idle chan *engine // engines to use again: making one takes far longer than a run
}

// maxIdle bounds the engines kept for later; more may run at once.
const maxIdle = 16

// Option changes how a [Function] runs.
type Option func(*Function)

// WithLog sends what the function prints with console.log to w, a line each.
// Writes do not overlap. Without it the lines are dropped.
func WithLog(w io.Writer) Option { return func(f *Function) { f.log = w } }

// WithClock sets the clock that Date reads once at the start of each run.
func WithClock(now func() time.Time) Option { return func(f *Function) { f.now = now } }

// WithLimit sets how long one run may take (1 second without it).
func WithLimit(d time.Duration) Option { return func(f *Function) { f.limit = d } }

// New reads a function's source, which must pass [Check]. store is the key value
// store associated with the function, or nil if none is: then cf.kvs() throws.
func New(source string, store KeyValueStore, options ...Option) (*Function, error) {
	if err := Check(source); err != nil {
		return nil, err
	}
	// All of the source becomes the body of one function, so that its constants
	// are made anew for each run. The first line stays the first line.
	wrapped := "(function (require, __import) { 'use strict'; " + replaceImports(source) + "\nreturn handler; })"
	program, err := goja.Compile("function.js", wrapped, true)
	if err != nil {
		return nil, fmt.Errorf("compiling the function: %w", err)
	}
	f := &Function{
		program: program, store: store, limit: defaultLimit, now: time.Now,
		log: io.Discard, idle: make(chan *engine, maxIdle),
	}
	for _, option := range options {
		option(f)
	}
	return f, nil
}

// Run calls the handler with an event and returns its result, both JSON. The
// error is [ErrLimit] after too long a run, ctx's after its end, and otherwise
// what the function threw; CloudFront answers 503 for each.
func (f *Function) Run(ctx context.Context, event []byte) ([]byte, error) {
	e, err := f.takeEngine()
	if err != nil {
		return nil, err
	}
	e.now = f.now()

	overtime := time.AfterFunc(f.limit, func() { e.vm.Interrupt(ErrLimit) })
	stopWatching := context.AfterFunc(ctx, func() { e.vm.Interrupt(ctx.Err()) })
	result, err := e.run(string(event))
	// An engine that may still be interrupted must not run for anyone else.
	if stopped, unwatched := overtime.Stop(), stopWatching(); stopped && unwatched {
		f.keepEngine(e)
	}

	var interrupted *goja.InterruptedError
	if errors.As(err, &interrupted) {
		if cause, ok := interrupted.Value().(error); ok {
			return nil, cause
		}
	}
	if err != nil {
		return nil, fmt.Errorf("running the function: %w", err)
	}
	return []byte(result), nil
}

func (f *Function) takeEngine() (*engine, error) {
	select {
	case e := <-f.idle:
		return e, nil
	default:
		return newEngine(f)
	}
}

func (f *Function) keepEngine(e *engine) {
	select {
	case f.idle <- e:
	default:
	}
}

func (f *Function) print(line string) {
	f.logging.Lock()
	defer f.logging.Unlock()
	// A log that cannot be written must not change the answer.
	_, _ = io.WriteString(f.log, line+"\n")
}
