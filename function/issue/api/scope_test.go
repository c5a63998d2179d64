package api_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue/api"
	"secure-media-cdn/function/issue/api/apitest"
	"secure-media-cdn/function/mapping"
)

func TestACallerHandlesOnlyTheServicesItIsNamedFor(t *testing.T) {
	t.Parallel()
	// Half of the objects are missing, which a caller of another service must not learn.
	aws := &apitest.AWS{Missing: map[string]bool{"board/none.jpg": true, "shop/none.jpg": true}}
	all := api.New(aws.Issuer(), slog.New(slog.DiscardHandler), time.Now)
	board, chat := apitest.As(all, "board"), apitest.As(all, "chat")
	_, body, _ := call(board, "POST", "/links", `{"objects":["s3://media/board/a.jpg"]}`)
	var issued api.IssueAnswer
	require.NoError(t, json.Unmarshal([]byte(body), &issued))
	hash := issued.Links[0].Hash
	require.NotEmpty(t, hash, body)

	for name, h := range map[string]http.Handler{
		"of another service": chat, "of no service": apitest.As(all), "that is unknown": all,
	} {
		for _, object := range []string{"board/a.jpg", "board/none.jpg", "shop/p.jpg", "shop/none.jpg"} {
			service, _, _ := strings.Cut(object, "/")
			for _, path := range []string{"/links", "/revocations"} {
				status, body, _ := call(h, "POST", path, `{"objects":["s3://media/`+object+`"]}`)
				assert.Equal(t, http.StatusForbidden, status, "%s %s of a caller %s", path, object, name)
				var answer struct{ Error api.Problem }
				require.NoError(t, json.Unmarshal([]byte(body), &answer))
				assert.Equal(t, "forbidden", answer.Error.Code)
				assert.Equal(t, "objects[0]", answer.Error.Field)
				assert.Contains(t, answer.Error.Message, `the service "`+service+`"`)
				assert.NotContains(t, body, hash)
			}
		}
	}
	live := func() bool {
		m, err := aws.Get(t.Context(), hash)
		return err == nil && m.Live(time.Now())
	}
	assert.True(t, live(), "nobody else could revoke it")
	status, body, _ := call(board, "DELETE", "/links/"+hash, "")
	assert.Equal(t, http.StatusOK, status, body)
	assert.False(t, live())
}

func TestAHashOfAnotherServiceIsAnsweredAsOneThatNeverWas(t *testing.T) {
	t.Parallel()
	aws := &apitest.AWS{}
	issuer := aws.Issuer()
	all := api.New(issuer, slog.New(slog.DiscardHandler), time.Now)
	now := time.Now()
	mapped := func(key string, life time.Duration) string {
		hash, err := aws.New(t.Context(), now, "")
		require.NoError(t, err)
		o := mapping.Object{Bucket: "media", Key: key}
		records, err := aws.Records(t.Context(), []mapping.Object{o})
		require.NoError(t, err)
		r := records[0]
		r.Hashes = map[string]time.Time{hash: now.Add(life)}
		require.NoError(t, aws.Apply(t.Context(), mapping.Change{Record: r, Add: []mapping.Mapping{{
			Hash: hash, Object: o, Service: "board",
			CreatedAt: now.Add(-time.Hour).Truncate(time.Second), ExpiresAt: now.Add(life).Truncate(time.Second),
		}}}))
		return hash
	}
	hashes := map[string]string{
		"live": mapped("board/a.jpg", time.Hour), "expired": mapped("board/b.jpg", -time.Minute),
		"revoked": mapped("board/c.jpg", time.Hour),
	}
	status, body, _ := call(apitest.As(all, "board"), "DELETE", "/links/"+hashes["revoked"], "")
	require.Equal(t, http.StatusOK, status, body)

	unknown := strings.Repeat("x", 32)
	for name, hash := range hashes {
		for _, c := range [][3]string{
			{"GET", "/links/HASH", ""}, {"DELETE", "/links/HASH", ""}, {"POST", "/revocations", `{"hashes":["HASH"]}`},
		} {
			ask := func(hash string) *httptest.ResponseRecorder {
				w := httptest.NewRecorder()
				path, body := strings.ReplaceAll(c[1], "HASH", hash), strings.ReplaceAll(c[2], "HASH", hash)
				r := httptest.NewRequest(c[0], path, strings.NewReader(body))
				apitest.As(all, "chat").ServeHTTP(w, r)
				return w
			}
			of, none := ask(hash), ask(unknown)
			assert.Equal(t, http.StatusNotFound, of.Code, "%s %s", c, name)
			assert.Equal(t, strings.ReplaceAll(none.Body.String(), unknown, hash), of.Body.String(), "%s %s", c, name)
			assert.Equal(t, none.Header(), of.Header())
		}
	}
	assert.Contains(t, func() string {
		_, b, _ := call(apitest.As(all, "board"), "GET", "/links/"+hashes["live"], "")
		return b
	}(), `"state":"live"`)
}

func TestOneCallMayHoldObjectsOfSeveralServices(t *testing.T) {
	t.Parallel()
	aws := &apitest.AWS{}
	h := apitest.As(api.New(aws.Issuer(), slog.New(slog.DiscardHandler), time.Now), "chat")
	status, body, _ := call(h, "POST", "/links",
		`{"objects":["s3://media/board/a.jpg","s3://media/chat/a.jpg","s3://media/chat","s3://media/chatter/a.jpg"]}`)
	assert.Equal(t, http.StatusOK, status)
	var answer api.IssueAnswer
	require.NoError(t, json.Unmarshal([]byte(body), &answer))
	assert.Equal(t, "forbidden", answer.Links[0].Error.Code)
	assert.Nil(t, answer.Links[1].Error)
	assert.Equal(t, "unknown_service", answer.Links[2].Error.Code)
	assert.Equal(t, "unknown_service", answer.Links[3].Error.Code)
}
