package local

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// tab is a page of a headless browser that ends with the test.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// patience bounds every wait for a page.
const patience = 30 * time.Second

// openTab starts a browser that resolves no names but those of this machine.
func openTab(t *testing.T) *tab {
	t.Helper()
	var browser string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "../../build/bin/chromium"} {
		if path, err := exec.LookPath(name); err == nil || errors.Is(err, exec.ErrDot) {
			browser, err = filepath.Abs(path)
			require.NoError(t, err)
			break
		}
	}
	if browser == "" {
		t.Fatal("there is no Chromium to test in: run `make browser`, or install Debian's package chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(browser), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("no-proxy-server", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP *.localhost 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
	)
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &tab{t, ctx}
	require.NoError(t, chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void]("0"))) // starts it
	t.Cleanup(func() { _ = chromedp.Cancel(ctx) })
	return b
}

func (b *tab) do(action chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	require.NoError(b.t, chromedp.Do(ctx, action))
}

func (b *tab) open(address string) { b.t.Helper(); b.do(chromedp.Navigate(address)) }

func (b *tab) click(selector string) { b.t.Helper(); b.do(chromedp.Click(chromedp.CSS(selector))) }

// evaluate returns the value of an expression, and wait that of a promise.
func (b *tab) evaluate(expression string) any { b.t.Helper(); return b.run(expression) }

func (b *tab) wait(promise string) any {
	b.t.Helper()
	return b.run(promise, chromedp.EvalAwaitPromise)
}

func (b *tab) run(expression string, options ...chromedp.EvaluateOption) any {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[any](expression, options...))
	require.NoError(b.t, err, expression)
	return value
}

// until waits for an expression to be true, over every change of the page.
func (b *tab) until(expression string) {
	b.t.Helper()
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(b.ctx, patience)
		value, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		cancel()
		if err == nil && value {
			return
		}
		if time.Since(began) > patience {
			b.t.Fatalf("the page never came to: %s\nit says: %v", expression, b.evaluate("document.title + document.body?.innerText"))
		}
	}
}
