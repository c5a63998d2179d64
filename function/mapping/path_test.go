package mapping

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestAKeyHasOnePathForS3OneForViewersAndOneToInvalidate(t *testing.T) {
	for _, tt := range []struct{ name, key, s3, public, invalidation string }{
		{"a plain key stays bare", "nudges/2026/photo_1.v2-final.jpg",
			"/nudges/2026/photo_1.v2-final.jpg", "/nudges/2026/photo_1.v2-final.jpg", "/nudges/2026/photo_1.v2-final.jpg"},
		{"a space is encoded, parentheses only for S3", "photo (1).jpg",
			"/photo%20%281%29.jpg", "/photo%20(1).jpg", "/photo%20(1).jpg"},
		{"S3 reads a bare plus as a space, and CloudFront wants none encoded", "a b+c.jpg",
			"/a%20b%2Bc.jpg", "/a%20b%2Bc.jpg", "/a%20b*"},
		{"an asterisk would be a wildcard", "a/b*c", "/a/b%2Ac", "/a/b*c", "/a/b*"},
		{"an encoded slash in a key stays text", "a%2Fb", "/a%252Fb", "/a%252Fb", "/a%252Fb"},
		{"a question mark begins no query, a number sign no fragment", "a?b=c&d#e",
			"/a%3Fb%3Dc%26d%23e", "/a%3Fb=c&d%23e", "/a%3Fb=c&d%23e"},
		{"a tilde is unsafe to viewers only", "~a", "/~a", "/%7Ea", "/%7Ea"},
		{"slashes and dots stay", "/a//b/./../c/", "//a//b/./../c/", "//a//b/./../c/", "//a//b/./../c/"},
		{"UTF-8 is encoded by bytes in upper-case hex", "ü/日",
			"/%C3%BC/%E6%97%A5", "/%C3%BC/%E6%97%A5", "/%C3%BC/%E6%97%A5"},
		{"control characters are encoded", "a\r\n\x00\x7fb", "/a%0D%0A%00%7Fb", "/a%0D%0A%00%7Fb", "/a%0D%0A%00%7Fb"},
		{"what RFC 1738 calls unsafe is encoded", "<>\"{}|\\^[]`",
			"/%3C%3E%22%7B%7D%7C%5C%5E%5B%5D%60", "/%3C%3E%22%7B%7D%7C%5C%5E%5B%5D%60", "/%3C%3E%22%7B%7D%7C%5C%5E%5B%5D%60"},
		{"the reserved rest is bare to viewers", "!$&'(),:;=@",
			"/%21%24%26%27%28%29%2C%3A%3B%3D%40", "/!$&'(),:;=@", "/!$&'(),:;=@"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := Object{Bucket: "media", Key: tt.key}
			assert.Equal(t, tt.s3, o.S3Path())
			assert.Equal(t, tt.public, o.PublicPath())
			assert.Equal(t, tt.invalidation, o.InvalidationPath())
		})
	}
}

func TestAnyKeyComesBackFromItsPathsAndAnInvalidationCoversIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { holdPaths(t, rapid.String().Draw(t, "key")) })
}

// FuzzPaths checks that S3 reads exactly the key from either path, and that no
// key leads to another host, into a query string or out of its invalidation.
func FuzzPaths(f *testing.F) {
	for _, key := range []string{
		"simple-chat/photo.jpg", "a b+c%20", "ü/日本/🎉", "../..//./", "?x#y", "\x00\r\n", "%2F%2e", "//host/path", "~-._",
		"*a+*", "\xff",
	} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) { holdPaths(t, key) })
}

func holdPaths(t require.TestingT, key string) {
	o := Object{Bucket: "media", Key: key}
	for path, bare := range map[string]string{o.S3Path(): bareForS3, o.PublicPath(): bareForViewers} {
		// S3 reads a plus as a space.
		decoded, err := url.QueryUnescape(path)
		require.NoError(t, err)
		require.Equal(t, "/"+key, decoded)
		require.Equal(t, strings.Count(key, "/")+1, strings.Count(path, "/"))
		require.Empty(t, strings.Trim(path, bare+"%"))
		u, err := url.Parse("https://bucket.example" + path)
		require.NoError(t, err)
		require.Equal(t, url.URL{Scheme: "https", Host: "bucket.example", Path: "/" + key, RawPath: u.RawPath}, *u)
	}
	prefix, wild := strings.CutSuffix(o.InvalidationPath(), "*")
	require.NotContains(t, prefix, "*")
	require.NotContains(t, prefix, "%2B")
	require.True(t, strings.HasPrefix(o.PublicPath(), prefix))
	require.True(t, wild || prefix == o.PublicPath())
}
