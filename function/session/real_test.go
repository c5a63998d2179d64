package session

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/session/sessiontest"
)

// Tokens that a real provider signs, after signing in on its pages.
func TestTokensOfARealProvider(t *testing.T) {
	t.Parallel()
	p := sessiontest.Start(t, map[string]any{
		"ada": []string{"simple-chat/room-42", "discussion", "marketplace"}, "bob": []string{}, "eve": rooms(33),
		"mallory": "simple-chat",
	})
	token := func(client, account string) string { return p.SignIn(t, client, account, client).ID }
	newWorld := func(client string) *world { return newWorld(p.Issuer, client) }

	for _, client := range []string{sessiontest.ClientRS256, sessiontest.ClientES256} {
		w := newWorld(client)
		a := w.signInWith(t, token(client, "ada"))
		require.Equal(t, 200, a.StatusCode, a.Body)
		assert.Equal(t, []string{"simple-chat/room-42", "discussion"}, w.opened(t, a), client)
	}
	for _, client := range []string{sessiontest.ClientRS384, sessiontest.ClientHS256} {
		newWorld(client).refuses(t, token(client, "ada"), CodeBadToken, "must be signed with RS256 or ES256")
	}
	const client = sessiontest.ClientRS256
	w, good := newWorld(client), p.SignIn(t, client, "ada", client)
	w.refuses(t, good.Access, CodeBadToken, "is not an ID token")
	assert.Equal(t, 2, strings.Count(good.Access, "."), "though it is a JWT, for the same audience")
	w.refuses(t, token(sessiontest.ClientES256, "ada"), CodeBadToken, "for another client")
	w.refuses(t, token(client, "bob"), CodeNoAudience, "names no audience of this CDN")
	w.refuses(t, token(client, "nobody"), CodeNoAudience, "is not a list of audiences")
	w.refuses(t, token(client, "mallory"), CodeNoAudience, "is not a list of audiences")
	w.refuses(t, token(client, "eve"), CodeTooManyAudiences, "names 33 audiences")

	now := w.clock
	w.clock = now.Add(61 * time.Minute)
	w.refuses(t, good.ID, CodeBadToken, "has expired")
	w.clock = now.Add(-time.Minute)
	w.refuses(t, good.ID, CodeBadToken, "is of the future")

	// The provider changes its keys.
	w = newWorld(client)
	require.Equal(t, 200, w.signInWith(t, good.ID).StatusCode)
	p.Rotate(t)
	renewed := token(client, "ada")
	w.refuses(t, renewed, CodeBadToken, "if the provider has just changed its keys, try again in some seconds")
	w.clock = w.clock.Add(refreshPause)
	require.Equal(t, 200, w.signInWith(t, renewed).StatusCode)
	w.refuses(t, good.ID, CodeBadToken, "a key that the provider does not publish")
	w.provider.issuer, w.config.issuer = "http://127.0.0.1:1", "http://127.0.0.1:1"
	w.clock = w.clock.Add(keysLife + time.Second)
	w.refuses(t, renewed, CodeUnavailable, "the provider's keys cannot be read")
}
