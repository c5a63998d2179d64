package gate_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// prices are what AWS bills, in dollars, and how much of it one request takes.
type prices struct {
	// RequestsPerMillion is CloudFront's fee for HTTPS requests in the United
	// States and Europe. It is due with and without a gate.
	// https://aws.amazon.com/cloudfront/pricing/
	RequestsPerMillion float64
	// GatePerMillion is the fee for runs of a CloudFront Function, and
	// StoreReadsPerMillion that for its reads of the key value store, the latter
	// from memory. https://aws.amazon.com/cloudfront/pricing/
	GatePerMillion, StoreReadsPerMillion float64
	// EdgePerMillion and EdgePerGigabyteSecond are those of Lambda@Edge, and
	// EdgeGigabytes and EdgeSeconds what one run is billed for.
	// https://aws.amazon.com/lambda/pricing/
	EdgePerMillion, EdgePerGigabyteSecond float64
	EdgeGigabytes, EdgeSeconds            float64
	// TableReadsPerMillion is DynamoDB's fee for read request units on demand,
	// and TableReadUnits what one unknown hash takes: a consistent read of the near
	// replica, and one in the home region.
	// https://aws.amazon.com/dynamodb/pricing/on-demand/
	TableReadsPerMillion, TableReadUnits float64
}

// usPrices are the prices of us-east-1 as of 2026, without free tiers. The edge
// function has the stack's default memory, and a warm run that asks two regions
// is taken to last 100 ms.
var usPrices = prices{
	RequestsPerMillion: 1.00, GatePerMillion: 0.10, StoreReadsPerMillion: 0.03,
	EdgePerMillion: 0.60, EdgePerGigabyteSecond: 0.00005001, EdgeGigabytes: 0.25, EdgeSeconds: 0.100,
	TableReadsPerMillion: 0.125, TableReadUnits: 2,
}

// ungated is what a million forged requests cost without a gate: each wakes the
// edge function, which looks for the hash. Nothing of it is cached.
func (p prices) ungated() float64 {
	return p.RequestsPerMillion + p.EdgePerMillion + 1e6*p.EdgeGigabytes*p.EdgeSeconds*p.EdgePerGigabyteSecond +
		p.TableReadUnits*p.TableReadsPerMillion
}

// gated is what they cost with a gate that reads its store so many times.
func (p prices) gated(reads float64) float64 {
	return p.RequestsPerMillion + p.GatePerMillion + reads*p.StoreReadsPerMillion
}

func TestCostOfForgedRequests(t *testing.T) {
	round := prices{
		RequestsPerMillion: 1, GatePerMillion: 2, StoreReadsPerMillion: 4, EdgePerMillion: 8,
		EdgePerGigabyteSecond: 16e-6, EdgeGigabytes: 2, EdgeSeconds: 0.5, TableReadsPerMillion: 32, TableReadUnits: 2,
	}
	assert.InDelta(t, 1+8+16+64, round.ungated(), 1e-9)
	assert.InDelta(t, 1+2+3*4, round.gated(3), 1e-9)
	assert.Less(t, usPrices.gated(3), usPrices.ungated())
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
			b.ReportMetric(usPrices.gated(bb.reads), "$/M-gated")
			if bb.status == 404 {
				b.ReportMetric(usPrices.ungated(), "$/M-ungated")
			}
		})
	}
	b.Run("size", func(b *testing.B) {
		b.ReportMetric(float64(len(source(b))), "bytes")
		b.ReportMetric(0, "ns/op")
	})
}
