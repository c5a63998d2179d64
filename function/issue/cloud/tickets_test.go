package cloud_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue/cloud"
	"secure-media-cdn/function/issue/cloud/cloudtest"
	"secure-media-cdn/function/keyring"
	"secure-media-cdn/function/seal"
	"secure-media-cdn/function/seal/sealtest"
	"secure-media-cdn/infra/local/locked"
)

func newTickets(a *cloudtest.AWS, generation int) cloud.Tickets {
	return cloud.Tickets{Ring: newRing(a, generation), List: newCDN(a).Revocations}
}

func TestATicketIsSealedByTheGatesKeys(t *testing.T) {
	t.Parallel()
	a := &cloudtest.AWS{KeyValueStore: cloudtest.KeyValueStore{Entries: sealtest.Entries(2, 3)}}
	tickets, ctx := newTickets(a, 3), context.Background()
	ticket, session, err := tickets.Seal(ctx, []string{"club", "club/room"}, now.Add(time.Hour))
	require.NoError(t, err)
	opened, err := sealtest.Key(t, 3).OpenTicket(ticket)
	require.NoError(t, err)
	names := sealtest.AudienceKey(t)
	named, until, err := tickets.Session(ctx, session)
	require.NoError(t, err)
	assert.True(t, until.Equal(now.Add(time.Hour)))
	_, _, err = tickets.Session(ctx, session[1:])
	require.ErrorIs(t, err, seal.ErrForgedSession)
	assert.Equal(t, seal.Ticket{ExpiresAt: now.Add(time.Hour), Session: named,
		Audiences: []seal.Audience{names.Audience("club"), names.Audience("club/room")}}, opened)
	for range 3 {
		pseudonym, err := tickets.Pseudonym(ctx, "ann@example.com")
		require.NoError(t, err)
		assert.Equal(t, names.Pseudonym("ann@example.com"), pseudonym)
	}
	assert.Len(t, a.Calls, 2, "each key is read once")

	a.KeyValueStore.Entries = map[string]string{"k.3": sealtest.Value(3)}
	tickets = newTickets(a, 3)
	_, _, err = tickets.Seal(ctx, []string{"club"}, now)
	require.ErrorIs(t, err, keyring.ErrNoEntry)
	_, err = tickets.Pseudonym(ctx, "ann")
	require.ErrorIs(t, err, keyring.ErrNoEntry)
	_, _, err = tickets.Session(ctx, session)
	require.ErrorIs(t, err, keyring.ErrNoEntry)
}

func TestAnEndedSessionIsOnTheGatesList(t *testing.T) {
	t.Parallel()
	a := &cloudtest.AWS{}
	s := seal.Session{1, 2, 3, 4, 5, 6, 7, 8}
	for range 2 {
		require.NoError(t, newTickets(a, 3).End(context.Background(), s, now.Add(time.Hour)))
	}
	assert.Equal(t, map[string]string{"s.AQIDBAUGBwg": "1800003600"}, a.KeyValueStore.Entries)
	assert.Equal(t, []string{"123456789012:GET", "123456789012:POST"}, a.Calls[:2], "a look at the list, and one update")

	others := 0
	a.KeyValueStore.Interfere = func(s *cloudtest.KeyValueStore) {
		if others++; others <= 3 {
			s.Version++
		}
	}
	require.NoError(t, newTickets(a, 3).End(context.Background(), seal.Session{9}, now), "others write, too")
	assert.Len(t, a.KeyValueStore.Entries, 2)
	a.Fault = func(int, *http.Request) cloudtest.Fault { return cloudtest.Refused }
	assert.Error(t, newTickets(a, 3).End(context.Background(), s, now))
}

// A link that does not fit is refused by other means, a session is not.
func TestThereIsRoomForSessionsWhenLinksHaveFilledTheList(t *testing.T) {
	t.Parallel()
	a := &cloudtest.AWS{KeyValueStore: cloudtest.KeyValueStore{Padding: linksMost + 9_999*23}}
	tickets, log := newTickets(a, 3), &locked.Buffer{}
	tickets.List.Log = slog.New(slog.NewJSONHandler(log, nil))
	end := func(n byte) error {
		return tickets.End(context.Background(), seal.Session{n}, now.Add(time.Hour))
	}
	require.ErrorIs(t, tickets.List.Add(context.Background(), hashesTo(1)), cloud.ErrFull)
	require.NoError(t, end(1), "the last of ten thousand")
	assert.Contains(t, log.String(), cloud.MessageNearlyFull, "long before, somebody was told")
	require.ErrorIs(t, end(2), cloud.ErrFull)
	assert.Contains(t, log.String(), "a session could not be ended")
	assert.Len(t, a.KeyValueStore.Entries, 1)
	assert.Empty(t, a.CloudFront.Invalidations, "no invalidation ends a session")

	a.KeyValueStore.Entries = map[string]string{"s.dead": fmt.Sprint(now.Unix()), "r.dead": fmt.Sprint(now.Unix())}
	require.NoError(t, end(2), "what has expired makes room")
	assert.Equal(t, []string{seal.SessionEntry(seal.Session{2})}, slices.Collect(maps.Keys(a.KeyValueStore.Entries)))
}

func TestSessionsLeaveALargeListWhenTheirTicketsHaveExpired(t *testing.T) {
	t.Parallel()
	a := &cloudtest.AWS{KeyValueStore: cloudtest.KeyValueStore{Padding: 2_000_000, Entries: sealtest.Entries(1, 2, 3)}}
	for n := range 500 {
		a.KeyValueStore.Entries["s."+fmt.Sprintf("%011d", n)] = fmt.Sprint(now.Unix() + int64(n%2))
	}
	require.NoError(t, newTickets(a, 3).End(context.Background(), seal.Session{1}, now.Add(time.Hour)))
	sessions := 0
	for key := range a.KeyValueStore.Entries {
		if strings.HasPrefix(key, seal.SessionPrefix) {
			sessions++
		}
	}
	assert.Equal(t, 251, sessions, "the half that has expired is gone")
	assert.Len(t, a.KeyValueStore.Entries, 251+4, "and the keys are there")
}
