package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// quantiles are the columns of the report.
var quantiles = []struct {
	name string
	q    float64
}{{"p50", .5}, {"p90", .9}, {"p99", .99}, {"p99.9", .999}, {"max", 1}}

// quantile returns the smallest of the sorted values that a share q of them
// does not exceed.
func quantile(sorted []time.Duration, q float64) time.Duration {
	n := int(math.Ceil(q*float64(len(sorted)))) - 1
	return sorted[max(n, 0)]
}

func (r *result) sent() int {
	n := 0
	for _, l := range r.latencies {
		n += len(l)
	}
	return n
}

// print tells the result: a line for each class that was asked, and one for all.
func (r *result) print(out io.Writer) {
	seconds := r.took.Seconds()
	fmt.Fprintf(out, "%d requests in %.2f s: %.0f a second, %.1f MB a second\n\n", r.sent(), seconds, float64(r.sent())/seconds, float64(r.bytes)/1e6/seconds)
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "class\trequests\ta second\t")
	for _, q := range quantiles {
		fmt.Fprint(w, q.name, "\t")
	}
	fmt.Fprintln(w, "wrong\t")
	line := func(name string, latencies []time.Duration, wrong int) {
		if len(latencies) == 0 {
			return
		}
		slices.Sort(latencies)
		fmt.Fprintf(w, "%s\t%d\t%.0f\t", name, len(latencies), float64(len(latencies))/seconds)
		for _, q := range quantiles {
			fmt.Fprintf(w, "%s\t", milliseconds(quantile(latencies, q.q)))
		}
		fmt.Fprintf(w, "%d\t\n", wrong)
	}
	var all []time.Duration
	wrong := 0
	for c, latencies := range r.latencies {
		line(class(c).String(), latencies, r.wrong[c])
		all = append(all, latencies...)
		wrong += r.wrong[c]
	}
	line("all", all, wrong)
	w.Flush()
	fmt.Fprintln(out)
	if r.sent() < r.requests {
		fmt.Fprintf(out, "the time limit ended the run after %d of %d requests\n", r.sent(), r.requests)
	}
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.2f ms", float64(d.Microseconds())/1000)
}

// verdict is an error if any answer was wrong, or there was none.
func (r *result) verdict() error {
	wrong := 0
	for _, n := range r.wrong {
		wrong += n
	}
	switch {
	case wrong > 0:
		return fmt.Errorf("%d of %d answers were wrong, such as:\n  %s", wrong, r.sent(), strings.Join(r.told, "\n  "))
	case r.sent() == 0:
		return errors.New("no request was answered within the time limit")
	}
	return nil
}

// spread returns the least and the greatest latency of all.
func (r *result) spread() (least, greatest time.Duration) {
	least = math.MaxInt64
	for _, l := range r.latencies {
		for _, d := range l {
			least, greatest = min(least, d), max(greatest, d)
		}
	}
	return cmp.Or(min(least, greatest), 1), cmp.Or(greatest, 1)
}
