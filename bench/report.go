package bench

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// table returns the figures as text, ours beside theirs.
func (r result) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s, %d processors, %s; Go %s, Python %s, Node.js %s; load %s before, %s after\n\n",
		r.Machine.Processor, r.Machine.Processors, r.Machine.System,
		strings.TrimPrefix(r.Machine.Go, "go"), r.Machine.Python, r.Machine.Node, r.Machine.LoadBefore, r.Machine.LoadAfter)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tGo\tNode.js\tGo / Node.js\tfloor\tGo null\tNode.js null\t")
	r.coldRows(w)
	r.warmRows(w, "1 environment", r.Alone)
	r.warmRows(w, fmt.Sprintf("%d environments", crowd), r.Crowd)
	fmt.Fprintf(w, "over the floor, hop apart, ms\t%.3f\t%.3f\t%.2f\t\t\t\t\n", r.overFloor(goEdge, goNull), r.overFloor(node, nodeNull),
		r.overFloor(goEdge, goNull)/r.overFloor(node, nodeNull))
	printRow(w, "processor per request, ms", "%.2f", r.CPU)
	printRow(w, fmt.Sprintf("the same, %d environments, ms", crowd), "%.2f", r.CrowdCPU)
	for _, memory := range []struct {
		name  string
		bytes map[string]int64
	}{{"resident memory, MB", r.Resident}, {"at its peak, MB", r.Peak}, {"zip, MB", r.Zip}} {
		printRow(w, memory.name, "%.2f", inMegabytes(memory.bytes))
	}
	_ = w.Flush()
	fmt.Fprintf(&b, "\n%s\n\n", r.notes())
	w = tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, bar := range r.Bars {
		verdict := "met"
		if !bar.Met {
			verdict = "NOT MET"
		}
		fmt.Fprintf(w, "%s\t%.3f\tat most %g\t%s\t%s\n", bar.Name, bar.Value, bar.Limit, bar.Unit, verdict)
	}
	_ = w.Flush()
	return b.String()
}

func (r result) coldRows(w *tabwriter.Writer) {
	p50, worst := map[string]float64{}, map[string]float64{}
	for name, s := range r.Cold {
		p50[name], worst[name] = s.P50, s.Max
	}
	printRow(w, "cold start p50, ms", "%.1f", p50)
	printRow(w, "cold start, slowest, ms", "%.1f", worst)
	fmt.Fprintf(w, "without Python before it, p50, ms\t%.1f\t\t\t\t\t\t\n", r.Cold[goBinary].P50)
	ours, theirs := r.onAWS()
	fmt.Fprintf(w, "on AWS, estimated, ms\t%.0f\t%.0f\t%.2f\t\t\t\t\n", ours, theirs, ours/theirs)
}

func (r result) warmRows(w *tabwriter.Writer, title string, all map[string]summary) {
	for _, p := range []struct {
		name string
		of   func(summary) float64
	}{
		{"p50", func(s summary) float64 { return s.P50 }},
		{"p90", func(s summary) float64 { return s.P90 }},
		{"p99", func(s summary) float64 { return s.P99 }},
	} {
		values := map[string]float64{}
		for name, s := range all {
			values[name] = p.of(s)
		}
		printRow(w, title+", warm "+p.name+", ms", "%.3f", values)
	}
}

// printRow prints one figure of every side that has it.
func printRow(w *tabwriter.Writer, title, format string, values map[string]float64) {
	fmt.Fprintf(w, "%s\t", title)
	cell := func(name string) {
		if v, ok := values[name]; ok {
			fmt.Fprintf(w, format, v)
		}
		fmt.Fprint(w, "\t")
	}
	cell(goEdge)
	cell(node)
	fmt.Fprintf(w, "%.2f\t", values[goEdge]/values[node])
	cell(bare)
	cell(goNull)
	cell(nodeNull)
	fmt.Fprintln(w)
}

// notes says what the figures hold and what they do not.
func (r result) notes() string {
	return fmt.Sprintf(`Cold: from the start of the process (python3 and the launcher; node and a runtime client) to the first answer, in a
warm page cache. In no measured figure is the rest of what AWS does to start a managed runtime; by the public
measurements of maxday/lambda-perf it takes about %d ms in all for python3.13 and %d ms for nodejs22. The estimate for
AWS is that, plus the Go binary alone, and plus Node.js less its null function.
Warm: from an event's bytes at the Runtime API to the answer's bytes. The floor is a bare signed GetItem; null functions
answer at once, so theirs is the Runtime API's own hop.`, python313Start, nodejs22Start) +
		fmt.Sprintf("\np99 of the ten tenths of a series, 1 environment: Go %s, Node.js %s; %d environments: Go %s, Node.js %s ms.",
			spread(r.Alone[goEdge]), spread(r.Alone[node]), crowd, spread(r.Crowd[goEdge]), spread(r.Crowd[node]))
}

func spread(s summary) string { return fmt.Sprintf("%.2f to %.2f", s.P99Low, s.P99High) }
