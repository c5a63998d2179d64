package console

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/session/sessiontest"
	"secure-media-cdn/infra/local/resources"
)

// signInPage is the page of an application that signs in at the provider by the authorization code flow with PKCE, and
// exchanges what it gets with the code of infra/stack/viewers.md. Its title says how it is going.
const signInPage = `<!doctype html><title>starting</title>
<button id="in">Sign in</button> <button id="out">Sign out</button>
<script type="module">
import { signIn, signOut } from '/viewers.js';
const { issuer, client } = SETTINGS, back = location.origin + location.pathname;
const encode = bytes => btoa(String.fromCharCode(...bytes)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');

document.getElementById('in').onclick = async () => {
  const verifier = encode(crypto.getRandomValues(new Uint8Array(32)));
  sessionStorage.setItem('verifier', verifier);
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
  location = issuer + '/auth?' + new URLSearchParams({
    client_id: client, response_type: 'code', scope: 'openid', redirect_uri: back,
    code_challenge: encode(new Uint8Array(digest)), code_challenge_method: 'S256',
  });
};
document.getElementById('out').onclick = () => signOut().then(() => { document.title = 'gone'; });

const code = new URLSearchParams(location.search).get('code');
if (code) {
  const answer = await fetch(issuer + '/token', { method: 'POST', body: new URLSearchParams({
    grant_type: 'authorization_code', client_id: client, redirect_uri: back, code,
    code_verifier: sessionStorage.getItem('verifier'),
  }) });
  const { audiences, session } = await signIn((await answer.json()).id_token);
  globalThis.session = session;
  document.title = 'signed in: ' + audiences;
} else {
  document.title = 'ready';
}
</script>`

// viewersJS is the JavaScript of the page for teams, as it stands there.
func viewersJS(t *testing.T, cdn string) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(moduleRoot(t), "infra", "stack", "viewers.md"))
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```js\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	require.Len(t, blocks, 1)
	const address = "'https://media.example.com'"
	require.Equal(t, 1, strings.Count(blocks[0][1], address))
	return strings.Replace(blocks[0][1], address, "'"+cdn+"'", 1)
}

// under returns a server's address by another name of this machine.
func under(t *testing.T, name, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(u.Host)
	require.NoError(t, err)
	u.Host = net.JoinHostPort(name, port)
	return u.String()
}

// A browser takes the cookie of a name below localhost as it takes one over TLS.
func TestAViewerSignsInSeesAPhotoAndSignsOutInABrowser(t *testing.T) {
	const app, media = "app.example.localhost", "media.example.localhost"
	const cache = 2 * time.Second // of a browser's copy
	files := http.NewServeMux()
	server := httptest.NewServer(files)
	t.Cleanup(server.Close)
	page := under(t, app, server.URL) + "/"
	provider := sessiontest.Start(t, map[string]any{
		"ada": []string{"simple-chat/room-42", "simple-chat"}, "bob": []string{"simple-chat/room-7"},
	}, page)
	config := func(v any) string { data, err := json.Marshal(v); require.NoError(t, err); return string(data) }
	doc := stackPlan(t, map[string]string{
		"services":           `[{"name":"simple-chat","access":"private","viewers":"ticket"}]`,
		"aliases":            config([]string{media}),
		"certificateArn":     "arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555",
		"viewerCarriers":     `["cookie"]`,
		"viewerCookieDomain": "example.localhost",
		"viewerCacheSeconds": "2",
		"corsAllowedOrigins": config([]string{strings.TrimSuffix(page, "/")}),
		"viewerIdentity": config(map[string]string{"issuer": provider.Issuer, "clientId": sessiontest.ClientES256,
			"audiencesClaim": sessiontest.Claim}),
		"viewerTicketSeconds": "3600",
	})
	m, issuer := startStack(t, resources.Options{Document: doc})
	cdn := m.BaseURL
	require.Contains(t, cdn, media)
	serve := func(path, kind, text string) {
		files.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			fmt.Fprint(w, text)
		})
	}
	settings := config(map[string]string{"issuer": provider.Issuer, "client": sessiontest.ClientES256})
	serve("/{$}", "text/html", strings.Replace(signInPage, "SETTINGS", settings, 1))
	serve("/viewers.js", "text/javascript", viewersJS(t, cdn))
	serve("/empty", "text/html", "<!doctype html>")

	photo, err := os.Open(landscape(t, "hills.jpg", 40))
	require.NoError(t, err)
	defer photo.Close()
	_, err = m.S3.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: &m.Bucket, Key: aws.String("simple-chat/hills.jpg"), Body: photo, ContentType: aws.String("image/jpeg"),
	})
	require.NoError(t, err)
	link := func(audience string) string {
		links, err := issuer.Issue(t.Context(), []string{"s3://" + m.Bucket + "/simple-chat/hills.jpg"},
			issue.Terms{Audience: audience})
		require.NoError(t, err)
		require.Nil(t, links[0].Error)
		return links[0].URL
	}
	own, others := link("simple-chat/room-42"), link("simple-chat/room-7")

	b := openBrowser(t)
	// sees shows a picture on the page as it is, and says whether it came.
	sees := func(link string) bool {
		return b.module(`function show(link) {
			return new Promise(done => {
				const picture = new Image();
				picture.onload = () => done(picture.naturalWidth > 0);
				picture.onerror = () => done(false);
				picture.src = link;
			});
		}`, "show("+config(link)+")") == true
	}
	b.do(chromedp.Navigate(page))
	b.until(`document.title === 'ready'`)
	require.False(t, sees(own), "nobody is signed in")

	b.do(chromedp.Click(chromedp.CSS("#in")))
	b.until(`document.querySelector('input[name=login]')`)
	b.evaluate(`document.querySelector('input[name=login]').value = 'ada'`)
	b.evaluate(`document.querySelector('input[name=password]').value = 'any'`)
	b.do(chromedp.Click(chromedp.CSS("button[type=submit]")))
	b.until(`document.querySelector('input[name=prompt][value=consent]')`)
	b.do(chromedp.Click(chromedp.CSS("button[type=submit]")))
	b.until(`document.title.startsWith('signed in')`)
	require.Equal(t, "signed in: simple-chat/room-42,simple-chat", b.evaluate("document.title"))
	require.Equal(t, "", b.evaluate("document.cookie"), "no script can read the ticket")
	require.True(t, sees(own))
	require.False(t, sees(others), "it is for the members of another room")

	// Pages of another site, or of another application of the same site, can do nothing to the viewer.
	for _, foreign := range []string{"evil.localhost", "other.example.localhost"} {
		b.do(chromedp.Navigate(under(t, foreign, server.URL) + "/empty"))
		for _, init := range []string{
			`{method: 'DELETE', credentials: 'include'}`,
			`{method: 'POST', credentials: 'include', headers: {'x-viewer-token': 'a.b.c'}}`,
		} {
			call := "fetch(" + config(cdn+"/session") + ", " + init + ").then(r => r.status, () => 'refused')"
			assert.Equal(t, "refused", b.module("", call), foreign)
		}
		b.module("", "fetch("+config(cdn+"/session")+", {method: 'POST', mode: 'no-cors', credentials: 'include'})"+
			".then(() => 0)")
	}
	b.do(chromedp.Navigate(page))
	b.until(`document.title === 'ready'`)
	time.Sleep(cache + 100*time.Millisecond) // past the browser's own copy
	require.True(t, sees(own), "the cookie is still there")

	// A page keeps the pictures that it has shown. One that is opened anew asks, once its own copy is too old.
	refusedInTheEnd := func() {
		for began := time.Now(); sees(own); time.Sleep(200 * time.Millisecond) {
			require.Less(t, time.Since(began), time.Minute, "the browser never asks again")
			b.do(chromedp.Navigate(page))
			b.until(`document.title === 'ready'`)
		}
	}
	b.do(chromedp.Click(chromedp.CSS("#out")))
	b.until(`document.title === 'gone'`)
	refusedInTheEnd()

	// The provider still knows the browser. This time the session ends elsewhere.
	b.do(chromedp.Click(chromedp.CSS("#in")))
	b.until(`document.title.startsWith('signed in')`)
	require.True(t, sees(own))
	require.NoError(t, issuer.EndSession(t.Context(), b.evaluate("session").(string)))
	refusedInTheEnd()

	anyone, err := http.Get(under(t, "127.0.0.1", own))
	require.NoError(t, err)
	require.NoError(t, anyone.Body.Close())
	assert.Equal(t, http.StatusUnauthorized, anyone.StatusCode)
	assert.Equal(t, "no-store", anyone.Header.Get("Cache-Control"))
}
