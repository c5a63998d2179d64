package bench

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sample returns figures at which every bar is met exactly.
func sample() result {
	both := func(ours, theirs float64) map[string]summary {
		return map[string]summary{
			goEdge: {P50: ours, P90: ours * 2, P99: ours * 4, Max: ours * 5}, node: {P50: theirs, P90: theirs * 2, P99: theirs * 4, Max: theirs * 5},
			goBinary: {P50: 33, Max: 40}, goNull: {P50: 0.25, P99: 1}, nodeNull: {P50: 0.5, P99: 1, Max: 1}, bare: {P50: 0.5, P99: 1},
		}
	}
	cold := both(60, 100)
	cold[nodeNull] = summary{P50: 40}
	return result{
		Machine:    machine{Processor: "An <odd> & old one", Processors: 2, Go: "go1.26"},
		Cold:       cold,
		ColdStarts: map[string][]float64{goEdge: {59, 60, 61}, node: {100}, goBinary: {33}},
		Alone:      both(1, 2), Crowd: both(2, 4),
		CPU:      map[string]float64{goEdge: 0.5, node: 2, goNull: 0.25, nodeNull: 0.5},
		Resident: map[string]int64{goEdge: 20e6, node: 40e6}, Peak: map[string]int64{goEdge: 21e6, node: 41e6},
		Zip: map[string]int64{goEdge: 3.5e6, node: 0.15e6},
	}
}

func TestABarIsMetUpToItsLimit(t *testing.T) {
	for _, b := range sample().judge() {
		assert.True(t, b.Met, b.Name)
		assert.InDelta(t, b.Limit, b.Value, 1e-9, b.Name)
	}
}

func TestABarIsNotMetBeyondItsLimit(t *testing.T) {
	for _, tt := range []struct {
		name  string
		bar   string
		worse func(*result)
	}{
		{"a slow start", "cold start, p50, of Node.js", func(r *result) { r.Cold[goEdge] = summary{P50: 61} }},
		{"a slow binary", "cold start on AWS, estimated, of Node.js", func(r *result) { r.Cold[goBinary] = summary{P50: 34} }},
		{"a slow median", "warm p50, 1 environment, of Node.js", func(r *result) { r.Alone[node] = summary{P50: 1.9, P99: 8} }},
		{"a slow tail", "warm p99, 1 environment, of Node.js", func(r *result) { r.Alone[node] = summary{P50: 2, P99: 7} }},
		{"a slow median among several", "warm p50, 8 environments, of Node.js", func(r *result) { r.Crowd[goEdge] = summary{P50: 2.1, P99: 8} }},
		{"a slow tail among several", "warm p99, 8 environments, of Node.js", func(r *result) { r.Crowd[goEdge] = summary{P50: 2, P99: 9} }},
		{"work of its own", "over the floor, p50, without the hop", func(r *result) { r.Alone[goNull] = summary{P50: 0.2} }},
		{"much memory", "resident memory, of Node.js", func(r *result) { r.Resident[goEdge]++ }},
		{"a large zip", "zip", func(r *result) { r.Zip[goEdge]++ }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := sample()
			tt.worse(&r)
			var missed []string
			for _, b := range r.judge() {
				if !b.Met {
					missed = append(missed, b.Name)
				}
			}
			assert.Equal(t, []string{tt.bar}, missed)
		})
	}
}

func TestTheTableShowsRatiosBarsAndWhatIsInNoFigure(t *testing.T) {
	r := sample()
	r.Zip[goEdge]++
	r.Bars = r.judge()
	table := r.table()
	for _, pattern := range []string{
		`cold start p50, ms +60\.0 +100\.0 +0\.60`,
		`on AWS, estimated, ms +120 +200 +0\.60`,
		`1 environment, warm p99, ms +4\.000 +8\.000 +0\.50 +1\.000 +1\.000 +1\.000`,
		`over the floor, hop apart, ms +0\.250 +1\.000 +0\.25`,
		`resident memory, MB +20\.00 +40\.00 +0\.50`,
		`zip +3\.500 +at most 3\.5 +MB +NOT MET`,
		`resident memory, of Node\.js +0\.500 +at most 0\.5 +met`,
		`87 ms in all for python3\.13 and 140 ms for nodejs22`,
	} {
		assert.Regexp(t, pattern, table)
	}
}

func TestTheFiguresAreJSON(t *testing.T) {
	data, err := sample().json()
	require.NoError(t, err)
	var back result
	require.NoError(t, json.Unmarshal(data, &back))
	assert.Equal(t, sample(), back)
}

func TestThePictureIsWellFormedAndStaysInsideItsFrame(t *testing.T) {
	plot := sample().plot()
	decoder := xml.NewDecoder(strings.NewReader(plot))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		element, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		for _, a := range element.Attr {
			assert.NotContains(t, a.Value, "NaN")
			assert.NotContains(t, a.Value, "Inf")
			if a.Name.Local == "x" || a.Name.Local == "x1" || a.Name.Local == "x2" || a.Name.Local == "cx" {
				var x float64
				require.NoError(t, json.Unmarshal([]byte(a.Value), &x))
				assert.True(t, 0 <= x && x <= plotWidth, "%s at %s", element.Name.Local, a.Value)
			}
		}
	}
	for _, words := range []string{"Go, at the edge", "Node.js", "bare GetItem", "1 · 4", "3.50", "Go / Node.js 0.60 at p50"} {
		assert.Contains(t, plot, words)
	}
}

func TestTicksAreRoundAndFew(t *testing.T) {
	for v, want := range map[float64]float64{330: 50, 12.6: 2, 9: 1, 1: 0.2, 0.5: 0.1, 100: 20, 40: 10} {
		assert.InDelta(t, want, tickStep(v), 1e-9, v)
	}
}
