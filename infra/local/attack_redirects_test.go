package local

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/local/resources"
)

// playRedirects attacks a second stack, whose links lead to S3 by a signed address.
func (s *scene) playRedirects(t *testing.T) {
	other := newScene(t, map[string]string{"delivery": "redirect"})
	object := other.upload("simple-chat/mine.png", other.photo)
	other.upload("simple-chat/yours.png", other.photo)
	hash := other.ask(object, 0).Hash
	at := func(host, method, path string) reply {
		return answered(t, method, say(t, host, strings.ReplaceAll(request(method, path), "{host}", host)))
	}
	t.Run("a link of one stack at the other", func(t *testing.T) {
		assert.Equal(t, 404, at(s.names["host"], "GET", "/images/"+hash).StatusCode)
		assert.Equal(t, 404, at(other.names["host"], "GET", s.fill("{link}")).StatusCode)
	})
	answer := at(other.names["host"], "GET", "/images/"+hash)
	require.Equal(t, 302, answer.StatusCode)
	assert.Contains(t, answer.Header.Get("Cache-Control"), "no-store", "nobody else is given the signed address")
	signed, err := url.Parse(answer.Header.Get("Location"))
	require.NoError(t, err)
	target := signed.RequestURI()
	require.Equal(t, 200, at(signed.Host, "GET", target).StatusCode)
	for tries, send := range map[string][2]string{
		"the signed address for another object": {"GET", strings.Replace(target, "mine.png", "yours.png", 1)},
		"the signed address for longer":         {"GET", strings.Replace(target, "X-Amz-Expires=", "X-Amz-Expires=9", 1)},
		"the signed address with another type":  {"GET", target + "&response-content-type=text/html"},
		"the signed address to upload":          {"PUT", target},
		"the signed address to delete":          {"DELETE", target},
		"the signed address to list":            {"GET", strings.Replace(target, "/simple-chat/mine.png", "/", 1)},
	} {
		t.Run(tries, func(t *testing.T) {
			require.NotEqual(t, [2]string{"GET", target}, send)
			a := at(signed.Host, send[0], send[1])
			assert.GreaterOrEqual(t, a.StatusCode, 400)
			assert.NotContains(t, string(a.body), string(other.photo))
			assert.NotContains(t, string(a.body), resources.Local.SecretAccessKey)
			assert.Equal(t, 200, at(signed.Host, "GET", target).StatusCode, "the object is as it was")
		})
	}
	t.Run("a drawing with a script at S3's own host", func(t *testing.T) {
		link := other.issue(other.upload("simple-chat/a.svg", []byte("<svg/>")), 0)
		_, path, _ := strings.Cut(link, other.names["host"])
		to, err := url.Parse(at(other.names["host"], "GET", path).Header.Get("Location"))
		require.NoError(t, err)
		a := at(to.Host, "GET", to.RequestURI())
		assert.Equal(t, 200, a.StatusCode)
		assert.Equal(t, "attachment", a.Header.Get("Content-Disposition"), "a browser saves it, and runs nothing")
		for _, label := range []string{"response-content-disposition", "response-content-type"} {
			query := to.Query()
			require.NotEmpty(t, query.Get(label))
			query.Del(label)
			assert.Equal(t, 403, at(to.Host, "GET", to.EscapedPath()+"?"+query.Encode()).StatusCode, "without its label")
		}
	})
	t.Run("a revoked link gets no signed address", func(t *testing.T) {
		_, err := other.issuer().Revoke(t.Context(), []string{object}, nil)
		require.NoError(t, err)
		a := at(other.names["host"], "GET", "/images/"+hash)
		assert.Equal(t, 404, a.StatusCode)
		assert.Empty(t, a.Header.Get("Location"))
	})
}
