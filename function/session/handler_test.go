package session

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue/api"
	"secure-media-cdn/function/issue/cloud/cloudtest"
	"secure-media-cdn/function/seal"
	"secure-media-cdn/function/seal/sealtest"
)

// opened checks the cookie of a good answer with the keys, and returns the names that the answer tells.
func (w *world) opened(t testing.TB, a response) []string {
	t.Helper()
	var session Session
	require.NoError(t, json.Unmarshal([]byte(a.Body), &session))
	require.Len(t, a.Cookies, 1)
	cookie, err := http.ParseSetCookie(a.Cookies[0])
	require.NoError(t, err)
	require.Equal(t, seal.TicketCookie, cookie.Name)
	ticket, err := sealtest.Key(t, 2).OpenTicket(cookie.Value)
	require.NoError(t, err)
	require.Equal(t, session.Session, sealtest.AudienceKey(t).SessionID(ticket.Session, ticket.ExpiresAt))
	require.Equal(t, session.ExpiresAt.Unix(), ticket.ExpiresAt.Unix())
	var audiences []seal.Audience
	for _, name := range session.Audiences {
		audiences = append(audiences, sealtest.AudienceKey(t).Audience(name))
	}
	require.Equal(t, audiences, ticket.Audiences)
	return session.Audiences
}

func TestATokenIsExchangedForACookieThatLivesAsLongAsTheStackSays(t *testing.T) {
	t.Parallel()
	_, w := ownKeys(t)
	a := w.signInWith(t, w.token(t, "one"))
	require.Equal(t, 200, a.StatusCode, a.Body)
	assert.Equal(t, []string{"simple-chat"}, w.opened(t, a))
	assert.Equal(t, "application/json", a.Headers["Content-Type"])
	assert.Equal(t, origin, a.Headers["Access-Control-Allow-Origin"])
	assert.Equal(t, "true", a.Headers["Access-Control-Allow-Credentials"])
	assert.Equal(t, "Origin", a.Headers["Vary"])

	cookie := must(http.ParseSetCookie(a.Cookies[0]))
	assert.Equal(t, 43200, cookie.MaxAge)
	assert.Equal(t, "example.com", cookie.Domain)
	assert.Equal(t, "/images", cookie.Path)
	assert.True(t, cookie.Secure && cookie.HttpOnly && cookie.SameSite == http.SameSiteLaxMode)
	ticket, err := sealtest.Key(t, 2).OpenTicket(cookie.Value)
	require.NoError(t, err)
	assert.Equal(t, w.clock.Add(12*time.Hour).Unix(), ticket.ExpiresAt.Unix(), "though the token lives for an hour")

	second := must(http.ParseSetCookie(w.signInWith(t, w.token(t, "one")).Cookies[0]))
	again := must(sealtest.Key(t, 2).OpenTicket(second.Value))
	assert.NotEqual(t, ticket.Session, again.Session, "each is a session of its own")
	assert.NotContains(t, w.log.String(), cookie.Value)
	assert.Equal(t, []string{"123456789012:GET", "123456789012:GET"}, w.aws.Calls,
		"the keys are read once, nothing else is")
}

func TestSigningOutTakesTheCookieAway(t *testing.T) {
	t.Parallel()
	s, w := ownKeys(t)
	a := w.call(t, http.MethodDelete, nil)
	assert.Equal(t, 204, a.StatusCode)
	assert.Empty(t, a.Body)
	require.Len(t, a.Cookies, 1)
	assert.Equal(t, "__Secure-viewer=; Domain=example.com; Path=/images; Max-Age=0; Secure; HttpOnly; SameSite=Lax",
		a.Cookies[0])
	assert.Empty(t, w.aws.Calls)
	assert.Zero(t, s.asked)
}

// A page of another site could sign a viewer out, or in as somebody else, and watch what he does there.
func TestPagesOfOtherOriginsCanDoNothing(t *testing.T) {
	t.Parallel()
	s, w := ownKeys(t)
	good := w.token(t, "one")
	for _, foreign := range []string{"", "null", "https://evil.example", "http://app.example.com",
		"https://app.example.com:8443", "https://app.example.com.evil.example", "https://evil-app.example.com",
		"https://app.example.com/", "HTTPS://APP.EXAMPLE.COM", origin + "," + origin, " " + origin,
		"https://other.example.com"} {
		for _, method := range []string{http.MethodPost, http.MethodDelete, http.MethodOptions, http.MethodGet} {
			a := w.call(t, method, map[string]string{"origin": foreign, HeaderToken: good})
			assert.Equal(t, 403, a.StatusCode, "%s from %q", method, foreign)
			assert.Contains(t, a.Body, `"code":"forbidden"`)
			assert.Empty(t, a.Cookies)
			for name := range a.Headers {
				assert.NotContains(t, name, "Access-Control", "%s from %q", method, foreign)
			}
		}
	}
	assert.Empty(t, w.aws.Calls)
	assert.Zero(t, s.asked)
	assert.NotContains(t, w.log.String(), "evil", "what a stranger writes is not for the log")
}

func TestAPreflightAllowsTheTokensHeaderAndNoMore(t *testing.T) {
	t.Parallel()
	_, w := ownKeys(t)
	a := w.call(t, http.MethodOptions, map[string]string{
		"access-control-request-method": "PUT", "access-control-request-headers": "x-other",
	})
	assert.Equal(t, 204, a.StatusCode)
	assert.Empty(t, a.Cookies)
	assert.Equal(t, map[string]string{
		"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true", "Vary": "Origin",
		"Access-Control-Allow-Methods": "POST, DELETE, OPTIONS", "Access-Control-Allow-Headers": "x-viewer-token",
		"Access-Control-Max-Age": "7200", "Cache-Control": "no-store",
	}, a.Headers)
}

func TestWhatIsNoCallOfSessionIsRefused(t *testing.T) {
	t.Parallel()
	_, w := ownKeys(t)
	for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "TRACE", "post", ""} {
		a := w.call(t, method, map[string]string{HeaderToken: w.token(t, "one")})
		assert.Equal(t, 405, a.StatusCode, "%q", method)
		assert.Equal(t, "POST, DELETE, OPTIONS", a.Headers["Allow"])
		assert.Empty(t, a.Cookies)
	}
	for name, change := range map[string]func(*request){
		"another path":         func(r *request) { r.RawPath = "/session/x" },
		"a body":               func(r *request) { r.Body = "a" },
		"a body of one byte 0": func(r *request) { r.Body, r.IsBase64Encoded = "AA==", true },
	} {
		r := request{RawPath: Path, Headers: map[string]string{"origin": origin, HeaderToken: w.token(t, "one")}}
		r.RequestContext.HTTP.Method = http.MethodPost
		change(&r)
		a, err := w.Handle(t.Context(), r)
		require.NoError(t, err)
		assert.Contains(t, []int{400, 404}, a.StatusCode, name)
		assert.Empty(t, a.Cookies)
	}
}

func TestAStoreThatFailsIsSaidToBeUnavailable(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*world){
		"a store that is down": func(w *world) {
			w.aws.Fault = func(int, *http.Request) cloudtest.Fault { return cloudtest.Refused }
		},
		"no key of the generation": func(w *world) { delete(w.aws.KeyValueStore.Entries, "k.2") },
		"no key of the audiences":  func(w *world) { delete(w.aws.KeyValueStore.Entries, "audience") },
		"a key that is none":       func(w *world) { w.aws.KeyValueStore.Entries["k.2"] = "hunter2" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, w := ownKeys(t)
			change(w)
			w.refuses(t, w.token(t, "one"), CodeUnavailable, "the key that seals cannot be read")
			assert.Contains(t, w.log.String(), `"level":"ERROR"`)
			assert.NotContains(t, w.log.String(), "hunter2")
		})
	}
}

func TestWithoutRandomnessThereIsNoSession(t *testing.T) {
	t.Parallel()
	_, w := ownKeys(t)
	w.random = iotest.ErrReader(errors.New("no entropy"))
	w.refuses(t, w.token(t, "one"), CodeInternal, "something went wrong inside")
	w.random = io.LimitReader(strings.NewReader("short"), 5)
	w.refuses(t, w.token(t, "one"), CodeInternal, "something went wrong inside")
}

func TestAPanicIsAnAnswer(t *testing.T) {
	t.Parallel()
	_, w := ownKeys(t)
	w.keys = nil
	w.refuses(t, w.token(t, "one"), CodeInternal, "something went wrong inside")
	assert.Contains(t, w.log.String(), "handler.go")
}

func TestErrorsAreInTheFormOfTheIssuersAPI(t *testing.T) {
	ours, err := json.Marshal(Failure{problem("a_code", "a sentence")})
	require.NoError(t, err)
	theirs, err := json.Marshal(api.Failure{Error: api.Problem{Code: "a_code", Message: "a sentence"}})
	require.NoError(t, err)
	assert.JSONEq(t, string(theirs), string(ours))
}

func TestTheLogSaysOfEachCallHowItEnded(t *testing.T) {
	_, w := ownKeys(t)
	w.signInWith(t, w.token(t, "one"))
	w.signInWith(t, "no token")
	lines := strings.Split(strings.TrimSpace(w.log.String()), "\n")
	require.Len(t, lines, 2)
	for n, status := range []int{200, 401} {
		var line map[string]any
		require.NoError(t, json.Unmarshal([]byte(lines[n]), &line))
		assert.EqualValues(t, status, line["status"], strconv.Itoa(n))
		assert.Equal(t, "INFO", line["level"])
	}
}
