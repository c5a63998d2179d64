package bench

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// plan says how much is measured. All sides take turns, in an order that is
// drawn anew each time, so that noise of the machine hits all alike.
type plan struct {
	coldStarts int // of each side, after coldUncounted
	warmUp     int // uncounted requests to each side, for Node.js to compile
	warm       int // requests to each side
}

var (
	lookups      = plan{coldStarts: 20, warmUp: 1000, warm: 6000}
	quickLookups = plan{coldStarts: 3, warmUp: 100, warm: 300}

	pictures      = plan{coldStarts: 20, warmUp: 10, warm: 60}
	quickPictures = plan{coldStarts: 5, warmUp: 2, warm: 5}
)

// coldUncounted starts of each side read its files from the disk.
const coldUncounted = 2

// times are the durations measured, by the side's name.
type times map[string][]time.Duration

// job is one request that is made again and again, and a check of its answer.
type job struct {
	event []byte
	check func(answer []byte) error
}

// cold starts each side again and again. It returns the times from the start of
// the process until its first answer.
func cold(starts int, sides []side, j job) (times, error) {
	series := times{}
	for turn := range coldUncounted + starts {
		rand.Shuffle(len(sides), func(i, j int) { sides[i], sides[j] = sides[j], sides[i] })
		for _, s := range sides {
			e, err := s.start()
			if err != nil {
				return nil, err
			}
			body, _, to, err := e.ask(j.event)
			e.end()
			if err == nil {
				err = j.check(body)
			}
			if err != nil {
				return nil, fmt.Errorf("starting %s: %w", s.name, err)
			}
			if turn >= coldUncounted {
				series[s.name] = append(series[s.name], to.Sub(e.started))
			}
		}
	}
	return series, nil
}

// ask makes one request, checks its answer and returns how long it took.
type ask func() (time.Duration, error)

// contender is one side at work, or something that has no environment, like the
// floor.
type contender struct {
	name        string
	ask         ask
	environment *environment
	before      usage // of the environment, before the first counted request
}

// warm makes requests to one environment of each side, and to the others, which
// have none. It returns the times, and what the environments used by the counted
// requests.
func warm(p plan, sides []side, j job, others ...contender) (times, map[string]usage, error) {
	all := slices.Clone(others)
	for _, s := range sides {
		e, err := s.start()
		if err != nil {
			return nil, nil, err
		}
		defer e.end()
		all = append(all, contender{name: s.name, ask: e.asks(j), environment: e})
	}
	for i := range all {
		for range p.warmUp {
			if _, err := all[i].ask(); err != nil {
				return nil, nil, fmt.Errorf("warming %s: %w", all[i].name, err)
			}
		}
		if e := all[i].environment; e != nil {
			var err error
			if all[i].before, err = usageOf(e.cmd.Process.Pid); err != nil {
				return nil, nil, err
			}
		}
	}
	series := times{}
	for range p.warm {
		rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, c := range all {
			took, err := c.ask()
			if err != nil {
				return nil, nil, fmt.Errorf("measuring %s: %w", c.name, err)
			}
			series[c.name] = append(series[c.name], took)
		}
	}
	used := map[string]usage{}
	for _, c := range all {
		if c.environment == nil {
			continue
		}
		u, err := usageOf(c.environment.cmd.Process.Pid)
		if err != nil {
			return nil, nil, err
		}
		u.cpu = (u.cpu - c.before.cpu) / time.Duration(p.warm)
		used[c.name] = u
	}
	return series, used, nil
}

// asks returns the ask of an environment.
func (e *environment) asks(j job) ask {
	return func() (time.Duration, error) {
		body, from, to, err := e.ask(j.event)
		if err == nil {
			err = j.check(body)
		}
		if err != nil {
			return 0, err
		}
		return to.Sub(from), e.settle()
	}
}

// percentile returns the smallest value that at least p percent of the values do
// not exceed (the nearest rank), so always a value that was measured.
func percentile(series []time.Duration, p float64) time.Duration {
	sorted := slices.Sorted(slices.Values(series))
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}
