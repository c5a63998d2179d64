package session

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ownKeys is a world whose provider has one key of the test's, called "one".
func ownKeys(t testing.TB) (*keyServer, *world) {
	t.Helper()
	s := newKeyServer(t, httptest.NewServer, webKey(&rsaKey.PublicKey, "one", "RS256"))
	return s, newWorld(s.URL, "app")
}

func (w *world) token(t testing.TB, kid string) string {
	t.Helper()
	return mint(t, rsaKey, object{"alg": "RS256", "kid": kid}, w.good())
}

func TestTheProviderIsAskedAtMostOnceInAWhile(t *testing.T) {
	t.Parallel()
	s, w := ownKeys(t)
	for range 20 {
		require.Equal(t, 200, w.signInWith(t, w.token(t, "one")).StatusCode)
	}
	assert.Equal(t, 1, s.asked, "good tokens need no second look")
	for range 20 {
		w.refuses(t, w.token(t, "invented"), CodeBadToken, "a key that the provider does not publish")
	}
	assert.Equal(t, 1, s.asked, "the keys were read a moment ago")
	w.clock = w.clock.Add(refreshPause)
	for range 20 {
		w.refuses(t, w.token(t, "invented"), CodeBadToken, "a key that the provider does not publish")
	}
	assert.Equal(t, 2, s.asked)
}

func TestANewKeyOfTheProviderCountsAtOnceAndAnOldOneNotForLong(t *testing.T) {
	t.Parallel()
	s, w := ownKeys(t)
	require.Equal(t, 200, w.signInWith(t, w.token(t, "one")).StatusCode)
	s.keys = []any{webKey(&rsaKey.PublicKey, "two", "RS256")}
	w.clock = w.clock.Add(refreshPause)
	require.Equal(t, 200, w.signInWith(t, w.token(t, "two")).StatusCode)
	w.refuses(t, w.token(t, "one"), CodeBadToken, "a key that the provider does not publish")

	s.keys = []any{webKey(&rsaKey.PublicKey, "three", "RS256")}
	require.Equal(t, 200, w.signInWith(t, w.token(t, "two")).StatusCode, "nobody has asked for another")
	w.clock = w.clock.Add(keysLife + time.Second)
	w.refuses(t, w.token(t, "two"), CodeBadToken, "a key that the provider does not publish")
}

func TestAProviderThatFailsIsTriedAgainLaterAndItsOldKeysEnd(t *testing.T) {
	t.Parallel()
	s, w := ownKeys(t)
	failing := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
	s.discovery = failing
	w.refuses(t, w.token(t, "one"), CodeUnavailable, "the provider's keys cannot be read")
	assert.Contains(t, w.log.String(), "answers with status 502")
	s.discovery = nil
	w.refuses(t, w.token(t, "one"), CodeUnavailable, "the provider's keys cannot be read")
	assert.Zero(t, s.asked, "not before the pause is over")
	w.clock = w.clock.Add(refreshPause)
	require.Equal(t, 200, w.signInWith(t, w.token(t, "one")).StatusCode)

	s.discovery = failing
	w.clock = w.clock.Add(refreshPause)
	w.refuses(t, w.token(t, "two"), CodeUnavailable, "the provider's keys cannot be read")
	require.Equal(t, 200, w.signInWith(t, w.token(t, "one")).StatusCode, "known keys outlive a failure")
	w.clock = w.clock.Add(keysLife)
	w.refuses(t, w.token(t, "one"), CodeUnavailable, "the provider's keys cannot be read")
	answer := w.signInWith(t, w.token(t, "one"))
	assert.Equal(t, "5", answer.Headers["Retry-After"])
}

func TestWhatAProviderMayNotAnswer(t *testing.T) {
	t.Parallel()
	document := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }
	}
	elsewhere, _ := ownKeys(t)
	for name, tt := range map[string]struct {
		discovery func(s *keyServer) http.HandlerFunc
		why       string
	}{
		"another issuer": {func(s *keyServer) http.HandlerFunc {
			return document(`{"issuer":"` + elsewhere.URL + `","jwks_uri":"` + s.URL + `/keys"}`)
		}, "is about the issuer"},
		"its issuer with a slash more": {func(s *keyServer) http.HandlerFunc {
			return document(`{"issuer":"` + s.URL + `/","jwks_uri":"` + s.URL + `/keys"}`)
		}, "is about the issuer"},
		"no address of keys": {func(s *keyServer) http.HandlerFunc {
			return document(`{"issuer":"` + s.URL + `"}`)
		}, "jwks_uri must be an https address"},
		"keys over http": {func(s *keyServer) http.HandlerFunc {
			return document(`{"issuer":"` + s.URL + `","jwks_uri":"http://keys.example.com/"}`)
		}, "jwks_uri must be an https address"},
		"keys in a file": {func(s *keyServer) http.HandlerFunc {
			return document(`{"issuer":"` + s.URL + `","jwks_uri":"file:///etc/passwd"}`)
		}, "jwks_uri must be an https address"},
		"keys in the metadata service": {func(s *keyServer) http.HandlerFunc {
			return document(`{"issuer":"` + s.URL + `","jwks_uri":"http://169.254.169.254/latest"}`)
		}, "jwks_uri must be an https address"},
		"a redirect": {func(*keyServer) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusFound)
			}
		}, "answers with status 302"},
		"a redirect of the keys": {func(s *keyServer) http.HandlerFunc {
			mux := s.Config.Handler.(*http.ServeMux)
			mux.Handle("/moved", http.RedirectHandler(elsewhere.URL+"/keys", http.StatusTemporaryRedirect))
			return document(`{"issuer":"` + s.URL + `","jwks_uri":"` + s.URL + `/moved"}`)
		}, "answers with status 307"},
		"no JSON": {func(*keyServer) http.HandlerFunc { return document("<html>") }, "is not JSON of the right form"},
		"JSON of another form": {func(*keyServer) http.HandlerFunc { return document(`{"issuer":7}`) },
			"is not JSON of the right form"},
		"too much": {func(*keyServer) http.HandlerFunc { return document(strings.Repeat(" ", maxDocument+1)) },
			"has more than 262144 bytes"},
		"nothing, for too long": {func(*keyServer) http.HandlerFunc {
			return func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		}, "Client.Timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, w := ownKeys(t)
			w.provider.client.Timeout = 300 * time.Millisecond
			s.discovery = tt.discovery(s)
			_, err := w.provider.key(t.Context(), "one", "RS256")
			require.ErrorContains(t, err, tt.why)
			assert.Zero(t, s.asked)
			assert.Nil(t, w.provider.keys)
		})
	}
	assert.Zero(t, elsewhere.asked, "nothing leads elsewhere")
}

func TestAnIssuerOverTLSMayNotNameKeysWithoutIt(t *testing.T) {
	t.Parallel()
	plain, _ := ownKeys(t)
	s := newKeyServer(t, httptest.NewTLSServer, webKey(&rsaKey.PublicKey, "one", "RS256"))
	w := newWorld(s.URL, "app")
	_, err := w.provider.key(t.Context(), "one", "RS256")
	require.ErrorContains(t, err, "certificate", "an unknown certificate is refused")
	w.provider.client = s.Client()
	w.clock = w.clock.Add(refreshPause)
	require.Equal(t, 200, w.signInWith(t, w.token(t, "one")).StatusCode)

	s.discovery = func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"issuer":"` + s.URL + `","jwks_uri":"` + plain.URL + `/keys"}`))
	}
	w.clock = w.clock.Add(keysLife + time.Second)
	_, err = w.provider.key(t.Context(), "one", "RS256")
	require.ErrorContains(t, err, "jwks_uri must be an https address")
	assert.Zero(t, plain.asked)
}

func TestOnlyKeysThatMaySignTokensCount(t *testing.T) {
	t.Parallel()
	encrypting := webKey(&rsaKey.PublicKey, "encrypting", "RS256")
	encrypting.Use = "enc"
	private := jose.JSONWebKey{Key: rsaKey, KeyID: "private", Algorithm: "RS256"}
	s := newKeyServer(t, httptest.NewServer,
		webKey(&rsaKey.PublicKey, "good", "RS256"),
		webKey(&rsaKey.PublicKey, "any", ""),
		webKey(&ecKey.PublicKey, "curve", "ES256"),
		webKey(&rsaKey.PublicKey, "twice", "RS256"), webKey(&weakKey.PublicKey, "twice", "RS256"),
		webKey(&rsaKey.PublicKey, "both", "RS256"), webKey(&rsaKey.PublicKey, "both", ""),
		webKey(&weakKey.PublicKey, "weak", "RS256"),
		webKey(&p384Key.PublicKey, "p384", "ES256"),
		webKey(&rsaKey.PublicKey, "ps", "PS256"),
		webKey([]byte("a secret of both, of 32 bytes or more"), "shared", "RS256"),
		encrypting, private, object{"kty": "unheard of", "kid": "strange"}, "no key", 7,
	)
	for _, tt := range []struct {
		id, algorithm string
		good          bool
	}{
		{"good", "RS256", true}, {"any", "RS256", true}, {"curve", "ES256", true}, {"twice", "RS256", true},
		{"good", "ES256", false}, {"any", "ES256", false}, {"curve", "RS256", false}, {"both", "RS256", false},
		{"weak", "RS256", false}, {"p384", "ES256", false}, {"ps", "RS256", false}, {"shared", "RS256", false},
		{"encrypting", "RS256", false}, {"private", "RS256", false}, {"strange", "RS256", false},
		{"", "RS256", false}, {"", "ES256", true},
	} {
		t.Run(tt.id+" with "+tt.algorithm, func(t *testing.T) {
			key, err := newWorld(s.URL, "app").provider.key(t.Context(), tt.id, tt.algorithm)
			if tt.good {
				require.NoError(t, err)
				assert.NotNil(t, key)
			} else {
				require.ErrorIs(t, err, errUnknownKey)
			}
		})
	}
}
