package bench

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sample returns measurements at which every bar is met exactly.
func sample() measured {
	each := func(ms float64) []time.Duration {
		return []time.Duration{time.Duration(ms * float64(time.Millisecond))}
	}
	return measured{
		cold: times{goEdge: each(60), node: each(100), goBinary: each(33), nodeNull: each(40)},
		warm: times{goEdge: each(1), node: each(2), bare: each(0.5), goNull: each(0.25), nodeNull: each(0.5)},
		used: map[string]usage{
			goEdge: {cpu: time.Millisecond, resident: 20e6}, node: {cpu: 2 * time.Millisecond, resident: 40e6},
		},
		zip: map[string]int64{goEdge: 3.5e6, node: 0.15e6},
	}
}

func TestABarIsMetUpToItsLimit(t *testing.T) {
	for _, f := range sample().figures() {
		assert.True(t, f.met(), f.Name)
	}
}

func TestABarIsNotMetBeyondItsLimit(t *testing.T) {
	for _, tt := range []struct {
		name   string
		missed []string
		worse  func(measured)
	}{
		{"a slow start", []string{"cold start p50, ms"}, func(m measured) { m.cold[goEdge][0] = 61 * time.Millisecond }},
		{"a slow binary", []string{"cold start on AWS, estimated, ms"}, func(m measured) {
			m.cold[goBinary][0] = 34 * time.Millisecond
		}},
		{"slow requests", []string{"warm p50, ms", "warm p99, ms", "over the floor, hop apart, ms"},
			func(m measured) { m.warm[goEdge][0] += time.Microsecond }},
		{"a slow tail", []string{"warm p99, ms"}, func(m measured) {
			m.warm[goEdge] = append(m.warm[goEdge], 2*time.Millisecond)
		}},
		{"work of its own", []string{"over the floor, hop apart, ms"}, func(m measured) {
			m.warm[goNull][0] -= time.Microsecond
		}},
		{"much processor time", []string{"processor per request, ms"}, func(m measured) {
			m.used[goEdge] = usage{cpu: 2 * time.Millisecond, resident: 20e6}
		}},
		{"much memory", []string{"resident memory, MB"}, func(m measured) {
			m.used[goEdge] = usage{cpu: time.Millisecond, resident: 20e6 + 1}
		}},
		{"a large zip", []string{"zip, MB"}, func(m measured) { m.zip[goEdge]++ }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := sample()
			tt.worse(m)
			var missed []string
			for _, f := range m.figures() {
				if !f.met() {
					missed = append(missed, f.Name)
				}
			}
			assert.Equal(t, tt.missed, missed)
		})
	}
}

func TestTheTableShowsFiguresRatiosAndBars(t *testing.T) {
	m := sample()
	m.zip[goEdge] += 1e6
	r := result{Machine: machine{Processor: "An old one", Processors: 2}, Figures: m.figures()}
	table := r.table()
	for _, pattern := range []string{
		`cold start p50, ms +60\.00 +100\.00 +33\.00 +40\.00 +0\.60 +at most 0\.6 of Node\.js +met`,
		`on AWS, estimated, ms +120\.00 +200\.00 +0\.60`,
		`over the floor, hop apart, ms +0\.25 +1\.00 +0\.25 +at most 0\.25 +met`,
		`zip, MB +4\.50 +0\.15 +30\.00 +at most 3\.5 +NOT MET`,
	} {
		assert.Regexp(t, pattern, table)
	}
	data, err := json.Marshal(r)
	require.NoError(t, err)
	var back result
	require.NoError(t, json.Unmarshal(data, &back))
	assert.Equal(t, r, back)
}

func TestAPercentileIsTheNearestRank(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(100 - i)
	}
	for _, tt := range []struct {
		name   string
		values []time.Duration
		p      float64
		want   time.Duration
	}{
		{"the median of an odd number is the middle", []time.Duration{9, 1, 2}, 50, 2},
		{"the median of an even number is the lower middle, a value that was measured", []time.Duration{1, 2, 8, 9}, 50, 2},
		{"p99 of a hundred leaves out the greatest", hundred, 99, 99},
		{"p99 of a few is the greatest", []time.Duration{1, 2, 9}, 99, 9},
		{"p100 is the greatest", hundred, 100, 100},
		{"any percentile of one value is that value", []time.Duration{7}, 99, 7},
	} {
		t.Run(tt.name, func(t *testing.T) { assert.Equal(t, tt.want, percentile(tt.values, tt.p)) })
	}
	assert.Equal(t, time.Duration(100), hundred[0], "the series keeps its order")
}
