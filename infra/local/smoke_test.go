package local

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/infra/local/cloudfront/conformance"
)

// scripts is the folder of the scripts that `make smoke` runs.
const scripts = "cloudfront/testdata"

// TestSmokePassesHere makes sure that what a real deployment is asked holds for the stack here, and asks for nothing
// but what the help names.
func TestSmokePassesHere(t *testing.T) {
	t.Parallel()
	s := newScene(t, map[string]string{
		"services":       `[{"name":"chat","access":"private","viewers":"ticket"},{"name":"nudges","access":"private"}]`,
		"viewerCarriers": `["bearer","query"]`,
	})
	smoke := func(given conformance.Given) string {
		t.Helper()
		var out strings.Builder
		require.NoError(t, conformance.Smoke(scripts, given, &out), out.String())
		return out.String()
	}
	open := s.issue(s.upload("nudges/photo.jpg", sample), 0)
	out := smoke(conformance.Given{Link: open})
	assert.Greater(t, strings.Count(out, "\nok "), 10)
	assert.Contains(t, out, "ok   download:")
	assert.Contains(t, out, "3 more are about variants: name one with VARIANT=<name>")
	assert.Contains(t, out, "1 more are about bound links")

	out = smoke(conformance.Given{Link: open, Variant: "w320"})
	for _, script := range []string{"variant-formats", "variant-conditional", "variant-refused", "download", "hit"} {
		assert.Contains(t, out, "ok   "+script+":")
	}

	links, err := s.issuer().Issue(t.Context(), []string{s.upload("chat/photo.jpg", sample)},
		issue.Terms{Audience: "chat/room-42"})
	require.NoError(t, err)
	ticket, err := s.issuer().Ticket(t.Context(), "alice", []string{"chat/room-42"}, 0)
	require.NoError(t, err)
	out = smoke(conformance.Given{Link: links[0].URL, Ticket: ticket.Ticket})
	assert.Contains(t, out, "ok   bound:")
	assert.NotContains(t, out, ticket.Ticket)
	assert.Contains(t, out, "1 passed")

	err = conformance.Smoke(scripts, conformance.Given{Link: links[0].URL}, &strings.Builder{})
	require.ErrorContains(t, err, "bound to an audience: give TICKET=")
	err = conformance.Smoke(scripts, conformance.Given{Link: links[0].URL, Ticket: "none"}, &strings.Builder{})
	require.ErrorContains(t, err, "give TICKET=")
}
