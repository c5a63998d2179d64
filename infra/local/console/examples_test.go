package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// examples are the blocks of code of function/issue/pictures.md, in order.
type examples struct {
	Srcset, Placeholder, Fallback      string // HTML
	SrcsetOf, BlurOf, PixelsOf, Bearer string // JavaScript
	Config, Loader, Component          string // of Next.js
}

func readExamples(t *testing.T) (e examples) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(moduleRoot(t), "function", "issue", "pictures.md"))
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```(\\w+)\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	into := []*string{&e.Srcset, &e.SrcsetOf, &e.Placeholder, &e.BlurOf, &e.Config, &e.Loader, &e.Component, &e.Fallback,
		&e.PixelsOf, &e.Bearer}
	languages := []string{"html", "js", "html", "js", "js", "js", "jsx", "html", "js", "js"}
	require.Len(t, blocks, len(into), "an example without a test")
	for n, block := range blocks {
		require.Equal(t, languages[n], block[1])
		*into[n] = block[2]
	}
	return e
}

// of puts a real link in the place of the page's.
func (e examples) of(block, link string) string {
	return strings.ReplaceAll(block, "https://media.example.com/images/<hash>", link)
}

// application is a server of pages, whose origin the stack allows.
type application struct {
	*httptest.Server
	mu   sync.Mutex
	page string
}

func newApplication(t *testing.T) *application {
	a := &application{}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, a.page)
	}))
	t.Cleanup(a.Close)
	return a
}

// shows opens a page with this body.
func (a *application) shows(b *tab, body string) {
	b.t.Helper()
	a.mu.Lock()
	a.page = `<!doctype html><link rel="icon" href="data:,"><style>body { margin: 0 }</style>` + body
	a.mu.Unlock()
	b.do(chromedp.Navigate("about:blank"), chromedp.Navigate(a.URL))
}

// module runs a module of JavaScript in the page and waits for what its function returns.
func (b *tab) module(source, call string) any {
	b.t.Helper()
	source = strings.ReplaceAll(source, "export ", "")
	b.evaluate("{ " + source + " globalThis.outcome = undefined; Promise.resolve().then(() => " + call +
		").then((v) => { outcome = { v } }, (e) => { outcome = { e: String(e) } }) } 0")
	b.until("outcome")
	require.Empty(b.t, b.evaluate("outcome.e ?? ''"))
	return b.evaluate("outcome.v")
}

// node runs a function of a module in Node.js and returns what it says.
func node(t *testing.T, source, function string, argument any) string {
	t.Helper()
	in, err := json.Marshal(argument)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "example.mjs")
	source += fmt.Sprintf("\nprocess.stdout.write(await %s(%s) ?? '');\n", function, in)
	require.NoError(t, os.WriteFile(file, []byte(source), 0o600))
	return run(t, exec.Command("node", file))
}

// rendered is what Next.js makes of the page's component.
func rendered(t *testing.T, e examples, props map[string]any) string {
	t.Helper()
	here := filepath.Join(moduleRoot(t), "infra", "local", "console", "nextjs")
	installed := filepath.Join(moduleRoot(t), filepath.FromSlash("build/npm/infra/local/console/nextjs"))
	if _, err := os.Stat(filepath.Join(installed, "node_modules", "next")); err != nil {
		t.Fatal("there is no Next.js to test with: run `make nextjs`")
	}
	in, err := json.Marshal(map[string]any{
		"config": e.Config, "loader": e.Loader, "component": e.Component, "props": props,
	})
	require.NoError(t, err)
	cmd := exec.Command("node", filepath.Join(here, "render.cjs"), installed)
	cmd.Stdin = bytes.NewReader(in)
	return run(t, cmd)
}

func run(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var errors bytes.Buffer
	cmd.Stderr = &errors
	out, err := cmd.Output()
	require.NoError(t, err, "%s", &errors)
	require.Empty(t, errors.String(), "Next.js has nothing to complain about")
	return string(out)
}
