package gate_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/bench/price"
	"secure-media-cdn/function/seal/sealtest"
	"secure-media-cdn/infra/local/cloudfrontjs"
)

// The pages tell teams and operators what requests cost, from the gate's reads of its store, and from headers.js, which
// runs once for what is shown.
func TestThePagesSayWhatRequestsCost(t *testing.T) {
	pages := map[string]string{}
	for _, name := range []string{"viewers.md", "operations.md"} {
		page, err := os.ReadFile("../../infra/stack/" + name)
		require.NoError(t, err)
		pages[name] = string(page)
	}
	store := &countingStore{MapStore: &cloudfrontjs.MapStore{}}
	store.Update(sealtest.Entries(1, 2, 3))
	f, err := cloudfrontjs.New(source(t), store, cloudfrontjs.WithClock(func() time.Time { return now }))
	require.NoError(t, err)
	link, bound := sealed(t, 2, expiry, "a"), boundTo(t, "simple-chat/room-42", "a")
	ticket := bearer(ticketFor(t, "simple-chat/room-42"))
	for _, tt := range []struct {
		name   string
		hash   string
		viewer viewer
		status int // 0 for what is shown
		page   string
		says   string
	}{
		{"the whole sum of a good ticket", bound, ticket, 0, "viewers.md", "3 × 0.03 = %.2f"},
		{"a ticket of another key", bound, bearer(ticketOf(t, 3, expiry, signedIn, "simple-chat/room-42")), 0, "viewers.md",
			"; %.2f for a ticket of another key"},
		{"no ticket", bound, viewer{}, 401, "viewers.md", "1.00 + 0.10 + 0.03 = %.2f |"},
		{"the table at the top", bound, ticket, 0, "viewers.md", "`viewers: ticket` | %.2f |"},
		{"a link", link, viewer{}, 0, "operations.md", "cache hits | 1.00 + 2 × 0.10 + 2 × 0.03 = %.2f |"},
		{"a good ticket", bound, ticket, 0, "operations.md",
			"cache hits of links that ask for a ticket | 1.26 + 0.03 = %.2f |"},
		{"no good ticket", bound, viewer{}, 401, "operations.md", "without a good one | 1.00 + 0.10 + 0.03 = %.2f |"},
		{"a forged link", link[:31] + "_", viewer{}, 404, "operations.md", "forged links | 1.00 + 0.10 + 0.03 = %.2f |"},
		{"a generation without a key", "_" + link[1:], viewer{}, 404, "operations.md",
			"that has no key | 1.00 + 0.10 + 3 × 0.03 = %.2f |"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store.reads = nil
			a, err := askAs(context.Background(), f, "GET", "/images/"+tt.hash, tt.viewer)
			require.NoError(t, err)
			require.Equal(t, tt.status, a.StatusCode)
			cost := gated(float64(len(store.reads)))
			if a.passed() {
				cost += price.FunctionRuns
			}
			assert.Contains(t, pages[tt.page], fmt.Sprintf(tt.says, cost))
		})
	}
}

func TestThePagesNameThePricesThatTheyAreMadeOf(t *testing.T) {
	for page, says := range map[string][]string{
		"operations.md": {
			fmt.Sprintf("CloudFront requests %.2f a million, CloudFront Functions %.2f, key value store reads %.2f, "+
				"Lambda@Edge %.2f and %.8f per GB-second, DynamoDB %.3f a million consistent reads",
				price.Requests, price.FunctionRuns, price.StoreReads, price.EdgeRuns, price.EdgeSecond, price.TableReads),
			fmt.Sprintf("Invalidations cost %.3f a path", price.InvalidationPath),
		},
		"viewers.md": {fmt.Sprintf("%.2f for calls, %.7f per GB-second on arm64", price.LambdaRuns, price.LambdaSecond)},
	} {
		text, err := os.ReadFile("../../infra/stack/" + page)
		require.NoError(t, err)
		for _, s := range says {
			assert.Contains(t, string(text), s)
		}
	}
}
