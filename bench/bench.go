// Package bench measures the edge function beside the same job in Node.js and beside
// the least that any function must do, in one run, on one machine, on one
// engine: `make bench`. README.md in this folder says how to read the figures.
//
// It prints a table and writes build/bench.json and build/bench.svg; with
// -svg it writes the picture elsewhere, as for the README:
//
//	go run ./bench/cmd/bench -svg bench/bench.svg
package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"secure-media-cdn/infra/local/engine"
)

// Run measures and writes the picture to svg. quick measures little, to see
// whether the bench works; its figures are worth nothing.
func Run(short bool, svg string) error {
	p := full
	if short {
		p = quick
	}
	return bench(p, svg)
}

func bench(p plan, svg string) error {
	// Our own garbage is none of the functions' business.
	debug.SetGCPercent(1000)
	ctx := context.Background()
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		return errors.New("run this in the project's folder")
	}
	db, err := engine.DynamoDB(ctx, "")
	if err != nil {
		return err
	}
	defer db.Close()
	if err := fill(ctx, db.URL); err != nil {
		return err
	}
	say("building both functions")
	sides, err := prepare(root, db.URL)
	if err != nil {
		return err
	}
	r := result{When: time.Now().UTC().Truncate(time.Second)}
	if r.Machine, err = thisMachine(root); err != nil {
		return err
	}
	if err := measure(&r, p, sides, db.URL); err != nil {
		return err
	}
	r.Machine.LoadAfter = load()
	r.Bars = r.judge()
	fmt.Print(r.table())
	data, err := r.json()
	if err != nil {
		return err
	}
	return errors.Join(
		write(filepath.Join(root, "build", "bench.json"), data),
		write(svg, []byte(r.plot())),
	)
}

// measure fills in all figures.
func measure(r *result, p plan, sides map[string]side, endpoint string) error {
	say("checking that both give the same answers to %d events", len(cases()))
	if err := compare(sides[goEdge], sides[node]); err != nil {
		return err
	}
	say("cold: %d starts of each", p.coldStarts)
	cold, err := coldSeries(p.coldStarts, sides[goEdge], sides[goBinary], sides[node], sides[goNull], sides[nodeNull])
	if err != nil {
		return err
	}
	r.Cold = summaries(cold)
	r.ColdStarts = map[string][]float64{}
	for name, series := range cold {
		for _, took := range series {
			r.ColdStarts[name] = append(r.ColdStarts[name], ms(took))
		}
	}
	r.Zip = map[string]int64{}
	for _, s := range sides {
		if s.zip == "" {
			continue
		}
		info, err := os.Stat(s.zip)
		if err != nil {
			return err
		}
		r.Zip[s.name] = info.Size()
	}
	functions := []side{sides[goEdge], sides[node], sides[goNull], sides[nodeNull]}
	say("warm, 1 environment: %d requests to each", p.alone)
	alone, err := warm(1, p.warmUp, p.alone, 1, endpoint, functions)
	if err != nil {
		return err
	}
	r.Alone = alone.times
	r.CPU, r.Resident, r.Peak = alone.cpu, alone.resident, alone.peak
	say("warm, %d environments: %d requests to each", crowd, crowd*p.crowdTurns*p.crowdEach)
	crowded, err := warm(crowd, p.warmUp, p.crowdTurns, p.crowdEach, endpoint, functions)
	if err != nil {
		return err
	}
	r.Crowd, r.CrowdCPU = crowded.times, crowded.cpu
	return nil
}

func compare(a, b side) error {
	left, err := a.start()
	if err != nil {
		return err
	}
	defer left.end()
	right, err := b.start()
	if err != nil {
		return err
	}
	defer right.end()
	return sameAnswers(left, right)
}

// warmed is what the functions, and the floor, took while they were warm.
type warmed struct {
	times          map[string]summary
	cpu            map[string]float64 // milliseconds per request
	resident, peak map[string]int64   // bytes
}

// warm measures n environments of each function.
func warm(n, warmUp, turns, each int, endpoint string, functions []side) (warmed, error) {
	all, err := contenders(n, endpoint, functions...)
	defer endAll(all)
	if err != nil {
		return warmed{}, err
	}
	if err := warmSeries(all, warmUp, turns, each); err != nil {
		return warmed{}, err
	}
	found := warmed{map[string]summary{}, map[string]float64{}, map[string]int64{}, map[string]int64{}}
	for _, c := range all {
		found.times[c.name] = summarise(c.series)
		if len(c.environments) == 0 {
			continue
		}
		cpu, resident, peak, err := c.cost()
		if err != nil {
			return warmed{}, err
		}
		found.cpu[c.name], found.resident[c.name], found.peak[c.name] = ms(cpu), resident, peak
	}
	return found, nil
}

func summaries(series map[string][]time.Duration) map[string]summary {
	all := map[string]summary{}
	for name, s := range series {
		all[name] = summarise(s)
	}
	return all
}

func say(format string, args ...any) { fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...) }
