package session

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	// keysLife is how long the provider's keys are used without asking again: for so long a key counts that the
	// provider has withdrawn.
	keysLife = 10 * time.Minute
	// refreshPause is the least time between two times of asking, however many tokens name a key that is not known.
	refreshPause = 10 * time.Second
	// maxDocument bounds what is read of the provider's answers, in bytes.
	maxDocument = 256 << 10
	// minRSABits is the least size that RFC 7518 allows for RS256.
	// https://www.rfc-editor.org/rfc/rfc7518#section-3.3
	minRSABits = 2048
)

// errUnknownKey says that the provider has no such key, or that it is none that may sign tokens.
var errUnknownKey = errors.New("unknown key")

// provider knows the keys of an OpenID provider. It is safe for concurrent use.
type provider struct {
	issuer string
	client *http.Client
	now    func() time.Time

	mu      sync.Mutex
	keys    []jose.JSONWebKey
	fetched time.Time // when the keys were
	tried   time.Time // when they were last asked for
}

// key returns the key that a token names, for the algorithm that it names. A token without a name means the one key
// that there is.
func (p *provider) key(ctx context.Context, id, algorithm string) (any, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if now.Sub(p.fetched) > keysLife {
		p.keys = nil
	}
	if k := choose(p.keys, id, algorithm); k != nil {
		return k, nil
	}
	if now.Sub(p.tried) < refreshPause {
		if p.keys == nil {
			return nil, errors.New("the provider's keys could not be read a moment ago")
		}
		return nil, errUnknownKey
	}
	p.tried = now
	keys, err := p.fetch(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the provider's keys: %w", err)
	}
	p.keys, p.fetched = keys, now
	if k := choose(keys, id, algorithm); k != nil {
		return k, nil
	}
	return nil, errUnknownKey
}

// choose returns the one key of a name and for an algorithm, or nil.
func choose(keys []jose.JSONWebKey, id, algorithm string) (chosen any) {
	for _, k := range keys {
		if id != "" && k.KeyID != id || k.Algorithm != "" && k.Algorithm != algorithm || !fits(k.Key, algorithm) {
			continue
		}
		if chosen != nil {
			return nil
		}
		chosen = k.Key
	}
	return chosen
}

// fits reports whether tokens may be signed with the key by an algorithm.
func fits(key any, algorithm string) bool {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return algorithm == string(jose.RS256) && k.N.BitLen() >= minRSABits
	case *ecdsa.PublicKey:
		return algorithm == string(jose.ES256) && k.Curve == elliptic.P256()
	}
	return false
}

// fetch asks the provider for its keys.
// https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig
func (p *provider) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	var document struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	discovery := strings.TrimSuffix(p.issuer, "/") + "/.well-known/openid-configuration"
	if err := p.get(ctx, discovery, &document); err != nil {
		return nil, err
	}
	if document.Issuer != p.issuer {
		return nil, fmt.Errorf("%s is about the issuer %.200q, not %q", discovery, document.Issuer, p.issuer)
	}
	// The keys may lie at another host, as Google's do. The provider says where, over TLS, and we trust it with the
	// keys themselves.
	u, err := url.Parse(document.Keys)
	if err != nil || !safe(u) || u.Scheme == "http" && !strings.HasPrefix(p.issuer, "http:") {
		return nil, fmt.Errorf("the provider's jwks_uri must be an https address, not %.200q", document.Keys)
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := p.get(ctx, document.Keys, &set); err != nil {
		return nil, err
	}
	keys := []jose.JSONWebKey{}
	for _, raw := range set.Keys {
		var k jose.JSONWebKey
		// A set may hold keys of kinds that we do not know, and keys to encrypt with.
		if k.UnmarshalJSON(raw) == nil && k.Valid() && (k.Use == "" || k.Use == "sig") {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

// get reads a JSON document.
func (p *provider) get(ctx context.Context, address string, document any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "application/json")
	response, err := p.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers with status %d", address, response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxDocument+1))
	if err != nil {
		return fmt.Errorf("reading %s: %w", address, err)
	}
	if len(body) > maxDocument {
		return fmt.Errorf("%s has more than %d bytes", address, maxDocument)
	}
	if err := json.Unmarshal(body, document); err != nil {
		return fmt.Errorf("%s is not JSON of the right form", address)
	}
	return nil
}
