package console

import (
	"context"
	"errors"
	"flag"
	"image"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// screenshots is where the browser's test puts pictures of the page, to be looked at:
//
//	go test ./infra/local/console -run InABrowser -screenshots /tmp/shots
var screenshots = flag.String("screenshots", "", "folder for pictures of the page")

// patience bounds every wait for the page.
const patience = 30 * time.Second

// browser returns a Chromium: the stack's own, or what `make tools` installed.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome",
		filepath.Join("..", "..", "..", "build", "bin", "chromium")} {
		if path, err := exec.LookPath(name); err == nil || errors.Is(err, exec.ErrDot) {
			path, err = filepath.Abs(path)
			require.NoError(t, err)
			return path
		}
	}
	t.Fatal("there is no Chromium to test the page in: run `make tools`, or install Debian's package chromium")
	return ""
}

// tab is a page of a headless browser that ends with the test.
type tab struct {
	t     *testing.T
	ctx   context.Context
	close func()
}

func openBrowser(t *testing.T) *tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(browser(t)), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WindowSize(1360, 900),
		// Nothing but this machine is to be asked for anything.
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("no-proxy-server",
			true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE *.localhost"),
	)
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &tab{t, ctx, cancel}
	require.NoError(t, chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void]("0"))) // starts it
	t.Cleanup(func() { _ = chromedp.Cancel(ctx) })                              // waits for its end
	return b
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	require.NoError(b.t, chromedp.Do(ctx, actions...))
}

func (b *tab) evaluate(expression string) (value any) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[any](expression))
	require.NoError(b.t, err, expression)
	return value
}

// until waits for a JavaScript expression to be true, also while one page follows another.
func (b *tab) until(expression string) {
	b.t.Helper()
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(b.ctx, patience)
		holds, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		cancel()
		if err == nil && holds {
			return
		}
		if time.Since(began) > patience {
			b.t.Fatalf("the page never came to: %s: %v\nit says: %v", expression, err, b.evaluate("document.body?.innerText"))
		}
	}
}

// drop drops a file on an element, as a hand with a mouse would.
func (b *tab) drop(selector, file string) {
	b.t.Helper()
	b.do(chromedp.ScrollIntoView(chromedp.CSS(selector)))
	box := b.evaluate("(({x, y, width, height}) => [x + width / 2, y + height / 2])(document.querySelector(" +
		quote(selector) + ").getBoundingClientRect())").([]any)
	data := &input.DragData{Items: []*input.DragDataItem{}, Files: []string{file}, DragOperationsMask: 1}
	for _, kind := range []input.DispatchDragEventType{input.DispatchDragEventTypeDragEnter,
		input.DispatchDragEventTypeDragOver, input.DispatchDragEventTypeDrop} {
		_, err := chromedp.Call(b.ctx, input.DispatchDragEvent,
			input.DispatchDragEventParams{Type: kind, X: box[0].(float64), Y: box[1].(float64), Data: data})
		require.NoError(b.t, err)
	}
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `\'`) + "'" }

// opened returns the tab that a click opens.
func (b *tab) opened(selector string) *tab {
	b.t.Helper()
	ids := chromedp.WaitNewTarget(b.ctx, func(i *target.Info) bool { return i.URL != "" })
	b.do(chromedp.Click(chromedp.CSS(selector)))
	select {
	case id := <-ids:
		ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithTargetID(id))
		opened := &tab{b.t, ctx, cancel}
		require.NoError(b.t, chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void]("0"))) // takes it over
		return opened
	case <-time.After(patience):
		b.t.Fatal("no tab was opened")
		return nil
	}
}

// complaints collects what goes wrong in the page: errors of its script, and what its own rules forbid.
func (b *tab) complaints() func() []string {
	ctx, cancel := context.WithCancel(b.ctx)
	messages := chromedp.Console(ctx)
	var all []string
	done := make(chan struct{})
	go func() {
		defer close(done)
		for m, err := range messages {
			if err != nil {
				return
			}
			all = append(all, m.String())
		}
	}()
	return func() []string {
		cancel()
		<-done
		return all
	}
}

// shoot makes a picture of the page, if any are wanted.
func (b *tab) shoot(name string, width, height int64, scheme string) {
	b.t.Helper()
	if *screenshots == "" {
		return
	}
	preference := &emulation.MediaFeature{Name: "prefers-color-scheme", Value: scheme}
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia,
		emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{preference}})
	require.NoError(b.t, err)
	b.do(chromedp.EmulateViewport(width, height), chromedp.Sleep(time.Second))
	picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	require.NoError(b.t, err)
	require.NoError(b.t, os.MkdirAll(*screenshots, 0o755))
	require.NoError(b.t, os.WriteFile(filepath.Join(*screenshots, name+".png"), picture, 0o644))
	b.do(chromedp.EmulateViewport(1360, 900))
}

// landscape writes a photo of hills that nobody has seen.
func landscape(t *testing.T, name string, hue int) string {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 960, 600))
	for x := range 960 {
		for y := range 600 {
			r, g, b := 150+hue/4+y/14, 185-hue/6+y/24, 225-hue/2-y/10
			for hill := range 4 {
				wave := (x*(3+hill) + hue*17*(hill+1)) % 1200
				if y > 300+hill*70+abs(wave-600)/(6+hill) {
					r, g, b = 96-hill*22+hue/5, 128-hill*24, 120-hill*22-hue/8
				}
			}
			copy(m.Pix[m.PixOffset(x, y):], []uint8{uint8(r), uint8(g), uint8(b), 255})
		}
	}
	path := filepath.Join(t.TempDir(), name)
	f, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, jpeg.Encode(f, m, nil))
	require.NoError(t, f.Close())
	return path
}

func abs(n int) int { return max(n, -n) }

func TestAPictureInABrowser(t *testing.T) {
	page := openBrowser(t)
	complaints := page.complaints()
	// A step builds on those before it.
	step := func(name string, f func(t *testing.T)) {
		if !t.Run(name, func(t *testing.T) { page.t = t; f(t) }) {
			t.FailNow()
		}
		page.t = t
	}
	page.do(chromedp.Navigate(startWorld(t, nil)))
	page.until(`document.querySelector('#connection.live') && document.querySelectorAll('#folder option').length === 5`)
	page.until(`document.querySelectorAll('.alarm[data-state=ok]').length > 5`)
	page.shoot("empty", 1360, 1500, "light")

	const card = `[data-key="simple-chat/hills.jpg"]`
	const link = card + " .link"
	step("a photo that is dropped is uploaded", func(t *testing.T) {
		page.do(chromedp.SetValue(chromedp.CSS("#folder"), "simple-chat"))
		page.drop("#drop", landscape(t, "hills.jpg", 40))
		page.until(`document.querySelector(` + quote(card+" img") + `)?.naturalWidth === 960`)
	})
	step("a photo that is chosen is uploaded, and its name is text", func(t *testing.T) {
		hostile := `<img src=x onerror=alert(1)> & “ü”.jpg`
		page.do(chromedp.SetUploadFiles(chromedp.CSS("#files"), []string{landscape(t, hostile, 120)}))
		page.until(`[...document.querySelectorAll('.card h3')].some((h) => h.textContent === ` + "`simple-chat/" + hostile +
			"`" + ` && h.title === h.textContent)`)
		assert.Zero(t, page.evaluate(`document.querySelectorAll('h3 img, img[src="x"]').length`))
	})
	step("a file that is no photo is refused in words", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "notes.jpg")
		require.NoError(t, os.WriteFile(file, []byte("no photo"), 0o644))
		page.do(chromedp.SetUploadFiles(chromedp.CSS("#files"), []string{file}))
		page.until(`document.querySelector('#uploads .wrong')?.textContent.includes('no JPEG, PNG')`)
		page.do(chromedp.Click(chromedp.CSS("#uploads .wrong button")))
	})
	step("a public photo has its address at once", func(t *testing.T) {
		page.do(chromedp.SetValue(chromedp.CSS("#folder"), "marketplace"))
		page.do(chromedp.SetUploadFiles(chromedp.CSS("#files"), []string{landscape(t, "offer.jpg", 200)}))
		page.until(`document.querySelector('[data-key="marketplace/offer.jpg"] .link[data-state=public]')`)
	})
	step("a link is issued for a chosen life", func(t *testing.T) {
		page.do(chromedp.SetValue(chromedp.CSS("#life"), "600"), chromedp.Click(chromedp.CSS(card)+" .primary"))
		page.until(`document.querySelector(` + quote(link) + `)?.dataset.state === 'live'`)
		assert.Regexp(t, `^(10 min|9 min \d+ s) left$`,
			page.evaluate(`document.querySelector(`+quote(link+" .left")+`)?.textContent`))
	})
	step("asking again gives out the same link", func(t *testing.T) {
		page.do(chromedp.Click(chromedp.CSS(card + " .primary")))
		page.until(`document.querySelector('#toast').textContent.includes('given out again')`)
		assert.EqualValues(t, 1, page.evaluate(`document.querySelectorAll(`+quote(link)+`).length`))
	})
	step("opened in a new tab, it is a miss", func(t *testing.T) {
		photo := page.opened(link + " a")
		defer photo.close()
		photo.until(`document.images[0]?.naturalWidth === 960`)
		page.until(`document.querySelector(` + quote(link) + `)?.dataset.result === 'Miss'`)
		assert.Contains(t, page.evaluate(`document.querySelector(`+quote(link+" .last")+`)?.textContent`), "S3 miss")
	})
	step("fetched again, it is a hit", func(t *testing.T) {
		page.do(chromedp.Click(chromedp.CSS(link + ` [aria-label^="Fetch"]`)))
		page.until(`document.querySelector(` + quote(link) + `)?.dataset.result === 'Hit'`)
		page.until(`document.querySelector('#toast').textContent.includes('Hit from cloudfront')`)
	})
	step("it is seen in all sizes, in the best format that a browser shows", func(t *testing.T) {
		page.do(chromedp.Click(chromedp.CSS(link + ` [aria-label^="View"]`)))
		tiles := func(kind string) string {
			return `[...document.querySelectorAll('.tile')].map(({ dataset: d }) => d.name + ' ' + d.type).join() === ` +
				quote(" image/jpeg,blur "+kind+",avatar "+kind+",w320 "+kind+",w640 "+kind)
		}
		const drawn = `[...document.querySelectorAll('.tile img')].map((image) => image.naturalWidth).join() === ` +
			`'960,16,96,320,640'`
		page.until(tiles("image/avif"))
		page.until(drawn)
		page.until(`[...document.querySelectorAll('.tile .facts')].slice(1).every(({ textContent }) => ` +
			`/^[\d.]+ k?B AVIF · [\d.]+ m?s · miss$/.test(textContent))`)
		page.shoot("views", 1360, 900, "light")
		page.shoot("views-dark", 1360, 900, "dark")
		page.shoot("views-narrow", 390, 900, "light")
		for format, kind := range map[string]string{"webp": "image/webp", "plain": "image/jpeg"} {
			page.do(chromedp.SetValue(chromedp.CSS("#format"), format))
			page.evaluate(`document.querySelector('#format').dispatchEvent(new Event('change'))`)
			page.until(tiles(kind))
			page.until(drawn)
		}
		page.do(chromedp.Click(chromedp.CSS("#views-close")))
		page.until(`!document.querySelector('#views').open && document.querySelectorAll('.tile').length === 0`)
		assert.Equal(t, true, page.evaluate(`document.querySelector(`+quote(link+" a.button")+`).href === `+
			`document.querySelector(`+quote(link+" a")+`).href + '/download'`))
	})
	step("the log tells where each answer came from", func(t *testing.T) {
		page.until(`['s3', 'cache', 'url'].every((source) => document.querySelector('#log .chip.' + source))`)
		assert.Equal(t, "Function URL", page.evaluate(`document.querySelector('#log tr .chip').textContent`),
			"the latest first")
	})
	page.do(chromedp.Click(chromedp.CSS(`[data-key="marketplace/offer.jpg"] [aria-label^="Fetch"]`)))
	page.until(`document.querySelector('[data-key="marketplace/offer.jpg"] .link')?.dataset.result === 'Miss'`)
	page.shoot("light", 1360, 1500, "light")
	page.shoot("dark", 1360, 1500, "dark")
	page.shoot("narrow", 390, 2600, "light")
	step("revoked, it is refused", func(t *testing.T) {
		page.do(chromedp.Click(chromedp.CSS(link + ` [aria-label^="Revoke"]`)))
		page.until(`document.querySelector(` + quote(link) + `)?.dataset.state === 'revoked'`)
		page.until(`document.activeElement === document.querySelector(` + quote(link+" a") + `)`)
		page.do(chromedp.Click(chromedp.CSS(link + ` [aria-label^="Fetch"]`)))
		page.until(`document.querySelector(` + quote(link) + `)?.dataset.status === '404'`)
		refused := page.opened(link + " a")
		defer refused.close()
		// The browser may show its own copy, which no revocation reaches.
		_, err := chromedp.Call(refused.ctx, network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true})
		require.NoError(t, err)
		refused.do(chromedp.Reload())
		refused.until(`document.body?.innerText.length > 0`)
		assert.Zero(t, refused.evaluate(`document.images.length`))
	})
	step("the client errors ring no alarm of servers", func(t *testing.T) {
		page.until(`[...document.querySelectorAll('.alarm')].find((a) => ` +
			`a.textContent.includes('ClientErrorSurge')).querySelector('.value').textContent !== '0 %'`)
		assert.Zero(t, page.evaluate(`document.querySelectorAll('.alarm[data-state=alarm]').length`))
	})
	page.shoot("revoked", 1360, 900, "light")
	for _, c := range complaints() {
		// The refused upload is the browser's to tell, too.
		assert.Contains(t, c, "415", "the page has nothing to complain of")
	}
}
