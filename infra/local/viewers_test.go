package local

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/issue/api"
	"secure-media-cdn/function/seal"
)

// room is an audience below a service whose viewers need tickets.
const room = "discussion/room-42"

// boundPicture uploads a new photo, and returns its link, bound to the audience.
func (s *scene) boundPicture(audience string) api.Link {
	s.t.Helper()
	s.uploads++
	object := s.upload(fmt.Sprintf("discussion/secret %d.jpg", s.uploads), sample)
	links, err := s.issuer().Issue(s.t.Context(), []string{object}, issue.Terms{Audience: audience})
	require.NoError(s.t, err)
	require.Nil(s.t, links[0].Error)
	s.secrets = append(s.secrets, links[0].Hash)
	return links[0]
}

// signIn asks the issuer for a ticket.
func (s *scene) signIn(audiences ...string) *api.Ticket {
	s.t.Helper()
	ticket, err := s.issuer().Ticket(s.t.Context(), "somebody", audiences, 0)
	require.NoError(s.t, err)
	s.secrets = append(s.secrets, ticket.Ticket)
	return ticket
}

// ring returns the keys that the stack seals with.
func (s *scene) ring() (seal.Key, seal.AudienceKey) {
	s.t.Helper()
	var state struct{ Registered map[string]string }
	readJSON(s.t, filepath.Join(s.dir, "keyvaluestore.json"), &state)
	key, err := seal.NewKey(1, state.Registered[seal.KeyEntry(1)])
	require.NoError(s.t, err)
	audiences, err := seal.NewAudienceKey(state.Registered[seal.AudienceEntry])
	require.NoError(s.t, err)
	return key, audiences
}

// carriers are the ways in which a ticket may come.
var carriers = map[string]func(address, ticket string) (string, []string){
	"bearer": func(address, ticket string) (string, []string) {
		return address, []string{"Authorization", "Bearer " + ticket}
	},
	"query": func(address, ticket string) (string, []string) { return address + "?ticket=" + ticket, nil },
	"cookie": func(address, ticket string) (string, []string) {
		return address, []string{"Cookie", seal.TicketCookie + "=" + ticket}
	},
}

func (s *scene) playViewers(t *testing.T) {
	t.Run("each carrier, policy and state of a ticket has its answer", s.playTickets)
	t.Run("viewers with different tickets share one copy of every form", s.playSharing)
	t.Run("a session that was ended is refused at once, in every form", s.playSignOut)
	t.Run("nobody but the browser keeps what is bound", s.playProxy)
	t.Run("a preflight needs a good link and no ticket", s.playPreflight)
}

// playTickets tries every carrier with every ticket at every link.
func (s *scene) playTickets(t *testing.T) {
	key, audiences := s.ring()
	seal1 := func(k seal.Key, life time.Duration, names ...string) string {
		session, err := seal.NewSession(rand.Reader)
		require.NoError(t, err)
		ticket := seal.Ticket{ExpiresAt: time.Now().Add(life), Session: session}
		for _, name := range names {
			ticket.Audiences = append(ticket.Audiences, audiences.Audience(name))
		}
		sealed, err := k.SealTicket(ticket)
		require.NoError(t, err)
		return sealed
	}
	stranger, err := seal.NewKey(1, strings.Repeat("x", seal.ValueLength))
	require.NoError(t, err)
	retired, err := seal.NewKey(9, strings.Repeat("x", seal.ValueLength))
	require.NoError(t, err)
	ended := s.signIn("discussion", room)
	require.NoError(t, s.issuer().EndSession(t.Context(), ended.Session))
	many := []string{room}
	for n := range seal.MaxAudiences - 1 {
		many = append(many, fmt.Sprintf("discussion/other-%d", n))
	}

	ofService, ofRoom, unbound := s.boundPicture(""), s.boundPicture(room), s.picture(0)
	unknown, err := key.Seal(seal.Claims{ExpiresAt: time.Now().Add(time.Hour), Policy: 2}, rand.Reader)
	require.NoError(t, err)
	revoked := s.boundPicture(room)
	_, err = s.issuer().Revoke(t.Context(), nil, []string{revoked.Hash})
	require.NoError(t, err)

	const ok, anonymous, nothing = http.StatusOK, http.StatusUnauthorized, http.StatusNotFound
	for _, tt := range []struct {
		state, ticket                  string
		ofService, ofRoom, ofDeadPhoto int
	}{
		{"none", "", anonymous, anonymous, anonymous},
		{"good for the service", s.signIn("discussion").Ticket, ok, nothing, nothing},
		{"good for the room", s.signIn(room).Ticket, nothing, ok, nothing},
		{"good for both", s.signIn("discussion", room).Ticket, ok, ok, nothing},
		{"good for another room", s.signIn("discussion/room-4").Ticket, nothing, nothing, nothing},
		{"good for as many as there may be", seal1(key, time.Hour, many...), nothing, ok, nothing},
		{"in its last minute", seal1(key, time.Minute, "discussion", room), ok, ok, nothing},
		{"expired", seal1(key, -time.Second, "discussion", room), anonymous, anonymous, anonymous},
		{"of an ended session", ended.Ticket, anonymous, anonymous, anonymous},
		{"sealed by a stranger", seal1(stranger, time.Hour, "discussion", room), anonymous, anonymous, anonymous},
		{"of a key that is not there", seal1(retired, time.Hour, "discussion", room), anonymous, anonymous, anonymous},
		{"a link's hash", ofRoom.Hash, anonymous, anonymous, anonymous},
		{"no base64", "not/a+ticket=", anonymous, anonymous, anonymous},
	} {
		for carrier, carry := range carriers {
			what := fmt.Sprintf("a ticket that is %s, by %s", tt.state, carrier)
			ask := func(want int, address string) {
				at, headers := carry(address, tt.ticket)
				a := fetch(t, "GET", at, headers...)
				assert.Equal(t, want, a.StatusCode, "%s at %s", what, address)
				if want != ok {
					assert.Equal(t, "no-store", a.Header.Get("Cache-Control"), what)
					assert.NotContains(t, a.Header.Get("Content-Type"), "image")
				}
				assert.Equal(t, want == anonymous, a.Header.Get("Www-Authenticate") == "Bearer", what)
				assert.Empty(t, a.Header.Get("Set-Cookie"))
			}
			for _, form := range append([]string{""}, forms...) {
				ask(tt.ofService, address(ofService, form))
				ask(tt.ofRoom, address(ofRoom, form))
				ask(tt.ofDeadPhoto, address(revoked, form))
				ask(ok, address(unbound, form))
			}
			ask(nothing, s.base+seal.LinkPath(unknown))
			ask(nothing, s.base+seal.LinkPath(flipped(ofRoom.Hash)))
		}
	}
	s.playDamage(t, ofRoom, seal1(key, time.Hour, room))
}

func flipped(hash string) string { return hash[:31] + flip(hash[31]) }

// playDamage changes each byte of a ticket.
func (s *scene) playDamage(t *testing.T, link api.Link, ticket string) {
	raw, err := base64.RawURLEncoding.DecodeString(ticket)
	require.NoError(t, err)
	for carrier, carry := range carriers {
		at, headers := carry(link.URL, ticket)
		require.Equal(t, 200, fetch(t, "GET", at, headers...).StatusCode)
		for n := range raw {
			damaged := bytes.Clone(raw)
			damaged[n] ^= 0x10
			at, headers := carry(link.URL, base64.RawURLEncoding.EncodeToString(damaged))
			assert.Equal(t, 401, fetch(t, "GET", at, headers...).StatusCode, "%s, byte %d", carrier, n)
		}
	}
}

// playSharing counts the runs that the first viewer of each form causes, and any
// other.
func (s *scene) playSharing(t *testing.T) {
	link := s.boundPicture(room)
	first, second := s.signIn(room), s.signIn("discussion", room)
	require.NotEqual(t, first.Ticket, second.Ticket)
	edge, images := s.ran(edgeFunction), s.ran(imagesFunction)
	for _, form := range append([]string{""}, forms...) {
		a := fetch(t, "GET", address(link, form), "Authorization", "Bearer "+first.Ticket)
		require.Equal(t, 200, a.StatusCode)
		require.Equal(t, "Miss from cloudfront", a.cache(), form)
		for carrier, carry := range carriers {
			for _, viewer := range []*api.Ticket{first, second} {
				at, headers := carry(address(link, form), viewer.Ticket)
				b := fetch(t, "GET", at, headers...)
				require.Equal(t, 200, b.StatusCode)
				assert.Equal(t, "Hit from cloudfront", b.cache(), "%s by %s", form, carrier)
				assert.Equal(t, a.body, b.body)
				assert.Equal(t, a.Header.Get("ETag"), b.Header.Get("ETag"))
				assert.Equal(t, "private, max-age=120", b.Header.Get("Cache-Control"))
			}
		}
		assert.Equal(t, 401, fetch(t, "GET", address(link, form)).StatusCode, "and still nobody without a ticket")
	}
	assert.Equal(t, 5, s.ran(edgeFunction)-edge)
	assert.Equal(t, 3, s.ran(imagesFunction)-images)
}

func (s *scene) playSignOut(t *testing.T) {
	link, viewer, other := s.boundPicture(room), s.signIn(room), s.signIn(room)
	warm(t, link, "Authorization", "Bearer "+viewer.Ticket)
	require.NoError(t, s.issuer().EndSession(t.Context(), viewer.Session))
	for _, form := range append([]string{""}, forms...) {
		for carrier, carry := range carriers {
			at, headers := carry(address(link, form), viewer.Ticket)
			assert.Equal(t, 401, fetch(t, "GET", at, headers...).StatusCode, "%s by %s", form, carrier)
			at, headers = carry(address(link, form), other.Ticket)
			assert.Equal(t, 200, fetch(t, "GET", at, headers...).StatusCode, "the others stay")
		}
	}
	_, err := s.issuer().Revoke(t.Context(), nil, []string{link.Hash})
	require.NoError(t, err)
	for _, form := range append([]string{""}, forms...) {
		at, headers := carriers["cookie"](address(link, form), other.Ticket)
		assert.Equal(t, 404, fetch(t, "GET", at, headers...).StatusCode, "a revocation is for everybody")
	}
}

func (s *scene) playPreflight(t *testing.T) {
	link := s.boundPicture(room)
	preflight := []string{"Origin", "http://localhost:3000", "Access-Control-Request-Method", "GET",
		"Access-Control-Request-Headers", "authorization"}
	for _, form := range append([]string{""}, forms...) {
		a := fetch(t, "OPTIONS", address(link, form), preflight...)
		assert.Equal(t, 204, a.StatusCode, form)
		assert.Equal(t, "http://localhost:3000", a.Header.Get("Access-Control-Allow-Origin"))
		assert.Equal(t, "true", a.Header.Get("Access-Control-Allow-Credentials"))
		assert.Contains(t, strings.ToLower(a.Header.Get("Access-Control-Allow-Headers")), "authorization")
		forged := strings.ReplaceAll(address(link, form), link.Hash, flipped(link.Hash))
		assert.Equal(t, 404, fetch(t, "OPTIONS", forged, preflight...).StatusCode, form)
	}
}

// playProxy puts a shared cache between viewers and the CDN.
func (s *scene) playProxy(t *testing.T) {
	proxy := newSharedCache(t, s.base)
	bound, unbound, viewer := s.boundPicture(room), s.picture(0), s.signIn(room)
	for _, form := range append([]string{""}, forms...) {
		through := func(address string) string { return proxy.URL + strings.TrimPrefix(address, s.base) }
		for range 2 {
			a := fetch(t, "GET", through(address(unbound, form)))
			require.Equal(t, 200, a.StatusCode)
		}
		assert.Positive(t, proxy.kept(address(unbound, form)[len(s.base):]), "it keeps what it may: %s", form)
		for carrier, carry := range carriers {
			at, headers := carry(address(bound, form), viewer.Ticket)
			a := fetch(t, "GET", through(at), headers...)
			require.Equal(t, 200, a.StatusCode)
			assert.Zero(t, proxy.kept(at[len(s.base):]), "%s by %s", form, carrier)
			head := fetch(t, "HEAD", through(at), headers...)
			assert.Equal(t, a.Header.Get("Cache-Control"), head.Header.Get("Cache-Control"))
		}
		for _, refused := range []string{address(bound, form), address(bound, form) + "?ticket=x"} {
			assert.Equal(t, 401, fetch(t, "GET", through(refused)).StatusCode)
			assert.Zero(t, proxy.kept(refused[len(s.base):]), "nor is a refusal kept")
		}
	}
}

// sharedCache is a proxy that keeps whatever RFC 9111 lets a shared cache keep, and
// does not look at Vary, as careless ones do not.
type sharedCache struct {
	*httptest.Server
	answers map[string]reply // by target
}

func newSharedCache(t *testing.T, origin string) *sharedCache {
	t.Helper()
	c := &sharedCache{answers: map[string]reply{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, there := c.answers[r.URL.RequestURI()]
		if !there || r.Method != http.MethodGet {
			out, err := http.NewRequest(r.Method, origin+r.URL.RequestURI(), nil)
			if err != nil {
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			out.Header = r.Header.Clone()
			response, err := http.DefaultTransport.RoundTrip(out)
			if err != nil {
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			defer response.Body.Close()
			body, _ := io.ReadAll(response.Body)
			a = reply{response, body}
			if mayKeep(r, response) {
				c.answers[r.URL.RequestURI()] = a
			}
		}
		for name, values := range a.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(a.StatusCode)
		_, _ = w.Write(a.body)
	}))
	t.Cleanup(c.Close)
	return c
}

// mayKeep says whether a shared cache may store an answer.
// https://www.rfc-editor.org/rfc/rfc9111#section-3
func mayKeep(r *http.Request, a *http.Response) bool {
	control := map[string]bool{}
	for part := range strings.SplitSeq(strings.ToLower(a.Header.Get("Cache-Control")), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		control[name] = value != "0"
	}
	switch {
	case r.Method != http.MethodGet, control["no-store"], control["private"]:
		return false
	case r.Header.Get("Authorization") != "" && !control["public"] && !control["s-maxage"] && !control["must-revalidate"]:
		return false
	}
	// Of the statuses here, 200 and 404 may be kept without being told for how long.
	return control["public"] || control["max-age"] || control["s-maxage"] || a.Header.Get("Expires") != "" ||
		a.StatusCode == http.StatusOK || a.StatusCode == http.StatusNotFound
}

// kept returns how many answers for a target are stored.
func (c *sharedCache) kept(target string) int {
	if _, there := c.answers[target]; there {
		return 1
	}
	return 0
}
