package bench

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestAPercentileIsTheNearestRank(t *testing.T) {
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[i] = i + 1
	}
	for _, tt := range []struct {
		name   string
		values []int
		p      float64
		want   int
	}{
		{"the median of an odd number is the middle", []int{1, 2, 9}, 50, 2},
		{"the median of an even number is the lower middle, a value that was measured", []int{1, 2, 8, 9}, 50, 2},
		{"p99 of a hundred leaves out the greatest", hundred, 99, 99},
		{"p90 of a hundred", hundred, 90, 90},
		{"p99 of a few is the greatest", []int{1, 2, 9}, 99, 9},
		{"p0 is the least", []int{1, 2, 9}, 0, 1},
		{"any percentile of one value is that value", []int{7}, 99, 7},
	} {
		t.Run(tt.name, func(t *testing.T) { assert.Equal(t, tt.want, percentile(tt.values, tt.p)) })
	}
}

func TestASummaryTellsHowFarThep99CanBeTrusted(t *testing.T) {
	var series []time.Duration
	for i := range 1000 {
		took := time.Millisecond
		if i >= 900 && i%10 == 0 { // noise, in the last tenth only
			took = 50 * time.Millisecond
		}
		series = append(series, took)
	}
	assert.Equal(t, summary{Samples: 1000, Min: 1, P50: 1, P90: 1, P99: 1, Max: 50, P99Low: 1, P99High: 50}, summarise(series))
}

func TestASummaryLeavesTheSeriesInItsOrder(t *testing.T) {
	series := []time.Duration{3, 1, 2}
	summarise(series)
	assert.Equal(t, []time.Duration{3, 1, 2}, series)
}
