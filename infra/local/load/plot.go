package main

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// Measures of the plot, in pixels.
const (
	plotWidth, plotHeight          = 890, 480
	plotLeft, plotRight            = 76, 180
	plotTop, plotBottom            = 64, 52
	plotInnerWidth, plotInnerSteps = plotWidth - plotLeft - plotRight, 240
)

// plotNines is how far to the right the plot goes: to the 99.99th percentile.
const plotNines = 4

const plotStyle = `
    svg { background: #fff; font: 13px system-ui, sans-serif; }
    text { fill: #1d2125; } .soft { fill: #59616a; } .grid { stroke: #e3e1db; }
    path { fill: none; stroke-width: 2; stroke-linejoin: round; }
    .hits { stroke: #1b7047; } .misses { stroke: #2351b8; } .ranges { stroke: #68399f; } .forged { stroke: #b06a00; }
    @media (prefers-color-scheme: dark) {
      svg { background: #131519; } text { fill: #e7e8ea; } .soft { fill: #a4abb3; } .grid { stroke: #30353e; }
      .hits { stroke: #7fd6a6; } .misses { stroke: #9ab6ff; } .ranges { stroke: #ccaef6; } .forged { stroke: #f0bd6b; }
    }`

// plot draws the latency of each class by percentile, as an SVG. Both axes are
// logarithmic: to the right each step is a tenth of the requests before it.
func (r *result) plot() []byte {
	least, greatest := r.spread()
	low, high := math.Floor(math.Log10(least.Seconds())), math.Ceil(math.Log10(greatest.Seconds()))
	high = max(high, low+1)
	y := func(seconds float64) float64 {
		part := (math.Log10(max(seconds, 1e-9)) - low) / (high - low)
		return plotHeight - plotBottom - part*(plotHeight-plotTop-plotBottom)
	}
	x := func(nines float64) float64 { return plotLeft + nines/plotNines*plotInnerWidth }

	var b bytes.Buffer
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Latency by percentile for each class of requests\">\n  <style>%s\n  </style>\n", plotWidth, plotHeight, plotStyle)
	fmt.Fprintf(&b, "  <text x=\"%d\" y=\"28\" font-size=\"16\" font-weight=\"600\">%d requests in %.1f s, %.0f a second</text>\n", plotLeft, r.sent(), r.took.Seconds(), float64(r.sent())/r.took.Seconds())
	fmt.Fprintf(&b, "  <text x=\"%d\" y=\"48\" class=\"soft\">Latency by percentile, both axes logarithmic</text>\n", plotLeft)
	for decade := low; decade <= high; decade++ {
		at := y(math.Pow(10, decade))
		fmt.Fprintf(&b, "  <line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>\n", plotLeft, plotLeft+plotInnerWidth, at, at)
		fmt.Fprintf(&b, "  <text class=\"soft\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", plotLeft-10, at+4, span(decade))
	}
	for nines, name := range []string{"0 %", "90 %", "99 %", "99.9 %", "99.99 %"} {
		fmt.Fprintf(&b, "  <line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>\n", x(float64(nines)), x(float64(nines)), plotTop, plotHeight-plotBottom)
		fmt.Fprintf(&b, "  <text class=\"soft\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", x(float64(nines)), plotHeight-plotBottom+22, name)
	}
	r.curves(&b, x, y)
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// curves draws a line for each class that was asked, with its name at the end.
func (r *result) curves(b *bytes.Buffer, x, y func(float64) float64) {
	type label struct {
		class class
		text  string
		y     float64
	}
	var labels []label
	for c, latencies := range r.latencies {
		if len(latencies) == 0 {
			continue
		}
		sorted := slices.Sorted(slices.Values(latencies))
		var line bytes.Buffer
		var end time.Duration
		for step := range plotInnerSteps + 1 {
			nines := float64(step) * plotNines / plotInnerSteps
			end = quantile(sorted, 1-math.Pow(10, -nines))
			command := "L"
			if step == 0 {
				command = "M"
			}
			fmt.Fprintf(&line, "%s%.1f %.1f", command, x(nines), y(end.Seconds()))
		}
		fmt.Fprintf(b, "  <path class=\"%s\" d=\"%s\"/>\n", class(c), &line)
		labels = append(labels, label{class(c), fmt.Sprintf("%s, p50 %s", class(c), milliseconds(quantile(sorted, .5))), y(end.Seconds())})
	}
	// Names that would lie on each other move down.
	slices.SortFunc(labels, func(a, b label) int { return int(math.Copysign(1, a.y-b.y)) })
	for i, l := range labels {
		if i > 0 {
			l.y = max(l.y, labels[i-1].y+17)
			labels[i].y = l.y
		}
		const left = plotLeft + plotInnerWidth + 10
		fmt.Fprintf(b, "  <line class=\"%s\" stroke-width=\"3\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>\n", l.class, left, left+14, l.y, l.y)
		fmt.Fprintf(b, "  <text x=\"%d\" y=\"%.1f\">%s</text>\n", left+20, l.y+4, l.text)
	}
}

// span names a power of ten seconds.
func span(decade float64) string {
	seconds := math.Pow(10, decade)
	for _, unit := range []struct {
		size float64
		name string
	}{{1, "s"}, {1e-3, "ms"}, {1e-6, "µs"}} {
		if seconds >= unit.size*0.999 {
			return strconv.FormatFloat(math.Round(seconds/unit.size), 'f', -1, 64) + " " + unit.name
		}
	}
	return "0"
}
