package local

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/mapping"
	"secure-media-cdn/infra/local/resources"
)

func TestTheStackServesAPrivatePhotoThroughALink(t *testing.T) {
	t.Parallel()
	r := startProgram(t, t.TempDir())

	first := fetch(t, "GET", r.link)
	assert.Equal(t, 200, first.StatusCode)
	assert.Equal(t, "Miss from cloudfront", first.cache())
	assert.Equal(t, "image/jpeg", first.Header.Get("Content-Type"))
	assert.True(t, bytes.Equal(sample, first.body), "byte for byte")
	second := fetch(t, "GET", r.link)
	assert.Equal(t, "Hit from cloudfront", second.cache())
	assert.True(t, bytes.Equal(sample, second.body))

	head := fetch(t, "HEAD", r.link)
	assert.Equal(t, 200, head.StatusCode)
	assert.Equal(t, strconv.Itoa(len(sample)), head.Header.Get("Content-Length"))
	assert.Empty(t, head.body)
	part := fetch(t, "GET", r.link, "Range", "bytes=10-19")
	assert.Equal(t, 206, part.StatusCode)
	assert.Equal(t, sample[10:20], part.body)
	assert.Equal(t, fmt.Sprintf("bytes 10-19/%d", len(sample)), part.Header.Get("Content-Range"))
	same := fetch(t, "GET", r.link, "If-None-Match", first.Header.Get("ETag"))
	assert.Equal(t, 304, same.StatusCode)
	assert.Empty(t, same.body)

	t.Run("a variant comes in the best format that the viewer shows", func(t *testing.T) {
		for accept, want := range map[string]string{"image/avif,image/webp,*/*": "image/avif", "image/webp": "image/webp",
			"*/*": "image/jpeg"} {
			for _, cached := range []string{"Miss", "Hit"} {
				a := fetch(t, "GET", r.link+"/w320", "Accept", accept)
				require.Equal(t, 200, a.StatusCode, string(a.body))
				assert.Equal(t, want, a.Header.Get("Content-Type"))
				assert.Equal(t, cached+" from cloudfront", a.cache(), accept)
				assert.Contains(t, a.Header.Values("Vary"), "Accept")
			}
			same := fetch(t, "GET", r.link+"/w320", "Accept", accept,
				"If-None-Match", fetch(t, "HEAD", r.link+"/w320", "Accept", accept).Header.Get("ETag"))
			assert.Equal(t, 304, same.StatusCode)
		}
		assert.Equal(t, 404, fetch(t, "GET", r.link+"/w321").StatusCode, "which nobody configured")
		assert.Equal(t, map[string]any{"width": 320.0}, r.outputs["imageVariants"].(map[string]any)["w320"])
	})
	t.Run("a download is the photo itself, under its own name", func(t *testing.T) {
		a := fetch(t, "GET", r.link+"/download")
		require.Equal(t, 200, a.StatusCode)
		assert.Equal(t, sample, a.body)
		assert.Contains(t, a.Header.Get("Content-Disposition"), `attachment; filename="sample.jpg"`)
	})
	t.Run("a fault of the images function costs the request in flight", func(t *testing.T) {
		killed := 0
		for _, pid := range processes(t, r.cmd.Process.Pid, "bootstrap") {
			environment, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
			require.NoError(t, err)
			if strings.Contains(string(environment), "AWS_LAMBDA_FUNCTION_NAME=secure-media-cdn-dev-images\x00") {
				require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
				// What it takes while it dies is a request in flight, too.
				require.Eventually(t, func() bool { return syscall.Kill(pid, 0) != nil }, time.Minute, time.Millisecond)
				killed++
			}
		}
		require.Positive(t, killed)
		assert.Equal(t, 200, fetch(t, "GET", r.link+"/avatar").StatusCode)
	})
	t.Run("whatever is no link is refused", func(t *testing.T) {
		for path, status := range map[string]int{
			"/images/" + strings.Repeat("A", 32):        404,
			"/simple-chat/sample.jpg":                   404,
			"/discussion/sample.jpg":                    404, // the very key of the sample
			"/":                                         404,
			"/images/../discussion/sample.jpg":          404,
			"/marketplace/../discussion/sample.jpg":     404,
			"/marketplace/%2e%2e/discussion/sample.jpg": 404,
			"/marketplace/nothing.jpg":                  403, // S3 does not tell what is missing
		} {
			a := fetch(t, "GET", r.base+path)
			assert.Equal(t, status, a.StatusCode, path)
			assert.NotContains(t, string(a.body), "sample.jpg", path)
			assert.NotEqual(t, "Hit from cloudfront", fetch(t, "GET", r.base+path).cache(), "an error is not kept: %s", path)
		}
		unsigned := fetch(t, "GET",
			*r.s3.Options().BaseEndpoint+"/"+r.outputs["mediaBucket"].(string)+"/discussion/sample.jpg")
		assert.Equal(t, 403, unsigned.StatusCode)
	})
	t.Run("odd keys arrive as they are", func(t *testing.T) {
		// "//" and ".." are missing: the S3 server keeps objects as files.
		for _, key := range []string{"a b+c.png", "100%25.png", "a%2Fb.png", "what?.png", "a#b.png", "ü/日本.png",
			"'\"(!*)&=;@$,:.png"} {
			body := []byte("the photo named " + key)
			a := fetch(t, "GET", r.issue(r.upload("simple-chat/"+key, body), 0))
			assert.Equal(t, 200, a.StatusCode, key)
			assert.Equal(t, string(body), string(a.body), key)
		}
	})
	t.Run("S3's own headers and a user's metadata stay behind", func(t *testing.T) {
		for _, key := range []string{"simple-chat/described.png", "nudges/described.png"} {
			_, err := r.s3.PutObject(t.Context(), &s3.PutObjectInput{
				Bucket: aws.String(r.outputs["mediaBucket"].(string)), Key: aws.String(key), Body: strings.NewReader("x"),
				Metadata: map[string]string{"uploader": "somebody"}, CacheControl: aws.String("max-age=60"),
			})
			require.NoError(t, err)
			stored, err := r.s3.HeadObject(t.Context(), &s3.HeadObjectInput{
				Bucket: aws.String(r.outputs["mediaBucket"].(string)), Key: aws.String(key)})
			require.NoError(t, err)
			require.Equal(t, "somebody", stored.Metadata["uploader"], "S3 would tell")
			url := r.issue("s3://"+r.outputs["mediaBucket"].(string)+"/"+key, 0)
			for range 2 { // a miss and a hit
				a := fetch(t, "GET", url)
				require.Equal(t, 200, a.StatusCode)
				assert.NotEmpty(t, a.Header.Get("ETag"))
				assertNothingOfS3s(t, a)
			}
			assertNothingOfS3s(t, fetch(t, "HEAD", url))
			assertNothingOfS3s(t, fetch(t, "GET", url, "Range", "bytes=0-0"))
		}
		assertNothingOfS3s(t, fetch(t, "GET", r.base+"/nudges/nothing.png"))
	})
	t.Run("a public service needs no link", func(t *testing.T) {
		object := r.upload("marketplace/odd name+.png", []byte("public"))
		url := r.issue(object, 0)
		assert.Equal(t, r.base+"/marketplace/odd%20name%2B.png", url)
		assert.Equal(t, "public", string(fetch(t, "GET", url).body))
	})
	t.Run("a dead function process costs at most the request in flight", func(t *testing.T) {
		for round := range 2 {
			pids := processes(t, r.cmd.Process.Pid, "edge")
			require.NotEmpty(t, pids, "round %d", round)
			for _, pid := range pids {
				require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
			}
			link := r.issue(r.upload(fmt.Sprintf("simple-chat/after%d.png", round), []byte("alive")), 0)
			failed := 0
			for fetch(t, "GET", link).StatusCode != http.StatusOK {
				failed++
				require.LessOrEqual(t, failed, 1)
			}
		}
	})
	t.Run("a function process killed in mid-request fails that request alone", func(t *testing.T) {
		const kills = 3
		failed, killed := 0, 0
		var links []string
		for n := range 60 {
			links = append(links, r.issue(r.upload(fmt.Sprintf("simple-chat/killed%d.png", n), []byte("alive")), 0))
		}
		for n, link := range links {
			if n%20 == 10 {
				killed++
				go func() {
					for _, pid := range processes(t, r.cmd.Process.Pid, "edge") {
						_ = syscall.Kill(pid, syscall.SIGKILL)
					}
				}()
			}
			if fetch(t, "GET", link).StatusCode != http.StatusOK { // the first fetch of each is a run
				failed++
			}
		}
		assert.Equal(t, kills, killed)
		assert.LessOrEqual(t, failed, kills)
	})
	t.Run("an object that is deleted takes its links along", func(t *testing.T) {
		object := r.upload("simple-chat/gone+soon.png", []byte("here"))
		link := r.issue(object, 0)
		require.Equal(t, 200, fetch(t, "GET", link).StatusCode)
		r.remove(object)
		assert.Eventually(t, func() bool { return fetch(t, "GET", link).StatusCode == http.StatusNotFound }, time.Minute,
			50*time.Millisecond)
	})
	t.Run("a photo that is replaced is seen at the link it had", func(t *testing.T) {
		object := r.upload("simple-chat/replaced.png", []byte("the first"))
		link := r.issue(object, 0)
		require.Equal(t, "the first", string(fetch(t, "GET", link).body))
		require.Equal(t, "Hit from cloudfront", fetch(t, "GET", link).cache())
		for _, body := range []string{"the second", "the first"} {
			r.upload("simple-chat/replaced.png", []byte(body))
			assert.Eventually(t, func() bool { return string(fetch(t, "GET", link).body) == body }, time.Minute,
				50*time.Millisecond)
		}
		require.Equal(t, link, r.issue(object, 0))
	})
	t.Run("a public object that is deleted leaves the edge when it is revoked, each time", func(t *testing.T) {
		for range 2 {
			object := r.upload("marketplace/taken (down).png", []byte("for now"))
			url := r.issue(object, 0)
			require.Equal(t, 200, fetch(t, "GET", url).StatusCode)
			require.Equal(t, "Hit from cloudfront", fetch(t, "GET", url).cache())
			r.remove(object)
			require.Equal(t, "Hit from cloudfront", fetch(t, "GET", url).cache(), "the edge holds it for a day")
			revoked, err := r.issuer().Revoke(t.Context(), []string{object}, nil)
			require.NoError(t, err)
			require.True(t, revoked[0].Withdrawn)
			require.Equal(t, 403, fetch(t, "GET", url).StatusCode)
		}
	})
	t.Run("two hundred spellings of a public object are one, and none of them outlives it", func(t *testing.T) {
		const key = "nudges/photo (1).jpg"
		object := r.upload(key, []byte("public"))
		url := r.issue(object, 0)
		require.Equal(t, r.base+"/nudges/photo%20(1).jpg", url, "as browsers spell it")
		asked := spellings(200, key)
		for _, path := range asked {
			a := fetch(t, "GET", r.base+path+"?query=1")
			require.Equal(t, 301, a.StatusCode, path)
			require.Equal(t, url, r.base+a.Header.Get("Location"), path)
		}
		require.Equal(t, "Miss from cloudfront", fetch(t, "GET", url).cache(), "none of them reached S3")
		require.Equal(t, "Hit from cloudfront", fetch(t, "GET", url+"?query=2").cache(), "a query is no other object")
		r.remove(object)
		_, err := r.issuer().Revoke(t.Context(), []string{object}, nil)
		require.NoError(t, err)
		for _, path := range append(asked, strings.TrimPrefix(url, r.base), "/nudges//photo%20(1).jpg") {
			for _, query := range []string{"", "?query=2"} {
				a := fetch(t, "GET", r.base+path+query)
				require.NotEqual(t, 200, a.StatusCode, path+query)
				require.NotContains(t, string(a.body), "public", path+query)
			}
		}
	})
	t.Run("a short link dies in time, though the edge holds the photo", func(t *testing.T) {
		link := r.ask(r.upload("simple-chat/short.png", []byte("short")), 4)
		require.Equal(t, 200, fetch(t, "GET", link.URL).StatusCode)
		hits := 0
		for {
			asked := time.Now()
			a := fetch(t, "GET", link.URL)
			if a.StatusCode == http.StatusOK {
				require.True(t, asked.Before(*link.ExpiresAt), "no request after the link's end gets the photo")
				if a.cache() == "Hit from cloudfront" {
					hits++
				}
				time.Sleep(20 * time.Millisecond)
				continue
			}
			assert.Equal(t, 403, a.StatusCode)
			assert.Contains(t, string(a.body), "expired")
			break
		}
		assert.Positive(t, hits, "it was held until then")
	})
	t.Run("no secret and no key of an object is printed", func(t *testing.T) {
		assert.NotContains(t, r.said(), "short.png")
		assert.NotContains(t, r.said(), resources.Local.SecretAccessKey)
	})
	t.Run("Ctrl-C leaves nothing behind", func(t *testing.T) {
		children := processes(t, r.cmd.Process.Pid, "")
		require.GreaterOrEqual(t, len(children), 3, "two engines and a function")
		r.interrupt()
		for _, pid := range children {
			assert.Error(t, syscall.Kill(pid, 0), "process %d lives on", pid)
		}
		_, err := net.Dial("tcp", strings.TrimPrefix(r.base, "http://"))
		assert.Error(t, err, "the port is free")
		assert.Equal(t, 0, r.cmd.ProcessState.ExitCode())
	})
}

func TestRedirectDeliverySendsViewersToShortLivedAddresses(t *testing.T) {
	t.Parallel()
	r := startProgram(t, t.TempDir(), "--config", "delivery=redirect", "--config", "signatureTtlSeconds=2")
	var location string
	for range 3 {
		a := fetch(t, "GET", r.link)
		require.Equal(t, 302, a.StatusCode)
		assert.Equal(t, "private, no-store", a.Header.Get("Cache-Control"))
		assert.NotEqual(t, "Hit from cloudfront", a.cache(), "a signed address is one viewer's alone")
		location = a.Header.Get("Location")
	}
	now := fetch(t, "GET", location, "Origin", "null") // as browsers ask after a redirect
	assert.Equal(t, 200, now.StatusCode)
	assert.True(t, bytes.Equal(sample, now.body))
	assert.Equal(t, "*", now.Header.Get("Access-Control-Allow-Origin"))
	assert.Equal(t, "image/jpeg", now.Header.Get("Content-Type"))
	script := []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)
	svg := fetch(t, "GET", r.issue(r.upload("simple-chat/script.svg", script), 0))
	svg = fetch(t, "GET", svg.Header.Get("Location"))
	require.Equal(t, 200, svg.StatusCode)
	assert.Equal(t, "attachment", svg.Header.Get("Content-Disposition"), "it cannot run at S3's host")
	assert.Eventually(t, func() bool { return fetch(t, "GET", location).StatusCode == http.StatusForbidden }, time.Minute,
		100*time.Millisecond)
	assert.NotContains(t, r.said(), "X-Amz-Signature")

	children := processes(t, r.cmd.Process.Pid, "")
	require.GreaterOrEqual(t, len(children), 3, "two engines and a function")
	require.NoError(t, r.cmd.Process.Kill())
	for _, pid := range children {
		assert.Eventually(t, func() bool { return !alive(pid) }, time.Minute, 10*time.Millisecond,
			"process %d outlives the program that was killed", pid)
	}
}

func TestStateSurvivesARestartAndTheGateHoldsOnHits(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := startProgram(t, dir)
	link := r.link
	revoked := r.issue(r.upload("simple-chat/revoked.png", []byte("revoked")), 0)
	require.Equal(t, 200, fetch(t, "GET", revoked).StatusCode)
	require.Equal(t, "Hit from cloudfront", fetch(t, "GET", revoked).cache())
	_, err := r.issuer().Revoke(t.Context(), nil, []string{revoked[strings.LastIndex(revoked, "/")+1:]})
	require.NoError(t, err)
	assert.Equal(t, 404, fetch(t, "GET", revoked).StatusCode, "on the very next request, though it was cached")

	forged := link[:len(link)-1] + flip(link[len(link)-1])
	a := fetch(t, "GET", forged)
	assert.Equal(t, 404, a.StatusCode)
	assert.Equal(t, "FunctionGeneratedResponse from cloudfront", a.cache(), "the gate refused it")
	short := r.issue(r.upload("simple-chat/short.png", []byte("short")), 2)
	require.Equal(t, 200, fetch(t, "GET", short).StatusCode)
	assert.Eventually(t, func() bool { return fetch(t, "GET", short).StatusCode == http.StatusForbidden }, time.Minute,
		50*time.Millisecond)
	r.interrupt()
	assertNoKeyIsSaid(t, r)

	again := startProgram(t, dir)
	assert.Equal(t, link[strings.LastIndex(link, "/"):], again.link[strings.LastIndex(again.link, "/"):],
		"the same link, since the object has one already")
	assert.Equal(t, 200, fetch(t, "GET", again.link).StatusCode)
	assert.Equal(t, 404, fetch(t, "GET", again.base+revoked[strings.LastIndex(revoked, "/images"):]).StatusCode,
		"a revocation survives")
	again.interrupt()

	afresh := startProgram(t, dir, "--clean")
	assert.NotEqual(t, link[strings.LastIndex(link, "/"):], afresh.link[strings.LastIndex(afresh.link, "/"):])
}

// assertNoKeyIsSaid reads the link keys of a run from its state folder, and looks
// for them in everything that it wrote and printed.
func assertNoKeyIsSaid(t *testing.T, r *running) {
	t.Helper()
	var state struct{ Registered map[string]string }
	readJSON(t, filepath.Join(r.dir, "keyvaluestore.json"), &state)
	require.Len(t, state.Registered, 3, "two generations, and the audiences' key")
	outputs, err := os.ReadFile(filepath.Join(r.dir, "outputs.json"))
	require.NoError(t, err)
	for name, key := range state.Registered {
		assert.Regexp(t, `^[A-Za-z0-9]{64}$`, key)
		assert.NotContains(t, r.said(), key, name)
		assert.NotContains(t, string(outputs), key, name)
	}
}

// spellings returns n paths of a key of which none is the one of links: byte k is
// percent-encoded, in small or capital hex, where bit k of a number is set.
func spellings(n int, key string) []string {
	own := mapping.Object{Key: key}.PublicPath()
	var all []string
	for i := 1; len(all) < n; i++ {
		path := "/"
		for k, c := range []byte(key) {
			switch letter := c != '/' && i>>(k%8)&1 == 1; {
			case letter && k < 8, c == ' ' && i%3 == 0:
				path += fmt.Sprintf("%%%02x", c)
			case letter, c == ' ':
				path += fmt.Sprintf("%%%02X", c)
			default:
				path += string(c)
			}
		}
		if path != own && !slices.Contains(all, path) {
			all = append(all, path)
		}
	}
	return all
}

// assertNothingOfS3s expects no header that only S3 adds.
func assertNothingOfS3s(t *testing.T, a reply) {
	t.Helper()
	for name := range a.Header {
		assert.False(t, strings.HasPrefix(name, "X-Amz-") && !strings.HasPrefix(name, "X-Amz-Cf-"), name)
	}
}

func flip(c byte) string {
	if c == 'A' {
		return "B"
	}
	return "A"
}
