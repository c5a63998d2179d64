package gate_test

import (
	"context"
	"strings"
	"testing"

	"secure-media-cdn/function/gate"
	"secure-media-cdn/function/seal"
	"secure-media-cdn/function/variant"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// accepting is a viewer that sends an Accept header.
func accepting(accept string) viewer { return viewer{Headers: values{"accept": {Value: accept}}} }

// The Accept headers of pictures are those that browsers document.
// https://developer.mozilla.org/en-US/docs/Web/HTTP/Guides/Content_negotiation/List_of_default_Accept_values
var accepts = []struct{ name, accept, want string }{
	{"Chrome and Safari", "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", "image/avif"},
	{"Firefox", "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5", "image/avif"},
	{"an older Safari", "image/webp,image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5", "image/webp"},
	{"a page", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", "image/avif"},
	{"curl", "*/*", "*/*"},
	{"any picture", "image/*", "*/*"},
	{"nothing", "", "*/*"},
	{"only webp", "image/webp", "image/webp"},
	{"spaces and tabs", " \timage/webp \t; q=0.1 , text/html", "image/webp"},
	{"capitals", "IMAGE/AVIF", "image/avif"},
	{"the better one last", "image/webp;q=1.0, image/avif;q=0.1", "image/avif"},
	{"a weight of zero", "image/avif;q=0,image/webp", "image/webp"},
	{"a long weight of zero", "image/avif; Q = 0.000 ,image/webp", "image/webp"},
	{"a small weight", "image/avif;q=0.001", "image/avif"},
	{"all refused", "image/avif;q=0,image/webp;q=0.0,*/*", "*/*"},
	{"refused and named again", "image/avif;q=0,image/avif", "image/avif"},
	{"a parameter that is no weight", "image/avif;v=0", "image/avif"},
	{"a weight that is none", "image/avif;q=zero", "image/avif"},
	{"a weight without a value", "image/avif;q", "image/avif"},
	{"a name inside another", "image/avif-sequence,ximage/avif,image/webp2", "*/*"},
	{"a name inside a parameter", "text/html;a=image/avif", "*/*"},
	{"commas", ",,,image/webp,,", "image/webp"},
	{"after a thousand characters", strings.Repeat(" ", 1000) + "image/avif", "*/*"},
}

func variantRules(t testing.TB) []rule {
	good, expired := sealed(t, 2, expiry, "a"), sealed(t, 2, now, "e")
	revoked := sealed(t, 2, expiry, "r")
	out := []rule{
		{name: "a named variant passes", uri: good + "/w320", accept: "image/webp"},
		{name: "another named variant passes", uri: good + "/avatar", accept: "image/webp"},
		{name: "the photo as an attachment passes", uri: good + "/download"},
		{name: "HEAD of a variant passes", method: "HEAD", uri: good + "/w320", accept: "image/webp"},
		{name: "a preflight of a variant passes", method: "OPTIONS", uri: good + "/w320", accept: "image/webp"},
		{name: "a variant of an expired link is refused", uri: expired + "/w320", status: 403},
		{name: "a variant of a revoked link is refused", uri: revoked + "/w320", status: 404},
		{name: "the attachment of a revoked link is refused", uri: revoked + "/download", status: 404},
		{name: "a variant of a forged link is refused", uri: good[:31] + "_/w320", status: 404},
		{name: "an unknown variant of an expired link is none", uri: expired + "/w321", status: 404},
		{name: "a variant for a viewer without an Accept header", uri: good + "/w320", viewer: accepting(absent),
			accept: "*/*"},
		{name: "an Accept header that comes twice is reduced, too", uri: good + "/w320", accept: "image/avif", viewer: viewer{
			Headers: values{"accept": {Value: "image/avif", MultiValue: []value{{Value: "image/avif"}, {Value: "a/b"}}}}}},
	}
	for _, a := range accepts {
		out = append(out, rule{name: "a variant for " + a.name, uri: good + "/w320", viewer: accepting(a.accept),
			accept: a.want},
			rule{name: "the photo itself for " + a.name, uri: good, viewer: accepting(a.accept)})
	}
	return out
}

func TestAGateWithoutVariantsKnowsNoneButTheAttachment(t *testing.T) {
	code, err := gate.Source(gate.Settings{})
	require.NoError(t, err)
	g := withKeys(t, code)
	good := sealed(t, 2, expiry, "a")
	for path, status := range map[string]int{"": 0, "/download": 0, "/w320": 404, "/avatar": 404, "/": 404} {
		a, err := ask(context.Background(), g.Function, "GET", "/images/"+good+path)
		require.NoError(t, err)
		assert.Equal(t, status, a.StatusCode, path)
	}
}

func TestOnlyConfiguredFormatsAreChosen(t *testing.T) {
	good := sealed(t, 2, expiry, "a")
	for _, tt := range []struct {
		formats []variant.Format
		want    string
	}{
		{nil, "*/*"},
		{[]variant.Format{variant.WebP}, "image/webp"},
		{[]variant.Format{variant.WebP, variant.AVIF}, "image/webp"},
		{[]variant.Format{variant.AVIF, variant.WebP}, "image/avif"},
	} {
		s := settings
		s.Formats = tt.formats
		code, err := gate.Source(s)
		require.NoError(t, err)
		a, err := askAs(context.Background(), withKeys(t, code).Function, "GET", "/images/"+good+"/w320",
			accepting(accepts[0].accept))
		require.NoError(t, err)
		assert.Equal(t, tt.want, a.Headers["accept"].Value, tt.formats)
	}
}

// Each spelling of Accept is a cache key of its own, so a viewer who could make
// up more would fill the cache, and cause as many transformations.
func TestNoViewerCanMakeUpAnAcceptHeader(t *testing.T) {
	g := withKeys(t, source(t))
	good := sealed(t, 2, expiry, "a")
	parts := []string{"image/avif", "image/webp", "image/*", "*/*", ";", ",", "q", "=", "0", "0.0", "1", ".", " ", "\t",
		"IMAGE/", "a", "é", "\x00", "\"", "\\", "é/\u2028", "image/", "avif", "webp", "İ", "K", "-", "e5", "NaN",
		"Infinity", "0x0"}
	rapid.Check(t, func(t *rapid.T) {
		accept := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.SampledFrom(parts)), func(s []string) string {
			return strings.Join(s, "")
		})).Draw(t, "accept")
		name := rapid.SampledFrom([]string{"", "/w320", "/avatar", "/download"}).Draw(t, "name")
		a, err := askAs(context.Background(), g.Function, "GET", "/images/"+good+name, accepting(accept))
		require.NoError(t, err)
		require.True(t, a.passed())
		got, there := a.Headers["accept"]
		if name == "" || name == "/download" {
			require.False(t, there)
			return
		}
		require.Contains(t, []string{"image/avif", "image/webp", "*/*"}, got.Value)
		require.Empty(t, got.MultiValue)
		format, ok := variant.FormatOf(got.Value)
		require.True(t, ok)
		named := strings.Contains(strings.ToLower(accept), got.Value)
		require.True(t, named || format == variant.Plain, "%q was not named", got.Value)
	})
}

func TestAGiantAcceptHeaderIsNoMoreWork(t *testing.T) {
	g := withKeys(t, source(t))
	for _, accept := range []string{strings.Repeat("image/avif;q=0,", 2000), strings.Repeat(";", 30_000),
		strings.Repeat(",", 30_000)} {
		a, err := askAs(context.Background(), g.Function, "GET", seal.VariantPath(sealed(t, 2, expiry, "a"), "w320"),
			accepting(accept))
		require.NoError(t, err)
		assert.Equal(t, "*/*", a.Headers["accept"].Value)
	}
}

func FuzzAccept(f *testing.F) {
	g := withKeys(f, source(f))
	path := seal.VariantPath(sealed(f, 2, expiry, "a"), "w320")
	for _, a := range accepts {
		f.Add(a.accept)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		a, err := askAs(context.Background(), g.Function, "GET", path, accepting(strings.ToValidUTF8(accept, "\ufffd")))
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := variant.FormatOf(a.Headers["accept"].Value); !ok || !a.passed() {
			t.Fatalf("%q became %+v", accept, a)
		}
	})
}
