package faults

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write README.md anew")

// experiment is one fault in some of the three regions.
type experiment struct {
	name    string
	fault   Fault
	slow    bool // takes all of the time that a viewer has
	regions []string
	scope   string
	// What the viewer of a live, an expired and an unknown link gets.
	live, expired, unknown string
}

// experiments holds, for each fault, what viewers get when all regions have it. With a region left that works, every
// fault but one costs them nothing.
func experiments() []experiment {
	var list []experiment
	for _, f := range []experiment{
		{name: "refused", fault: Refused, live: "503", expired: "503", unknown: "503"},
		{name: "reset in the middle of the answer", fault: ResetMidAnswer, live: "503", expired: "503", unknown: "503"},
		{name: "black hole", fault: BlackHole, slow: true, live: "503", expired: "503", unknown: "503"},
		{name: "slow first byte, 1.2 s", fault: SlowFirstByte, slow: true, live: "served", expired: "403", unknown: "404"},
		{name: "slow trickle, 20 bytes a second", fault: SlowTrickle, slow: true, live: "503", expired: "503",
			unknown: "404"},
		{name: "HTTP 500", fault: ServerError, live: "503", expired: "503", unknown: "503"},
		{name: "throttled", fault: Throttled, live: "503", expired: "503", unknown: "503"},
		{name: "wrong item types", fault: WrongTypes, live: "500", expired: "500", unknown: "404"},
		{name: "truncated JSON", fault: TruncatedJSON, live: "503", expired: "503", unknown: "503"},
		{name: "expired credentials", fault: ExpiredToken, live: "503", expired: "503", unknown: "503"},
		{name: "clock 20 minutes off", fault: ClockSkew, live: "served", expired: "403", unknown: "404"},
		{name: "replica behind home", fault: Behind},
	} {
		all := f
		if f.name != "wrong item types" { // one that nobody else is asked about
			f.live, f.expired, f.unknown = "served", "403", "404"
		}
		if f.name != "clock 20 minutes off" { // the clock is the function's own
			f.regions, f.scope = []string{nearest}, "the nearest"
			list = append(list, f)
			f.regions, f.scope = []string{nearest, next}, "all but home"
			list = append(list, f)
		}
		if f.name != "replica behind home" {
			all.regions, all.scope = []string{nearest, next, home}, "all"
			list = append(list, all)
		}
	}
	return list
}

// result is what came of an experiment.
type result struct {
	experiment
	first, later, expired, unknown answer
	variant                        answer // of a viewer who asks for a variant of the live link's photo
	lines                          []line
	requests                       map[string]int
}

// TestFaults puts every fault before the zip that ships, and writes down what viewers got.
func TestFaults(t *testing.T) {
	_, engine := startTable(t)
	list := experiments()
	results := make([]result, len(list))
	var wait sync.WaitGroup
	together := make(chan struct{}, 6) // they mostly wait
	for i, e := range list {
		wait.Go(func() {
			together <- struct{}{}
			defer func() { <-together }()
			results[i] = e.run(t, engine)
		})
	}
	wait.Wait()
	require.False(t, t.Failed())
	for _, r := range results {
		t.Run(r.name+", "+r.scope, r.check)
	}
	document(t, results)
}

// run sends, to a new process, three viewers of a live link, one of a variant and one each of an expired and an unknown
// link.
func (e experiment) run(t *testing.T, engine string) result {
	proxy := startProxy(t, engine)
	for region, d := range map[string]time.Duration{nearest: 5 * time.Millisecond, next: 15 * time.Millisecond,
		home: 75 * time.Millisecond} {
		proxy.Delay(region, d)
	}
	f := startFunction(t, proxy, 1)
	f.ask(t, []byte(`{}`)) // so that no start is in the times
	for _, region := range e.regions {
		proxy.Set(region, e.fault)
	}
	ask := func(hash string) answer { return f.ask(t, get(hash, "origin", home, nearest, next)) }
	r := result{experiment: e}
	r.first, r.later, r.later = ask(live), ask(live), ask(live)
	r.variant = f.ask(t, getVariant(live, home, nearest, next))
	r.expired, r.unknown = ask(expired), ask(unknown)
	r.lines, r.requests = f.log.lines(t, 6)[1:], proxy.Requests()
	return r
}

func (r result) check(t *testing.T) {
	assert.Equal(t, r.live, r.first.status, "the first viewer")
	assert.Equal(t, r.live, r.later.status, "later viewers")
	assert.Equal(t, r.live, r.variant.status, "a viewer of a variant, as one of the photo")
	assert.Equal(t, r.experiment.expired, r.expired.status, "an expired link")
	assert.Equal(t, r.experiment.unknown, r.unknown.status, "an unknown link")
	for _, a := range []answer{r.expired, r.unknown} {
		assert.Contains(t, []string{"403", "404", "500", "503"}, a.status, "a dead link is never served")
	}
	if r.variant.status == "served" {
		assert.Equal(t, "/", r.variant.location, "at the images function")
		r.variant.location = r.first.location
	}
	for _, a := range []answer{r.first, r.later, r.variant, r.expired, r.unknown} {
		assert.Less(t, a.took, budget, "nobody waits longer than the budget")
		if a.status == "served" {
			assert.Equal(t, "/simple-chat/photo.jpg", a.location)
		} else {
			assert.Equal(t, "no-store", a.cacheControl, "no error may be held in a cache")
		}
	}
	assert.Len(t, slices.DeleteFunc(slices.Clone(r.lines), func(l line) bool { return l.Message != "lookup" }), 6,
		"a line for each viewer")
	for _, l := range r.lines {
		assert.NotContains(t, fmt.Sprint(l), "photo", "no key in the log")
	}
	assert.Positive(t, r.requests[nearest], "the fault was met")
}

// document writes the table to build/faults.md, and holds README.md, which has the same table from some run, against
// it: only times may differ.
func document(t *testing.T, results []result) {
	var b strings.Builder
	b.WriteString("| fault | in | a live link's first viewer | later viewers | expired link | unknown link | log | " +
		"alarm |\n|---|---|---|---|---|---|---|---|\n")
	for _, r := range results {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", r.name, r.scope, r.first, r.later, r.expired,
			r.unknown, r.logged(), r.alarms())
	}
	table := b.String()
	build := filepath.Join(root(t), "build")
	require.NoError(t, os.MkdirAll(build, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(build, "faults.md"), []byte(table), 0o644))

	const start = "<!-- table -->\n"
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	before, was, found := strings.Cut(string(readme), start)
	require.True(t, found)
	if *update {
		require.NoError(t, os.WriteFile("README.md", []byte(before+start+table), 0o644))
		return
	}
	assert.Equal(t, withoutTimes(was), withoutTimes(table), "README.md is out of date: run the test with -update")
}

var times = regexp.MustCompile(` in [0-9]+ ms`)

// withoutTimes returns the columns that are the same in every run.
func withoutTimes(table string) string {
	var b strings.Builder
	for row := range strings.Lines(times.ReplaceAllString(table, "")) {
		b.WriteString(strings.Join(strings.Split(row, "|")[:7], "|") + "\n")
	}
	return b.String()
}

func (a answer) String() string {
	return fmt.Sprintf("%s in %d ms", a.status, a.took.Milliseconds())
}

// logged sums the log up: the outcomes, and why a region was put on hold.
func (r result) logged() string {
	var said []string
	add := func(text string) {
		if !slices.Contains(said, text) {
			said = append(said, text)
		}
	}
	for _, l := range r.lines {
		if l.Message == "lookup" {
			add(strings.ToLower(l.Level) + ": " + l.Outcome)
		} else {
			why := l.Error[strings.LastIndex(l.Error, ": ")+1:]
			if _, dynamo, found := strings.Cut(l.Error, "DynamoDB answered "); found {
				why = strings.Join(strings.SplitN(dynamo, ": ", 3)[:2], " ")
			}
			add(strings.ToLower(l.Level) + ": " + l.Message + " (" + strings.TrimSpace(why) + ")")
		}
	}
	slices.Sort(said)
	return strings.Join(said, "; ")
}

// alarms names those of infra/stack that fire if this lasts, everywhere the function runs.
func (r result) alarms() string {
	var fire []string
	if r.later.status[0] == '5' {
		fire = append(fire, "HighErrorRate")
	}
	if r.slow && r.scope == "all" {
		fire = append(fire, "HighLatency")
	}
	switch r.name {
	case "throttled":
		fire = append(fire, "TableThrottled")
	case "HTTP 500":
		fire = append(fire, "TableFailed")
	}
	return cmp.Or(strings.Join(fire, ", "), "none: viewers notice nothing")
}
