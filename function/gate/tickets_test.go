package gate_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"secure-media-cdn/function/gate"
	"secure-media-cdn/function/seal"
	"secure-media-cdn/function/seal/sealtest"
	"secure-media-cdn/infra/local/cloudfrontjs"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	service = "simple-chat"
	room    = "simple-chat/room-42"
	other   = "simple-chat/room-43"
)

var (
	signedIn  = seal.Session([]byte("a viewer"))
	signedOut = seal.Session([]byte("signed o"))
)

func audienceOf(t testing.TB, name string) seal.Audience {
	t.Helper()
	return sealtest.AudienceKey(t).Audience(name)
}

// ticketOf returns a ticket of a generation that names audiences.
func ticketOf(t testing.TB, generation int, expiresAt time.Time, s seal.Session, names ...string) string {
	t.Helper()
	var audiences []seal.Audience
	for _, name := range names {
		audiences = append(audiences, audienceOf(t, name))
	}
	ticket, err := sealtest.Key(t, generation).SealTicket(seal.Ticket{ExpiresAt: expiresAt, Session: s,
		Audiences: audiences})
	require.NoError(t, err)
	return ticket
}

// ticketFor returns a good ticket of the current generation.
func ticketFor(t testing.TB, names ...string) string {
	t.Helper()
	return ticketOf(t, 2, expiry, signedIn, names...)
}

// ticketNaming returns a ticket that claims to be of a generation, with a seal of
// the current key, whatever stands for its audiences.
func ticketNaming(generation byte, audiences ...byte) string {
	body := slices.Concat([]byte{generation}, binary.BigEndian.AppendUint32(nil, uint32(expiry.Unix())), signedIn[:],
		audiences)
	mac := hmac.New(sha256.New, []byte(sealtest.Value(2)))
	mac.Write([]byte("viewer ticket 1\n"))
	mac.Write(body)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(body)[:len(body)+16])
}

// boundTo returns a link that is bound to an audience.
func boundTo(t testing.TB, name, filler string) string {
	t.Helper()
	return sealedWith(t, 2, seal.Claims{ExpiresAt: expiry, Policy: seal.PolicyTicket,
		Audience: audienceOf(t, name)}, filler)
}

func bearer(ticket string) viewer {
	return viewer{Headers: values{"authorization": {Value: "Bearer " + ticket}}}
}
func inQuery(ticket string) viewer { return viewer{Query: values{seal.TicketQuery: {Value: ticket}}} }
func inCookie(ticket string) viewer {
	return viewer{Cookies: values{seal.TicketCookie: {Value: ticket}}}
}

// carrying are viewers who send the ticket, by carrier.
func carrying(ticket string) map[gate.Carrier]viewer {
	return map[gate.Carrier]viewer{gate.Bearer: bearer(ticket), gate.Query: inQuery(ticket), gate.Cookie: inCookie(ticket)}
}

// kind is a ticket beside a link that is bound to an audience.
type kind struct {
	name, ticket, audience string
	status                 int
}

// kinds are all kinds of tickets, each beside a bound link.
func kinds(t testing.TB) []kind {
	t.Helper()
	good, a := ticketFor(t, room), audienceOf(t, room)
	return []kind{
		{"the link's audience", good, room, 0},
		{"the link's audience among 32", ticketFor(t, slices.Concat(names(31), []string{room})...), room, 0},
		{"the link's audience first of 32", ticketFor(t, slices.Concat([]string{room}, names(31))...), room, 0},
		{"the service of the link", ticketFor(t, service), service, 0},
		{"the previous key", ticketOf(t, 1, expiry, signedIn, room), room, 0},
		{"its last second", ticketOf(t, 2, now.Add(time.Second), signedIn, room), room, 0},
		{"another audience", ticketFor(t, other), room, 404},
		{"32 other audiences", ticketFor(t, names(32)...), room, 404},
		{"the whole service, for one room", ticketFor(t, service), room, 404},
		{"one room, for the whole service", good, service, 404},
		{"the second of its expiry", ticketOf(t, 2, now, signedIn, room), room, 401},
		{"an expiry long ago", ticketOf(t, 2, time.Unix(1, 0), signedIn, room), room, 401},
		{"an expiry and another audience", ticketOf(t, 2, now, signedIn, other), room, 401},
		{"an ended session", ticketOf(t, 2, expiry, signedOut, room), room, 401},
		{"an ended session of the previous key", ticketOf(t, 1, expiry, signedOut, room), room, 401},
		{"a key that is not there", ticketOf(t, 3, expiry, signedIn, room), room, 401},
		{"damage in its audience", flipBit(t, good, 8*14), room, 401},
		{"damage in its seal", flipBit(t, good, 8*20), room, 401},
		{"a link in its place", boundTo(t, room, "a"), room, 401},
		{"the link's audience across two", ticketNaming(2, 0, 0, a[0], a[1], a[2], a[3], 0, 0), room, 404},
		{"the current key under another generation", ticketNaming(1, a[:]...), room, 401},
		{"the current key under a generation without one", ticketNaming(3, a[:]...), room, 401},
		{"no audience", ticketNaming(2), room, 401},
		{"half an audience", ticketNaming(2, a[0], a[1]), room, 401},
		{"an audience and a half", ticketNaming(2, a[0], a[1], a[2], a[3], 0, 0), room, 401},
		{"33 audiences", ticketNaming(2, bytes.Repeat(a[:], 33)...), room, 401},
		{"nothing but letters", "ticket", room, 401},
		{"nothing", "", room, 401},
	}
}

// names are audiences that no link is bound to.
func names(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("%s/none-%d", service, i))
	}
	return out
}

func ticketRules(t testing.TB) []rule {
	good, bound, revoked := ticketFor(t, room), boundTo(t, room, "b"), boundTo(t, room, "v")
	expired := sealedWith(t, 2, seal.Claims{ExpiresAt: now, Policy: 1}, "x")
	unbound := sealed(t, 2, expiry, "a")
	// both sends what either sends, of which no two may send the same.
	both := func(a, b viewer) viewer {
		merge := func(a, b values) values {
			out := values{}
			maps.Copy(out, a)
			maps.Copy(out, b)
			return out
		}
		return viewer{merge(a.Headers, b.Headers), merge(a.Query, b.Query), merge(a.Cookies, b.Cookies)}
	}
	out := []rule{
		{name: "a bound link without a ticket asks to sign in", uri: bound, status: 401},
		{name: "so does a variant of it", uri: bound + "/w320", status: 401},
		{name: "so does it as an attachment", uri: bound + "/download", status: 401},
		{name: "so does HEAD", method: "HEAD", uri: bound, status: 401},
		{name: "a ticket opens a variant", uri: bound + "/w320", viewer: bearer(good), accept: "image/webp"},
		{name: "a ticket opens the attachment", uri: bound + "/download", viewer: inCookie(good)},
		{name: "a ticket opens no unknown variant", uri: bound + "/w321", viewer: inCookie(good), status: 404},
		{name: "a ticket opens no forged link", uri: bound[:31] + "_", viewer: bearer(good), status: 404},
		{name: "a ticket opens no expired link", uri: expired, viewer: bearer(good), status: 403},
		{name: "an expired bound link is told so without a ticket", uri: expired, status: 403},
		{name: "a ticket opens no revoked link", uri: revoked, viewer: bearer(good), status: 404,
			prepare: func(s *cloudfrontjs.MapStore) { s.Put(seal.RevocationEntry(revoked), "1") }},
		{name: "a ticket opens no link of a policy that is not known", viewer: bearer(good), status: 404,
			uri: sealedWith(t, 2, seal.Claims{ExpiresAt: expiry, Policy: 2, Audience: audienceOf(t, room)}, "p")},
		{name: "a preflight of a bound link needs no ticket", method: "OPTIONS", uri: bound},
		{name: "a preflight with a bad ticket passes, too", method: "OPTIONS", uri: bound, viewer: bearer("bad")},
		{name: "a preflight of a revoked bound link is refused", method: "OPTIONS", uri: revoked, status: 404,
			prepare: func(s *cloudfrontjs.MapStore) { s.Put(seal.RevocationEntry(revoked), "1") }},
		{name: "another method needs a ticket", method: "POST", uri: bound, status: 401},
		{name: "options in small letters need a ticket", method: "options", uri: bound, status: 401},
		{name: "a ticket of a generation that was rotated out", uri: bound, status: 401,
			viewer:  bearer(ticketOf(t, 1, expiry, signedIn, room)),
			prepare: func(s *cloudfrontjs.MapStore) { s.Delete("k.1") }},
		{name: "a ticket of the next generation", uri: bound, viewer: bearer(ticketOf(t, 3, expiry, signedIn, room)),
			prepare: func(s *cloudfrontjs.MapStore) { s.Put("k.3", sealtest.Value(3)) }},
		{name: "an old link with a ticket of the current key",
			uri:    sealedWith(t, 1, seal.Claims{ExpiresAt: expiry, Policy: 1, Audience: audienceOf(t, room)}, "o"),
			viewer: bearer(good)},
		{name: "a broken list of sessions fails", uri: bound, viewer: bearer(good), fails: true, prepare: breakAt("s.")},
		{name: "a broken key of the ticket fails", uri: bound, fails: true, prepare: breakAt("k.1"),
			viewer: bearer(ticketOf(t, 1, expiry, signedIn, room))},
		{name: "a malformed key of the ticket fails", uri: bound, fails: true,
			viewer:  bearer(ticketOf(t, 1, expiry, signedIn, room)),
			prepare: func(s *cloudfrontjs.MapStore) { s.Put("k.1", "short") }},
		{name: "an unbound link does not look at sessions", uri: unbound, viewer: bearer(good), prepare: breakAt("s.")},

		{name: "the scheme in small letters", uri: bound,
			viewer: viewer{Headers: values{"authorization": {Value: "bearer " + good}}}},
		{name: "the scheme in capitals", uri: bound,
			viewer: viewer{Headers: values{"authorization": {Value: "BEARER " + good}}}},
		{name: "another scheme is no ticket", uri: bound, status: 401,
			viewer: viewer{Headers: values{"authorization": {Value: "Basic " + good}}}},
		{name: "no scheme is no ticket", uri: bound, status: 401,
			viewer: viewer{Headers: values{"authorization": {Value: good}}}},
		{name: "a scheme without a ticket", uri: bound, status: 401, viewer: both(bearer(""), inCookie(good))},
		{name: "two spaces after the scheme", uri: bound, status: 401, viewer: bearer(" " + good)},
		{name: "a space after the ticket", uri: bound, status: 401, viewer: bearer(good + " ")},
		{name: "another scheme leaves the cookie to count", uri: bound,
			viewer: both(viewer{Headers: values{"authorization": {Value: "Basic x"}}}, inCookie(good))},
		{name: "bearer counts before the query", uri: bound, status: 401, viewer: both(bearer("bad"), inQuery(good))},
		{name: "bearer counts before the cookie", uri: bound, viewer: both(bearer(good), inCookie("bad"))},
		{name: "the query counts before the cookie", uri: bound, viewer: both(inQuery(good), inCookie("bad"))},
		{name: "a bad query is not mended by the cookie", uri: bound, status: 401,
			viewer: both(inQuery("bad"), inCookie(good))},
		{name: "an empty query counts, too", uri: bound, status: 401, viewer: both(inQuery(""), inCookie(good))},
		{name: "a cookie of another name is none", uri: bound, status: 401,
			viewer: viewer{Cookies: values{"viewer": {Value: good}, "__secure-viewer": {Value: good},
				"__Host-viewer": {Value: good}}}},
		{name: "a parameter of another name is none", uri: bound, status: 401,
			viewer: viewer{Query: values{"Ticket": {Value: good}, "t": {Value: good}, "tickets": {Value: good}}}},
		{name: "a header of the cookie's name is none", uri: bound, status: 401,
			viewer: viewer{Headers: values{"__secure-viewer": {Value: good}, "ticket": {Value: good}, "cookie": {Value: good}}}},
	}
	for _, k := range kinds(t) {
		for carrier, v := range carrying(k.ticket) {
			what := fmt.Sprintf("%s by %s", k.name, carrier)
			claims := seal.Claims{ExpiresAt: expiry, Policy: seal.PolicyTicket, Audience: audienceOf(t, k.audience)}
			out = append(out, rule{name: what + ", bound link", uri: sealedWith(t, 2, claims, "k"), viewer: v, status: k.status})
			claims.Policy = seal.PolicyHolder
			out = append(out, rule{name: what + ", unbound link", uri: sealedWith(t, 2, claims, "k"), viewer: v})
			claims.Policy = 2
			out = append(out, rule{name: what + ", policy 2", uri: sealedWith(t, 2, claims, "k"), viewer: v, status: 404})
		}
	}
	return append(out, hostileRules(t, bound, good)...)
}

// hostileRules are cookies and parameters of viewers who try.
func hostileRules(t testing.TB, bound, good string) (out []rule) {
	t.Helper()
	for _, text := range []string{
		good + "=", good + "==", good + "\n", "\n" + good, good[:20] + "\r\n" + good[20:], good[:20] + " " + good[20:],
		"\"" + good + "\"", "'" + good + "'", fmt.Sprintf("%%%02X", good[0]) + good[1:],
		good + "," + good, good + ";" + good,
		good + "." + good, good + good, strings.ToUpper(good), strings.ToLower(good), strings.Repeat("A", 8000),
		strings.Repeat(good, 500), "é" + good[2:], strings.Repeat("\U0001F512", 22), "\x00" + good, good + "\x00", "null",
		"undefined", "[object Object]", "__proto__", good[:43], good + "A", strings.ReplaceAll(good, "_", "/") + "/",
	} {
		for carrier, v := range carrying(text) {
			out = append(out, rule{name: fmt.Sprintf("%.40q by %s is no ticket", text, carrier), uri: bound, viewer: v,
				status: 401})
		}
	}
	twice := func(first, second string) value {
		return value{Value: second, MultiValue: []value{{Value: first}, {Value: second}}}
	}
	// Whichever the runtime shows as the value is the one that counts.
	for name, v := range map[string]func(value) viewer{
		"header":    func(v value) viewer { return viewer{Headers: values{"authorization": v}} },
		"parameter": func(v value) viewer { return viewer{Query: values{seal.TicketQuery: v}} },
		"cookie":    func(v value) viewer { return viewer{Cookies: values{seal.TicketCookie: v}} },
	} {
		scheme := ""
		if name == "header" {
			scheme = "Bearer "
		}
		out = append(out,
			rule{name: "a " + name + " that comes twice, good", uri: bound, viewer: v(twice("bad", scheme+good))},
			rule{name: "a " + name + " that comes twice, bad", uri: bound, viewer: v(twice(scheme+good, scheme+"bad")),
				status: 401})
	}
	return out
}

func TestOnlyAllowedCarriersCount(t *testing.T) {
	bound, good := "/images/"+boundTo(t, room, "b"), ticketFor(t, room)
	for _, allowed := range [][]gate.Carrier{nil, {gate.Bearer}, {gate.Query}, {gate.Cookie}, {gate.Bearer, gate.Query},
		{gate.Query, gate.Cookie}, {gate.Bearer, gate.Cookie}, {gate.Bearer, gate.Query, gate.Cookie}} {
		s := settings
		s.Carriers = allowed
		code, err := gate.Source(s)
		require.NoError(t, err)
		g := withKeys(t, code)
		for carrier, v := range carrying(good) {
			a, err := askAs(context.Background(), g.Function, "GET", bound, v)
			require.NoError(t, err)
			if slices.Contains(allowed, carrier) {
				assert.True(t, a.passed(), "%s where %v are allowed: %+v", carrier, allowed, a)
				continue
			}
			assert.Equal(t, 401, a.StatusCode, "%s where %v are allowed", carrier, allowed)
			_, there := a.Headers["www-authenticate"]
			assert.Equal(t, slices.Contains(allowed, gate.Bearer), there, "it says what an application could send")

			// What is not allowed is taken out all the same, and does not stand in the way.
			a, err = askAs(context.Background(), g.Function, "GET", "/images/"+sealed(t, 2, expiry, "a"), v.withBallast())
			require.NoError(t, err)
			assert.True(t, a.passed())
			assert.Empty(t, notPlain(a, ""), "%s where %v are allowed", carrier, allowed)
		}
		for _, carrier := range allowed {
			if len(allowed) > 1 {
				continue // the order is for other tests
			}
			v := viewer{bearer("bad").Headers, inQuery("bad").Query, inCookie("bad").Cookies}
			switch carrier {
			case gate.Bearer:
				v.Headers = bearer(good).Headers
			case gate.Query:
				v.Query = inQuery(good).Query
			case gate.Cookie:
				v.Cookies = inCookie(good).Cookies
			}
			a, err := askAs(context.Background(), g.Function, "GET", bound, v)
			require.NoError(t, err)
			assert.True(t, a.passed(), "%s alone, beside others that are not allowed: %+v", carrier, a)
		}
	}
}

func TestReadsForATicketAreFew(t *testing.T) {
	store := &countingStore{MapStore: &cloudfrontjs.MapStore{}}
	store.Update(sealtest.Entries(1, 2, 3))
	f, err := cloudfrontjs.New(source(t), store, cloudfrontjs.WithClock(func() time.Time { return now }))
	require.NoError(t, err)
	bound, unbound, good := boundTo(t, room, "b"), sealed(t, 2, expiry, "a"), ticketFor(t, room)
	for _, tt := range []struct {
		name, hash, ticket string
		want               []string
	}{
		{"a bound link and a ticket of its key", bound, good, []string{"k.2", seal.SessionEntry(signedIn), "r." + bound}},
		{"a ticket of another key", bound, ticketOf(t, 1, expiry, signedIn, room),
			[]string{"k.2", "k.1", seal.SessionEntry(signedIn), "r." + bound}},
		{"no ticket", bound, "", []string{"k.2"}},
		{"a forged ticket", bound, good[:43] + "!", []string{"k.2"}},
		{"a damaged ticket", bound, flipBit(t, good, 260), []string{"k.2"}},
		{"an expired ticket", bound, ticketOf(t, 2, now, signedIn, room), []string{"k.2"}},
		{"a ticket for others", bound, ticketFor(t, other), []string{"k.2", seal.SessionEntry(signedIn)}},
		{"a ticket that nobody asked for", unbound, good, []string{"k.2", "r." + unbound}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store.reads = nil
			_, err := askAs(context.Background(), f, "GET", "/images/"+tt.hash, bearer(tt.ticket))
			require.NoError(t, err)
			assert.Equal(t, tt.want, store.reads)
		})
	}
}
