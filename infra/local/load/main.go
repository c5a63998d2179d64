// Command load drives a local run with a stated mix of requests, checks every
// answer, and tells throughput and latency for each class:
//
//	go run ./infra/local/load -mix hits=80,misses=5,ranges=10,forged=5 -requests 20000 -connections 16
//
// It finds the run of `make run` by build/local/outputs.json, uploads objects of
// its own, has the issuer make their links, and removes them in the end. With
// -url it asks for given links instead; then there is no miss, since a miss
// needs a link that nobody fetched yet.
//
// It talks to addresses of this machine only, and ends by itself: after the
// requests, or the time limit if that is first. A wrong answer fails the run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// Bounds of a run.
const (
	maxRequests    = 5_000_000
	maxConnections = 1000
	maxLimit       = 30 * time.Minute
	// maxMisses bounds the objects that are uploaded: each serves one miss.
	maxMisses = 2000
)

type flags struct {
	urls        []string
	outputs     string
	mix         mix
	requests    int
	connections int
	limit       time.Duration
	plot        string
}

func main() {
	f, err := parseFlags(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err == nil {
		err = run(ctx, f, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		stop()
		os.Exit(1)
	}
}

func parseFlags(args []string) (flags, error) {
	var f flags
	set := flag.NewFlagSet("load", flag.ContinueOnError)
	set.Func("url", "a link to ask for in place of links of our own; may be repeated", func(s string) error {
		f.urls = append(f.urls, s)
		return loopbackAddress(s)
	})
	set.StringVar(&f.outputs, "outputs", filepath.Join("build", "local", "outputs.json"), "the local run's outputs, with endpoints.json beside them")
	set.Func("mix", "shares of the classes, by default hits=80,misses=5,ranges=10,forged=5, with -url without the misses", func(s string) (err error) {
		f.mix, err = parseMix(s)
		return err
	})
	set.IntVar(&f.requests, "requests", 20_000, "how many requests to send")
	set.IntVar(&f.connections, "connections", 16, "how many connections to keep busy")
	set.DurationVar(&f.limit, "limit", 2*time.Minute, "when to end at the latest")
	set.StringVar(&f.plot, "plot", filepath.Join("build", "load.svg"), "where to draw the latencies")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	if f.mix == (mix{}) {
		f.mix = mix{hits: 80, misses: 5, ranges: 10, forged: 5}
		if len(f.urls) > 0 {
			f.mix[misses] = 0
		}
	}
	switch {
	case set.NArg() > 0:
		return f, fmt.Errorf("%q is no flag", set.Arg(0))
	case f.requests < 1 || f.requests > maxRequests:
		return f, fmt.Errorf("-requests must be from 1 to %d", maxRequests)
	case f.connections < 1 || f.connections > maxConnections:
		return f, fmt.Errorf("-connections must be from 1 to %d", maxConnections)
	case f.limit <= 0 || f.limit > maxLimit:
		return f, fmt.Errorf("-limit must be at most %s", maxLimit)
	case len(f.urls) > 0 && f.mix[misses] > 0:
		return f, errors.New("a miss needs a link that nobody fetched yet: leave -url away, or give a -mix without misses")
	case f.mix.counts(f.requests)[misses] > maxMisses:
		return f, fmt.Errorf("this is more than %d misses, each of which needs an object of its own: lower -requests or their share", maxMisses)
	}
	return f, nil
}

func run(ctx context.Context, f flags, out io.Writer) (err error) {
	counts := f.mix.counts(f.requests)
	t, err := prepare(ctx, f, counts[misses], out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.remove()) }()
	limited, cancel := context.WithTimeout(ctx, f.limit)
	defer cancel()
	result := drive(limited, t, schedule(counts), f.connections)
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	result.print(out)
	if err := os.MkdirAll(filepath.Dir(f.plot), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(f.plot, result.plot(), 0o644); err != nil {
		return fmt.Errorf("drawing the latencies: %w", err)
	}
	fmt.Fprintln(out, "latencies drawn in", f.plot)
	return result.verdict()
}
