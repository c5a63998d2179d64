// Package bulk issues links to as many objects as an input names, and writes what became of each line of the input to
// an output, in order. A run that ended at whatever moment is taken up again by the same one: see [Output]. Its memory
// does not grow with the input.
package bulk

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/issue/api"
)

// Job is one run.
type Job struct {
	Input  *Reader
	Output *Output
	// Issue asks for links to up to issue.MaxObjects objects, as client.Client does.
	Issue func(ctx context.Context, objects []string) ([]api.Link, error)
	// Audience is the audience that Issue binds links to; empty binds each to its own service, if that asks for tickets.
	Audience string
	// Parallel bounds how many calls are made at once.
	Parallel int
	// Count is updated while the job runs.
	Count *Count
	// Wait is how long everybody waits when the issuer is too busy; it doubles up to a minute.
	Wait time.Duration
}

// Count says how far a job is.
type Count struct {
	Earlier atomic.Int64 // results that an earlier run wrote
	Links   atomic.Int64 // results with a link, those of an earlier run included
	Failed  atomic.Int64 // results without one, likewise
}

// Done is how many results there are.
func (c *Count) Done() int64 { return c.Links.Load() + c.Failed.Load() }

func (c *Count) add(r Result) {
	if r.Error != nil {
		c.Failed.Add(1)
	} else {
		c.Links.Add(1)
	}
}

// batch is what one call asks for.
type batch struct {
	records []Record
	results []Result
	err     error
	done    chan struct{} // closed once results or err are there
}

// Run does the job. After an error everything that the output has is right, and the same job again goes on behind it.
func (j Job) Run(ctx context.Context) error {
	if err := j.Output.resume(j.Input, j.Audience, func(r Result) {
		j.Count.Earlier.Add(1)
		j.Count.add(r)
	}); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	asker := &asker{issue: j.Issue, wait: j.Wait}
	work := make(chan *batch)
	// The order is as long as the work in hand, and so is what is kept in memory.
	order := make(chan *batch, j.Parallel)
	for range j.Parallel {
		group.Go(func() {
			for b := range work {
				b.results, b.err = asker.links(ctx, b.records)
				close(b.done)
			}
		})
	}
	read := make(chan error, 1)
	group.Go(func() {
		defer close(order)
		defer close(work)
		read <- j.read(ctx, order, work)
	})
	for b := range order {
		select {
		case <-b.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if b.err != nil {
			return b.err
		}
		if err := j.Output.add(b.results); err != nil {
			return err
		}
		for _, r := range b.results {
			j.Count.add(r)
		}
	}
	return <-read
}

// read hands out the input in batches, to be asked for and to be written.
func (j Job) read(ctx context.Context, order, work chan<- *batch) error {
	for {
		b := &batch{done: make(chan struct{})}
		var end error
		for len(b.records) < issue.MaxObjects && end == nil {
			var record Record
			if record, end = j.Input.Next(); end == nil {
				b.records = append(b.records, record)
			}
		}
		if len(b.records) > 0 {
			for _, to := range []chan<- *batch{order, work} {
				select {
				case to <- b:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
		if errors.Is(end, io.EOF) {
			return nil
		}
		if end != nil {
			return end
		}
	}
}

// links returns a result for each record.
func (a *asker) links(ctx context.Context, records []Record) ([]Result, error) {
	var objects []string
	for _, r := range records {
		if r.Problem == "" {
			objects = append(objects, r.Object)
		}
	}
	links, err := a.ask(ctx, objects)
	if err != nil {
		return nil, err
	}
	results := make([]Result, len(records))
	for n, r := range records {
		if r.Problem != "" {
			results[n] = unnamed(r)
			continue
		}
		results[n] = Result{Line: r.Line, Link: links[0]}
		results[n].Download, results[n].Variants = "", nil
		if e := links[0].Error; e != nil { // its field is a place in the call, which nobody here knows
			results[n].Error = &api.Problem{Code: e.Code, Message: e.Message}
		}
		links = links[1:]
	}
	return results, nil
}
