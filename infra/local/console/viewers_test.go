package console

import (
	"net/url"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// guarded is a configuration whose chat asks its viewers for tickets, in every way that they may come.
var guarded = map[string]string{
	"services": `[{"name":"simple-chat","access":"private","viewers":"ticket"},` +
		`{"name":"discussion","access":"private"},{"name":"marketplace","access":"public"}]`,
	"viewerCarriers": `["bearer","query","cookie"]`, "viewerCookieDomain": "app.localhost",
	"aliases": `["media.app.localhost"]`, "hostedZoneId": "Z2FDTNDATAQYW2",
}

func TestABoundPictureIsThereForItsViewersInABrowser(t *testing.T) {
	address := startWorld(t, guarded)
	u, err := url.Parse(address)
	require.NoError(t, err)
	page := openBrowser(t)
	complaints := page.complaints()
	step := func(name string, f func(t *testing.T)) {
		if !t.Run(name, func(t *testing.T) { page.t = t; f(t) }) {
			t.FailNow()
		}
		page.t = t
	}
	const card = `[data-key="simple-chat/hills.jpg"]`
	const link = card + " .link"
	// views looks at the link's picture in the dialog, and waits for what the first tile says.
	views := func(says string) {
		page.t.Helper()
		page.do(chromedp.Click(chromedp.CSS(link + ` [aria-label^="View"]`)))
		page.until(`document.querySelector('.tile .frame').textContent === ` + quote(says) +
			` || ` + quote(says) + ` === '' && document.querySelector('.tile img')?.naturalWidth === 960`)
	}
	leave := func() { page.do(chromedp.Click(chromedp.CSS("#views-close"))) }
	signIn := func(name, rooms string) {
		page.t.Helper()
		page.do(chromedp.Click(chromedp.CSS("#sign-in")), chromedp.SetValue(chromedp.CSS("#name"), name),
			chromedp.SetValue(chromedp.CSS("#rooms"), rooms))
		if name == "bob" {
			page.shoot("sign-in", 1360, 900, "light")
		}
		page.do(chromedp.Click(chromedp.CSS("#sign-in-form .primary")))
		page.until(`document.querySelector('#viewer').selectedOptions[0].textContent === ` + quote(name+": "+rooms))
	}

	// The page is reached by the CDN's own name, so that it can set the CDN's cookie.
	page.do(chromedp.Navigate("http://media.app.localhost:" + u.Port() + Path))
	page.until(`document.querySelector('#connection.live') && document.querySelector('#sign-in').checkVisibility()`)
	step("a link is bound to a room", func(t *testing.T) {
		page.do(chromedp.SetValue(chromedp.CSS("#folder"), "simple-chat"),
			chromedp.SetUploadFiles(chromedp.CSS("#files"), []string{landscape(t, "hills.jpg", 40)}))
		page.until(`document.querySelector(` + quote(card+" img") + `)?.naturalWidth === 960`)
		assert.Contains(t, page.evaluate(`document.querySelector(`+quote(card+" .facts")+`).textContent`), "with a ticket")
		page.do(chromedp.SetValue(chromedp.CSS("#room"), "room-42"), chromedp.Click(chromedp.CSS(card)+" .primary"))
		page.until(`document.querySelector(` + quote(link) + `)?.dataset.state === 'live'`)
	})
	step("nobody who is not signed in sees it", func(*testing.T) { views("401, no picture"); leave() })
	step("a viewer of another room sees nothing", func(*testing.T) {
		signIn("bob", "simple-chat/room-7")
		views("404, no picture")
		leave()
	})
	step("a viewer of the room sees it, in all sizes", func(t *testing.T) {
		signIn("alice", "simple-chat/room-42")
		views("")
		page.until(`document.querySelectorAll('.tile img').length === 5`)
		page.shoot("viewer", 1360, 900, "light")
		leave()
		page.shoot("viewers", 1360, 900, "light")
	})
	step("her browser sends the cookie by itself", func(t *testing.T) {
		assert.NotContains(t, page.evaluate(`document.querySelector(`+quote(link+" a")+`).href`), "ticket=")
		photo := page.opened(link + " a")
		defer photo.close()
		photo.until(`document.images[0]?.naturalWidth === 960`)
	})
	step("signed out, she does not see it any more", func(t *testing.T) {
		page.do(chromedp.Click(chromedp.CSS("#sign-out")))
		page.until(`document.querySelector('#viewer').selectedOptions[0].textContent.endsWith('(signed out)')`)
		views("401, no picture")
		leave()
		refused := page.opened(link + " a")
		defer refused.close()
		// The browser may show its own copy for viewerCacheSeconds.
		_, err := chromedp.Call(refused.ctx, network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true})
		require.NoError(t, err)
		refused.do(chromedp.Reload())
		refused.until(`document.body?.innerText.length > 0`)
		assert.Zero(t, refused.evaluate(`document.images.length`))
	})
	step("at another address of the page, the link carries the ticket", func(t *testing.T) {
		page.do(chromedp.Navigate(address))
		page.until(`document.querySelector(` + quote(link) + `)?.dataset.state === 'live'`)
		signIn("carol", "simple-chat/room-42")
		page.until(`document.querySelector(` + quote(link+" a") + `).href.includes('?ticket=')`)
		photo := page.opened(link + " a")
		defer photo.close()
		photo.until(`document.images[0]?.naturalWidth === 960`)
		page.until(`[...document.querySelectorAll('#log .path')].some(({ textContent }) => textContent.endsWith('?…'))`)
		assert.NotContains(t, page.evaluate(`document.querySelector('#log').textContent`), "ticket=",
			"the log of requests holds no ticket")
	})
	assert.Empty(t, complaints(), "the page has nothing to complain of")
}
