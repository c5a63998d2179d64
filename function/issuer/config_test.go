package issuer

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue"
)

// goodEnvironment is a complete configuration.
func goodEnvironment() map[string]string {
	return map[string]string{
		"MEDIA_TABLE": "mappings", "MEDIA_REGIONS": "eu-central-1,us-east-1", "MEDIA_BUCKET": "media",
		"MEDIA_BUCKET_REGION": "eu-central-1",
		"MEDIA_CDN_BASE_URL":  "https://cdn.example", "MEDIA_DISTRIBUTION_ID": "EDFDVBD6EXAMPLE",
		"MEDIA_LINK_TTL_SECONDS": "2592000", "MEDIA_RENEW_BEFORE_SECONDS": "86400",
		"MEDIA_PUBLIC_SERVICES": "marketplace,nudges", "MEDIA_PRIVATE_SERVICES": "simple-chat,club",
		"MEDIA_CHECK_OBJECTS":   "true",
		"MEDIA_TICKET_SERVICES": "club", "MEDIA_VIEWER_TICKET_SECONDS": "43200", "MEDIA_VIEWER_COOKIE_DOMAIN": "example.com",
		"MEDIA_VARIANTS":            "blur,w320",
		"MEDIA_CALLERS":             `[{"principal":"` + testCaller + `","services":["simple-chat","marketplace","club"]}]`,
		"MEDIA_LINK_KEY_GENERATION": "2",
		"MEDIA_KEY_VALUE_STORE":     "arn:aws:cloudfront::123456789012:key-value-store/11111111-2222-3333-4444-555555555555",
	}
}

func load(env map[string]string) (config, error) {
	return loadConfig(func(name string) string { return env[name] })
}

func TestACompleteConfigurationIsRead(t *testing.T) {
	t.Parallel()
	env := goodEnvironment()
	got, err := load(env)
	require.NoError(t, err)
	assert.Equal(t, config{
		table: "mappings", regions: []string{"eu-central-1", "us-east-1"}, bucket: "media", bucketRegion: "eu-central-1",
		baseURL: "https://cdn.example", distribution: "EDFDVBD6EXAMPLE", linkTTL: 30 * 24 * time.Hour,
		renewBefore: 24 * time.Hour,
		services: issue.Services{"marketplace": issue.Public, "nudges": issue.Public, "simple-chat": issue.ByLink,
			"club": issue.ByTicket}, checkObjects: true,
		ticketLife: 12 * time.Hour, cookieDomain: "example.com", variants: []string{"blur", "w320"},
		callers:    []Caller{{testCaller, []string{"simple-chat", "marketplace", "club"}}},
		generation: 2, store: env["MEDIA_KEY_VALUE_STORE"],
	}, got)
	for _, optional := range mayBeEmpty {
		delete(env, optional)
	}
	env["MEDIA_CALLERS"] = "[]"
	got, err = load(env)
	require.NoError(t, err)
	assert.Empty(t, got.services)
	assert.Empty(t, got.variants)
	assert.Empty(t, got.cookieDomain)
}

// mayBeEmpty are the settings that a stack may have nothing to say for.
var mayBeEmpty = []string{"MEDIA_PUBLIC_SERVICES", "MEDIA_PRIVATE_SERVICES", "MEDIA_TICKET_SERVICES",
	"MEDIA_VIEWER_COOKIE_DOMAIN", "MEDIA_VARIANTS"}

func TestAServiceThatAsksForTicketsIsAmongThePrivateOnes(t *testing.T) {
	t.Parallel()
	env := goodEnvironment()
	env["MEDIA_PRIVATE_SERVICES"], env["MEDIA_TICKET_SERVICES"] = "simple-chat,club", "club"
	got, err := load(env)
	require.NoError(t, err)
	assert.Equal(t, issue.Services{"marketplace": issue.Public, "nudges": issue.Public, "simple-chat": issue.ByLink,
		"club": issue.ByTicket}, got.services)
}

func TestAWrongSettingIsNamed(t *testing.T) {
	t.Parallel()
	for name, values := range map[string][]string{
		"MEDIA_TABLE":         {""},
		"MEDIA_REGIONS":       {"", "a,,b", "a, b", "a,a"},
		"MEDIA_BUCKET":        {""},
		"MEDIA_BUCKET_REGION": {""},
		"MEDIA_CDN_BASE_URL": {"", "cdn.example", "https://cdn.example/", "https://cdn.example/x",
			"ftp://cdn.example", "https://cdn.example?x", ":"},
		"MEDIA_DISTRIBUTION_ID":       {""},
		"MEDIA_LINK_TTL_SECONDS":      {"", "0", "-1", "1.5", "99999999999", "1d"},
		"MEDIA_RENEW_BEFORE_SECONDS":  {"", "-1", "x"},
		"MEDIA_PUBLIC_SERVICES":       {"a,,b", "simple-chat", "a/b"},
		"MEDIA_PRIVATE_SERVICES":      {"a b, c"},
		"MEDIA_TICKET_SERVICES":       {"a,,b", "discussion"},
		"MEDIA_VIEWER_TICKET_SECONDS": {"", "59", "2592001", "12h"},
		"MEDIA_VIEWER_COOKIE_DOMAIN": {"example", ".example.com", "Example.com", "example.com;", "example.com.", "a..b",
			"-a.b"},
		"MEDIA_VARIANTS":      {"w320,,blur", "w320,w320", "download", "W320", "a/b", "1x", strings.Repeat("a", 25)},
		"MEDIA_CHECK_OBJECTS": {"", "yes", "True"},
		"MEDIA_CALLERS": {
			"", "null", "{}", "[7]", `[{"principal":"210987654321","services":["simple-chat"]}] x`, `[{"principal":"210987654321","services":["simple-chat"],"service":""}]`,
			`[{"principal":"210987654321","services":[]}]`, `[{"principal":"210987654321","services":["other"]}]`,
			`[{"principal":"*","services":["nudges"]}]`,
		},
		"MEDIA_LINK_KEY_GENERATION": {"", "0", "256", "x"},
		"MEDIA_KEY_VALUE_STORE":     {"", "store"},
	} {
		for _, value := range values {
			env := goodEnvironment()
			env[name] = value
			if strings.HasSuffix(name, "SERVICES") {
				env["MEDIA_CALLERS"] = "[]" // else theirs would be missing, too
			}
			if name == "MEDIA_PRIVATE_SERVICES" {
				env["MEDIA_TICKET_SERVICES"] = "" // which are among them
			}
			_, err := load(env)
			require.ErrorContains(t, err, name, "%s=%q", name, value)
			assert.Equal(t, 1, strings.Count(err.Error(), "\n"), "nothing else is wrong: %v", err)
		}
	}
}

func TestAllThatIsWrongIsListedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := load(nil)
	require.Error(t, err)
	required := maps.Clone(goodEnvironment())
	for _, optional := range mayBeEmpty {
		delete(required, optional)
		assert.NotContains(t, err.Error(), optional)
	}
	for name := range required {
		assert.ErrorContains(t, err, name)
	}
}
