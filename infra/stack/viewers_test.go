package stack_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"secure-media-cdn/function/gate"
	"secure-media-cdn/function/variant"
)

const ticketed = `[{"name":"discussion","access":"private","viewers":"ticket"},` +
	`{"name":"nudges","access":"private"},{"name":"marketplace","access":"public"}]`

// guarded is a configuration with a service whose viewers need tickets, in every
// way that they may come.
var guarded = config{
	"services": ticketed, "viewerCarriers": list("bearer", "query", "cookie"), "viewerCookieDomain": "example.com",
	"aliases": list("media.example.com"), "hostedZoneId": "Z2FDTNDATAQYW2",
}

// with returns c with other values.
func with(c config, pairs ...string) config {
	changed := merged(c, nil)
	for n := 0; n < len(pairs); n += 2 {
		changed[pairs[n]] = pairs[n+1]
	}
	return changed
}

// TestThePagesStackForOneMachineIsValid evaluates the stack file that the page gives to start with.
func TestThePagesStackForOneMachineIsValid(t *testing.T) {
	page, err := os.ReadFile("viewers.md")
	require.NoError(t, err)
	_, block, found := strings.Cut(string(page), "`Pulumi.mine.yaml` may be:\n\n")
	require.True(t, found)
	block, _, _ = strings.Cut(block, "\n\n")
	var file struct{ Config map[string]any }
	require.NoError(t, yaml.Unmarshal([]byte(block), &file))
	given := config{}
	for key, value := range file.Config {
		text, ok := value.(string)
		if !ok {
			data, err := json.Marshal(value)
			require.NoError(t, err)
			text = string(data)
		}
		given[strings.TrimPrefix(key, "secure-media-cdn:")] = text
	}
	require.Contains(t, given, "viewerCookieDomain")
	_, err = evaluate("dev", given)
	assert.NoError(t, err)
}

func TestEveryRuleOfViewersIsKept(t *testing.T) {
	configures(t, []configured{
		{"tickets in every way", guarded, ""},
		{"tickets without the cookie", config{"services": ticketed}, ""},
		{"a ticket for what lies open",
			config{"services": `[{"name":"shop","access":"public","viewers":"ticket"}]`},
			`config services is shop: "ticket": viewers is for private services`},
		{"viewers that are not known", config{"services": `[{"name":"chat","access":"private","viewers":"all"}]`},
			`config services is chat: "all": viewers must be link or ticket`},
		{"a carrier that is not known", config{"viewerCarriers": list("header")},
			`config viewerCarriers is "header": it must be one of bearer, query, cookie`},
		{"a carrier twice", config{"viewerCarriers": list("query", "query")}, "listed twice"},
		{"tickets that come in no way", with(guarded, "viewerCarriers", "[]", "viewerCookieDomain", ""),
			"config viewerCarriers is empty: a service asks for tickets (discussion)"},
		{"no carriers where nobody needs a ticket", config{"viewerCarriers": "[]"}, ""},
		{"a cookie for all of cloudfront.net", config{"viewerCarriers": list("cookie"), "viewerCookieDomain": "example.com"},
			"config viewerCarriers is cookie: it needs aliases"},
		{"a cookie for no domain", with(guarded, "viewerCookieDomain", ""), `config viewerCookieDomain is "": the carrier`},
		{"a domain without a cookie", config{"viewerCookieDomain": "example.com"},
			`config viewerCookieDomain is "example.com": without cookie among viewerCarriers it has no use`},
		{"a cookie for the alias alone", with(guarded, "viewerCookieDomain", "media.example.com"), ""},
		{"a cookie for a name below the alias", with(guarded, "viewerCookieDomain", "a.media.example.com"),
			"the alias media.example.com is not at or below it"},
		{"a cookie for another's domain", with(guarded, "viewerCookieDomain", "example.org"), "not at or below it"},
		{"a domain that only ends alike", with(guarded, "viewerCookieDomain", "ample.com"), "not at or below it"},
		{"one alias elsewhere", with(guarded, "aliases", list("media.example.com", "media.example.org")),
			"the alias media.example.org is not at or below it"},
		{"a wildcard below the domain", with(guarded, "aliases", list("media.example.com", "*.example.com")), ""},
		{"a domain of a whole country", with(guarded, "viewerCookieDomain", "co.uk", "aliases", list("media.co.uk")),
			`config viewerCookieDomain is "co.uk": it is a public suffix`},
		{"a domain of a host of many", with(guarded, "viewerCookieDomain", "github.io", "aliases", list("acme.github.io")),
			"it is a public suffix"},
		{"a whole top-level domain", with(guarded, "viewerCookieDomain", "com"), `config viewerCookieDomain is "com"`},
		{"a domain with a dot before it", with(guarded, "viewerCookieDomain", ".example.com"), "it must be a domain name"},
		{"a domain with a star", with(guarded, "viewerCookieDomain", "*.example.com"), "it must be a domain name"},
		{"a domain for tests on one machine", with(guarded, "viewerCookieDomain", "example.localhost", "aliases",
			list("media.example.localhost")), ""},
		{"a ticket for a moment", config{"viewerTicketSeconds": "59"},
			"config viewerTicketSeconds is 59: it must be 60 to 2592000 seconds"},
		{"a ticket for ever", config{"viewerTicketSeconds": "2592001"}, "config viewerTicketSeconds is 2592001"},
		{"a viewer's copy that outlives every link", config{"viewerCacheSeconds": "86401", "linkTtlDays": "1"},
			"config viewerCacheSeconds is 86401: it must be 0 to linkTtlDays (86400 seconds)"},
	})
}

func TestTheGateKnowsTheVariantsTheFormatsAndTheCarriers(t *testing.T) {
	for _, tt := range []struct {
		config config
		want   gate.Settings
	}{
		{config{"imageVariants": plain}, gate.Settings{}}, // no service asks for a ticket
		{pictured, gate.Settings{Variants: []string{"avatar", "w320"}, Formats: []variant.Format{"avif", "webp"}}},
		{with(pictured, "imageFormats", list("webp")),
			gate.Settings{Variants: []string{"avatar", "w320"}, Formats: []variant.Format{"webp"}}},
		{with(guarded, "imageVariants", plain), gate.Settings{Carriers: []gate.Carrier{"bearer", "cookie", "query"}}},
		{config{"imageVariants": plain, "services": ticketed, "viewerCarriers": list("query")},
			gate.Settings{Carriers: []gate.Carrier{"query"}}},
	} {
		want, err := gate.Source(tt.want)
		require.NoError(t, err)
		assert.Equal(t, want, viewerFunction(t, planOf(t, "dev", tt.config), "gate").Inputs["code"], "%v", tt.config)
	}
	assert.Equal(t, gate.Headers(60),
		viewerFunction(t, planOf(t, "dev", config{"viewerCacheSeconds": "60"}), "headers").Inputs["code"])
	assert.Equal(t, gate.Headers(30),
		viewerFunction(t, planOf(t, "dev", config{"browserCacheSeconds": "30"}), "headers").Inputs["code"],
		"no longer than what any link shows")
}

func TestTheIssuerKnowsWhoNeedsATicket(t *testing.T) {
	env := func(c config) any {
		return at(find(t, planOf(t, "dev", c), "Function", "issuer").Inputs, "environment.variables")
	}
	for name, want := range map[string]string{"MEDIA_TICKET_SERVICES": "discussion",
		"MEDIA_VIEWER_COOKIE_DOMAIN": "example.com", "MEDIA_VIEWER_TICKET_SECONDS": "600"} {
		assert.Equal(t, want, at(env(with(guarded, "viewerTicketSeconds", "600")), name))
	}
	assert.Equal(t, "", at(env(config{}), "MEDIA_TICKET_SERVICES"))
	assert.Equal(t, "", at(env(config{"services": ticketed}), "MEDIA_VIEWER_COOKIE_DOMAIN"), "it travels otherwise")
	assert.Equal(t, "avatar,w320", at(env(pictured), "MEDIA_VARIANTS"))
}

// https://fetch.spec.whatwg.org/#http-new-header-syntax
func TestScriptsMaySendTheTicketInEachWay(t *testing.T) {
	const origins = "corsAllowedOrigins"
	cors := func(c config) any {
		return find(t, planOf(t, "dev", with(c, origins, list("https://app.example.com"))), "ResponseHeadersPolicy",
			"content").Inputs["corsConfig"]
	}
	open := cors(config{})
	assert.Equal(t, []any{"*"}, at(open, "accessControlAllowHeaders.items"))
	assert.Equal(t, false, at(open, "accessControlAllowCredentials"))

	every := cors(guarded)
	assert.Equal(t, true, at(every, "accessControlAllowCredentials"), "or no script's request has the cookie")
	for _, names := range []string{"accessControlAllowHeaders", "accessControlAllowMethods", "accessControlAllowOrigins",
		"accessControlExposeHeaders"} {
		for _, name := range texts(at(every, names+".items")) {
			assert.NotContains(t, name, "*", "with credentials a star in %s stands for itself", names)
		}
	}
	assert.Contains(t, at(every, "accessControlAllowHeaders.items"), "Authorization", "a star does not stand for it")

	bearer := cors(config{"services": ticketed, "viewerCarriers": list("bearer")})
	assert.Contains(t, at(bearer, "accessControlAllowHeaders.items"), "Authorization")
	assert.Equal(t, false, at(bearer, "accessControlAllowCredentials"))
	query := cors(config{"services": ticketed, "viewerCarriers": list("query")})
	assert.NotContains(t, at(query, "accessControlAllowHeaders.items"), "Authorization")
}

func TestNothingOfATicketReachesACacheKeyOrAnOrigin(t *testing.T) {
	doc := planOf(t, "dev", with(guarded, "imageVariants", pictured["imageVariants"]))
	for _, r := range doc.Resources {
		if strings.HasSuffix(r.Type, "Policy") && strings.Contains(r.Type, "cloudfront") {
			walk("", r.Inputs, func(path string, v any) {
				if strings.HasSuffix(path, "ookieBehavior") || strings.HasSuffix(path, "queryStringBehavior") {
					assert.Equal(t, "none", v, "%s%s", r.Name, path)
				}
				if strings.Contains(path, "headersConfig.headers.items[") {
					assert.NotEqual(t, "Authorization", v, "%s%s", r.Name, path)
				}
			})
		}
	}
}

func TestOutputsSayWhatAViewerNeeds(t *testing.T) {
	assert.Equal(t, []any{
		map[string]any{"name": "discussion", "access": "private", "viewers": "ticket"},
		map[string]any{"name": "nudges", "access": "private", "viewers": "link"},
		map[string]any{"name": "marketplace", "access": "public"},
	}, planOf(t, "dev", guarded).Outputs["services"])
}
