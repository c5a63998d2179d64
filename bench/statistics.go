package bench

import (
	"math"
	"slices"
	"time"
)

// summary describes one series of times, in milliseconds.
type summary struct {
	Samples int     `json:"samples"`
	Min     float64 `json:"min"`
	P50     float64 `json:"p50"`
	P90     float64 `json:"p90"`
	P99     float64 `json:"p99"`
	Max     float64 `json:"max"`
	// P99Low and P99High are the least and the greatest p99 of the series' ten
	// tenths: how far the p99 can be trusted.
	P99Low  float64 `json:"p99Low"`
	P99High float64 `json:"p99High"`
}

func summarise(series []time.Duration) summary {
	sorted := slices.Sorted(slices.Values(series))
	s := summary{
		Samples: len(series),
		Min:     ms(sorted[0]), Max: ms(sorted[len(sorted)-1]),
		P50: ms(percentile(sorted, 50)), P90: ms(percentile(sorted, 90)), P99: ms(percentile(sorted, 99)),
		P99Low: math.Inf(1),
	}
	for tenth := range slices.Chunk(series, (len(series)+9)/10) {
		p99 := ms(percentile(slices.Sorted(slices.Values(tenth)), 99))
		s.P99Low, s.P99High = min(s.P99Low, p99), max(s.P99High, p99)
	}
	return s
}

// percentile returns the smallest value that at least p percent of the sorted
// values do not exceed (the nearest rank): always a value that was measured.
func percentile[T any](sorted []T, p float64) T {
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
