package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/issue/api"
	"secure-media-cdn/infra/local/cloudfront"
	"secure-media-cdn/infra/local/resources"
)

const complete = "document.images[0]?.complete && document.images[0].naturalWidth > 0"

// The page that says all this is function/issue/pictures.md.
func TestTheExamplesForPagesWorkInABrowser(t *testing.T) {
	e, app := readExamples(t), newApplication(t)
	var seen asked
	services := `[{"name":"simple-chat","access":"private"},{"name":"discussion","access":"private","viewers":"ticket"}]`
	m, issuer := startStack(t, resources.Options{
		Document: stackPlan(t, map[string]string{
			"corsAllowedOrigins": `["` + app.URL + `"]`, "services": services,
		}),
		OnRequest: func(r cloudfront.Record) { seen.add(r) },
	})
	link := func(key, contentType string, file []byte) api.Link {
		_, err := m.S3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &m.Bucket, Key: aws.String(key),
			ContentType: &contentType, Body: bytes.NewReader(file)})
		require.NoError(t, err)
		issued, err := issuer.Issue(t.Context(), []string{"s3://" + m.Bucket + "/" + key}, issue.Terms{TTL: time.Hour})
		require.NoError(t, err)
		require.Nil(t, issued[0].Error)
		return issued[0]
	}
	file, err := os.ReadFile(landscape(t, "hills.jpg", 40))
	require.NoError(t, err)
	// A browser that holds a larger variant shows that instead of fetching another.
	photos := 0
	unseen := func() api.Link {
		photos++
		return link(fmt.Sprintf("simple-chat/hills-%d.jpg", photos), "image/jpeg", file)
	}
	photo := unseen()
	answer, err := json.Marshal(photo)
	require.NoError(t, err)
	definitions, err := json.Marshal(m.Outputs["imageVariants"])
	require.NoError(t, err)
	b := openBrowser(t)
	try := func(name string, f func(t *testing.T)) {
		t.Run(name, func(t *testing.T) {
			defer func(whole *testing.T) { b.t = whole }(b.t)
			b.t = t
			f(t)
		})
	}
	shown := func() string {
		b.t.Helper()
		b.until(complete)
		return b.evaluate("document.images[0].currentSrc").(string)
	}

	t.Run("the browser chooses the size that the screen needs", func(t *testing.T) {
		for _, c := range []struct {
			width   int64
			density float64
			want    string
		}{{1360, 1, "w320"}, {1360, 2, "w640"}, {300, 1, "w320"}, {600, 1, "w640"}} {
			b.do(chromedp.EmulateViewport(c.width, 900, chromedp.EmulateScale(c.density)))
			photo := unseen()
			app.shows(b, e.of(e.Srcset, photo.URL))
			assert.Equal(t, photo.Variants[c.want], shown(), "%+v", c)
		}
		b.do(chromedp.EmulateViewport(1360, 900))
	})
	try("srcset is made of what the backend hands on", func(t *testing.T) {
		made := b.module(e.SrcsetOf, fmt.Sprintf("srcset(%s, %s, ['w320', 'w640'])", answer, definitions))
		assert.Equal(t, photo.Variants["w320"]+" 320w, "+photo.Variants["w640"]+" 640w", made)
		assert.Contains(t, e.of(e.Srcset, photo.URL), made, "as in the page's own example")
	})
	try("the format is the best that the browser shows", func(t *testing.T) {
		assert.Equal(t, "image/avif", b.module("", "fetch('"+photo.Variants["w320"]+
			"', {headers: {accept: 'image/avif,image/webp,*/*'}}).then((a) => a.headers.get('content-type'))"))
	})
	try("a placeholder shows below the photo", func(t *testing.T) {
		app.shows(b, e.of(e.Placeholder, photo.URL))
		assert.Equal(t, photo.Variants["w640"], shown())
		blur := photo.Variants["blur"]
		require.Eventually(t, func() bool { return len(seen.of(blur)) > 0 }, patience, 10*time.Millisecond)
		assert.Contains(t, seen.of(blur)[0], "200")
	})
	try("Next.js asks for the variants", func(t *testing.T) {
		photo := unseen()
		blur := node(t, e.BlurOf, "blurDataURL", photo)
		assert.Regexp(t, `^data:image/webp;base64,`, blur)
		assert.Less(t, len(blur), 300)
		html := rendered(t, e, map[string]any{"photo": photo, "blur": blur})
		assert.Contains(t, html, `srcSet="`+photo.Variants["w320"]+" 320w, "+photo.Variants["w640"]+` 640w"`)
		assert.Contains(t, html, blur)
		app.shows(b, html)
		assert.Equal(t, photo.Variants["w320"], shown())
	})
	try("what is no photo is offered as a file", func(t *testing.T) {
		notes := link("simple-chat/notes.pdf", "application/pdf", []byte("%PDF-1.7\n"))
		app.shows(b, e.of(e.Fallback, notes.URL))
		b.until("document.body.innerText.trim() === 'Download'")
		assert.Empty(t, node(t, e.BlurOf, "blurDataURL", notes))
		drawing := link("simple-chat/drawing.svg", "image/svg+xml",
			[]byte(`<svg xmlns="http://www.w3.org/2000/svg" width="30" height="20"><rect width="30" height="20"/></svg>`))
		app.shows(b, e.of(e.Fallback, drawing.URL))
		b.until(complete)
		saved, err := http.Get(notes.Download)
		require.NoError(t, err)
		require.NoError(t, saved.Body.Close())
		assert.Contains(t, saved.Header.Get("Content-Disposition"), `attachment; filename="notes.pdf"`)
	})
	try("scripts of allowed origins read pixels", func(t *testing.T) {
		app.shows(b, "")
		assert.EqualValues(t, 320*200*4, b.module(e.PixelsOf, fmt.Sprintf("pixels(%s).then((p) => p.data.length)", answer)))
		elsewhere := newApplication(t)
		elsewhere.shows(b, "")
		call := fmt.Sprintf("pixels(%s).then(() => 'read', () => 'refused')", answer)
		assert.Equal(t, "refused", b.module(e.PixelsOf, call))
	})
	try("a link that asks for a ticket", func(t *testing.T) {
		bound := link("discussion/hills.jpg", "image/jpeg", file)
		signedIn, err := issuer.Ticket(t.Context(), "ada", []string{"discussion"}, time.Hour)
		require.NoError(t, err)
		ticket := signedIn.Ticket
		app.shows(b, e.of(e.Srcset, bound.URL))
		b.until("document.images[0].complete")
		assert.Zero(t, b.evaluate("document.images[0].naturalWidth"), "nothing without a ticket")
		kind := b.module(e.Bearer, fmt.Sprintf("bearerURL(%q, %q).then(async (u) => { const i = new Image(); i.src = u; "+
			"await i.decode(); return i.naturalWidth + (await (await fetch(u)).blob()).type })", bound.Variants["w320"], ticket))
		assert.Equal(t, "320image/avif", kind)
		app.shows(b, `<img src="`+bound.Variants["w320"]+"?ticket="+ticket+`">`)
		b.until(complete)
		notes := link("discussion/notes.svg", "image/svg+xml",
			[]byte(`<svg xmlns="http://www.w3.org/2000/svg" width="30" height="20"/>`))
		app.shows(b, `<img src="`+notes.Variants["w320"]+"?ticket="+ticket+`">`)
		b.until("document.images[0].complete")
		assert.Zero(t, b.evaluate("document.images[0].naturalWidth"), "a redirect to the photo loses the ticket")
		app.shows(b, `<img src="`+notes.URL+"?ticket="+ticket+`">`)
		b.until(complete)
	})
}
