package issue_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/issue/api/apitest"
	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/seal"
)

// counter makes tickets that can be told apart, and notes what it was asked.
type counter struct {
	made      int
	audiences []string
	expiresAt time.Time
	ended     map[seal.Session]time.Time
	broken    error
	keyless   error // what keeps sessions from being named
}

func (c *counter) Seal(_ context.Context, audiences []string, expiresAt time.Time) (string, string, error) {
	c.made++
	c.audiences, c.expiresAt = audiences, expiresAt
	return "ticket", apitest.Names().SessionID(seal.Session{7: byte(c.made)}, expiresAt), c.broken
}

func (c *counter) Session(_ context.Context, name string) (seal.Session, time.Time, error) {
	if c.keyless != nil {
		return seal.Session{}, time.Time{}, c.keyless
	}
	return apitest.Names().OpenSessionID(name)
}

func (c *counter) Pseudonym(_ context.Context, viewer string) (string, error) {
	return "not " + viewer, nil
}

func (c *counter) End(_ context.Context, session seal.Session, expiresAt time.Time) error {
	if c.broken == nil {
		c.ended[session] = expiresAt
	}
	return c.broken
}

// signingIn is a world whose services ask for tickets that live for a day at most.
func signingIn() (*world, *issue.Issuer, *counter) {
	w, i := clubs(&mapping.Memory{})
	c := &counter{ended: map[seal.Session]time.Time{}}
	i.Tickets, i.TicketTTL = c, day
	return w, i, c
}

func TestATicketSaysWhatItIs(t *testing.T) {
	t.Parallel()
	w, i, c := signingIn()
	w.pass(700 * time.Millisecond)
	audiences := []string{"club", "bar/room-1"}
	got, err := i.Ticket(context.Background(), "ann", audiences, time.Hour)
	require.NoError(t, err)
	end := time.Unix(1_800_003_600, 0)
	assert.Equal(t, issue.Ticket{Ticket: "ticket", Session: got.Session, ExpiresAt: end, Viewer: "not ann"}, got)
	assert.Equal(t, audiences, c.audiences)
	assert.Equal(t, end, c.expiresAt)

	i.CookieDomain = "example.com"
	got, err = i.Ticket(context.Background(), "ann", audiences, 0)
	require.NoError(t, err)
	assert.Equal(t, time.Unix(1_800_000_000, 0).Add(day), got.ExpiresAt, "the longest, if nobody asks for less")
	assert.Equal(t, seal.SetCookie("ticket", "example.com", day), got.Cookie)
}

func TestATicketIsMadeOnlyForAudiencesOfTheCallersServices(t *testing.T) {
	t.Parallel()
	many := make([]string, seal.MaxAudiences+1)
	for n := range many {
		many[n] = "club"
	}
	for name, tt := range map[string]struct {
		viewer      string
		audiences   []string
		ttl         time.Duration
		code, field string
	}{
		"no viewer":                     {"", []string{"club"}, 0, issue.CodeBadRequest, "viewer"},
		"no audience":                   {"ann", nil, 0, issue.CodeBadRequest, "audiences"},
		"too many audiences":            {"ann", many, 0, issue.CodeTooMany, "audiences"},
		"a malformed audience":          {"ann", []string{"club", "club/a/b"}, 0, issue.CodeBadAudience, "audiences[1]"},
		"a service without tickets":     {"ann", []string{"chat/room"}, 0, issue.CodeBadAudience, "audiences[0]"},
		"a public service":              {"ann", []string{"shop"}, 0, issue.CodeBadAudience, "audiences[0]"},
		"no service":                    {"ann", []string{"pub"}, 0, issue.CodeBadAudience, "audiences[0]"},
		"somebody else's service":       {"ann", []string{"club", "bar"}, 0, issue.CodeForbidden, "audiences[1]"},
		"a room of somebody else's":     {"ann", []string{"bar/room"}, 0, issue.CodeForbidden, "audiences[0]"},
		"a second less than the least":  {"ann", []string{"club"}, 59 * time.Second, issue.CodeBadTTL, "ttlSeconds"},
		"a second more than the most":   {"ann", []string{"club"}, day + time.Second, issue.CodeBadTTL, "ttlSeconds"},
		"the most audiences":            {"ann", many[1:], 0, "", ""},
		"a minute":                      {"ann", []string{"club"}, time.Minute, "", ""},
		"the most that the stack gives": {"ann", []string{"club/a:b@c.d-e_f"}, day, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, i, c := signingIn()
			got, err := i.Within([]string{"club", "chat", "shop"}).Ticket(context.Background(), tt.viewer, tt.audiences, tt.ttl)
			if tt.code == "" {
				require.NoError(t, err)
				assert.NotEmpty(t, got.Ticket)
				return
			}
			var wrong *issue.Error
			require.ErrorAs(t, err, &wrong)
			assert.Equal(t, tt.code, wrong.Code)
			assert.Equal(t, tt.field, wrong.Field)
			assert.Zero(t, c.made)
			assert.Empty(t, got)
		})
	}
}

func TestWhereNobodyAsksForTicketsThatIsSaid(t *testing.T) {
	t.Parallel()
	_, i, c := signingIn()
	session := session(time.Unix(1_800_003_600, 0))
	for name, tt := range map[string]struct {
		services issue.Services
		caller   []string
		code     string
	}{
		"no service asks": {
			issue.Services{"chat": issue.ByLink, "shop": issue.Public}, []string{"chat"}, issue.CodeNoViewers,
		},
		"no service at all": {nil, nil, issue.CodeNoViewers},
		"the caller is for another one": {
			issue.Services{"chat": issue.ByLink, "bar": issue.ByTicket}, []string{"chat"}, issue.CodeForbidden,
		},
		"the caller is for no service": {issue.Services{"bar": issue.ByTicket}, nil, issue.CodeForbidden},
		"the caller is for one of them": {
			issue.Services{"club": issue.ByTicket, "bar": issue.ByTicket}, []string{"club"}, "",
		},
	} {
		i.Services = tt.services
		caller := i.Within(tt.caller)
		_, err := caller.Ticket(context.Background(), "ann", []string{"club"}, 0)
		ended := caller.EndSession(context.Background(), session)
		if tt.code == "" {
			require.NoError(t, err, name)
			require.NoError(t, ended, name)
			continue
		}
		assert.Equal(t, tt.code, issue.AsError(err).Code, name)
		assert.Equal(t, tt.code, issue.AsError(ended).Code, name)
		assert.Empty(t, issue.AsError(ended).Field)
	}
	assert.Equal(t, 1, c.made)
	assert.Len(t, c.ended, 1)
}

func TestASessionIsEndedUntilItsTicketWouldHaveExpired(t *testing.T) {
	t.Parallel()
	w, i, c := signingIn()
	ticket, err := i.Ticket(context.Background(), "ann", []string{"club"}, time.Hour)
	require.NoError(t, err)
	c.broken = errors.New("throttled")
	failed := i.EndSession(context.Background(), ticket.Session)
	require.Error(t, failed)
	assert.True(t, issue.AsError(failed).Retryable(), "the ticket still opens links, so that is not passed over")
	c.broken, c.keyless = nil, errors.New("no key")
	failed = i.EndSession(context.Background(), ticket.Session)
	require.Error(t, failed)
	assert.True(t, issue.AsError(failed).Retryable(), "nobody knows yet whether there is such a session")
	c.keyless = nil
	for range 2 {
		require.NoError(t, i.EndSession(context.Background(), ticket.Session))
	}
	assert.Equal(t, map[seal.Session]time.Time{{7: 1}: ticket.ExpiresAt}, c.ended)

	i.TicketTTL = time.Hour // a stack that now gives less may have given more
	long := session(w.now.Add(seal.MaxTicketLife))
	require.NoError(t, i.EndSession(context.Background(), long))
	assert.Len(t, c.ended, 2)
	for _, wrong := range []string{"", "short", long + "A", long[:31] + "=", long[:16], "AAAA" + long[4:]} {
		err := i.EndSession(context.Background(), wrong)
		require.Error(t, err, "%q", wrong)
		assert.Equal(t, issue.CodeBadSession, issue.AsError(err).Code, "%q", wrong)
	}
	w.pass(time.Hour)
	other, err := i.Ticket(context.Background(), "ann", []string{"club"}, time.Minute)
	require.NoError(t, err)
	w.pass(time.Minute)
	require.NoError(t, i.EndSession(context.Background(), other.Session), "it has ended by itself")
	assert.Len(t, c.ended, 2)
}

// session is one whose ticket expires at the time.
func session(expiresAt time.Time) string {
	return apitest.Names().SessionID(seal.Session{1, 2, 3}, expiresAt)
}

func TestATicketThatCannotBeSealedIsNone(t *testing.T) {
	t.Parallel()
	_, i, c := signingIn()
	c.broken = errors.New("no key")
	got, err := i.Ticket(context.Background(), "ann", []string{"club"}, 0)
	require.Error(t, err)
	assert.True(t, issue.AsError(err).Retryable())
	assert.Empty(t, got)
}
