package edge

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestAKeyIsEncodedByteForByte(t *testing.T) {
	for _, tt := range []struct{ name, key, want string }{
		{"a plain key stays", "simple-chat/2026/photo_1.v2~final.jpg", "simple-chat/2026/photo_1.v2~final.jpg"},
		{"a space is not a plus", "a b", "a%20b"},
		{"a plus is not a space", "a+b", "a%2Bb"},
		{"an encoded slash stays encoded text", "a%2Fb", "a%252Fb"},
		{"a percent sign is encoded", "100%25", "100%2525"},
		{"a question mark does not begin a query", "a?b=c&d", "a%3Fb%3Dc%26d"},
		{"a number sign does not begin a fragment", "a#b", "a%23b"},
		{"double slashes stay", "a//b/", "a//b/"},
		{"a leading slash stays", "/a", "/a"},
		{"dots stay", "a/../b/./c/...", "a/../b/./c/..."},
		{"UTF-8 is encoded by bytes", "ü/日本.png", "%C3%BC/%E6%97%A5%E6%9C%AC.png"},
		{"control characters are encoded", "a\r\n\x00\x7fb", "a%0D%0A%00%7Fb"},
		{"quotes and friends are encoded", `"'()*!,;:@$=\^{}|<>[]` + "`",
			"%22%27%28%29%2A%21%2C%3B%3A%40%24%3D%5C%5E%7B%7D%7C%3C%3E%5B%5D%60"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, EncodeKey(tt.key))
			decoded, err := url.PathUnescape(EncodeKey(tt.key))
			require.NoError(t, err)
			assert.Equal(t, tt.key, decoded)
		})
	}
}

func TestAnyKeyComesBackFromItsPath(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.String().Draw(t, "key")
		encoded := EncodeKey(key)
		decoded, err := url.PathUnescape(encoded)
		require.NoError(t, err)
		require.Equal(t, key, decoded)
		require.False(t, strings.ContainsAny(encoded, "?#+ %\x00\r\n") && !strings.Contains(encoded, "%"),
			"no character that means something in a URL")
	})
}

// maxRequestURI is CloudFront's bound on path and query string together.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html
const maxRequestURI = 8192

func TestTheLongestKeyFitsIntoARequest(t *testing.T) {
	b := newBench(finds("s3://"+testBucket+"/"+strings.Repeat("%", 1024), 30*24*time.Hour))
	_, got := b.invoke(t, event(t, nil))
	assert.Less(t, len(got["uri"].(string))+len(got["querystring"].(string)), maxRequestURI)
}

func TestTheQueryStringHoldsNoCharacterThatIsForbidden(t *testing.T) {
	q := cacheControlOverride(time.Hour)
	assert.NotContains(t, q, " ")
	assert.NotContains(t, q, "+")
	assert.NotContains(t, q, "#")
	values, err := url.ParseQuery(q)
	require.NoError(t, err)
	assert.Equal(t, url.Values{"response-cache-control": {"public, max-age=3600, s-maxage=3600, stale-if-error=0"}},
		values)
}
