// Package sessiontest starts a real OpenID provider for tests, and signs in at it as a browser does.
package sessiontest

import (
	"bufio"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/local/locked"
)

// Claim is the claim that lists a viewer's audiences in the provider's tokens.
const Claim = "media_audiences"

// The provider's clients. Each gets its tokens signed with the algorithm of its name.
const (
	ClientRS256 = "client-RS256"
	ClientES256 = "client-ES256"
	ClientRS384 = "client-RS384"
	ClientHS256 = "client-HS256"
)

// callback is where tests that are no browser are sent with a code. Nobody listens there.
const callback = "http://127.0.0.1:1/callback"

// Provider is a provider that runs until its test ends.
type Provider struct {
	// Issuer is the provider's address, as its tokens say it.
	Issuer string

	input  io.Writer
	output *bufio.Reader
}

// Start starts a provider. Accounts says what the claim lists of whoever signs in, by the name to sign in with; any
// password does. Pages are addresses that viewers may be sent back to, with a code.
func Start(t *testing.T, accounts map[string]any, pages ...string) *Provider {
	t.Helper()
	_, file, _, _ := runtime.Caller(0)
	here := filepath.Dir(file)
	installed := filepath.Join(here, filepath.FromSlash("../../../build/npm/function/session/sessiontest"))
	if _, err := os.Stat(filepath.Join(installed, "node_modules", "oidc-provider")); err != nil {
		t.Fatal("there is no OpenID provider to test with: run `make provider`")
	}
	settings, err := json.Marshal(map[string]any{
		"claim": Claim, "accounts": accounts, "redirectURIs": append(pages, callback),
	})
	require.NoError(t, err)
	cmd := exec.Command("node", filepath.Join(here, "provider.mjs"), installed, string(settings))
	words := &locked.Tail{}
	cmd.Stderr = words
	input, err := cmd.StdinPipe()
	require.NoError(t, err)
	output, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { input.Close(); _ = cmd.Wait() })
	p := &Provider{input: input, output: bufio.NewReader(output)}
	p.Issuer = p.line(t)
	require.Regexp(t, `^http://127\.0\.0\.1:\d+$`, p.Issuer, "%s", words)
	return p
}

func (p *Provider) line(t *testing.T) string {
	t.Helper()
	line, err := p.output.ReadString('\n')
	require.NoError(t, err, "the provider has ended")
	return strings.TrimSpace(line)
}

// Rotate has the provider forget its keys and sign with others.
func (p *Provider) Rotate(t *testing.T) {
	t.Helper()
	_, err := io.WriteString(p.input, "rotate\n")
	require.NoError(t, err)
	require.Equal(t, "rotated", p.line(t))
}

// Tokens are what the provider gives for a code.
type Tokens struct {
	ID     string `json:"id_token"`
	Access string `json:"access_token"`
}

// SignIn signs an account in to a client, by the authorization code flow with PKCE and through the provider's pages.
// The access token is a JWT for the audience, if there is one.
func (p *Provider) SignIn(t *testing.T, client, account, audience string) (tokens Tokens) {
	t.Helper()
	verifier := rand.Text() + rand.Text()
	challenge := sha256.Sum256([]byte(verifier))
	query := url.Values{
		"client_id": {client}, "response_type": {"code"}, "scope": {"openid"}, "redirect_uri": {callback},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}
	exchange := url.Values{
		"client_id": {client}, "grant_type": {"authorization_code"}, "redirect_uri": {callback}, "code_verifier": {verifier},
	}
	if audience != "" {
		query.Set("resource", "http://resource.example/"+audience)
		exchange.Set("resource", "http://resource.example/"+audience)
	}
	if client == ClientHS256 {
		exchange.Set("client_secret", strings.Repeat("s", 64))
	}
	exchange.Set("code", p.code(t, query, account))
	resp, err := http.PostForm(p.Issuer+"/token", exchange)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, "%s", body)
	require.NoError(t, json.Unmarshal(body, &tokens))
	return tokens
}

// form is the form on each of the provider's pages, and what it asks for.
var form = regexp.MustCompile(`(?s)<form[^>]* action="([^"]+)".*?name="prompt" value="(login|consent)"`)

// code goes through the provider's pages until it is sent back with a code.
func (p *Provider) code(t *testing.T, query url.Values, account string) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), callback) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	resp, err := browser.Get(p.Issuer + "/auth?" + query.Encode())
	for range 3 { // a page to sign in, one to consent, and back
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		require.NoError(t, err)
		if back, err := resp.Location(); err == nil {
			require.NotEmpty(t, back.Query().Get("code"), "%s", back)
			return back.Query().Get("code")
		}
		found := form.FindSubmatch(body)
		require.NotNil(t, found, "%s %s", resp.Status, body)
		resp, err = browser.PostForm(string(found[1]), url.Values{
			"prompt": {string(found[2])}, "login": {account}, "password": {"any"},
		})
		require.NoError(t, err)
	}
	t.Fatal("the provider never sent a code")
	return ""
}
