package gate_test

import (
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"secure-media-cdn/function/gate"

	"github.com/stretchr/testify/require"
)

// browser is what Chrome sends for a picture of another site's page.
func browser() viewer {
	return viewer{
		Headers: values{
			"host": {Value: "media.example.com"}, "accept": {Value: accepts[0].accept},
			"user-agent": {Value: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) " +
				"Chrome/142.0.0.0 Safari/537.36"},
			"accept-language": {Value: "en-GB,en;q=0.9"}, "accept-encoding": {Value: "gzip, deflate, br, zstd"},
			"referer": {Value: "https://app.example.com/"}, "sec-fetch-dest": {Value: "image"},
			"sec-fetch-mode": {Value: "no-cors"}, "sec-fetch-site": {Value: "same-site"}, "priority": {Value: "i"},
		},
		Cookies: values{"theme": {Value: "dark"}},
	}
}

// BenchmarkGateBesideLinksAlone measures requests in the embedded engine beside a
// gate that knows links alone, neither variants nor tickets: processor time, the
// kinds in alternation, and the median of their ratios, so that whatever else the
// machine does makes no difference.
func BenchmarkGateBesideLinksAlone(b *testing.B) {
	alone, err := os.ReadFile("testdata/linksalone.js")
	require.NoError(b, err)
	most, err := gate.Source(largest())
	require.NoError(b, err)
	before, now := withKeys(b, string(alone)), withKeys(b, most)

	ticket := browser()
	ticket.Cookies = inCookie(ticketFor(b, slices.Concat(names(31), []string{room})...)).Cookies
	unbound, bound := "/images/"+sealed(b, 2, expiry, "a"), "/images/"+boundTo(b, room, "b")
	lastVariant := "/" + slices.Max(largest().Variants)
	kinds := []struct {
		metric string
		gate   *testGate
		uri    string
		viewer viewer
	}{
		{"µs/link-alone", before, unbound, browser()},
		{"photo/x", now, unbound, browser()},
		{"variant/x", now, unbound + lastVariant, browser()},
		{"ticket/x", now, bound, ticket},
		{"ticket-variant/x", now, bound + lastVariant, ticket},
	}
	const requests = 20
	events := make([][]byte, len(kinds))
	for i, k := range kinds {
		events[i], err = eventOf("GET", k.uri, k.viewer)
		require.NoError(b, err)
		a, err := askAs(b.Context(), k.gate.Function, "GET", k.uri, k.viewer)
		require.NoError(b, err)
		require.True(b, a.passed())
	}
	took := make([][]float64, len(kinds)) // the first in microseconds, the others as ratios to it
	for b.Loop() {
		for i, k := range kinds {
			start := processorTime(b)
			for range requests {
				if _, err := k.gate.Run(b.Context(), events[i]); err != nil {
					b.Fatal(err)
				}
			}
			each := float64(processorTime(b)-start) / float64(time.Microsecond) / requests
			if i > 0 {
				each /= took[0][len(took[0])-1]
			}
			took[i] = append(took[i], each)
		}
	}
	b.ReportMetric(0, "ns/op")
	for i, k := range kinds {
		slices.Sort(took[i])
		b.ReportMetric(took[i][len(took[i])/2], k.metric)
	}
}

// processorTime is the processor time that this process took so far.
func processorTime(t testing.TB) time.Duration {
	var usage syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
