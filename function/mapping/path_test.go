package mapping

import (
	"encoding/json"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The vectors are those that package gate runs.
func TestAKeyHasOnePathForS3OneForViewersAndOneToInvalidate(t *testing.T) {
	data, err := os.ReadFile("testdata/paths.json")
	require.NoError(t, err)
	var vectors []struct{ Name, Key, S3, Public, Invalidation string }
	require.NoError(t, json.Unmarshal(data, &vectors))
	require.NotEmpty(t, vectors)
	for _, tt := range vectors {
		t.Run(tt.Name, func(t *testing.T) {
			o := Object{Bucket: "media", Key: tt.Key}
			assert.Equal(t, tt.S3, o.S3Path())
			assert.Equal(t, tt.Public, o.PublicPath())
			assert.Equal(t, tt.Invalidation, o.InvalidationPath())
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
