package session

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"secure-media-cdn/function/seal"
	"secure-media-cdn/function/settings"
)

// The function's own environment variables. Others it has in common, in settings.
const (
	// EnvIssuer: the OpenID provider's issuer, exactly as its tokens say it; see CheckIssuer.
	EnvIssuer = "MEDIA_SESSION_ISSUER"
	// EnvClientID: the client that tokens must be made for.
	EnvClientID = "MEDIA_SESSION_CLIENT_ID"
	// EnvAudiencesClaim: name of the claim that lists a viewer's audiences; see CheckClaim.
	EnvAudiencesClaim = "MEDIA_SESSION_AUDIENCES_CLAIM"
	// EnvOrigins: origins of the pages that may call, comma separated, as browsers write them: the CDN's own and those
	// of the applications.
	EnvOrigins = "MEDIA_SESSION_ORIGINS"
)

// config is the function's configuration. It holds no secret.
type config struct {
	issuer, clientID, claim string
	origins, services       []string
	ticketTTL               time.Duration
	cookieDomain            string
	generation              int    // of the link key that seals
	store                   string // the key value store's ARN
}

// loadConfig reads the environment. Its error lists all that is wrong at once.
func loadConfig(getenv func(string) string) (config, error) {
	r := settings.Reader{Getenv: getenv}
	text := func(name string, check func(string) error) string {
		value := getenv(name)
		if err := check(value); err != nil {
			r.Wrong(name, "%v", err)
		}
		return value
	}
	list := func(name string) []string { // at least one
		r.Text(name)
		return r.List(name)
	}
	c := config{
		issuer:       text(EnvIssuer, CheckIssuer),
		clientID:     r.Text(EnvClientID),
		claim:        text(EnvAudiencesClaim, CheckClaim),
		origins:      list(EnvOrigins),
		services:     list(settings.EnvTicketServices),
		ticketTTL:    r.Seconds(settings.EnvTicketSeconds, seal.MinTicketLife, seal.MaxTicketLife),
		cookieDomain: r.Text(settings.EnvCookieDomain),
		generation:   r.Number(settings.EnvKeyGeneration, 1, seal.MaxGeneration),
		store:        r.ARN(settings.EnvKeyValueStore),
	}
	if err := r.Err(); err != nil {
		return config{}, err
	}
	return c, nil
}

// CheckIssuer returns an error unless issuer is an address that an OpenID provider can have: https, with neither query
// nor fragment. On this machine it may be http.
// https://openid.net/specs/openid-connect-discovery-1_0.html#IssuerDiscovery
func CheckIssuer(issuer string) error {
	u, err := url.Parse(issuer)
	if err != nil || !safe(u) || u.User != nil || strings.ContainsAny(issuer, "?#") || u.String() != issuer {
		return fmt.Errorf("must be the https address that the provider's tokens name as their issuer, "+
			"such as https://login.example.com, not %q", issuer)
	}
	return nil
}

// CheckClaim returns an error unless name can be that of a claim of its own: what every token says already means
// something else.
func CheckClaim(name string) error {
	if name == "" {
		return errors.New("is missing: name the claim that lists a viewer's audiences")
	}
	if slices.Contains([]string{"iss", "sub", "aud", "azp", "exp", "nbf", "iat", "jti", "nonce", "events"}, name) {
		return fmt.Errorf("must be a claim that lists a viewer's audiences; %q means something else in every token", name)
	}
	return nil
}

// safe reports whether what is read from the address comes from who it names: over TLS, or without leaving this
// machine.
func safe(u *url.URL) bool {
	switch {
	case u.Hostname() == "":
		return false
	case u.Scheme == "https":
		return true
	}
	return u.Scheme == "http" && loopback(u.Hostname())
}

func loopback(host string) bool { return host == "localhost" || net.ParseIP(host).IsLoopback() }
