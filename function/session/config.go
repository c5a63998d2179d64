package session

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"secure-media-cdn/function/seal"
)

// The function's environment variables. Whoever starts the function sets them; none holds a secret.
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
	// EnvTicketServices: names of the services whose links ask for a ticket, comma separated.
	EnvTicketServices = "MEDIA_TICKET_SERVICES"
	// EnvTicketSeconds: life of a ticket.
	EnvTicketSeconds = "MEDIA_VIEWER_TICKET_SECONDS"
	// EnvCookieDomain: the domain whose hosts get the cookie.
	EnvCookieDomain = "MEDIA_VIEWER_COOKIE_DOMAIN"
	// EnvKeyGeneration: generation of the link key that seals, 1 to 255.
	EnvKeyGeneration = "MEDIA_LINK_KEY_GENERATION"
	// EnvKeyValueStore: ARN of the gate's KeyValueStore, with the keys.
	EnvKeyValueStore = "MEDIA_KEY_VALUE_STORE"
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
	var problems []error
	wrong := func(name, format string, args ...any) {
		problems = append(problems, fmt.Errorf("%s %s", name, fmt.Sprintf(format, args...)))
	}
	text := func(name string, check func(string) error) string {
		value := getenv(name)
		if err := check(value); err != nil {
			wrong(name, "%v", err)
		}
		return value
	}
	number := func(name string, least, most int) int {
		n, err := strconv.Atoi(getenv(name))
		if err != nil || n < least || n > most {
			wrong(name, "must be a whole number from %d to %d, not %q", least, most, getenv(name))
		}
		return n
	}
	seconds := func(name string, least, most time.Duration) time.Duration {
		return time.Duration(number(name, int(least/time.Second), int(most/time.Second))) * time.Second
	}
	list := func(name string) []string {
		names := strings.Split(getenv(name), ",")
		if slices.Contains(names, "") {
			wrong(name, "must be names separated by commas, not %q", getenv(name))
		}
		return names
	}
	c := config{
		issuer:       text(EnvIssuer, CheckIssuer),
		clientID:     text(EnvClientID, checkPresent),
		claim:        text(EnvAudiencesClaim, CheckClaim),
		origins:      list(EnvOrigins),
		services:     list(EnvTicketServices),
		ticketTTL:    seconds(EnvTicketSeconds, seal.MinTicketLife, seal.MaxTicketLife),
		cookieDomain: text(EnvCookieDomain, checkPresent),
		generation:   number(EnvKeyGeneration, 1, seal.MaxGeneration),
		store:        text(EnvKeyValueStore, checkARN),
	}
	if err := errors.Join(problems...); err != nil {
		return config{}, fmt.Errorf("the configuration is wrong:\n%w", err)
	}
	return c, nil
}

func checkPresent(value string) error {
	if value == "" {
		return errors.New("is missing")
	}
	return nil
}

func checkARN(value string) error {
	if !arn.IsARN(value) {
		return fmt.Errorf("must be an ARN, not %q", value)
	}
	return nil
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
