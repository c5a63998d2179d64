package session

import (
	"crypto"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/session/sessiontest"
)

func rooms(n int) (names []string) {
	for k := range n {
		names = append(names, fmt.Sprintf("simple-chat/room-%d", k))
	}
	return names
}

// Tokens that the test's own keys sign, each wrong in one thing only.
func TestATokenThatIsWrongInOneThingIsRefusedWithASentence(t *testing.T) {
	t.Parallel()
	s := newKeyServer(t, httptest.NewServer, webKey(&rsaKey.PublicKey, "one", "RS256"),
		webKey(&ecKey.PublicKey, "two", ""), webKey(&weakKey.PublicKey, "weak", ""))
	w := newWorld(s.URL, "app")
	at := func(d time.Duration) int64 { return w.clock.Add(d).Unix() }
	claims := func(changes object) string {
		return mint(t, rsaKey, object{"alg": "RS256", "kid": "one"}, with(w.good(), changes))
	}
	headed := func(changes object) string {
		return mint(t, rsaKey, with(object{"alg": "RS256", "kid": "one"}, changes), w.good())
	}
	require.Equal(t, 200, w.signInWith(t, claims(nil)).StatusCode)
	good := strings.Split(claims(nil), ".")

	public := must(x509.MarshalPKIXPublicKey(&rsaKey.PublicKey))
	shared := func(secret []byte) string {
		input := encode(t, object{"alg": "HS256", "kid": "one"}) + "." + good[1]
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(input))
		return input + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
	flat := must(json.Marshal(object{"protected": good[0], "payload": good[1], "signature": good[2]}))

	const malformed, algorithm, signature = "not a signed JWT", "must be signed with RS256 or ES256", "signature is wrong"
	for name, tt := range map[string]struct{ token, sentence string }{
		"none at all":              {"", "must carry an ID token"},
		"no JWT":                   {"hello", malformed},
		"two parts":                {good[0] + "." + good[1], malformed},
		"four parts":               {strings.Join(good, ".") + ".", malformed},
		"two tokens":               {claims(nil) + "," + claims(nil), malformed},
		"the JSON form":            {string(flat), malformed},
		"an encrypted one":         {encode(t, object{"alg": "RSA-OAEP", "enc": "A256GCM"}) + "....", malformed},
		"a header that is no JSON": {mint(t, rsaKey, "alg", w.good()), malformed},
		"claims that are no JSON": {mint(t, rsaKey, object{"alg": "RS256", "kid": "one"}, "claims"),
			"not JSON of the right form"},
		"claims that are a list": {mint(t, rsaKey, object{"alg": "RS256", "kid": "one"}, "[]"),
			"not JSON of the right form"},
		"a claim that is there twice": {mint(t, rsaKey, object{"alg": "RS256", "kid": "one"}, `{"iss":"a","iss":"b"}`),
			"not JSON of the right form"},
		"one that is too long": {claims(object{"more": strings.Repeat("x", maxToken)}),
			"more than 16384 characters"},
		"no signature":       {good[0] + "." + good[1] + ".", signature},
		"the algorithm none": {encode(t, object{"alg": "none"}) + "." + good[1] + ".", algorithm},
		"the algorithm None": {encode(t, object{"alg": "None", "kid": "one"}) + "." + good[1] + ".",
			algorithm},
		"no algorithm":               {encode(t, object{"kid": "one"}) + "." + good[1] + "." + good[2], algorithm},
		"another algorithm's name":   {headed(object{"alg": "RS384"}), algorithm},
		"a padding of another kind":  {headed(object{"alg": "PS256"}), algorithm},
		"the public key as a secret": {shared(public), algorithm},
		"the public key's PEM as a secret": {shared(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})),
			algorithm},
		"a signature of another key": {mint(t, weakKey, object{"alg": "RS256", "kid": "one"}, w.good()), signature},
		"claims of another token": {good[0] + "." + encode(t, with(w.good(), object{"sub": "eve"})) + "." + good[2],
			signature},
		"a header of another token": {encode(t, object{"alg": "RS256", "kid": "one", "x": 1}) + "." + good[1] + "." + good[2],
			signature},
		"a weak key": {mint(t, weakKey, object{"alg": "RS256", "kid": "weak"}, w.good()),
			"does not publish, or that is too weak"},
		"an unknown key":        {headed(object{"kid": "three"}), "does not publish"},
		"a key of another kind": {headed(object{"kid": "two"}), "does not publish"},
		"a key that it brings along": {
			mint(t, ecKey, object{"alg": "ES256", "kid": "mine", "jwk": webKey(&ecKey.PublicKey, "mine", "ES256")}, w.good()),
			"does not publish"},
		"a key that it says where to find": {headed(object{"kid": "mine", "jku": s.URL + "/keys"}), "does not publish"},
		"an extension":                     {headed(object{"crit": []string{"exp"}, "exp": 1}), "asks for extensions"},
		"the extension b64":                {headed(object{"crit": []string{"b64"}, "b64": true}), "asks for extensions"},
		"no extension, critically":         {headed(object{"crit": []string{}}), "asks for extensions"},
		"an access token's type":           {headed(object{"typ": "at+jwt"}), "is not an ID token"},
		"a logout token's type":            {headed(object{"typ": "logout+jwt"}), "is not an ID token"},
		"another issuer":                   {claims(object{"iss": "https://login.example.com"}), "of another issuer"},
		"the issuer with a slash":          {claims(object{"iss": s.URL + "/"}), "of another issuer"},
		"no issuer":                        {claims(object{"iss": nil}), "of another issuer"},
		"another client":                   {claims(object{"aud": "other"}), "for another client"},
		"other clients":                    {claims(object{"aud": []string{"other", "app2"}}), "for another client"},
		"no client":                        {claims(object{"aud": nil}), "for another client"},
		"a client that is a number":        {claims(object{"aud": 7}), "not JSON of the right form"},
		"several clients, made for none": {claims(object{"aud": []string{"app", "other"}}),
			"for several clients, or was given to another one"},
		"several clients, made for another": {
			claims(object{"aud": []string{"app", "other"}, "azp": "other"}),
			"for several clients, or was given to another one"},
		"one client, made for another": {claims(object{"azp": "other"}),
			"for several clients, or was given to another one"},
		"one client, made for a list": {claims(object{"azp": []string{"app"}}),
			"for several clients, or was given to another one"},
		"no end":                 {claims(object{"exp": nil}), "never expires"},
		"an end that has passed": {claims(object{"exp": at(-leeway - 2*time.Second)}), "has expired"},
		"an end that is text":    {claims(object{"exp": "tomorrow"}), "not JSON of the right form"},
		"a beginning to come":    {claims(object{"nbf": at(leeway + 2*time.Second)}), "not valid yet"},
		"a making to come":       {claims(object{"iat": at(leeway + 2*time.Second)}), "of the future"},
		"an end at 0":            {claims(object{"exp": 0}), "has expired"},
		"an end before all time": {claims(object{"exp": -1e18}), "has expired"},
		"no claim of audiences":  {claims(object{sessiontest.Claim: nil}), "is not a list of audiences"},
		"audiences that are text": {claims(object{sessiontest.Claim: "simple-chat"}),
			"is not a list of audiences"},
		"audiences that are an object": {claims(object{sessiontest.Claim: object{"simple-chat": true}}),
			"is not a list of audiences"},
		"an audience that is a number": {claims(object{sessiontest.Claim: []any{"simple-chat", 7}}),
			"is not a list of names"},
		"an empty list of audiences": {claims(object{sessiontest.Claim: []string{}}),
			"names no audience of this CDN"},
		"audiences of services without": {
			claims(object{sessiontest.Claim: []string{"marketplace", "Admins", "simple-chat2/a", "other/simple-chat"}}),
			"names no audience of this CDN"},
		"audiences that are spelled wrongly": {
			claims(object{sessiontest.Claim: []string{"simple-chat/", "simple-chat/a/b", "simple-chat/a b",
				"Simple-Chat", "simple-chat\n"}}),
			"names no audience of this CDN"},
		"more audiences than a ticket holds": {claims(object{sessiontest.Claim: rooms(33)}),
			"names 33 audiences; a ticket holds at most 32"},
	} {
		t.Run(name, func(t *testing.T) {
			code := CodeBadToken
			switch {
			case strings.Contains(name, "more audiences"):
				code = CodeTooManyAudiences
			case strings.Contains(name, "audience"):
				code = CodeNoAudience
			}
			w.refuses(t, tt.token, code, tt.sentence)
		})
	}
}

func TestATokenThatIsUnusualAndRightIsTaken(t *testing.T) {
	t.Parallel()
	s := newKeyServer(t, httptest.NewServer, webKey(&rsaKey.PublicKey, "one", "RS256"),
		webKey(&ecKey.PublicKey, "two", ""))
	w := newWorld(s.URL, "app")
	at := func(d time.Duration) int64 { return w.clock.Add(d).Unix() }
	for name, tt := range map[string]struct {
		key            crypto.Signer
		header, claims object
		want           []string
	}{
		"ES256":                     {ecKey, object{"alg": "ES256", "kid": "two"}, nil, nil},
		"no key's name":             {ecKey, object{"alg": "ES256"}, nil, nil},
		"the type JWT":              {rsaKey, object{"typ": "JWT"}, nil, nil},
		"the type jwt":              {rsaKey, object{"typ": "jwt"}, nil, nil},
		"a list of one client":      {rsaKey, nil, object{"aud": []string{"app"}}, nil},
		"several clients, for ours": {rsaKey, nil, object{"aud": []string{"other", "app"}, "azp": "app"}, nil},
		"our client, said twice":    {rsaKey, nil, object{"azp": "app"}, nil},
		"a clock that is late":      {rsaKey, nil, object{"exp": at(-leeway + 2*time.Second)}, nil},
		"a clock that is early": {rsaKey, nil, object{"iat": at(leeway - 2*time.Second), "nbf": at(leeway - 2*time.Second)},
			nil},
		"no time of making":    {rsaKey, nil, object{"iat": nil}, nil},
		"an end in a fraction": {rsaKey, nil, object{"exp": float64(at(time.Minute)) + .5}, nil},
		"32 rooms":             {rsaKey, nil, object{sessiontest.Claim: rooms(32)}, rooms(32)},
		"32 rooms and others' names": {
			rsaKey, nil, object{sessiontest.Claim: append(rooms(32), "Admins", "marketplace", "simple-chat/room-0")},
			rooms(32)},
	} {
		t.Run(name, func(t *testing.T) {
			header := with(object{"alg": "RS256", "kid": "one"}, tt.header)
			if name == "no key's name" {
				delete(header, "kid")
			}
			a := w.signInWith(t, mint(t, tt.key, header, with(w.good(), tt.claims)))
			require.Equal(t, 200, a.StatusCode, a.Body)
			if tt.want == nil {
				tt.want = []string{"simple-chat"}
			}
			assert.Equal(t, tt.want, w.opened(t, a))
		})
	}
}

func TestEveryByteOfATokenCounts(t *testing.T) {
	t.Parallel()
	_, w := ownKeys(t)
	token := w.token(t, "one")
	for n := range len(token) {
		damaged := []byte(token)
		damaged[n] ^= 1
		a := w.signInWith(t, string(damaged))
		// The last characters of a part may hold bits that stand for nothing.
		if a.StatusCode == 200 {
			parts := strings.Split(token, ".")
			ends := []int{len(parts[0]) - 1, len(parts[0]) + len(parts[1]), len(token) - 1}
			assert.Contains(t, ends, n, "%d of %d", n, len(token))
		}
	}
}

func FuzzTokens(f *testing.F) {
	s, w := ownKeys(f)
	good := w.token(f, "one")
	parts := strings.Split(good, ".")
	for _, seed := range []string{"", ".", "..", good, good + ".", parts[0] + ".." + parts[2], strings.ToUpper(good),
		"{}", "\x00", strings.Repeat("a.", 9), encode(f, `{"alg":"RS256","crit":1}`) + ".." + parts[2]} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		a := w.signInWith(t, token)
		switch a.StatusCode {
		case 401:
			require.Empty(t, a.Cookies)
		case 200: // the seed, or another spelling of its signature
			require.Equal(t, parts[:2], strings.Split(token, ".")[:2])
		default:
			t.Fatalf("%q got %d", token, a.StatusCode)
		}
		require.LessOrEqual(t, s.asked, 1)
		require.NotContains(t, w.log.String(), "panic")
	})
}
