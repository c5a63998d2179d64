package gate_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/seal/sealtest"
	"secure-media-cdn/infra/local/cloudfrontjs"
)

// The page that tells teams what a ticket costs counts the gate's reads of its store, and headers.js once for what is
// shown.
func TestThePageForTeamsSaysWhatTicketsCost(t *testing.T) {
	page, err := os.ReadFile("../../infra/stack/viewers.md")
	require.NoError(t, err)
	store := &countingStore{MapStore: &cloudfrontjs.MapStore{}}
	store.Update(sealtest.Entries(1, 2, 3))
	f, err := cloudfrontjs.New(source(t), store, cloudfrontjs.WithClock(func() time.Time { return now }))
	require.NoError(t, err)
	link := "/images/" + boundTo(t, "simple-chat/room-42", "a")
	for _, tt := range []struct {
		name   string
		viewer viewer
		status int // 0 for what is shown
		says   string
	}{
		{"the whole sum of a good ticket", bearer(ticketFor(t, "simple-chat/room-42")), 0, "3 × 0.03 = %.2f"},
		{"a ticket of another key", bearer(ticketOf(t, 3, expiry, signedIn, "simple-chat/room-42")), 0,
			"; %.2f for a ticket of another key"},
		{"no ticket", viewer{}, 401, "1.00 + 0.10 + 0.03 = %.2f |"},
		{"the table at the top", bearer(ticketFor(t, "simple-chat/room-42")), 0, "`viewers: ticket` | %.2f |"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store.reads = nil
			a, err := askAs(context.Background(), f, "GET", link, tt.viewer)
			require.NoError(t, err)
			require.Equal(t, tt.status, a.StatusCode)
			price := usPrices.gated(float64(len(store.reads)))
			if a.passed() {
				price += usPrices.GatePerMillion
			}
			assert.Contains(t, string(page), fmt.Sprintf(tt.says, price))
		})
	}
}
