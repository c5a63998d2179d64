package session

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/settings"
	"secure-media-cdn/infra/local/locked"
)

func environment(changes map[string]string) func(string) string {
	env := map[string]string{
		EnvIssuer: "https://login.example.com/tenant", EnvClientID: "app", EnvAudiencesClaim: "https://example.com/audiences",
		EnvOrigins: "https://media.example.com,https://app.example.com", settings.EnvTicketServices: "simple-chat,discussion",
		settings.EnvTicketSeconds: "43200", settings.EnvCookieDomain: "example.com", settings.EnvKeyGeneration: "2",
		settings.EnvKeyValueStore: store,
	}
	for name, value := range changes {
		env[name] = value
	}
	return func(name string) string { return env[name] }
}

func TestTheEnvironmentConfiguresTheFunction(t *testing.T) {
	h, err := New(environment(nil), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	assert.Equal(t, config{
		issuer: "https://login.example.com/tenant", clientID: "app", claim: "https://example.com/audiences",
		origins:   []string{"https://media.example.com", "https://app.example.com"},
		services:  []string{"simple-chat", "discussion"},
		ticketTTL: 12 * time.Hour, cookieDomain: "example.com", generation: 2, store: store,
	}, h.config)
	assert.Equal(t, h.config.issuer, h.provider.issuer)
	assert.Equal(t, 2, h.keys.Generation)
	assert.Equal(t, store, h.keys.Store)
}

func TestAWrongEnvironmentIsToldAllAtOnce(t *testing.T) {
	log := &locked.Buffer{}
	_, err := New(func(string) string { return "" }, slog.New(slog.NewTextHandler(log, nil)))
	require.Error(t, err)
	for _, name := range []string{EnvIssuer, EnvClientID, EnvAudiencesClaim, EnvOrigins, settings.EnvTicketServices,
		settings.EnvTicketSeconds, settings.EnvCookieDomain, settings.EnvKeyGeneration, settings.EnvKeyValueStore} {
		assert.Equal(t, 1, strings.Count(err.Error(), name+" "), name)
		for _, value := range []string{"", ",", "a,"} {
			_, err := New(environment(map[string]string{name: value}), slog.New(slog.DiscardHandler))
			if value == "" || name == EnvOrigins || name == settings.EnvTicketServices {
				assert.ErrorContains(t, err, name+" ", "%q", value)
			}
		}
	}
	for name, value := range map[string]string{settings.EnvTicketSeconds: "59", settings.EnvKeyGeneration: "256",
		settings.EnvKeyValueStore: "store",
		EnvIssuer:                 "http://login.example.com", EnvAudiencesClaim: "aud"} {
		_, err := New(environment(map[string]string{name: value}), slog.New(slog.DiscardHandler))
		assert.ErrorContains(t, err, name+" ")
	}
}

func TestWhatAnIssuerIs(t *testing.T) {
	for _, good := range []string{"https://login.example.com", "https://login.example.com/",
		"https://login.example.com:8443/a/b",
		"https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_a", "http://127.0.0.1:8080",
		"http://localhost:1/x", "http://[::1]:2"} {
		assert.NoError(t, CheckIssuer(good), good)
	}
	for _, bad := range []string{"", "login.example.com", "http://login.example.com", "http://localhost.example.com",
		"http://127.0.0.1.example.com", "http://169.254.169.254", "https://", "https:///a", "https://u:p@login.example.com",
		"https://login.example.com?a", "https://login.example.com#", "https://login.example.com/?", "ftp://login.example.com",
		"file:///etc/passwd", " https://login.example.com", "https://login.example.com\n", "HTTPS://login.example.com"} {
		assert.ErrorContains(t, CheckIssuer(bad), "must be the https address", "%q", bad)
	}
}

func TestWhatAClaimOfAudiencesIs(t *testing.T) {
	for _, good := range []string{"audiences", "https://example.com/audiences", "cognito:groups"} {
		assert.NoError(t, CheckClaim(good), good)
	}
	for _, bad := range []string{"", "aud", "iss", "sub", "exp"} {
		assert.Error(t, CheckClaim(bad), "%q", bad)
	}
}
