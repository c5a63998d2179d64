package console

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"image"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/issue/api"
	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/seal"
	"secure-media-cdn/infra/local/cloudfront"
	"secure-media-cdn/infra/local/engine/enginetest"
	"secure-media-cdn/infra/plan"
)

const (
	testBucket = "media-test"
	testRegion = "eu-central-1"
)

// issuer answers with what the test sets, and notes what it was asked.
type issuer struct {
	links       []api.Link
	revocations []api.Revocation
	ticket      *api.Ticket
	err         error
	asked       []string
}

func (i *issuer) Issue(_ context.Context, objects []string, terms issue.Terms) ([]api.Link, error) {
	i.asked = append(i.asked,
		strings.TrimSpace("issue "+strings.Join(objects, " ")+" "+terms.TTL.String()+" "+terms.Audience))
	return i.links, i.err
}

func (i *issuer) Ticket(_ context.Context, viewer string, audiences []string, _ time.Duration) (*api.Ticket, error) {
	i.asked = append(i.asked, "ticket "+viewer+" "+strings.Join(audiences, " "))
	return i.ticket, i.err
}

func (i *issuer) EndSession(_ context.Context, session string) error {
	i.asked = append(i.asked, "end "+session)
	return i.err
}

func (i *issuer) Revoke(_ context.Context, objects, hashes []string) ([]api.Revocation, error) {
	i.asked = append(i.asked, "revoke "+strings.Join(objects, " ")+"|"+strings.Join(hashes, " "))
	return i.revocations, i.err
}

// desk is a console on a real S3 server, and what it stands on.
type desk struct {
	*Console
	t       *testing.T
	issuer  *issuer
	records *mapping.Memory
	s3      *s3.Client
	edge    *httptest.Server
	edgeHas http.HandlerFunc
	now     time.Time
}

func bucketServer(t *testing.T) *s3.Client {
	t.Helper()
	_, client := enginetest.Bucket(t, testBucket)
	return client
}

// newDesk makes a console; change may alter its options.
func newDesk(t *testing.T, client *s3.Client, change func(*Options)) *desk {
	t.Helper()
	d := &desk{t: t, issuer: &issuer{}, records: &mapping.Memory{}, s3: client, now: time.Unix(1_800_000_000, 0)}
	d.edge = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { d.edgeHas(w, r) }))
	t.Cleanup(d.edge.Close)
	o := Options{
		Document: &plan.Document{}, S3: client, Records: d.records, Issuer: d.issuer, Now: func() time.Time { return d.now },
		Stats: func() cloudfront.Stats { return cloudfront.Stats{Requests: 7} },
		Outputs: map[string]any{
			"cdnBaseUrl": d.edge.URL, "mediaBucket": testBucket, "mappingRegions": []any{testRegion}, "linkTtlSeconds": 3600.0,
			"services": []any{map[string]any{"name": "chat", "access": "private"},
				map[string]any{"name": "shop", "access": "public"}},
		},
	}
	if change != nil {
		change(&o)
	}
	var err error
	d.Console, err = New(o)
	require.NoError(t, err)
	return d
}

// ask sends a request as the page would; headers come in pairs, and an empty value takes one away.
func (d *desk) ask(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://127.0.0.1:9000"+path, strings.NewReader(body))
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if method != http.MethodGet {
		r.Header.Set("Origin", "http://127.0.0.1:9000")
		r.Header.Set(tokenHeader, d.token)
		r.Header.Set("Content-Type", "application/json")
	}
	for n := 0; n < len(headers); n += 2 {
		switch {
		case headers[n] == "Host":
			r.Host = headers[n+1]
		case headers[n+1] == "":
			r.Header.Del(headers[n])
		default:
			r.Header.Set(headers[n], headers[n+1])
		}
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w
}

// answer asks and reads the JSON answer.
func (d *desk) answer(method, path, body string, status int, into any) {
	d.t.Helper()
	w := d.ask(method, path, body)
	require.Equal(d.t, status, w.Code, w.Body.String())
	require.NoError(d.t, json.Unmarshal(w.Body.Bytes(), into))
}

func photo(t *testing.T, width int) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, width, width))
	for n := range m.Pix {
		m.Pix[n] = uint8(n)
	}
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, m))
	return b.Bytes()
}

func TestWhoMayUseTheConsole(t *testing.T) {
	d := newDesk(t, s3.New(s3.Options{}), nil)
	d.issuer.links = []api.Link{{Hash: "h"}}
	const links = Path + "/api/links"
	for _, row := range []struct {
		name, method, path string
		headers            []string
		status             int
	}{
		{"the page, by its address", "GET", Path, nil, 200},
		{"the page, as localhost", "GET", Path, []string{"Host", "localhost:9000"}, 200},
		{"the page, over IPv6", "GET", Path, []string{"Host", "[::1]:9000"}, 200},
		{"the page from a link of another site", "GET", Path, []string{"Sec-Fetch-Site", "cross-site"}, 200},
		{"the page, by a name below localhost", "GET", Path, []string{"Host", "console.localhost:9000"}, 200},
		{"a name that was rebound to this machine", "GET", Path, []string{"Host", "evil.example:9000"}, 421},
		{"a name that only begins as ours", "GET", Path, []string{"Host", "localhost.evil.example"}, 421},
		{"an address on the network", "GET", Path, []string{"Host", "192.0.2.1:9000"}, 421},
		{"a rebound name asks for data", "GET", Path + "/api/stack", []string{"Host", "evil.example:9000"}, 421},
		{"data for the page", "GET", Path + "/api/stack", nil, 200},
		{"data for an address typed in", "GET", Path + "/api/stack", []string{"Sec-Fetch-Site", "none"}, 200},
		{"data for another site's page", "GET", Path + "/api/stack", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"data for another port of this machine", "GET", Path + "/api/stack", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"a thumbnail in another site's page", "GET", Path + "/api/thumbnail?key=a", []string{"Sec-Fetch-Site", "cross-site"},
			403},
		{"the page changes something", "POST", links, nil, 200},
		{"without the token", "POST", links, []string{tokenHeader, ""}, 403},
		{"with another token", "POST", links, []string{tokenHeader, strings.Repeat("A", 26)}, 403},
		{"from another site with a stolen token", "POST", links, []string{"Origin", "http://evil.example"}, 403},
		{"from another port with a stolen token", "POST", links, []string{"Origin", "http://127.0.0.1:8080"}, 403},
		{"from a sandboxed frame", "POST", links, []string{"Origin", "null"}, 403},
		{"from another site by an old browser", "POST", links,
			[]string{"Sec-Fetch-Site", "", "Origin", "http://evil.example"}, 403},
		{"a form of another site", "POST", links, []string{"Sec-Fetch-Site", "cross-site", "Content-Type", "text/plain"},
			403},
		{"not JSON", "POST", links, []string{"Content-Type", "text/plain"}, 415},
		{"the browser's question whether another site may", "OPTIONS", links, []string{"Origin", "http://evil.example"}, 403},
		{"a file outside of the page's", "GET", Path + "/..%2fconsole.go", nil, 404},
		{"the page's template", "GET", Path + "/index.html", nil, 404},
		{"a script of the page", "GET", Path + "/app.js", nil, 200},
	} {
		t.Run(row.name, func(t *testing.T) {
			d.issuer.asked = nil
			w := d.ask(row.method, row.path, `{"key":"chat/a.png","ttlSeconds":60}`, row.headers...)
			assert.Equal(t, row.status, w.Code, w.Body.String())
			if row.status >= 400 {
				assert.Empty(t, d.issuer.asked)
				assert.NotContains(t, w.Body.String(), d.token)
			}
			assert.Empty(t, w.Header().Get("Access-Control-Allow-Origin"))
			assert.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'")
			assert.NotContains(t, w.Header().Get("Content-Security-Policy"), "unsafe")
			assert.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
		})
	}
}

func TestUploads(t *testing.T) {
	d := newDesk(t, bucketServer(t), nil)
	put := func(query string, body []byte, headers ...string) *httptest.ResponseRecorder {
		return d.ask("PUT", Path+"/api/pictures?"+query, string(body), headers...)
	}
	small := photo(t, 4)
	require.Equal(t, 201, put("folder=chat&name=there.png", small).Code)
	for _, row := range []struct {
		name, query string
		body        []byte
		status      int
	}{
		{"a picture", "folder=chat&name=a.png", small, 201},
		{"a name with spaces, quotes and markup",
			"folder=chat&name=%3Cimg+src%3Dx+onerror%3D%22alert(1)%22%3E+%26+%C3%A9.png", small, 201},
		{"an AVIF by its brand", "folder=chat&name=a.avif", append([]byte("\x00\x00\x00\x1cftypavif"), make([]byte, 40)...),
			201},
		{"a name that is taken", "folder=chat&name=there.png", small, 409},
		{"no such folder", "folder=secrets&name=a.png", small, 400},
		{"no folder", "name=a.png", small, 400},
		{"a path as a name", "folder=chat&name=..%2Fshop%2Fa.png", small, 400},
		{"a backslash", "folder=chat&name=a%5Cb.png", small, 400},
		{"a dot segment", "folder=chat&name=..", small, 400},
		{"a line end", "folder=chat&name=a%0Ab.png", small, 400},
		{"no name", "folder=chat", small, 400},
		{"a long name", "folder=chat&name=" + strings.Repeat("n", 201), small, 400},
		{"bytes that are no UTF-8", "folder=chat&name=%FF.png", small, 400},
		{"a page", "folder=chat&name=page.png", []byte("<!doctype html><script>alert(1)</script>"), 415},
		{"a drawing that can hold a script", "folder=chat&name=a.svg", []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`),
			415},
		{"nothing", "folder=chat&name=empty.png", nil, 415},
		{"a picture that is too large", "folder=chat&name=large.png", append(bytes.Clone(small), make([]byte, MaxUpload)...),
			413},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := put(row.query, row.body)
			assert.Equal(t, row.status, w.Code, w.Body.String())
		})
	}
	t.Run("a picture that is too large, of unknown length", func(t *testing.T) {
		r := httptest.NewRequest(http.MethodPut, "http://127.0.0.1:9000"+Path+"/api/pictures?folder=chat&name=l.png",
			io.LimitReader(zeros{}, MaxUpload+1))
		r.ContentLength = -1
		r.Header.Set(tokenHeader, d.token)
		w := httptest.NewRecorder()
		d.ServeHTTP(w, r)
		assert.Equal(t, 413, w.Code)
		assert.Contains(t, w.Body.String(), "32 MB")
	})
	var answer struct {
		Pictures []picture
		Total    int
	}
	d.answer("GET", Path+"/api/pictures", "", 200, &answer)
	var keys []string
	for _, p := range answer.Pictures {
		keys = append(keys, p.Key)
	}
	assert.ElementsMatch(t, []string{"chat/there.png", "chat/a.png", "chat/a.avif",
		`chat/<img src=x onerror="alert(1)"> & é.png`}, keys, "and nothing that was refused")
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestThumbnails(t *testing.T) {
	d := newDesk(t, bucketServer(t), nil)
	small := photo(t, 64)
	for key, body := range map[string][]byte{"chat/a b+c.png": small, "chat/tiny.gif": []byte("GIF89a"),
		"chat/a.svg": []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), "chat/a.jpg": []byte("<html><script>")} {
		_, err := d.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(testBucket), Key: aws.String(key),
			Body: bytes.NewReader(body), ContentType: aws.String("text/html")})
		require.NoError(t, err)
	}
	for _, row := range []struct {
		name, query string
		status      int
		kind        string
	}{
		{"a picture, whatever it was stored as", "key=chat%2Fa+b%2Bc.png", 200, "image/png"},
		{"a picture that is shorter than what is looked at", "key=chat/tiny.gif", 200, "image/gif"},
		{"a drawing that can hold a script", "key=chat/a.svg", 415, "application/json"},
		{"a page that is named as a picture", "key=chat/a.jpg", 415, "application/json"},
		{"a key that is not there", "key=chat/none.png", 404, "application/json"},
		{"no key", "", 404, "application/json"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := d.ask("GET", Path+"/api/thumbnail?"+row.query, "")
			assert.Equal(t, row.status, w.Code, w.Body.String())
			assert.Equal(t, row.kind, w.Header().Get("Content-Type"))
			if row.kind == "image/png" {
				assert.Equal(t, small, w.Body.Bytes())
				assert.Equal(t, "default-src 'none'; sandbox", w.Header().Get("Content-Security-Policy"))
				assert.Equal(t, "same-origin", w.Header().Get("Cross-Origin-Resource-Policy"))
			}
		})
	}
}

func TestPicturesAndTheirLinks(t *testing.T) {
	d := newDesk(t, bucketServer(t), nil)
	for key, body := range map[string]string{"chat/a.png": "x", "shop/b +.png": "x", "elsewhere.png": "x", "folder/": ""} {
		_, err := d.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(testBucket), Key: aws.String(key),
			Body: strings.NewReader(body)})
		require.NoError(t, err)
	}
	live, expired := strings.Repeat("L", 32), strings.Repeat("E", 32)
	object := mapping.Object{Bucket: testBucket, Key: "chat/a.png"}
	record := mapping.Record{Object: object,
		Hashes: map[string]time.Time{live: d.now.Add(time.Hour), expired: d.now}}
	require.NoError(t, d.records.Apply(t.Context(), mapping.Change{Record: record, Add: []mapping.Mapping{
		{Hash: live, Object: object, CreatedAt: d.now, ExpiresAt: d.now.Add(time.Hour)},
		{Hash: expired, Object: object, CreatedAt: d.now.Add(-time.Hour), ExpiresAt: d.now},
	}}))
	byKey := func() map[string]picture {
		var answer struct{ Pictures []picture }
		d.answer("GET", Path+"/api/pictures", "", 200, &answer)
		all := map[string]picture{}
		for _, p := range answer.Pictures {
			all[p.Key] = p
		}
		return all
	}
	all := byKey()
	require.Len(t, all, 3, "a folder is no picture")
	t.Run("a private picture has its links, the longest first", func(t *testing.T) {
		p := all["chat/a.png"]
		assert.Equal(t, "private", p.Access)
		require.Len(t, p.Links, 2)
		assert.Equal(t, []string{live, expired}, []string{p.Links[0].Hash, p.Links[1].Hash})
		assert.Equal(t, []string{"live", "expired"}, []string{p.Links[0].State, p.Links[1].State},
			"a link is dead from the second of its expiry on")
		assert.Equal(t, d.edge.URL+"/images/"+live, p.Links[0].URL)
	})
	t.Run("a public picture has its address", func(t *testing.T) {
		p := all["shop/b +.png"]
		assert.Equal(t, "public", p.Access)
		require.Len(t, p.Links, 1)
		assert.Equal(t, d.edge.URL+"/shop/b%20%2B.png", p.Links[0].URL)
	})
	t.Run("a key below no service has none", func(t *testing.T) {
		assert.Equal(t, "none", all["elsewhere.png"].Access)
		assert.Empty(t, all["elsewhere.png"].Links)
	})
}

func TestIssuingRevokingAndFetching(t *testing.T) {
	hash := strings.Repeat("H", 32)
	for _, row := range []struct {
		name, path, body string
		issuer           issuer
		status           int
		asked, says      string
	}{
		{"a link for a time", "links", `{"key":"chat/a b.png","ttlSeconds":60}`, issuer{links: []api.Link{{Hash: hash}}}, 200,
			"issue s3://media-test/chat/a b.png 1m0s", hash},
		{"the longest link", "links", `{"key":"chat/a.png"}`, issuer{links: []api.Link{{Hash: hash}}}, 200,
			"issue s3://media-test/chat/a.png 0s", hash},
		{"longer than a link may live", "links", `{"key":"chat/a.png","ttlSeconds":3601}`, issuer{}, 400, "", "3600"},
		{"a negative life", "links", `{"key":"chat/a.png","ttlSeconds":-1}`, issuer{}, 400, "", "1 to"},
		{"a field that nobody knows", "links", `{"key":"chat/a.png","ttl":1}`, issuer{}, 400, "", "expected"},
		{"an object that cannot have a link", "links", `{"key":"x"}`,
			issuer{links: []api.Link{{Error: &api.Problem{Message: "no such service"}}}}, 502, "issue s3://media-test/x 0s",
			"no such service"},
		{"the issuer is down", "links", `{"key":"x"}`, issuer{err: errors.New("it is down")}, 502,
			"issue s3://media-test/x 0s", "it is down"},
		{"the issuer answers for nothing", "links", `{"key":"x"}`, issuer{}, 502, "issue s3://media-test/x 0s",
			"did not answer"},
		{"one link is revoked", "revocations", `{"key":"chat/a.png","hash":"` + hash + `"}`,
			issuer{revocations: []api.Revocation{{Revoked: []string{hash}}}}, 200, "revoke |" + hash, `"revoked":1`},
		{"all links are revoked", "revocations", `{"key":"chat/a.png"}`,
			issuer{revocations: []api.Revocation{{Revoked: []string{hash, hash}}}}, 200, "revoke s3://media-test/chat/a.png|",
			`"revoked":2`},
		{"a revocation fails", "revocations", `{"key":"x"}`,
			issuer{revocations: []api.Revocation{{Error: &api.Problem{Message: "try again"}}}}, 502, "revoke s3://media-test/x|",
			"try again"},
		{"a fetch", "fetches", `{"hash":"` + hash + `"}`, issuer{}, 200, "", `"xCache":"Hit from cloudfront"`},
		{"a fetch of a public key", "fetches", `{"key":"shop/b c.png"}`, issuer{}, 200, "", `"bytes":5`},
		{"a fetch elsewhere", "fetches", `{"hash":"../../x"}`, issuer{}, 400, "", "form of a hash"},
		{"a fetch of an address", "fetches", `{"key":"@192.0.2.1/"}`, issuer{}, 200, "", `"status":404`},
		{"a view of a variant", "views", `{"hash":"` + hash + `","name":"w320","format":"webp"}`, issuer{}, 200, "",
			"GIF89a"},
		{"a view of what is no picture", "views", `{"hash":"` + hash + `","format":"avif"}`, issuer{}, 204, "", ""},
		{"a view of a variant that is unknown", "views", `{"hash":"` + hash + `","name":"other","format":"avif"}`, issuer{},
			204, "", ""},
		{"a view in a format that is none", "views", `{"hash":"` + hash + `","format":"jxl"}`, issuer{}, 400, "", "format"},
		{"a view elsewhere", "views", `{"hash":"` + hash + `","name":"../x","format":"avif"}`, issuer{}, 400, "", "no link"},
		{"a link for a room", "links", `{"key":"chat/a.png","audience":"chat/room-42"}`,
			issuer{links: []api.Link{{Hash: hash}}}, 200, "issue s3://media-test/chat/a.png 0s chat/room-42", hash},
		{"a viewer signs in", "viewers", `{"viewer":"alice","audiences":["chat/room-42"]}`,
			issuer{ticket: &api.Ticket{Ticket: "t", Session: "s", Cookie: "__Secure-viewer=t; Domain=app.localhost"}}, 200,
			"ticket alice chat/room-42", `"cookieDomain":"app.localhost"`},
		{"a viewer signs in without cookies", "viewers", `{"viewer":"alice","audiences":["chat"]}`,
			issuer{ticket: &api.Ticket{Ticket: "t", Session: "s"}}, 200, "ticket alice chat", `"cookieDomain":""`},
		{"the issuer refuses a viewer", "viewers", `{"viewer":"","audiences":[]}`, issuer{err: errors.New("name the viewer")},
			502, "ticket  ", "name the viewer"},
		{"a viewer signs out", "signouts", `{"session":"s"}`, issuer{}, 200, "end s", "{}"},
		{"the issuer does not sign out", "signouts", `{"session":"s"}`, issuer{err: errors.New("try again")}, 502, "end s",
			"try again"},
		{"a fetch with a ticket", "fetches", `{"key":"guarded","ticket":"t"}`, issuer{}, 200, "", `"status":204`},
		{"a fetch without one", "fetches", `{"key":"guarded"}`, issuer{}, 200, "", `"status":401`},
		{"a redirect is told, not followed", "fetches", `{"key":"redirect"}`, issuer{}, 200, "", `"status":302`},
	} {
		t.Run(row.name, func(t *testing.T) {
			d := newDesk(t, s3.New(s3.Options{}), nil)
			*d.issuer = row.issuer
			d.edgeHas = func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Cache", "Hit from cloudfront")
				switch r.URL.Path {
				case "/redirect":
					http.Redirect(w, r, "http://192.0.2.1/", http.StatusFound)
				case "/guarded":
					cookie, _ := r.Cookie(seal.TicketCookie)
					if r.Header.Get("Authorization") == "Bearer t" && r.FormValue(seal.TicketQuery) == "t" && cookie.Value == "t" {
						w.WriteHeader(http.StatusNoContent)
					} else {
						w.WriteHeader(http.StatusUnauthorized)
					}
				case "/images/" + hash, "/shop/b c.png":
					_, _ = io.WriteString(w, "photo")
				case "/images/" + hash + "/w320":
					assert.Equal(t, "image/webp,image/*,*/*;q=0.8", r.Header.Get("Accept"))
					w.Header().Set("Content-Type", "image/gif")
					_, _ = io.WriteString(w, "GIF89a")
				default:
					w.WriteHeader(http.StatusNotFound)
				}
			}
			w := d.ask("POST", Path+"/api/"+row.path, row.body)
			assert.Equal(t, row.status, w.Code)
			assert.Contains(t, w.Body.String(), row.says)
			assert.Equal(t, row.asked, strings.Join(d.issuer.asked, "\n"))
			if row.path == "views" && row.status < 300 {
				var f fetched
				require.NoError(t, json.Unmarshal([]byte(w.Header().Get(headerFetched)), &f))
				assert.Equal(t, "Hit from cloudfront", f.XCache)
				assert.Positive(t, f.Status)
			}
		})
	}
}

func TestWhatTheConsoleRefusesToDrive(t *testing.T) {
	for _, row := range []struct{ name, output, value, says string }{
		{"a real distribution", "cdnBaseUrl", "https://d111111abcdef8.cloudfront.net", "this machine only"},
		{"an address on the network", "cdnBaseUrl", "http://192.0.2.1", "this machine only"},
		{"a base that ends in a slash", "cdnBaseUrl", "http://127.0.0.1:8080/", "this machine only"},
		{"no bucket", "mediaBucket", "", "mediaBucket"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := New(Options{
				Document: &plan.Document{}, S3: s3.New(s3.Options{}), Records: &mapping.Memory{}, Issuer: &issuer{},
				Stats: func() cloudfront.Stats { return cloudfront.Stats{} },
				Outputs: map[string]any{"cdnBaseUrl": "http://127.0.0.1:1", "mediaBucket": "b", "mappingRegions": []string{"r"},
					"linkTtlSeconds": 1, row.output: row.value},
			})
			assert.ErrorContains(t, err, row.says)
		})
	}
}
