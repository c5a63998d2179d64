package api_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/issue/api"
	"secure-media-cdn/function/issue/api/apitest"
	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/seal"
)

func readDocument(t *testing.T) *openapi3.T {
	t.Helper()
	d, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	require.NoError(t, err)
	require.NoError(t, d.Validate(t.Context()))
	return d
}

// described checks real calls against the document.
type described struct {
	http.Handler
	router routers.Router
	seen   map[string]bool // "GET /links/{hash} 200"
}

// try makes the call. The answer must be as the document says, and the request too if it succeeded.
func (d *described) try(t *testing.T, method, path, body string) {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	route, params, err := d.router.FindRoute(r)
	require.NoError(t, err, "%s %s is not described", method, path)
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	r.Body = io.NopCloser(strings.NewReader(body))
	request := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route}
	request.Options = &openapi3filter.Options{IncludeResponseStatus: true} // a status that is not described is an error
	if w.Code == http.StatusOK {
		require.NoError(t, openapi3filter.ValidateRequest(t.Context(), request), "a request that succeeds is not described")
	}
	response := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: request, Status: w.Code, Header: w.Header(),
		Body: io.NopCloser(bytes.NewReader(w.Body.Bytes())), Options: request.Options,
	}
	require.NoError(t, openapi3filter.ValidateResponse(t.Context(), response), w.Body.String())
	assert.Equal(t, w.Code == http.StatusServiceUnavailable, w.Header().Get("Retry-After") != "")
	d.seen[method+" "+route.Path+" "+strconv.Itoa(w.Code)] = true
}

func TestEveryCallIsAsTheOpenAPIDocumentSays(t *testing.T) {
	t.Parallel()
	doc := readDocument(t)
	paths := doc.Paths.Map()
	doc.Servers = nil // any host
	router, err := legacy.NewRouter(doc)
	require.NoError(t, err)
	aws := &apitest.AWS{Missing: map[string]bool{"chat/none.jpg": true, "shop/gone.jpg": true}}
	issuer := aws.Issuer()
	h, _ := serving(issuer)
	d := &described{h, router, map[string]bool{}}
	links, apiErr := issuer.Issue(t.Context(), []string{"s3://media/chat/b.jpg", "s3://media/club/b.jpg"}, issue.Terms{})
	require.NoError(t, apiErr)
	full := mapping.Record{Object: mapping.Object{Bucket: "media", Key: "chat/full.jpg"}, Hashes: map[string]time.Time{}}
	for n := range issue.MaxLinks {
		full.Hashes[fmt.Sprintf("%032d", n)] = time.Now().Add(time.Hour)
	}
	require.NoError(t, aws.Apply(t.Context(), mapping.Change{Record: full}))
	hash, tied, unknown, many := links[0].Hash, links[1].Hash, strings.Repeat("x", 32), strings.Repeat("x", 1<<20+1)
	all := func() {
		d.try(t, "POST", "/links", `{"ttlSeconds":60,"objects":[
			"s3://media/chat/a.jpg","s3://media/shop/p.jpg","s3://media/chat/none.jpg","x"]}`)
		d.try(t, "POST", "/links", `{"objects":["s3://media/chat/a.jpg"],"ttlSeconds":null}`)
		d.try(t, "POST", "/links", `{"objects":["x"]}`)
		d.try(t, "POST", "/links", `{"objects":["s3://media/club/a.jpg","s3://media/chat/a.jpg"],"audience":"club/room-1"}`)
		d.try(t, "POST", "/links", `{"objects":["s3://media/club/a.jpg"],"audience":null}`)
		d.try(t, "POST", "/links", `{"objects":["s3://media/club/a.jpg"],"audience":"chat"}`)
		d.try(t, "POST", "/links", `{"objects":["s3://media/chat/full.jpg"]}`)
		d.try(t, "POST", "/links", `{}`)
		d.try(t, "POST", "/links", `{"objects":["s3://media/board/a.jpg"]}`)
		d.try(t, "POST", "/revocations", `{"objects":["s3://media/board/a.jpg"]}`)
		d.try(t, "POST", "/links", many)
		d.try(t, "POST", "/links", `{"objects":["s3://media/chat/none.jpg"]}`)
		for _, h := range []string{hash, tied, unknown, "short"} {
			d.try(t, "GET", "/links/"+h, "")
		}
		d.try(t, "POST", "/revocations", `{"objects":["s3://media/chat/a.jpg"]}`)
		for _, h := range []string{hash, unknown, "short"} {
			d.try(t, "DELETE", "/links/"+h, "")
			d.try(t, "POST", "/revocations", `{"hashes":["`+h+`"]}`)
		}
		d.try(t, "GET", "/links/"+hash, "")
		d.try(t, "POST", "/revocations", `{"objects":["s3://media/shop/p.jpg","s3://other/a"]}`)
		d.try(t, "POST", "/revocations", `{"objects":["s3://media/shop/gone.jpg"]}`)
		d.try(t, "POST", "/revocations", many)
	}
	viewers := func() {
		d.try(t, "POST", "/viewers", `{"viewer":"a","audiences":["club","club/room-1"],"ttlSeconds":60}`)
		d.try(t, "POST", "/viewers", `{"viewer":"a","audiences":["club"],"ttlSeconds":null}`)
		d.try(t, "POST", "/viewers", `{"viewer":"a","audiences":["lodge"]}`)
		d.try(t, "POST", "/viewers", `{}`)
		d.try(t, "POST", "/viewers", many)
		for _, s := range []string{liveSession(), "short"} {
			d.try(t, "DELETE", "/viewers/"+s, "")
		}
		d.Handler = apitest.As(api.New(issuer, slog.New(slog.DiscardHandler), time.Now), "chat")
		d.try(t, "DELETE", "/viewers/"+liveSession(), "")
		d.Handler = h
		services := issuer.Services
		issuer.Services = issue.Services{"chat": issue.ByLink}
		d.try(t, "POST", "/viewers", `{"viewer":"a","audiences":["chat"]}`)
		d.try(t, "DELETE", "/viewers/"+liveSession(), "")
		issuer.Services = services
	}
	all()
	viewers()
	issuer.Store, aws.CDN = failing{issuer.Store}, errors.New("no answer")
	all()
	viewers()
	issuer.Store, issuer.Tickets = nil, nil
	all()
	viewers()

	for path, item := range paths {
		for method, operation := range item.Operations() {
			for status := range operation.Responses.Map() {
				assert.True(t, d.seen[method+" "+path+" "+status], "%s %s never answers %s", method, path, status)
			}
		}
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"} {
			status, _, _ := call(h, method, strings.NewReplacer("{hash}", unknown, "{session}", "short").Replace(path), "")
			assert.Equal(t, item.GetOperation(method) != nil, status != http.StatusMethodNotAllowed, "%s %s", method, path)
		}
	}
}

// liveSession is a session whose ticket lives for another hour.
func liveSession() string {
	return apitest.Names().SessionID(seal.Session{1, 2, 3}, time.Now().Add(time.Hour))
}

func TestTheOpenAPIDocumentNamesEveryCodeUnderItsStatus(t *testing.T) {
	t.Parallel()
	code := readDocument(t).Components.Schemas["Problem"].Value.Properties["code"].Value
	source, err := os.ReadFile("../error.go")
	require.NoError(t, err)
	var declared []any
	for _, m := range regexp.MustCompile(`(?m)^\tCode\w+ += "(\w+)"`).FindAllStringSubmatch(string(source), -1) {
		declared = append(declared, m[1])
	}
	assert.ElementsMatch(t, declared, code.Enum)
	for _, name := range declared {
		status := strconv.Itoa(issue.Problem(name.(string), "", "").Status())
		_, after, found := strings.Cut(code.Description, status+":")
		require.True(t, found, status)
		section, _, _ := strings.Cut(after, ".")
		assert.Regexp(t, `\b`+name.(string)+`\b`, section, "%s is not listed under %s", name, status)
	}
}
