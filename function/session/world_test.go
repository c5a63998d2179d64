package session

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudfrontkeyvaluestore"
	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue/cloud/cloudtest"
	"secure-media-cdn/function/keyring"
	"secure-media-cdn/function/seal/sealtest"
	"secure-media-cdn/function/session/sessiontest"
	"secure-media-cdn/infra/local/locked"
)

const (
	store  = "arn:aws:cloudfront::123456789012:key-value-store/11111111-2222-3333-4444-555555555555"
	origin = "https://app.example.com"
)

// world is a handler, with the clock in hand.
type world struct {
	*Handler
	aws   *cloudtest.AWS
	log   *locked.Buffer
	clock time.Time
}

// newWorld returns the handler of a stack that trusts an issuer's tokens for a client.
func newWorld(issuer, client string) *world {
	w := &world{aws: &cloudtest.AWS{KeyValueStore: cloudtest.KeyValueStore{Entries: sealtest.Entries(1, 2, 3)}},
		log: &locked.Buffer{}, clock: time.Now()}
	now := func() time.Time { return w.clock }
	w.Handler = &Handler{
		config: config{
			issuer: issuer, clientID: client, claim: sessiontest.Claim, origins: []string{"https://cdn.example.com", origin},
			services: []string{"simple-chat", "discussion"}, ticketTTL: 12 * time.Hour, cookieDomain: "example.com",
		},
		keys: &keyring.Ring{
			Client: cloudfrontkeyvaluestore.NewFromConfig(w.aws.Config(false)), Store: store, Generation: 2,
		},
		provider: &provider{issuer: issuer, client: newClient(), now: now},
		random:   rand.Reader, now: now, log: slog.New(slog.NewJSONHandler(w.log, nil)),
	}
	return w
}

// call makes one call, from a page of an allowed origin unless the headers say something else.
func (w *world) call(t testing.TB, method string, headers map[string]string) response {
	t.Helper()
	r := request{RawPath: Path, Headers: map[string]string{"origin": origin}}
	r.RequestContext.HTTP.Method = method
	for name, value := range headers {
		r.Headers[name] = value
	}
	a, err := w.Handle(context.Background(), r)
	require.NoError(t, err)
	require.Equal(t, "no-store", a.Headers["Cache-Control"])
	return a
}

func (w *world) signInWith(t testing.TB, token string) response {
	t.Helper()
	return w.call(t, http.MethodPost, map[string]string{HeaderToken: token})
}

// refuses expects a token to be refused with a code and a sentence, without a cookie, and to be in neither the answer
// nor the log.
func (w *world) refuses(t testing.TB, token, code, sentence string) {
	t.Helper()
	a := w.signInWith(t, token)
	require.Equal(t, statuses[code], a.StatusCode, a.Body)
	require.Empty(t, a.Cookies)
	var failure Failure
	require.NoError(t, json.Unmarshal([]byte(a.Body), &failure))
	require.Equal(t, code, failure.Error.Code)
	require.Contains(t, failure.Error.Message, sentence)
	if len(token) > 20 {
		require.NotContains(t, a.Body, token[len(token)-20:])
		require.NotContains(t, w.log.String(), token[len(token)-20:])
	}
	require.Contains(t, w.log.String(), `"code":"`+code+`"`)
}

// keyServer is a provider whose keys and answers a test makes itself.
type keyServer struct {
	*httptest.Server
	mu    sync.Mutex
	keys  []any // JSON web keys
	asked int   // how many times for the keys
	// discovery, if not nil, answers instead of the document that is right.
	discovery http.HandlerFunc
}

func newKeyServer(t testing.TB, start func(http.Handler) *httptest.Server, keys ...any) *keyServer {
	t.Helper()
	s := &keyServer{keys: keys}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		if s.discovery != nil {
			s.discovery(w, r)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": s.URL, "jwks_uri": s.URL + "/keys"})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked++
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": s.keys})
	})
	s.Server = start(mux)
	t.Cleanup(s.Close)
	return s
}

// A test's own keys: making one takes a while.
var (
	rsaKey  = must(rsa.GenerateKey(rand.Reader, 2048))
	weakKey = must(rsa.GenerateKey(rand.Reader, 1024))
	ecKey   = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	p384Key = must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func webKey(key any, id, algorithm string) jose.JSONWebKey {
	return jose.JSONWebKey{Key: key, KeyID: id, Algorithm: algorithm, Use: "sig"}
}

type object = map[string]any

// mint signs a token as RFC 7515 says, whatever the header says.
func mint(t testing.TB, key crypto.Signer, header, claims any) string {
	t.Helper()
	input := encode(t, header) + "." + encode(t, claims)
	sum := sha256.Sum256([]byte(input))
	var signature []byte
	switch k := key.(type) {
	case *rsa.PrivateKey:
		signature = must(rsa.SignPKCS1v15(rand.Reader, k, crypto.SHA256, sum[:]))
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, k, sum[:])
		require.NoError(t, err)
		size := (k.Curve.Params().BitSize + 7) / 8
		signature = append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// encode returns JSON as a part of a token; text is taken as it is.
func encode(t testing.TB, part any) string {
	t.Helper()
	if text, ok := part.(string); ok {
		return base64.RawURLEncoding.EncodeToString([]byte(text))
	}
	data, err := json.Marshal(part)
	require.NoError(t, err)
	return base64.RawURLEncoding.EncodeToString(data)
}

// with returns the object with other values; nil takes one away.
func with(base object, changes object) object {
	changed := object{}
	for name, value := range base {
		changed[name] = value
	}
	for name, value := range changes {
		changed[name] = value
		if value == nil {
			delete(changed, name)
		}
	}
	return changed
}

// good returns the claims of a token that is fine.
func (w *world) good() object {
	return object{
		"iss": w.config.issuer, "aud": w.config.clientID, "sub": "ada", "iat": w.clock.Unix(),
		"exp": w.clock.Add(time.Hour).Unix(), sessiontest.Claim: []string{"simple-chat"},
	}
}
