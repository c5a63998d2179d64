package local

import (
	"bytes"
	"fmt"
	"image"
	_ "image/jpeg" // a format of variants
	"maps"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "golang.org/x/image/webp" // a format of variants

	"secure-media-cdn/function/issue/api"
	"secure-media-cdn/function/variant"
)

// The names of functions in the program.
const (
	edgeFunction   = "edge"
	imagesFunction = "images"
)

// formConfig is that of a stack with variants, and with a service whose viewers
// need tickets.
var formConfig = map[string]string{
	"imageVariants": worldConfig["imageVariants"],
	"services": `[{"name":"simple-chat","access":"private"},{"name":"nudges","access":"public"},` +
		`{"name":"discussion","access":"private","viewers":"ticket"}]`,
	"viewerCarriers": worldConfig["viewerCarriers"], "viewerCookieDomain": worldConfig["viewerCookieDomain"],
	"aliases": worldConfig["aliases"], "hostedZoneId": worldConfig["hostedZoneId"], "viewerCacheSeconds": "120",
}

// forms are all that a link can be asked for besides the photo itself.
var forms = []string{"download", "blur", "square", "w8"}

// TestEveryFormOfALinkOnTheRunningStack runs the zips that ship.
func TestEveryFormOfALinkOnTheRunningStack(t *testing.T) {
	t.Parallel()
	s := newScene(t, formConfig)
	t.Run("variants", s.playVariants)
	t.Run("viewers", s.playViewers)
	s.furnishForms()
	for _, k := range []struct {
		kind    string
		attacks []attack
	}{{"spellings of a variant", formSpellings}, {"tickets", ticketAttacks}} {
		t.Run(k.kind, func(t *testing.T) {
			for _, a := range k.attacks {
				t.Run(a.tries, func(t *testing.T) { s.play(t, a) })
			}
		})
	}
	s.stack.Close()
	s.stack = nil
	said, err := os.ReadFile(s.log)
	require.NoError(t, err)
	assert.Contains(t, string(said), `"variant":"square"`, "there is a log")
	for _, secret := range append(slices.Clone(s.secrets[:len(s.secrets)-2]), "X-Amz-Signature", "secret") {
		assert.NotContains(t, string(said), secret, "in the log")
	}
}

// TestEveryFormOfALinkInRedirectDelivery runs the zips that ship where links lead
// to S3: variants are still made behind the CDN.
func TestEveryFormOfALinkInRedirectDelivery(t *testing.T) {
	t.Parallel()
	config := maps.Clone(formConfig)
	config["delivery"] = "redirect"
	s := newScene(t, config)
	unbound, bound, viewer := s.picture(0), s.boundPicture(room), s.signIn(room)
	for link, control := range map[*api.Link]string{
		&unbound: "private, max-age=86400", &bound: "private, max-age=120",
	} {
		for _, form := range []string{"", "download"} {
			a := fetch(t, "GET", address(*link, form), "Authorization", "Bearer "+viewer.Ticket)
			require.Equal(t, 302, a.StatusCode)
			assert.Equal(t, "private", a.Header.Get("Cache-Control")[:7])
			assert.NotContains(t, a.Header.Get("Location"), viewer.Ticket)
			at := fetch(t, "GET", a.Header.Get("Location"))
			require.Equal(t, 200, at.StatusCode)
			assert.Equal(t, sample, at.body)
			assert.Equal(t, control, at.Header.Get("Cache-Control"), "of S3's answer")
			kind, parameters, err := mime.ParseMediaType(at.Header.Get("Content-Disposition"))
			require.NoError(t, err)
			assert.Equal(t, form == "download", kind == "attachment")
			assert.Equal(t, form == "download", strings.HasPrefix(parameters["filename"], "secret "))
		}
		for _, name := range []string{"w8", "square", "blur"} {
			a := fetch(t, "GET", address(*link, name), "Authorization", "Bearer "+viewer.Ticket)
			require.Equal(t, 200, a.StatusCode)
			assert.Equal(t, "image/jpeg", a.Header.Get("Content-Type"))
			again := fetch(t, "GET", address(*link, name), "Authorization", "Bearer "+viewer.Ticket)
			assert.Equal(t, "Hit from cloudfront", again.cache())
		}
	}
	for _, form := range append([]string{""}, forms...) {
		a := fetch(t, "GET", address(bound, form))
		assert.Equal(t, 401, a.StatusCode)
		assert.Empty(t, a.Header.Get("Location"))
	}
}

// picture uploads a new photo, and returns its link.
func (s *scene) picture(seconds int) api.Link {
	s.uploads++
	link := s.ask(s.upload(fmt.Sprintf("simple-chat/secret %d.jpg", s.uploads), sample), seconds)
	s.secrets = append(s.secrets, link.Hash)
	return link
}

// address returns the address of a form of a link.
func address(link api.Link, form string) string {
	switch form {
	case "":
		return link.URL
	case "download":
		return link.Download
	}
	return link.Variants[form]
}

func (s *scene) playVariants(t *testing.T) {
	t.Run("each is the picture that the team has named, in the best format of the viewer", s.playFormats)
	t.Run("one viewer who asks for all in every way costs as many runs as there are", s.playCost)
	t.Run("a thousand viewers who ask at once cost one run", s.playCrowd)
	t.Run("an unknown variant and a forged link wake nothing", s.playGuesses)
	t.Run("each is refused once the link is revoked, though it is cached", s.playRevocation)
	t.Run("each is refused once the link has expired, though it is cached", s.playExpiry)
	t.Run("an object that was deleted is gone in every form", s.playDeletion)
	t.Run("a download is a file of the photo's name", s.playDownload)
	t.Run("the images function's own credentials open nothing", s.playHands)
}

func (s *scene) playFormats(t *testing.T) {
	source, _, err := image.DecodeConfig(bytes.NewReader(sample))
	require.NoError(t, err)
	link := s.picture(0)
	for name, v := range map[string]variant.Variant{
		"w8": {Width: 8}, "square": {Width: 6, Height: 6, Fit: variant.Cover}, "blur": {Width: 4, Quality: 30},
	} {
		_, want := v.Plan(variant.Size{Width: source.Width, Height: source.Height})
		for accept, kind := range map[string]string{
			"image/avif,image/webp,*/*": "image/avif", "image/webp": "image/webp", "*/*": "image/jpeg",
		} {
			for _, cached := range []string{"Miss from cloudfront", "Hit from cloudfront"} {
				a := fetch(t, "GET", address(link, name), "Accept", accept)
				require.Equal(t, 200, a.StatusCode, "%s %s", name, a.body)
				assert.Equal(t, cached, a.cache())
				assert.Equal(t, kind, a.Header.Get("Content-Type"))
				assert.Contains(t, a.Header.Get("Vary"), "Accept")
				assert.NotContains(t, fmt.Sprint(a.Header), "X-Media")
				if kind == "image/avif" {
					assert.Equal(t, "ftypavif", string(a.body[4:12]))
					continue
				}
				got, _, err := image.DecodeConfig(bytes.NewReader(a.body))
				require.NoError(t, err)
				assert.Equal(t, want, variant.Size{Width: got.Width, Height: got.Height})
			}
			head := fetch(t, "HEAD", address(link, name), "Accept", accept)
			assert.Equal(t, 200, head.StatusCode)
			assert.Equal(t, kind, head.Header.Get("Content-Type"))
			assert.Empty(t, head.body)
			tag := head.Header.Get("ETag")
			require.NotEmpty(t, tag)
			same := fetch(t, "GET", address(link, name), "Accept", accept, "If-None-Match", tag)
			assert.Equal(t, 304, same.StatusCode)
		}
	}
}

func (s *scene) playCost(t *testing.T) {
	link := s.picture(0)
	runs, lookups := s.ran(imagesFunction), s.ran(edgeFunction)
	ask := func() {
		for _, name := range []string{"blur", "square", "w8"} {
			for n, accept := range []string{
				"image/avif,image/webp,image/apng,*/*;q=0.8", "image/avif", "IMAGE/AVIF ; q=0.001", "image/webp,*/*",
				"image/webp;q=1, image/avif;q=0", "*/*", "", "image/*", "image/png", "text/html", "image/heic,image/jxl",
				"image/avif;q=0.0", strings.Repeat("image/x,", 200) + "image/webp",
			} {
				a := fetch(t, "GET", fmt.Sprintf("%s?v=%d&w=9999", address(link, name), n), "Accept", accept,
					"Accept-Encoding", []string{"gzip", "br", "identity"}[n%3], "Cookie", fmt.Sprint("a=", n),
					"User-Agent", fmt.Sprint(n), "Save-Data", "on", "DPR", fmt.Sprint(n), "Accept-Language", fmt.Sprint("x-", n))
				require.Equal(t, 200, a.StatusCode)
			}
		}
	}
	ask()
	assert.Equal(t, 9, s.ran(imagesFunction)-runs, "three variants in three formats")
	assert.Equal(t, 9, s.ran(edgeFunction)-lookups)
	ask()
	assert.Equal(t, 9, s.ran(imagesFunction)-runs, "and then the edge has them all")
	assert.Equal(t, 9, s.ran(edgeFunction)-lookups)
}

func (s *scene) playCrowd(t *testing.T) {
	link := s.picture(0)
	runs, lookups := s.ran(imagesFunction), s.ran(edgeFunction)
	start := make(chan struct{})
	var crowd sync.WaitGroup
	var mu sync.Mutex
	seen := map[string]int{}
	for range 1000 {
		crowd.Go(func() {
			<-start
			a := fetch(t, "GET", address(link, "square"), "Accept", "image/webp")
			for a.StatusCode == http.StatusServiceUnavailable { // the gate had no time left on a busy machine
				a = fetch(t, "GET", address(link, "square"), "Accept", "image/webp")
			}
			mu.Lock()
			defer mu.Unlock()
			seen[fmt.Sprint(a.StatusCode, " ", len(a.body))]++
		})
	}
	close(start)
	crowd.Wait()
	assert.Len(t, seen, 1, "everybody gets the same picture: %v", seen)
	assert.Equal(t, 1, s.ran(imagesFunction)-runs)
	assert.Equal(t, 1, s.ran(edgeFunction)-lookups)
}

func (s *scene) playGuesses(t *testing.T) {
	link := s.picture(0)
	forged := strings.ReplaceAll(link.URL, link.Hash, link.Hash[:31]+flip(link.Hash[31]))
	before, runs := s.stack.Distribution.Stats(), s.ran(edgeFunction)+s.ran(imagesFunction)
	for _, name := range []string{"w9", "w16", "original", "w8.jpg", "w8,square", "W8", "w8%20", "w8/", "w8/square", ""} {
		assert.Equal(t, 404, fetch(t, "GET", link.URL+"/"+name).StatusCode, name)
		assert.Equal(t, 404, fetch(t, "HEAD", link.URL+"/"+name).StatusCode, name)
	}
	for _, form := range forms {
		for _, method := range []string{"GET", "HEAD"} {
			assert.Equal(t, 404, fetch(t, method, forged+"/"+form).StatusCode, form)
		}
		a := fetch(t, "OPTIONS", forged+"/"+form, "Origin", "http://localhost:3000", "Access-Control-Request-Method", "GET")
		assert.Equal(t, 404, a.StatusCode, form)
	}
	after := s.stack.Distribution.Stats()
	assert.Equal(t, runs, s.ran(edgeFunction)+s.ran(imagesFunction))
	assert.Equal(t, before.FunctionCalls, after.FunctionCalls)
	assert.Equal(t, before.OriginReads, after.OriginReads, "neither S3 nor the images function's URL")
	assert.Equal(t, before.CacheObjects, after.CacheObjects, "nor is anything kept")
}

// warm has the edge hold every form of a link.
func warm(t testing.TB, link api.Link, headers ...string) {
	t.Helper()
	for _, form := range append([]string{""}, forms...) {
		require.Equal(t, 200, fetch(t, "GET", address(link, form), headers...).StatusCode, form)
		require.Equal(t, "Hit from cloudfront", fetch(t, "GET", address(link, form), headers...).cache(), form)
	}
}

func (s *scene) playRevocation(t *testing.T) {
	for name, revoke := range map[string]func(api.Link) (objects, hashes []string){
		"by its hash":   func(l api.Link) ([]string, []string) { return nil, []string{l.Hash} },
		"by its object": func(l api.Link) ([]string, []string) { return []string{l.Object}, nil },
	} {
		link := s.picture(0)
		warm(t, link)
		objects, hashes := revoke(link)
		_, err := s.issuer().Revoke(t.Context(), objects, hashes)
		require.NoError(t, err)
		for _, form := range append([]string{""}, forms...) {
			for _, accept := range []string{"*/*", "image/avif"} { // the second of which is not cached
				a := fetch(t, "GET", address(link, form), "Accept", accept)
				assert.Equal(t, 404, a.StatusCode, "%s: %s", name, form)
				assert.Equal(t, "no-store", a.Header.Get("Cache-Control"))
			}
		}
	}
}

func (s *scene) playExpiry(t *testing.T) {
	link := s.picture(8)
	warm(t, link)
	for _, form := range append([]string{""}, forms...) {
		for {
			asked := time.Now()
			a := fetch(t, "GET", address(link, form))
			if a.StatusCode == http.StatusOK {
				require.True(t, asked.Before(*link.ExpiresAt), "no request after the link's end shows its %s", form)
				time.Sleep(20 * time.Millisecond)
				continue
			}
			assert.Equal(t, 403, a.StatusCode, form)
			assert.Equal(t, "no-store", a.Header.Get("Cache-Control"))
			assert.Contains(t, string(a.body), "expired")
			break
		}
	}
}

func (s *scene) playDeletion(t *testing.T) {
	link := s.picture(0)
	s.remove(link.Object) // and its event is on the way
	for _, form := range append([]string{""}, forms...) {
		a := fetch(t, "GET", address(link, form))
		assert.Contains(t, []int{403, 404}, a.StatusCode, "%s: S3 tells nobody what is missing", form)
		assert.NotContains(t, string(a.body), "secret")
		assert.Empty(t, a.Header.Get("Age"))
	}
	for _, form := range append([]string{""}, forms...) {
		assert.Eventually(t, func() bool { return fetch(t, "GET", address(link, form)).StatusCode == http.StatusNotFound },
			time.Minute, 50*time.Millisecond, form)
	}
}

func (s *scene) playDownload(t *testing.T) {
	const name = `secret "photo"; of Ü – 100%41.jpg`
	link := s.ask(s.upload("simple-chat/"+name, sample), 0)
	for range 2 { // a miss and a hit
		a := fetch(t, "GET", link.Download)
		require.Equal(t, 200, a.StatusCode)
		assert.Equal(t, sample, a.body)
		kind, parameters, err := mime.ParseMediaType(a.Header.Get("Content-Disposition"))
		require.NoError(t, err)
		assert.Equal(t, "attachment", kind)
		assert.Equal(t, name, parameters["filename"])
	}
	assert.Empty(t, fetch(t, "GET", link.URL).Header.Get("Content-Disposition"), "the photo itself is shown")
	evil := fetch(t, "GET", s.picture(0).Download+"?response-content-disposition=inline&response-content-type=text/html")
	assert.Equal(t, 200, evil.StatusCode)
	assert.Equal(t, "image/png", evil.Header.Get("Content-Type"), "as it was uploaded")
	assert.Contains(t, evil.Header.Get("Content-Disposition"), "attachment; ")
	assert.Equal(t, 206, fetch(t, "GET", link.Download, "Range", "bytes=0-9").StatusCode)
	assert.Equal(t, 200, fetch(t, "HEAD", link.Download).StatusCode)
}

// playHands takes what is in the environment of the images function's process.
func (s *scene) playHands(t *testing.T) {
	pids := processes(t, os.Getpid(), "bootstrap")
	found := 0
	for _, pid := range pids {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		require.NoError(t, err)
		environment := map[string]string{}
		for entry := range strings.SplitSeq(string(raw), "\x00") {
			name, value, _ := strings.Cut(entry, "=")
			environment[name] = value
		}
		if !strings.Contains(environment["AWS_LAMBDA_FUNCTION_NAME"], imagesFunction) {
			continue
		}
		found++
		for name := range environment {
			assert.NotContains(t, name, "MEDIA_", "it is told nothing")
			assert.NotContains(t, name, "DYNAMODB")
		}
		s.openNothing(t, environment)
	}
	assert.Positive(t, found, "%d processes", len(pids))
}
