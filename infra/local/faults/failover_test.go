package faults

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkFailover asks, in the zip that ships, while the nearest region is dead and the next one is 60 ms away:
// after the first failure a viewer waits for the next region and for nothing else. The yardstick is the same viewer
// where the next region is the nearest, asked in turn with it, so that what the machine does meanwhile is in both.
// Run it with -benchtime 300x.
func BenchmarkFailover(b *testing.B) {
	_, engine := startTable(b)
	for name, fault := range map[string]Fault{"Refused": Refused, "BlackHole": BlackHole} {
		b.Run(name, func(b *testing.B) {
			proxy := startProxy(b, engine)
			for region, d := range map[string]time.Duration{nearest: 20 * time.Millisecond, next: 60 * time.Millisecond,
				home: 90 * time.Millisecond} {
				proxy.Delay(region, d)
			}
			proxy.Set(nearest, fault)
			failing, healthy := startFunction(b, proxy, 1), startFunction(b, proxy, 1)
			ask := func(f *function, regions ...string) time.Duration {
				a := f.ask(b, get(live, "origin", regions...))
				require.Equal(b, "served", a.status)
				return a.took
			}
			first := ask(failing, home, nearest, next)
			ask(healthy, home, next)
			var dead, own []time.Duration
			for b.Loop() {
				dead = append(dead, ask(failing, home, nearest, next))
				own = append(own, ask(healthy, home, next))
			}
			b.ReportMetric(milliseconds(first), "ms/first")
			b.ReportMetric(milliseconds(percentile(own, 99)), "ms/next-p99")
			b.ReportMetric(milliseconds(percentile(dead, 50)), "ms/p50")
			b.ReportMetric(milliseconds(percentile(dead, 99)), "ms/p99")
			b.ReportMetric(milliseconds(percentile(dead, 99))/milliseconds(percentile(own, 50)), "p99/next-p50")
			b.ReportMetric(milliseconds(percentile(dead, 99))/milliseconds(percentile(own, 99)), "p99/next-p99")
			b.ReportMetric(milliseconds(slices.Max(dead)), "ms/max")
		})
	}
}

func percentile(d []time.Duration, p int) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[(len(d)-1)*p/100]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
