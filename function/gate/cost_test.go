package gate_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/bench/price"
)

// ungated is what a million forged requests cost without a gate, in dollars: each
// wakes the edge function, with the stack's default memory, which is taken to last
// 100 ms and reads the near replica and the home region. Nothing of it is cached.
func ungated() float64 {
	const gigabytes, seconds, reads = 0.25, 0.100, 2
	return price.Requests + price.EdgeRuns + 1e6*gigabytes*seconds*price.EdgeSecond + reads*price.TableReads
}

// gated is what they cost with a gate that reads its store so many times.
func gated(reads float64) float64 {
	return price.Requests + price.FunctionRuns + reads*price.StoreReads
}

func TestForgedRequestsCostLessWithTheGateThanWithout(t *testing.T) {
	assert.Less(t, gated(3), ungated())
}

// BenchmarkGate measures one request in the embedded engine, and tells beside it
// what a million of the kind cost the owner, in dollars: with the gate, and
// without it. CloudFront's own engine is another; its time is not known here.
func BenchmarkGate(b *testing.B) {
	good, bound := sealed(b, 2, expiry, "a"), boundTo(b, room, "b")
	for _, bb := range []struct {
		name, uri string
		viewer    viewer
		status    int
		reads     float64
	}{
		{"good", "/images/" + good, viewer{}, 0, 2},
		{"bound, with a ticket", "/images/" + bound, bearer(ticketFor(b, room)), 0, 3},
		{"bound, without a ticket", "/images/" + bound, viewer{}, 401, 1},
		{"forged", "/images/" + good[:31] + "_", viewer{}, 404, 1},
		{"of a generation without a key", "/images/_" + good[1:], viewer{}, 404, 3},
		{"of the wrong form", "/images/" + good + "/", viewer{}, 404, 0},
	} {
		b.Run(bb.name, func(b *testing.B) {
			g := withKeys(b, source(b))
			for b.Loop() {
				a, err := askAs(context.Background(), g.Function, "GET", bb.uri, bb.viewer)
				require.NoError(b, err)
				require.Equal(b, bb.status, a.StatusCode)
			}
			b.ReportMetric(gated(bb.reads), "$/M-gated")
			if bb.status == 404 {
				b.ReportMetric(ungated(), "$/M-ungated")
			}
		})
	}
	b.Run("size", func(b *testing.B) {
		b.ReportMetric(float64(len(source(b))), "bytes")
		b.ReportMetric(0, "ns/op")
	})
}
