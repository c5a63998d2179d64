package bench

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// plan says how much is measured. Everything is measured in alternation, in an
// order that is drawn anew each time, so that the machine's noise hits all alike.
type plan struct {
	coldStarts int // of each side, not counting the first two, which read from the disk
	warmUp     int // requests per environment before any counts, for Node.js to compile
	alone      int // requests to a single environment
	crowdTurns int // of each side, when several environments work at the same time
	crowdEach  int // requests per environment in one turn
}

var (
	full  = plan{coldStarts: 20, warmUp: 1000, alone: 6000, crowdTurns: 40, crowdEach: 25}
	quick = plan{coldStarts: 3, warmUp: 100, alone: 300, crowdTurns: 2, crowdEach: 20}
)

// crowd is how many environments several are.
const crowd = 8

const coldUncounted = 2

// ask makes one request, checks its answer and returns how long it took.
type ask func() (time.Duration, error)

// asks returns the ask of an environment for the live link.
func (e *environment) asks() ask {
	event := live.event()
	return func() (time.Duration, error) {
		body, from, to, err := e.ask(event)
		if err != nil {
			return 0, err
		}
		if err := e.settle(); err != nil {
			return 0, err
		}
		return to.Sub(from), check(body)
	}
}

// check refuses an answer that does not go on with a request.
func check(body []byte) error {
	if !bytes.Contains(body, []byte(`"uri":"/`)) {
		return fmt.Errorf("wrong answer: %s", body)
	}
	return nil
}

// coldSeries starts each side again and again, and returns the times from the
// start of the process until its first answer.
func coldSeries(starts int, sides ...side) (map[string][]time.Duration, error) {
	event := live.event()
	series := map[string][]time.Duration{}
	for turn := range coldUncounted + starts {
		rand.Shuffle(len(sides), func(i, j int) { sides[i], sides[j] = sides[j], sides[i] })
		for _, s := range sides {
			e, err := s.start()
			if err != nil {
				return nil, err
			}
			body, _, to, err := e.ask(event)
			e.end()
			if err := errors.Join(err, check(body)); err != nil {
				return nil, fmt.Errorf("starting %s: %w", s.name, err)
			}
			if turn >= coldUncounted {
				series[s.name] = append(series[s.name], to.Sub(e.started))
			}
		}
	}
	return series, nil
}

// contender is one side at work in one or more environments.
type contender struct {
	name         string
	environments []*environment // none for the floor
	asks         []ask
	warm         []usage // of each environment, before the first counted request
	series       []time.Duration
}

// contenders starts n environments of each side, with n floors beside them.
// The caller ends them all, also after an error.
func contenders(n int, endpoint string, sides ...side) ([]*contender, error) {
	f := &contender{name: bare}
	all := []*contender{f}
	for range n {
		f.asks = append(f.asks, floor(endpoint, hashOf("live")))
	}
	for _, s := range sides {
		c := &contender{name: s.name}
		all = append(all, c)
		for range n {
			e, err := s.start()
			if err != nil {
				return all, err
			}
			c.environments = append(c.environments, e)
			c.asks = append(c.asks, e.asks())
		}
	}
	return all, nil
}

func endAll(all []*contender) {
	for _, c := range all {
		for _, e := range c.environments {
			e.end()
		}
	}
}

// warmSeries lets each contender in turn make its requests, in all of its
// environments at the same time, until every one had its turns.
func warmSeries(all []*contender, warmUp, turns, each int) error {
	for _, c := range all {
		if _, err := c.turn(warmUp); err != nil {
			return fmt.Errorf("warming %s: %w", c.name, err)
		}
	}
	for _, c := range all {
		for _, e := range c.environments {
			u, err := usageOf(e.cmd.Process.Pid)
			if err != nil {
				return err
			}
			c.warm = append(c.warm, u)
		}
	}
	order := slices.Clone(all)
	for range turns {
		rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, c := range order {
			took, err := c.turn(each)
			if err != nil {
				return fmt.Errorf("measuring %s: %w", c.name, err)
			}
			c.series = append(c.series, took...)
		}
	}
	return nil
}

// turn makes each request after the other in every environment.
func (c *contender) turn(each int) ([]time.Duration, error) {
	took, errs := make([][]time.Duration, len(c.asks)), make([]error, len(c.asks))
	var working sync.WaitGroup
	for i, ask := range c.asks {
		working.Go(func() {
			for range each {
				d, err := ask()
				if err != nil {
					errs[i] = err
					return
				}
				took[i] = append(took[i], d)
			}
		})
	}
	working.Wait()
	return slices.Concat(took...), errors.Join(errs...)
}

// cost returns what a request cost in processor time, and the memory of one
// environment: the median one's, now and at its peak.
func (c *contender) cost() (perRequest time.Duration, resident, peak int64, err error) {
	var cpu time.Duration
	var residents, peaks []int64
	for i, e := range c.environments {
		u, err := usageOf(e.cmd.Process.Pid)
		if err != nil {
			return 0, 0, 0, err
		}
		cpu += u.cpu - c.warm[i].cpu
		residents, peaks = append(residents, u.resident), append(peaks, u.peak)
	}
	slices.Sort(residents)
	slices.Sort(peaks)
	return cpu / time.Duration(len(c.series)), percentile(residents, 50), percentile(peaks, 50), nil
}
