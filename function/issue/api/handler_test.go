package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/issue/api"
	"secure-media-cdn/function/issue/api/apitest"
	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/seal"
)

// serving returns the API of the issuer for a caller of every service but "board", and its log.
func serving(i *issue.Issuer) (http.Handler, *bytes.Buffer) {
	var log bytes.Buffer
	return apitest.As(api.New(i, slog.New(slog.NewJSONHandler(&log, nil)), time.Now), "chat", "shop", "club"), &log
}

// quietAPI is the API of the issuer without a log.
func quietAPI(i *issue.Issuer) http.Handler {
	return api.New(i, slog.New(slog.DiscardHandler), time.Now)
}

func call(h http.Handler, method, path, body string) (status int, answer string, headers http.Header) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w.Code, w.Body.String(), w.Header()
}

func TestEveryWrongCallIsRefusedWithACodeAndItsField(t *testing.T) {
	t.Parallel()
	aws := &apitest.AWS{Missing: map[string]bool{"chat/none.jpg": true}}
	h, log := serving(aws.Issuer())
	unknown := strings.Repeat("x", 32)
	for name, tt := range map[string]struct {
		method, path, body string
		status             int
		code, field        string
	}{
		"no body":                  {"POST", "/links", "", 400, "bad_request", ""},
		"no JSON":                  {"POST", "/links", "objects=x", 400, "bad_request", ""},
		"a list":                   {"POST", "/links", `["s3://media/a"]`, 400, "bad_request", ""},
		"null":                     {"POST", "/links", `null`, 400, "bad_request", ""},
		"something after the JSON": {"POST", "/links", `{"objects":["s3://media/chat/a.jpg"]} {}`, 400, "bad_request", ""},
		"an unknown field": {
			"POST", "/links", `{"objects":["s3://media/chat/a.jpg"],"ttl":5}`, 400, "bad_request", "ttl",
		},
		"a field in capitals":   {"POST", "/links", `{"Objects":["s3://media/chat/a.jpg"]}`, 400, "bad_request", "Objects"},
		"no objects":            {"POST", "/links", `{}`, 400, "bad_request", "objects"},
		"an empty list":         {"POST", "/links", `{"objects":[]}`, 400, "bad_request", "objects"},
		"objects as one string": {"POST", "/links", `{"objects":"s3://media/a"}`, 400, "bad_request", "objects"},
		"objects of null":       {"POST", "/links", `{"objects":null}`, 400, "bad_request", "objects"},
		"a null among the objects": {
			"POST", "/links", `{"objects":["s3://media/chat/a.jpg",null]}`, 400, "bad_request", "objects[1]",
		},
		"a number among the objects": {"POST", "/links", `{"objects":[7]}`, 400, "bad_request", "objects[0]"},
		"101 objects": {
			"POST", "/links", `{"objects":[` + strings.Repeat(`"s3://media/chat/a.jpg",`, 100) +
				`"s3://media/b"]}`, 400, "too_many", "objects",
		},
		"a body too long": {
			"POST", "/links", `{"objects":["` + strings.Repeat("x", 1<<20) + `"]}`, 413, "too_large", "",
		},
		"a ttl of zero": {
			"POST", "/links", `{"objects":["s3://media/chat/a.jpg"],"ttlSeconds":0}`, 400, "bad_ttl", "ttlSeconds",
		},
		"a ttl beyond the longest": {
			"POST", "/links", `{"objects":["s3://media/chat/a.jpg"],"ttlSeconds":2592001}`, 400, "bad_ttl", "ttlSeconds",
		},
		"a ttl that would overflow": {
			"POST", "/links", `{"objects":["s3://media/chat/a.jpg"],"ttlSeconds":9223372036854775807}`, 400, "bad_ttl", "ttlSeconds",
		},
		"a ttl of half a second": {
			"POST", "/links", `{"objects":["s3://media/chat/a.jpg"],"ttlSeconds":0.5}`, 400, "bad_request", "ttlSeconds",
		},
		"a ttl in words": {
			"POST", "/links", `{"objects":["s3://media/chat/a.jpg"],"ttlSeconds":"60"}`, 400, "bad_request", "ttlSeconds",
		},
		"an empty audience": {
			"POST", "/links", `{"objects":["s3://media/club/a.jpg"],"audience":""}`, 400, "bad_audience", "audience",
		},
		"an audience that is no text": {
			"POST", "/links", `{"objects":["s3://media/club/a.jpg"],"audience":["club"]}`, 400, "bad_request", "audience",
		},
		"an audience that is malformed": {
			"POST", "/links", `{"objects":["s3://media/club/a.jpg"],"audience":"club/a/b"}`, 400, "bad_audience", "audience",
		},
		"an audience of a service whose links are enough": {
			"POST", "/links", `{"objects":["s3://media/chat/a.jpg"],"audience":"chat"}`, 400, "bad_audience", "audience",
		},
		"an audience of another service": {
			"POST", "/links", `{"objects":["s3://media/chat/a.jpg"],"audience":"club"}`, 400, "bad_audience", "objects[0]",
		},
		"half of a surrogate pair": {
			"POST", "/links", `{"objects":["s3://media/chat/a.jpg","s3://media/chat/\ud800.jpg"]}`, 400, "bad_request", "objects[1]",
		},
		"the other half": {
			"POST", "/links", `{"objects":["s3://media/chat/\uDC00.jpg"]}`, 400, "bad_request", "objects[0]",
		},
		"a key that is not UTF-8": {
			"POST", "/links", "{\"objects\":[\"s3://media/chat/\xff.jpg\"]}", 400, "bad_request", "objects[0]",
		},
		"half a pair to revoke": {
			"POST", "/revocations", `{"objects":["s3://media/chat/\ud83dx.jpg"]}`, 400, "bad_request", "objects[0]",
		},
		"a hash that is not UTF-8": {
			"POST", "/revocations", "{\"hashes\":[\"\xed\xa0\x80\"]}", 400, "bad_request", "hashes[0]",
		},
		"a field that is there twice": {
			"POST", "/links", `{"objects":["s3://media/chat/a.jpg"],"objects":["s3://media/chat/b.jpg"]}`, 400, "bad_request", "objects",
		},
		"a malformed object": {"POST", "/links", `{"objects":["chat/a.jpg"]}`, 400, "bad_object", "objects[0]"},
		"another bucket": {
			"POST", "/links", `{"objects":["s3://other/chat/a.jpg"]}`, 400, "wrong_bucket", "objects[0]",
		},
		"a directory": {"POST", "/links", `{"objects":["s3://media/chat/"]}`, 400, "directory", "objects[0]"},
		"an unknown service": {
			"POST", "/links", `{"objects":["s3://media/other/a.jpg"]}`, 400, "unknown_service", "objects[0]",
		},
		"a missing object": {
			"POST", "/links", `{"objects":["s3://media/chat/none.jpg"]}`, 404, "object_not_found", "objects[0]",
		},
		"a malformed hash":           {"GET", "/links/short", "", 400, "bad_hash", "hash"},
		"an unknown hash":            {"GET", "/links/" + unknown, "", 404, "link_not_found", "hash"},
		"a malformed hash to delete": {"DELETE", "/links/short", "", 400, "bad_hash", "hash"},
		"an unknown hash to delete":  {"DELETE", "/links/" + unknown, "", 404, "link_not_found", "hash"},
		"nothing to revoke":          {"POST", "/revocations", `{}`, 400, "bad_request", "objects"},
		"a wrong bucket to revoke": {
			"POST", "/revocations", `{"hashes":[],"objects":["s3://other/a"]}`, 400, "wrong_bucket", "objects[0]",
		},
		"a public object to revoke": {
			"POST", "/revocations", `{"objects":["s3://media/shop/p.jpg"]}`, 409, "public_object", "objects[0]",
		},
		"a wrong hash to revoke": {
			"POST", "/revocations", `{"objects":["s3://media/chat/a.jpg"],"hashes":["short"]}`, 400, "bad_hash", "hashes[0]",
		},
		"an unknown field to revoke": {"POST", "/revocations", `{"hash":"x"}`, 400, "bad_request", "hash"},
		"101 to revoke together": {
			"POST", "/revocations", `{"objects":["s3://media/a"],"hashes":[` + strings.Repeat(`"x",`, 99) +
				`"x"]}`, 400, "too_many", "",
		},
		"a ticket for nobody": {"POST", "/viewers", `{"audiences":["club"]}`, 400, "bad_request", "viewer"},
		"a ticket for an empty name": {
			"POST", "/viewers", `{"viewer":"","audiences":["club"]}`, 400, "bad_request", "viewer",
		},
		"a viewer that is no text": {"POST", "/viewers", `{"viewer":7,"audiences":["club"]}`, 400, "bad_request", "viewer"},
		"a viewer with a name too long": {
			"POST", "/viewers", `{"viewer":"` + strings.Repeat("x", 257) + `","audiences":["club"]}`,
			400, "bad_request", "viewer",
		},
		"half a pair in a viewer": {
			"POST", "/viewers", `{"viewer":"\ud800","audiences":["club"]}`, 400, "bad_request", "viewer",
		},
		"a ticket for nothing": {"POST", "/viewers", `{"viewer":"a"}`, 400, "bad_request", "audiences"},
		"a ticket for no audience": {
			"POST", "/viewers", `{"viewer":"a","audiences":[]}`, 400, "bad_request", "audiences",
		},
		"audiences as one text": {
			"POST", "/viewers", `{"viewer":"a","audiences":"club"}`, 400, "bad_request", "audiences",
		},
		"a number among the audiences": {
			"POST", "/viewers", `{"viewer":"a","audiences":["club",7]}`, 400, "bad_request", "audiences[1]",
		},
		"33 audiences": {
			"POST", "/viewers", `{"viewer":"a","audiences":[` + strings.Repeat(`"club",`, 32) + `"club"]}`,
			400, "too_many", "audiences",
		},
		"a malformed audience": {
			"POST", "/viewers", `{"viewer":"a","audiences":["club","club/"]}`, 400, "bad_audience", "audiences[1]",
		},
		"an audience of a service without tickets": {
			"POST", "/viewers", `{"viewer":"a","audiences":["chat"]}`, 400, "bad_audience", "audiences[0]",
		},
		"an audience of a public service": {
			"POST", "/viewers", `{"viewer":"a","audiences":["shop"]}`, 400, "bad_audience", "audiences[0]",
		},
		"an audience of no service": {
			"POST", "/viewers", `{"viewer":"a","audiences":["pub/x"]}`, 400, "bad_audience", "audiences[0]",
		},
		"an audience of somebody else's service": {
			"POST", "/viewers", `{"viewer":"a","audiences":["club","lodge/x"]}`, 403, "forbidden", "audiences[1]",
		},
		"a ticket's life too short": {
			"POST", "/viewers", `{"viewer":"a","audiences":["club"],"ttlSeconds":59}`, 400, "bad_ttl", "ttlSeconds",
		},
		"a ticket's life of zero": {
			"POST", "/viewers", `{"viewer":"a","audiences":["club"],"ttlSeconds":0}`, 400, "bad_ttl", "ttlSeconds",
		},
		"a ticket's life too long": {
			"POST", "/viewers", `{"viewer":"a","audiences":["club"],"ttlSeconds":43201}`, 400, "bad_ttl", "ttlSeconds",
		},
		"a ticket's life that would overflow": {
			"POST", "/viewers", `{"viewer":"a","audiences":["club"],"ttlSeconds":9223372036854775807}`,
			400, "bad_ttl", "ttlSeconds",
		},
		"an unknown field of a ticket": {
			"POST", "/viewers", `{"viewer":"a","audiences":["club"],"session":"x"}`, 400, "bad_request", "session",
		},
		"a malformed session": {"DELETE", "/viewers/short", "", 400, "bad_session", "session"},
		"a session with a character too much": {
			"DELETE", "/viewers/" + liveSession() + "A", "", 400, "bad_session", "session",
		},
		"a session of other characters": {
			"DELETE", "/viewers/" + liveSession()[:15] + "+", "", 400, "bad_session", "session",
		},
		"a session with a line end": {
			"DELETE", "/viewers/" + liveSession()[:15] + "%0A", "", 400, "bad_session", "session",
		},
		"a session that would never end": {"DELETE", "/viewers/AAAAAAAAAAD_____", "", 400, "bad_session", "session"},
		"sessions in all":                {"GET", "/viewers", "", 405, "bad_method", ""},
		"a session to be shown":          {"GET", "/viewers/" + liveSession(), "", 405, "bad_method", ""},

		"an unknown path":           {"GET", "/", "", 404, "no_such_route", ""},
		"a path below a hash":       {"GET", "/links/" + unknown + "/x", "", 404, "no_such_route", ""},
		"a path that ends in slash": {"POST", "/links/", `{"objects":["s3://media/chat/a.jpg"]}`, 404, "no_such_route", ""},
		"another method":            {"PUT", "/links", "", 405, "bad_method", ""},
		"a method in small letters": {"post", "/links", `{"objects":["s3://media/chat/a.jpg"]}`, 405, "bad_method", ""},
	} {
		t.Run(name, func(t *testing.T) {
			status, body, headers := call(h, tt.method, tt.path, tt.body)
			var answer struct {
				Error struct{ Code, Message, Field string }
			}
			require.NoError(t, json.Unmarshal([]byte(body), &answer), body)
			assert.Equal(t, tt.status, status, body)
			assert.Equal(t, tt.code, answer.Error.Code)
			assert.Equal(t, tt.field, answer.Error.Field)
			assert.NotEmpty(t, answer.Error.Message)
			assert.Equal(t, tt.status == http.StatusMethodNotAllowed, headers.Get("Allow") != "")
			assert.Equal(t, "application/json", headers.Get("Content-Type"))
			assert.Equal(t, "no-store", headers.Get("Cache-Control"))
		})
	}
	records, err := aws.Records(t.Context(), []mapping.Object{{Bucket: "media", Key: "chat/a.jpg"}})
	require.NoError(t, err)
	assert.Empty(t, records[0].Hashes, "nothing was done")
	assert.NotContains(t, log.String(), unknown)
	assert.NotContains(t, log.String(), ".jpg")
}

func TestATicketIsMadeAndItsSessionEnded(t *testing.T) {
	t.Parallel()
	aws := &apitest.AWS{}
	h, log := serving(aws.Issuer())
	status, body, headers := call(h, "POST", "/viewers",
		`{"viewer":"ann@example.com","audiences":["club","club/room-1"],"ttlSeconds":60}`)
	require.Equal(t, http.StatusOK, status, body)
	assert.Equal(t, "no-store", headers.Get("Cache-Control"), "a ticket is a secret")
	var ticket api.Ticket
	require.NoError(t, json.Unmarshal([]byte(body), &ticket))
	assert.Equal(t, "ticket:club+club/room-1", ticket.Ticket)
	assert.Equal(t, seal.SetCookie(ticket.Ticket, "example", time.Minute), ticket.Cookie)
	assert.WithinDuration(t, time.Now().Add(time.Minute), ticket.ExpiresAt, 10*time.Second)

	for range 2 {
		status, body, headers = call(h, "DELETE", "/viewers/"+ticket.Session, "")
		assert.Equal(t, http.StatusNoContent, status)
		assert.Empty(t, body)
		assert.Equal(t, "no-store", headers.Get("Cache-Control"))
		assert.Empty(t, headers.Get("Content-Type"))
	}
	session, _, err := apitest.Names().OpenSessionID(ticket.Session)
	require.NoError(t, err)
	until, ended := aws.Ended.Load(session)
	require.True(t, ended)
	assert.True(t, ticket.ExpiresAt.Equal(until.(time.Time)))

	text := log.String()
	assert.Contains(t, text, `"viewer":"pseudonym"`)
	assert.Contains(t, text, `"session":"`+ticket.Session[:4]+`"`)
	for _, secret := range []string{"ann", "example.com", "ticket:", "room-1", ticket.Session[:5]} {
		assert.NotContains(t, text, secret)
	}
}

func TestATicketThatWasNotMadeIsNotLoggedEither(t *testing.T) {
	t.Parallel()
	aws := &apitest.AWS{CDN: errors.New("no answer")}
	h, log := serving(aws.Issuer())
	status, body, _ := call(h, "POST", "/viewers", `{"viewer":"ann@example.com","audiences":["club/room-1"]}`)
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.NotContains(t, body, "ticket:")
	_, _, _ = call(h, "DELETE", "/viewers/"+liveSession(), "")
	_, _, _ = call(h, "POST", "/viewers", `{"viewer":"ann@example.com","audiences":["ann@example.com"]}`)
	_, _, _ = call(h, "DELETE", "/viewers/ann@example.com", "")
	for _, secret := range []string{"ann@e", "example.com", "ticket:", "room-1", liveSession()[:5]} {
		assert.NotContains(t, log.String(), secret)
	}
}

func TestAPathThatIsNotCleanIsNoRouteAndNoRedirect(t *testing.T) {
	t.Parallel()
	h, _ := serving((&apitest.AWS{}).Issuer())
	for _, path := range []string{"//links", "/links/", "/links//x", "/x/../links", "/links/.", "/./links"} {
		status, body, headers := call(h, http.MethodPost, path, `{"objects":["s3://media/chat/a.jpg"]}`)
		assert.Equal(t, http.StatusNotFound, status, path)
		assert.Contains(t, body, `"code":"no_such_route"`)
		assert.Empty(t, headers.Get("Location"))
	}
}

func TestAMethodThatAPathDoesNotTakeIsToldTheOthers(t *testing.T) {
	t.Parallel()
	h, _ := serving((&apitest.AWS{}).Issuer())
	for path, allow := range map[string]string{"/links": "POST", "/links/x": "GET, DELETE", "/revocations": "POST",
		"/viewers": "POST", "/viewers/x": "DELETE"} {
		for _, method := range []string{"PUT", "PATCH", "HEAD", "OPTIONS", "get"} {
			status, _, headers := call(h, method, path, "")
			assert.Equal(t, http.StatusMethodNotAllowed, status, method+" "+path)
			assert.Equal(t, allow, headers.Get("Allow"))
		}
	}
}

func TestAPanicIsAnAnswerAndTheProcessLivesOn(t *testing.T) {
	t.Parallel()
	var aws apitest.AWS
	i := aws.Issuer()
	store := i.Store
	i.Store = panicking{}
	h, _ := serving(i)
	status, body, _ := call(h, http.MethodGet, "/links/"+strings.Repeat("x", 32), "")
	assert.Equal(t, 500, status)
	assert.Contains(t, body, `"code":"internal"`)
	assert.NotContains(t, body, "secret detail")
	i.Store = store
	status, _, _ = call(h, http.MethodPost, "/links", `{"objects":["s3://media/chat/a.jpg"]}`)
	assert.Equal(t, http.StatusOK, status)
}

type panicking struct{ mapping.Store }

func (panicking) Get(context.Context, string) (mapping.Mapping, error) { panic("secret detail") }

// failing is a table that does not answer.
type failing struct{ mapping.Store }

func (failing) Get(context.Context, string) (mapping.Mapping, error) {
	return mapping.Mapping{}, errors.New("no answer")
}

func (failing) Records(context.Context, []mapping.Object) ([]mapping.Record, error) {
	return nil, errors.New("no answer")
}
