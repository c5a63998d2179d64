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
	When     time.Time `json:"when"`
	Machine  machine   `json:"machine"`
	Lookups  []figure  `json:"lookups"`
	Pictures []figure  `json:"pictures"`
}

// figure is one quantity of every side that has it, by the side's name.
type figure struct {
	Name   string             `json:"name"`
	Values map[string]float64 `json:"values"`
	// Share is the most that our function's value may be of Node.js's, and Most
	// the most that it may be by itself. 0 means no bar.
	Share float64 `json:"share,omitempty"`
	Most  float64 `json:"most,omitempty"`
}

// ratio is our function's value as a share of Node.js's.
func (f figure) ratio() float64 { return f.Values[goFunction] / f.Values[node] }

func (f figure) met() bool {
	return (f.Share == 0 || f.ratio() <= f.Share) && (f.Most == 0 || f.Values[goFunction] <= f.Most)
}

// What AWS's own start of a managed runtime takes before a function of its
// language does anything, in milliseconds, at 256 MB: the sandbox, the
// unzipping, the interpreter and AWS's runtime client. Seen on 22 August 2026.
// https://github.com/maxday/lambda-perf
const (
	python313Start = 87
	nodejs22Start  = 140
)

// of returns a percentile of every side, in milliseconds.
func (t times) of(p float64) map[string]float64 {
	values := map[string]float64{}
	for name, s := range t {
		values[name] = ms(percentile(s, p))
	}
	return values
}

// lookupFigures works out the figures of lookups and their bars. Times are in
// milliseconds, memory and sizes in millions of bytes.
func (m measured) lookupFigures() []figure {
	start, p50 := m.cold.of(50), m.warm.of(50)
	// The side's own work: without the Runtime API's hop, which a function that
	// does nothing takes, and without the bare read.
	over := func(side, null string) float64 { return p50[side] - p50[null] - p50[bare] }
	cpu, resident := map[string]float64{}, map[string]float64{}
	for name, u := range m.used {
		cpu[name], resident[name] = ms(u.cpu), megabytes(u.resident)
	}
	return []figure{
		{Name: "cold start p50, ms", Values: start, Share: 0.6},
		{Name: "cold start, slowest, ms", Values: m.cold.of(100)},
		// Python is AWS's part; of Node.js it is what a function that does nothing takes.
		{Name: "cold start on AWS, estimated, ms", Share: 0.6, Values: map[string]float64{
			goFunction: python313Start + start[goBinary], node: nodejs22Start + start[node] - start[nodeNull],
		}},
		{Name: "warm p50, ms", Values: p50, Share: 0.5},
		{Name: "warm p90, ms", Values: m.warm.of(90)},
		{Name: "warm p99, ms", Values: m.warm.of(99), Share: 0.5},
		{Name: "over the floor, hop apart, ms", Most: 0.25, Values: map[string]float64{
			goFunction: over(goFunction, goNull), node: over(node, nodeNull),
		}},
		{Name: "processor per request, ms", Values: cpu, Share: 0.5},
		{Name: "resident memory, MB", Values: resident, Share: 0.5},
		m.zipFigure(3.5),
	}
}

func (m measured) zipFigure(most float64) figure {
	zip := map[string]float64{}
	for name, bytes := range m.zip {
		zip[name] = megabytes(bytes)
	}
	return figure{Name: "zip, MB", Values: zip, Most: most}
}

func megabytes(bytes int64) float64 { return float64(bytes) / 1e6 }

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// column is a side's place in a table.
type column struct{ side, title string }

var (
	lookupColumns = []column{
		{goFunction, "Go"}, {node, "Node.js"}, {goBinary, "Go alone"},
		{bare, "floor"}, {goNull, "Go null"}, {nodeNull, "Node.js null"},
	}
	pictureColumns = []column{{goFunction, "Go"}, {node, "sharp"}}
)

// tables returns the figures as text.
func (r result) tables() string {
	return fmt.Sprintf("\n%s, %d processors, %s; Go %s, Python %s, Node.js %s; load %s before, %s after\n\n%s\n%s",
		r.Machine.Processor, r.Machine.Processors, r.Machine.System, r.Machine.Go, r.Machine.Python, r.Machine.Node,
		r.Machine.LoadBefore, r.Machine.LoadAfter,
		table("links looked up", lookupColumns, r.Lookups), table("pictures made", pictureColumns, r.Pictures))
}

func table(title string, columns []column, figures []figure) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, title)
	for _, c := range columns {
		fmt.Fprintf(w, "\t%s", c.title)
	}
	fmt.Fprintln(w, "\tratio\tbar\t\t")
	for _, f := range figures {
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
