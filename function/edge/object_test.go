package edge

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/mapping"
)

// maxRequestURI is CloudFront's bound on path and query string together.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html
const maxRequestURI = 8192

func TestTheLongestKeyFitsIntoARequest(t *testing.T) {
	for _, path := range []string{"/images/" + testHash, "/images/" + testHash + "/download"} {
		for _, key := range []string{
			strings.Repeat("%", 1024), strings.Repeat("é", 512), "a/" + strings.Repeat("😀", 255),
		} {
			b := newBench(finds("s3://"+testBucket+"/"+key, 30*24*time.Hour))
			_, got := b.invoke(t, event(t, map[string]any{"uri": path}))
			assert.Less(t, len(got["uri"].(string))+len(got["querystring"].(string)), maxRequestURI)
		}
	}
}

func TestTheQueryStringHoldsNoCharacterThatIsForbidden(t *testing.T) {
	q := atOrigin(mapping.Object{Key: "a b+#.jpg"}, "", time.Minute, time.Hour)
	assert.NotContains(t, q, " ")
	assert.NotContains(t, q, "+")
	assert.NotContains(t, q, "#")
	values, err := url.ParseQuery(q)
	require.NoError(t, err)
	assert.Equal(t, url.Values{"response-cache-control": {"public, max-age=60, s-maxage=3600, stale-if-error=0"}},
		values)
}
