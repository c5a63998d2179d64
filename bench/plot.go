package bench

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// The picture's measures, in pixels, and its colours.
const (
	plotWidth  = 920
	wide       = 580 // of a panel of times
	narrow     = 250 // of a panel of single values
	margin     = 28
	labelWidth = 128
	rowHeight  = 30
	panelSpace = 46 // above a panel's rows, for its title

	ink     = "#1f2933"
	faint   = "#6b7785"
	grid    = "#e3e7ec"
	oursHue = "#0b7285"
	nodeHue = "#c2571a"
	restHue = "#98a2ad"
)

var hues = map[string]string{goEdge: oursHue, goBinary: oursHue, node: nodeHue, bare: restHue, goNull: restHue, nodeNull: restHue}

// picture is an SVG in the making.
type picture struct{ b strings.Builder }

func (p *picture) add(format string, args ...any) { fmt.Fprintf(&p.b, format+"\n", args...) }

func (p *picture) text(x, y float64, size int, colour, anchor, s string) {
	p.add(`<text x="%.1f" y="%.1f" font-size="%d" fill="%s" text-anchor="%s">%s</text>`, x, y, size, colour, anchor, html.EscapeString(s))
}

func (p *picture) line(x1, y1, x2, y2 float64, colour, more string) {
	p.add(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" %s/>`, x1, y1, x2, y2, colour, more)
}

// plot draws the figures: times at the left, single values at the right.
func (r result) plot() string {
	warm := []row{{bare, "bare GetItem"}, {goNull, "Go, null"}, {goEdge, "Go, at the edge"}, {node, "Node.js"}}
	panels := []panel{
		{"Cold start, ms: process to first answer", []row{{goBinary, "Go, binary alone"}, {goEdge, "Go, at the edge"}, {node, "Node.js"}}, r.Cold, r.ColdStarts, 0.6},
		{"Warm request, ms: 1 environment", warm, r.Alone, nil, 0.5},
		{fmt.Sprintf("Warm request, ms: %d environments on %d processors", crowd, r.Machine.Processors), warm, r.Crowd, nil, 0.5},
	}
	values := []values{
		{"Resident memory", "MB", inMegabytes(r.Resident), "%.0f"},
		{"Processor per request", "ms", r.CPU, "%.2f"},
		{"Zip", "MB", inMegabytes(r.Zip), "%.2f"},
	}
	p := &picture{}
	y := 76.0
	for i := range panels {
		height := panels[i].draw(p, margin, y)
		values[i].draw(p, plotWidth-margin-narrow, y)
		y += height
	}
	p.legend(margin, y+4)
	head := &picture{}
	head.add(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %.0f" width="%d" height="%.0f" font-family="system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif">`, plotWidth, y+28, plotWidth, y+28)
	head.add(`<rect width="100%%" height="100%%" fill="#ffffff"/>`)
	head.text(margin, 34, 18, ink, "start", "The edge function beside the same job in Node.js")
	head.text(margin, 54, 12, faint, "start", fmt.Sprintf("one run, one machine of %d processors, one DynamoDB engine, in alternation · Go %s, Node.js %s · %s",
		r.Machine.Processors, strings.TrimPrefix(r.Machine.Go, "go"), r.Machine.Node, r.When.Format("2 January 2006")))
	return head.b.String() + p.b.String() + "</svg>\n"
}

// row is one side in a panel.
type row struct{ side, label string }

// panel shows series of times, a row each.
type panel struct {
	title  string
	rows   []row
	series map[string]summary
	single map[string][]float64 // every value, where they are few
	limit  float64              // of our p50, as a share of Node.js's
}

// draw returns the panel's height.
func (n panel) draw(p *picture, x, y float64) float64 {
	left, right := x+labelWidth, x+wide
	ours, theirs := n.series[goEdge], n.series[node]
	p.text(x, y+16, 13, ink, "start", n.title)
	ratios := fmt.Sprintf("Go / Node.js %.2f at p50", ours.P50/theirs.P50)
	if n.single == nil {
		ratios += fmt.Sprintf(", %.2f at p99", ours.P99/theirs.P99)
	}
	p.text(right, y+16, 11, faint, "end", ratios)
	top, bottom := y+28, y+28+float64(len(n.rows))*rowHeight
	greatest := 0.0
	for _, r := range n.rows {
		s := n.series[r.side]
		if n.single != nil {
			s.P99 = s.Max
		}
		greatest = max(greatest, s.P99)
	}
	step := tickStep(greatest)
	end := math.Ceil(greatest/step) * step
	at := func(v float64) float64 { return left + v/end*(right-left) }
	for v := 0.0; v <= end+step/2; v += step {
		p.line(at(v), top, at(v), bottom, grid, "")
		p.text(at(v), bottom+14, 10, faint, "middle", trim(v))
	}
	for i, r := range n.rows {
		middle := top + (float64(i)+0.5)*rowHeight
		p.text(left-8, middle+4, 12, ink, "end", r.label)
		if r.side == goEdge {
			limit := at(n.limit * theirs.P50)
			p.line(limit, middle-11, limit, middle+11, ink, `stroke-dasharray="2 2"`)
		}
		n.drawRow(p, r.side, middle, at)
	}
	return float64(len(n.rows))*rowHeight + panelSpace + 14
}

// drawRow draws one series: its single values, or the way from p50 to p99.
func (n panel) drawRow(p *picture, side string, y float64, at func(float64) float64) {
	s, hue := n.series[side], hues[side]
	end, words := s.P99, fmt.Sprintf("%s · %s", trim(s.P50), trim(s.P99))
	if n.single != nil {
		end, words = s.Max, trim(s.P50)
		for _, v := range n.single[side] {
			p.add(`<circle cx="%.1f" cy="%.1f" r="3" fill="%s" fill-opacity="0.35"/>`, at(v), y, hue)
		}
	} else {
		p.line(at(s.P50), y, at(s.P99), y, hue, `stroke-width="3" stroke-opacity="0.45"`)
		for _, v := range []float64{s.P90, s.P99} {
			p.line(at(v), y-5, at(v), y+5, hue, `stroke-width="2"`)
		}
	}
	p.add(`<circle cx="%.1f" cy="%.1f" r="5" fill="%s"/>`, at(s.P50), y, hue)
	// Beside the row where there is room, above it otherwise.
	if x := at(end) + 10; x < at(0)+wide-labelWidth-70 {
		p.text(x, y+4, 11, hue, "start", words)
	} else {
		p.text(at(end), y-8, 11, hue, "end", words)
	}
}

// values shows one value of ours beside one of theirs.
type values struct {
	title, unit string
	of          map[string]float64
	format      string
}

func (n values) draw(p *picture, x, y float64) {
	p.text(x, y+16, 13, ink, "start", n.title+", "+n.unit)
	left, right := x+56, x+narrow-44
	greatest := max(n.of[goEdge], n.of[node])
	for i, side := range []string{goEdge, node} {
		top := y + 32 + float64(i)*rowHeight
		p.text(left-8, top+13, 12, ink, "end", map[string]string{goEdge: "Go", node: "Node.js"}[side])
		width := n.of[side] / greatest * (right - left)
		p.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="18" rx="2" fill="%s"/>`, left, top, width, hues[side])
		p.text(left+width+7, top+13, 11, hues[side], "start", fmt.Sprintf(n.format, n.of[side]))
	}
}

func (p *picture) legend(x, y float64) {
	p.add(`<circle cx="%.1f" cy="%.1f" r="5" fill="%s"/>`, x+5, y, restHue)
	p.text(x+16, y+4, 11, faint, "start", "p50; ticks are p90 and p99; pale dots are single starts")
	p.line(x+332, y-8, x+332, y+8, ink, `stroke-dasharray="2 2"`)
	p.text(x+340, y+4, 11, faint, "start", "the limit of Go's p50: 0.6 of Node.js's cold, 0.5 warm")
}

// tickStep returns a round distance that makes four to ten ticks up to v.
func tickStep(v float64) float64 {
	step := math.Pow(10, math.Floor(math.Log10(v)))
	for _, part := range []float64{1, 0.5, 0.2} {
		if v/(step*part) >= 4 {
			return step * part
		}
	}
	return step * 0.1
}

// trim writes a value with three digits at the most, without idle zeros.
func trim(v float64) string {
	decimals := 2
	if v >= 100 {
		decimals = 0
	} else if v >= 10 {
		decimals = 1
	}
	s := fmt.Sprintf("%.*f", decimals, v)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

func inMegabytes(bytes map[string]int64) map[string]float64 {
	mb := map[string]float64{}
	for name, n := range bytes {
		mb[name] = megabytes(n)
	}
	return mb
}
