package bench

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// measured is what one run found.
type measured struct {
	cold, warm times
	used       map[string]usage // cpu is per request
	zip        map[string]int64 // bytes
}

// result is what build/bench.json holds.
type result struct {
	When    time.Time `json:"when"`
	Machine machine   `json:"machine"`
	Figures []figure  `json:"figures"`
}

// figure is one quantity of every side that has it, by the side's name.
type figure struct {
	Name   string             `json:"name"`
	Values map[string]float64 `json:"values"`
	// Share is the most that the edge function's value may be of Node.js's, and
	// Most the most that it may be by itself. 0 means no bar.
	Share float64 `json:"share,omitempty"`
	Most  float64 `json:"most,omitempty"`
}

// ratio is the edge function's value as a share of Node.js's.
func (f figure) ratio() float64 { return f.Values[goEdge] / f.Values[node] }

func (f figure) met() bool {
	return (f.Share == 0 || f.ratio() <= f.Share) && (f.Most == 0 || f.Values[goEdge] <= f.Most)
}

// What AWS's own start of a managed runtime takes before a function of its
// language does anything, in milliseconds, at 256 MB: the sandbox, the
// unzipping, the interpreter and AWS's runtime client. Seen on 22 August 2026.
// https://github.com/maxday/lambda-perf
const (
	python313Start = 87
	nodejs22Start  = 140
)

// figures works out all figures and their bars. Times are in milliseconds,
// memory and sizes in millions of bytes.
func (m measured) figures() []figure {
	of := func(series times, p float64) map[string]float64 {
		values := map[string]float64{}
		for name, s := range series {
			values[name] = ms(percentile(s, p))
		}
		return values
	}
	start, p50 := of(m.cold, 50), of(m.warm, 50)
	// The side's own work: without the Runtime API's hop, which a function that
	// does nothing takes, and without the bare read.
	over := func(side, null string) float64 { return p50[side] - p50[null] - p50[bare] }
	cpu, resident, zip := map[string]float64{}, map[string]float64{}, map[string]float64{}
	for name, u := range m.used {
		cpu[name], resident[name] = ms(u.cpu), float64(u.resident)/1e6
	}
	for name, bytes := range m.zip {
		zip[name] = float64(bytes) / 1e6
	}
	return []figure{
		{Name: "cold start p50, ms", Values: start, Share: 0.6},
		{Name: "cold start, slowest, ms", Values: of(m.cold, 100)},
		// Python is AWS's part; of Node.js it is what a function that does nothing takes.
		{Name: "cold start on AWS, estimated, ms", Share: 0.6, Values: map[string]float64{
			goEdge: python313Start + start[goBinary], node: nodejs22Start + start[node] - start[nodeNull],
		}},
		{Name: "warm p50, ms", Values: p50, Share: 0.5},
		{Name: "warm p90, ms", Values: of(m.warm, 90)},
		{Name: "warm p99, ms", Values: of(m.warm, 99), Share: 0.5},
		{Name: "over the floor, hop apart, ms", Most: 0.25, Values: map[string]float64{
			goEdge: over(goEdge, goNull), node: over(node, nodeNull),
		}},
		{Name: "processor per request, ms", Values: cpu, Share: 0.5},
		{Name: "resident memory, MB", Values: resident, Share: 0.5},
		{Name: "zip, MB", Values: zip, Most: 3.5},
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// columns are the sides in the order of the table, with their titles.
var columns = []struct{ side, title string }{
	{goEdge, "Go"}, {node, "Node.js"}, {goBinary, "Go alone"},
	{bare, "floor"}, {goNull, "Go null"}, {nodeNull, "Node.js null"},
}

// table returns the figures as text.
func (r result) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s, %d processors, %s; Go %s, Python %s, Node.js %s; load %s before, %s after\n\n",
		r.Machine.Processor, r.Machine.Processors, r.Machine.System, r.Machine.Go, r.Machine.Python, r.Machine.Node,
		r.Machine.LoadBefore, r.Machine.LoadAfter)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, c := range columns {
		fmt.Fprintf(w, "\t%s", c.title)
	}
	fmt.Fprintln(w, "\tGo / Node.js\tbar\t\t")
	for _, f := range r.Figures {
		fmt.Fprint(w, f.Name)
		for _, c := range columns {
			cell := ""
			if v, ok := f.Values[c.side]; ok {
				cell = fmt.Sprintf("%.2f", v)
			}
			fmt.Fprintf(w, "\t%s", cell)
		}
		fmt.Fprintf(w, "\t%.2f\t%s\t\n", f.ratio(), f.bar())
	}
	_ = w.Flush()
	return b.String()
}

// bar says what the figure must keep to, and whether it does.
func (f figure) bar() string {
	verdict := "met"
	if !f.met() {
		verdict = "NOT MET"
	}
	switch {
	case f.Share != 0:
		return fmt.Sprintf("at most %g of Node.js\t%s", f.Share, verdict)
	case f.Most != 0:
		return fmt.Sprintf("at most %g\t%s", f.Most, verdict)
	}
	return "\t"
}
