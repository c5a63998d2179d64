package gate_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"secure-media-cdn/function/gate"
	"secure-media-cdn/function/mapping"
	"secure-media-cdn/infra/local/cloudfrontjs"
)

func newPublic(t testing.TB) *testGate {
	t.Helper()
	return newGate(t, gate.Public)
}

// passes expects the function to let uri through as it is.
func (g *testGate) passes(t require.TestingT, uri string) {
	a, err := ask(context.Background(), g.Function, "GET", uri)
	require.NoError(t, err)
	require.True(t, a.passed(), "%q got %+v", uri, a)
	require.Equal(t, uri, a.URI)
}

// redirects expects a permanent redirect from uri to path.
func (g *testGate) redirects(t require.TestingT, uri, path string) {
	a, err := ask(context.Background(), g.Function, "GET", uri)
	require.NoError(t, err)
	require.Equal(t, 301, a.StatusCode, "%q got %+v", uri, a)
	require.Equal(t, path, a.Headers["location"].Value)
}

func (g *testGate) refuses(t require.TestingT, uri string) {
	a, err := ask(context.Background(), g.Function, "GET", uri)
	require.NoError(t, err)
	require.Equal(t, 404, a.StatusCode, "%q got %+v", uri, a)
	require.Equal(t, "no-store", a.Headers["cache-control"].Value)
	require.NotContains(t, a.Headers, "location")
}

func TestPublicPathsThatNameNoObjectOrNotOneOfTheServiceAreRefused(t *testing.T) {
	g := newPublic(t)
	for name, uri := range map[string]string{
		"an escape that ends":             "/nudges/a%",
		"an escape of one digit":          "/nudges/a%2",
		"an escape that is no hex":        "/nudges/a%zz",
		"a byte that is not UTF-8":        "/nudges/%ff",
		"UTF-8 that ends":                 "/nudges/%e6%97",
		"an overlong slash":               "/nudges/%c0%af",
		"a surrogate":                     "/nudges/%ed%a0%80",
		"an encoded slash":                "/nudges%2Fa",
		"an encoded slash in small hex":   "/nudges/a%2fb",
		"a dot segment":                   "/nudges/./a",
		"two dots":                        "/nudges/../simple-chat/a",
		"encoded dots":                    "/nudges/%2e%2E/simple-chat/a",
		"half-encoded dots":               "/nudges/.%2e/simple-chat/a",
		"dots at the end":                 "/nudges/..",
		"another host, before dots":       "//other.example/../nudges/%61",
		"another host":                    "//nudges/%61",
		"another host, in one slash more": "///nudges/%61",
	} {
		t.Run(name, func(t *testing.T) { g.refuses(t, uri) })
	}
}

// The vectors are those that package mapping runs.
func TestPublicPathsAreSpelledAsMappingSpellsThem(t *testing.T) {
	data, err := os.ReadFile("../mapping/testdata/paths.json")
	require.NoError(t, err)
	var vectors []struct{ Name, Key, S3, Public string }
	require.NoError(t, json.Unmarshal(data, &vectors))
	require.NotEmpty(t, vectors)
	g := newPublic(t)
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			switch {
			case !served(v.Key):
				g.refuses(t, v.Public)
			case v.S3 == v.Public:
				g.passes(t, v.Public)
			default:
				g.passes(t, v.Public)
				g.redirects(t, v.S3, v.Public)
			}
		})
	}
}

// served reports whether the issuer gives out a public path for a key.
func served(key string) bool {
	segments := strings.Split(key, "/")
	return segments[0] != "" && !slices.Contains(segments, ".") && !slices.Contains(segments, "..")
}

// TestOfAllSpellingsOfAPublicKeyOnePasses spells keys at random, byte for byte:
// bare, or encoded in small or capital hex.
func TestOfAllSpellingsOfAPublicKeyOnePasses(t *testing.T) {
	g := newPublic(t)
	passed, redirected := 0, 0
	alphabet := rapid.OneOf(rapid.Rune(), rapid.RuneFrom([]rune("ab/. +%~#?*&=;(['\"\\日é\r\n\x00")))
	rapid.Check(t, func(t *rapid.T) {
		below := rapid.StringOf(alphabet).Filter(func(s string) bool { return served("nudges/" + s) })
		key := "nudges/" + below.Draw(t, "key")
		var spelling strings.Builder
		spelling.WriteByte('/')
		for _, r := range key {
			encode := rapid.IntRange(0, 2).Draw(t, "encode")
			switch {
			case r == '/':
				spelling.WriteRune(r)
			case r == ' ' && encode == 0:
				spelling.WriteByte('+') // as S3 reads it
			case encode == 0 && r != '%' && r != '+' && r != '?' && r != '\ufffd':
				spelling.WriteRune(r)
			default:
				for _, b := range []byte(string(r)) {
					fmt.Fprintf(&spelling, []string{"", "%%%02x", "%%%02X"}[max(encode, 1)], b)
				}
			}
		}
		want := mapping.Object{Bucket: "media", Key: key}.PublicPath()
		g.passes(t, want)
		passed++
		if spelling.String() != want {
			g.redirects(t, spelling.String(), want)
			redirected++
		}
	})
	assert.Positive(t, passed)
	assert.Positive(t, redirected)
}

// FuzzPublic checks, for whatever comes as a path, that nothing passes but the
// one spelling of a key, and that no redirect leads elsewhere or on to another.
func FuzzPublic(f *testing.F) {
	for _, seed := range []string{
		"", "/", "//", "/nudges/a", "/nudges/%61", "//other.example/%61", "/\\other.example/%61",
		"/nudges/%0d%0aset-cookie:a",
		"/nudges/\r\n", "/nudges/%7e~", "/a+b%2Bc", "/nudges/%c3%28", "/é/日", "/%2e%2e/a", "/a%5c..%5cb",
	} {
		f.Add(seed)
	}
	g := newPublic(f)
	f.Fuzz(func(t *testing.T, uri string) {
		uri = "/" + strings.ToValidUTF8(uri, "\ufffd")
		a, err := ask(context.Background(), g.Function, "GET", uri)
		require.NoError(t, err)
		switch location := a.Headers["location"].Value; a.StatusCode {
		case 0:
			require.Equal(t, uri, a.URI)
			require.Equal(t, uri, mapping.Object{Key: decoded(t, uri)}.PublicPath())
		case 301:
			require.NotEqual(t, uri, location)
			require.NotRegexp(t, `^//|[\x00-\x20\\\x7f-\x{10ffff}]`, location)
			require.Equal(t, decoded(t, uri), decoded(t, location), "it is the same object")
			g.passes(t, location)
		default:
			require.Equal(t, 404, a.StatusCode)
		}
	})
}

func TestPublicFitsCloudFront(t *testing.T) {
	require.NoError(t, cloudfrontjs.Check(gate.Public))
	assert.LessOrEqual(t, len(gate.Public), 10_000)
	for i := range len(gate.Public) {
		require.Less(t, gate.Public[i], byte(0x80), "only ASCII")
	}
}

// TestEveryLineOfThePublicFunctionMatters breaks the function once in each place.
func TestEveryLineOfThePublicFunctionMatters(t *testing.T) {
	for _, tt := range []struct{ name, line, broken, uri, want string }{
		{"another host is refused", "uri.startsWith('//')", "false", "//a/%61", "404"},
		{"an encoded slash is refused", " || /%2f/i.test(uri)", "", "/a%2Fb", "404"},
		{"in small hex, too", "/%2f/i.test", "/%2F/.test", "/a%2fb", "404"},
		{"a plus sign is a space", "uri.replace(/\\+/g, ' ')", "uri", "/a+b", "/a%20b"},
		{"dot segments are refused", "if (/(^|\\/)\\.\\.?(\\/|$)/.test(key))", "if (false)", "/a/./b", "404"},
		{"all four are escaped", "[?#+~]", "[?#+]", "/~%61", "/%7Ea"},
		{"in capitals", ".toUpperCase()", "", "/a%3f", "/a%3F"},
		{"a bad escape is refused", "return null; // a bad", "return uri; // a bad", "/%ff", "404"},
		{"a refusal is not kept", "'cache-control': { value: 'no-store' },", "", "/%ff", "404"},
		{"the redirect says where", "location: { value: path }", "location: { value: request.uri }", "/%61", "/a"},
		{"the redirect is for good", "statusCode: 301", "statusCode: 302", "/%61", "/a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, 1, strings.Count(gate.Public, tt.line), "this line is to be found once: %s", tt.line)
			holds := func(source string) bool {
				a, err := ask(context.Background(), newGate(t, source).Function, "GET", tt.uri)
				require.NoError(t, err)
				if tt.want == "404" {
					return a.StatusCode == 404 && a.Headers["cache-control"].Value == "no-store"
				}
				return a.StatusCode == 301 && a.Headers["location"].Value == tt.want
			}
			assert.True(t, holds(gate.Public))
			assert.False(t, holds(strings.Replace(gate.Public, tt.line, tt.broken, 1)))
		})
	}
}

// decoded returns the key that S3 reads from a path.
func decoded(t *testing.T, path string) string {
	t.Helper()
	key, err := url.QueryUnescape(strings.TrimPrefix(path, "/"))
	require.NoError(t, err)
	return key
}
