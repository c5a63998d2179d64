package images

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"image"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/variant"
)

const (
	testPhoto = "/images/AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
	secret    = "X-Amz-Signature=confidential"
)

// world is a handler in front of a server that stands for S3.
type world struct {
	t       *testing.T
	handler *Handler
	s3      http.HandlerFunc
	reads   int
	log     bytes.Buffer
	now     time.Time
	url     string
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, now: time.Unix(1_800_000_000, 0)}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.reads++
		w.s3(rw, r)
	}))
	t.Cleanup(server.Close)
	w.url = server.URL
	w.handler = &Handler{
		Engine: engine, Source: NewSource(server.URL), Now: func() time.Time { return w.now },
		Log: slog.New(slog.NewJSONHandler(&w.log, nil)),
	}
	return w
}

// holds makes S3 answer with a file.
func (w *world) holds(file []byte) {
	w.s3 = func(rw http.ResponseWriter, r *http.Request) {
		assert.Equal(w.t, http.MethodGet, r.Method)
		assert.Equal(w.t, secret, r.URL.RawQuery)
		rw.Header().Set("ETag", `"5d41402abc4b2a76b9719d911017c592"`)
		rw.Header().Set("Content-Type", "text/html") // says nothing
		rw.Header().Set("Content-Length", strconv.Itoa(len(file)))
		_, _ = rw.Write(file)
	}
}

func (w *world) task() variant.Task {
	return variant.Task{
		Variant: variant.Variant{Width: 32}, Format: variant.WebP, Expires: w.now.Add(time.Hour), Browser: 5 * time.Minute,
		Source: w.url + "/media/simple-chat/cat.txt?" + secret, Photo: testPhoto, Limits: limits,
	}
}

// ask makes one request, with headers of its own in pairs, and returns the
// answer and the one line of the log.
func (w *world) ask(method string, task variant.Task, headers ...string) (response, map[string]any) {
	w.t.Helper()
	all := task.Headers()
	all[variant.HeaderLimits] = task.Limits.String()
	for n := 0; n < len(headers); n += 2 {
		all[headers[n]] = headers[n+1]
	}
	r := request{RawPath: testPhoto + "/w32", Headers: all}
	r.RequestContext.HTTP.Method = method
	w.log.Reset()
	answer, err := w.handler.Handle(context.Background(), r)
	require.NoError(w.t, err)
	require.Equal(w.t, 1, strings.Count(w.log.String(), "\n"), "one line: %s", &w.log)
	for _, hidden := range []string{"confidential", "http://", "https://", "cat.txt", testPhoto} {
		assert.NotContains(w.t, w.log.String(), hidden)
	}
	var line map[string]any
	require.NoError(w.t, json.Unmarshal(w.log.Bytes(), &line))
	assert.NotEmpty(w.t, line["engine"])
	assert.NotContains(w.t, answer.Body, "confidential")
	if answer.StatusCode >= 400 {
		assert.Equal(w.t, "no-store", answer.Headers["Cache-Control"])
	}
	return answer, line
}

const lifetime = "public, max-age=300, s-maxage=3600, stale-if-error=0"

func TestAVariantIsAnsweredForAsLongAsTheLinkLives(t *testing.T) {
	w := newWorld(t)
	w.holds(asJPEG(t, scene(64, 48)))
	answer, line := w.ask(http.MethodGet, w.task())
	require.Equal(t, http.StatusOK, answer.StatusCode)
	assert.True(t, answer.IsBase64Encoded)
	body, err := base64.StdEncoding.DecodeString(answer.Body)
	require.NoError(t, err)
	p := Picture{Type: answer.Headers["Content-Type"], Bytes: body, Frames: 1}
	assert.Equal(t, typeWebP, p.Type)
	assert.Equal(t, image.Pt(32, 24), pixels(t, p).Bounds().Size())
	assert.Equal(t, lifetime, answer.Headers["Cache-Control"])
	assert.Equal(t, "Accept", answer.Headers["Vary"])
	assert.Regexp(t, `^"[A-Za-z0-9_-]{22}"$`, answer.Headers["ETag"])
	assert.Equal(t, "made", line["outcome"])
	assert.Equal(t, "width=32", line["variant"])
	assert.Equal(t, "webp", line["format"])
	assert.EqualValues(t, len(body), line["bytesOut"])
	assert.Greater(t, line["bytesIn"], 500.0)
}

// Everything that a picture is made of is in its tag.
func TestTheTagChangesWithWhatThePictureIsMadeOf(t *testing.T) {
	base := newTask()
	tags := map[string]string{}
	add := func(name, tag string) {
		assert.Empty(t, tags[tag], name)
		tags[tag] = name
	}
	add("base", entityTag("a", base, "1"))
	add("another source", entityTag("b", base, "1"))
	add("another engine", entityTag("a", base, "2"))
	for name, change := range map[string]func(*variant.Task){
		"another variant": func(t *variant.Task) { t.Variant.Quality = 30 },
		"another format":  func(t *variant.Task) { t.Format = variant.AVIF },
		"other limits":    func(t *variant.Task) { t.Limits.Frames = 3 },
	} {
		task := base
		change(&task)
		add(name, entityTag("a", task, "1"))
	}
	later := base
	later.Expires, later.Source, later.Photo = later.Expires.Add(time.Hour), "https://else", "/images/else"
	assert.Equal(t, entityTag("a", base, "1"), entityTag("a", later, "1"), "not with what it is not made of")
	assert.Empty(t, entityTag("", base, "1"))
}

func newTask() variant.Task {
	return variant.Task{Variant: variant.Variant{Width: 32}, Format: variant.WebP, Limits: limits}
}

func TestAPictureThatTheCallerHasIsNotDecoded(t *testing.T) {
	w := newWorld(t)
	w.holds(asJPEG(t, scene(64, 48)))
	first, _ := w.ask(http.MethodGet, w.task())
	tag := first.Headers["ETag"]
	w.holds([]byte("nothing that could be decoded"))
	for _, condition := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
		answer, line := w.ask(http.MethodGet, w.task(), "if-none-match", condition)
		assert.Equal(t, http.StatusNotModified, answer.StatusCode, condition)
		assert.Equal(t, map[string]string{"Cache-Control": lifetime, "Vary": "Accept", "ETag": tag}, answer.Headers)
		assert.Empty(t, answer.Body)
		assert.Equal(t, "unchanged", line["outcome"])
		assert.EqualValues(t, 0, line["bytesIn"])
	}
	answer, _ := w.ask(http.MethodGet, w.task(), "if-none-match", `"other"`)
	assert.Equal(t, http.StatusFound, answer.StatusCode)
}

func TestHEADDecodesNothing(t *testing.T) {
	w := newWorld(t)
	file := asPNG(t, scene(64, 48))
	copy(file[len(file)/2:], "damaged") // which only decoding could find
	w.holds(file)
	get, _ := w.ask(http.MethodGet, w.task())
	require.Equal(t, http.StatusUnprocessableEntity, get.StatusCode)
	head, line := w.ask(http.MethodHead, w.task())
	assert.Equal(t, http.StatusOK, head.StatusCode)
	assert.Empty(t, head.Body)
	assert.Equal(t, typeWebP, head.Headers["Content-Type"])
	assert.Equal(t, "inspected", line["outcome"])

	w.holds(asJPEG(t, scene(64, 48)))
	get, _ = w.ask(http.MethodGet, w.task())
	head, _ = w.ask(http.MethodHead, w.task())
	assert.Equal(t, get.Headers, head.Headers, "HEAD says what GET does")
	w.holds(heic())
	head, _ = w.ask(http.MethodHead, w.task())
	assert.Equal(t, http.StatusFound, head.StatusCode)
}

func TestWhatIsNotTransformedIsThePhotoItself(t *testing.T) {
	w := newWorld(t)
	noise := image.NewNRGBA(image.Rect(0, 0, 1400, 1400))
	for i := range noise.Pix {
		noise.Pix[i] = uint8(rand.Uint32())
	}
	files := unsupported(t)
	files["a bomb"] = bomb(t, 30_000, 30_000)
	files["a result that is too large"] = asPNG(t, noise) // which has transparency
	for name, file := range files {
		w.holds(file)
		task := w.task()
		if strings.Contains(name, "result") {
			task.Variant, task.Format = variant.Variant{Width: 4096}, variant.Plain
		}
		answer, line := w.ask(http.MethodGet, task)
		assert.Equal(t, http.StatusFound, answer.StatusCode, name)
		want := map[string]string{"Location": testPhoto, "Cache-Control": lifetime, "Vary": "Accept"}
		assert.Equal(t, want, answer.Headers, name)
		assert.Empty(t, answer.Body)
		assert.Equal(t, "photo itself", line["outcome"])
		assert.NotEmpty(t, line["error"])
	}
}

func TestASourceIsReadUpToItsLimit(t *testing.T) {
	w := newWorld(t)
	task := w.task()
	task.Limits.Megabytes = 1
	file := asJPEG(t, scene(64, 48))
	padded := append(file, make([]byte, 1_000_000-len(file))...)
	w.holds(padded)
	answer, _ := w.ask(http.MethodGet, task)
	assert.Equal(t, http.StatusOK, answer.StatusCode)
	w.holds(append(padded, 0))
	answer, line := w.ask(http.MethodGet, task)
	assert.Equal(t, http.StatusFound, answer.StatusCode)
	assert.Contains(t, line["error"], "1000001 bytes", "it said so before")
	w.s3 = func(rw http.ResponseWriter, _ *http.Request) { // says nothing, and never ends
		for {
			if _, err := rw.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	}
	answer, _ = w.ask(http.MethodGet, task)
	assert.Equal(t, http.StatusFound, answer.StatusCode)
	w.s3 = func(rw http.ResponseWriter, _ *http.Request) { // says nothing, and is a picture
		rw.(http.Flusher).Flush()
		_, _ = rw.Write(padded)
	}
	answer, _ = w.ask(http.MethodGet, task)
	assert.Equal(t, http.StatusOK, answer.StatusCode)
	assert.NotContains(t, answer.Headers, "ETag", "there is none to make it of")
}

func TestABrokenSourceIs422(t *testing.T) {
	w := newWorld(t)
	file := asJPEG(t, scene(64, 48))
	for name, broken := range map[string][]byte{"cut off": file[:len(file)*2/3], "empty": {}} {
		w.holds(broken)
		answer, line := w.ask(http.MethodGet, w.task())
		assert.Equal(t, http.StatusUnprocessableEntity, answer.StatusCode, name)
		assert.Equal(t, "broken source", line["outcome"])
	}
}

func TestWhatS3SaysDecides(t *testing.T) {
	file := asJPEG(t, scene(64, 48))
	says := func(status int, xml string) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) {
			rw.WriteHeader(status)
			_, _ = rw.Write([]byte(xml))
		}
	}
	for name, c := range map[string]struct {
		s3   http.HandlerFunc
		want int
	}{
		"deleted meanwhile":                {says(404, `<Error><Code>NoSuchKey</Code></Error>`), 404},
		"deleted, to one who may not list": {says(403, `<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>`), 404},
		"a signature that has expired": {
			says(403, `<Error><Code>AccessDenied</Code><Expires>2026</Expires></Error>`), 503},
		"a signature that is wrong": {says(403, `<Error><Code>SignatureDoesNotMatch</Code></Error>`), 503},
		"a refusal without reasons": {says(403, ``), 503},
		"a failure":                 {says(500, `<Error><Code>InternalError</Code></Error>`), 503},
		"too many requests":         {says(503, `<Error><Code>SlowDown</Code></Error>`), 503},
		"a part of it":              {says(206, string(file)), 503},
		"fewer bytes than announced": {func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Length", strconv.Itoa(len(file)))
			_, _ = rw.Write(file[:len(file)/2])
		}, 503},
		"no answer": {func(rw http.ResponseWriter, _ *http.Request) {
			c, _, err := rw.(http.Hijacker).Hijack()
			if err == nil {
				c.Close()
			}
		}, 503},
		"an answer that does not come": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 503},
		"an answer that stops on the way": {func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Length", strconv.Itoa(len(file)))
			_, _ = rw.Write(file[:len(file)/2])
			rw.(http.Flusher).Flush()
			<-r.Context().Done()
		}, 503},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.s3 = c.s3
			w.handler.Source.Client.Timeout = 300 * time.Millisecond
			answer, line := w.ask(http.MethodGet, w.task())
			assert.Equal(t, c.want, answer.StatusCode)
			assert.Equal(t, c.want == 503, answer.Headers["Retry-After"] != "")
			assert.Equal(t, map[int]string{404: "gone", 503: "unavailable"}[c.want], line["outcome"])
			assert.Equal(t, map[int]string{404: "INFO", 503: "ERROR"}[c.want], line["level"])
		})
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	w := newWorld(t)
	w.s3 = func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, "/elsewhere", http.StatusTemporaryRedirect)
	}
	answer, _ := w.ask(http.MethodGet, w.task())
	assert.Equal(t, http.StatusServiceUnavailable, answer.StatusCode)
	assert.Equal(t, 1, w.reads)
}

func TestOnlyObjectsOfS3AreRead(t *testing.T) {
	w := newWorld(t)
	w.holds(asJPEG(t, scene(64, 48)))
	for _, source := range []string{
		"http://127.0.0.1:1/latest", "https://media.s3.eu-central-1.amazonaws.com/a",
		strings.Replace(w.url, "http", "https", 1) + "/a",
		w.url + ".evil.example/a", strings.Replace(w.url, "//", "//user@", 1) + "/a", "file:///etc/passwd", "http://[::1/",
	} {
		task := w.task()
		task.Source = source
		answer, line := w.ask(http.MethodGet, task)
		assert.Equal(t, http.StatusInternalServerError, answer.StatusCode, source)
		assert.Equal(t, "malformed request", line["outcome"])
	}
	assert.Zero(t, w.reads)

	aws := NewSource("")
	for source, want := range map[string]bool{
		"https://media-1.s3.eu-central-1.amazonaws.com/simple-chat/a.jpg?X-Amz-Signature=x": true,
		"http://media-1.s3.eu-central-1.amazonaws.com/a":                                    false,
		"https://media-1.s3.eu-central-1.amazonaws.com.evil.example/a":                      false,
		"https://media-1.s3.eu-central-1.amazonaws.com:8443/a":                              false,
		"https://user:pass@media-1.s3.eu-central-1.amazonaws.com/a":                         false,
		"https://s3.eu-central-1.amazonaws.com/media-1/a":                                   false,
		"https://ec2.eu-central-1.amazonaws.com/":                                           false,
		"https://169.254.169.254/latest/meta-data":                                          false,
		"https://evil.example/.s3.eu-central-1.amazonaws.com/":                              false,
		"https://evil.example#.s3.eu-central-1.amazonaws.com":                               false,
		"https://media-1.s3.eu-central-1.amazonaws.com\n.evil.example/":                     false,
	} {
		r, err := http.NewRequest(http.MethodGet, source, nil)
		assert.Equal(t, want, err == nil && aws.allows(r.URL), source)
	}
}

func TestALinkThatHasExpiredShowsNothing(t *testing.T) {
	w := newWorld(t)
	w.holds(asJPEG(t, scene(64, 48)))
	task := w.task()
	task.Expires = w.now
	answer, line := w.ask(http.MethodGet, task)
	assert.Equal(t, http.StatusForbidden, answer.StatusCode)
	assert.Equal(t, "expired", line["outcome"])
	assert.Zero(t, w.reads)

	w.now = w.now.Add(400 * time.Millisecond)
	task.Expires = w.now.Add(600 * time.Millisecond).Truncate(time.Second)
	answer, _ = w.ask(http.MethodGet, task)
	assert.Equal(t, http.StatusOK, answer.StatusCode, "a link shows its photo up to its last moment, so do its variants")
	assert.Equal(t, "public, max-age=0, s-maxage=0, stale-if-error=0", answer.Headers["Cache-Control"])

	w.now = w.now.Truncate(time.Second)
	task.Expires = w.now.Add(3 * time.Second)
	serve := w.s3
	w.s3 = func(rw http.ResponseWriter, r *http.Request) {
		w.now = w.now.Add(2 * time.Second) // and it is not even decoded
		serve(rw, r)
	}
	answer, _ = w.ask(http.MethodGet, task)
	assert.Equal(t, "public, max-age=1, s-maxage=1, stale-if-error=0", answer.Headers["Cache-Control"], "time has passed")
	task.Expires = w.now.Add(2 * time.Second)
	answer, _ = w.ask(http.MethodGet, task)
	assert.Equal(t, http.StatusForbidden, answer.StatusCode, "it ended while the picture was made")
	task.Expires = w.now.Add(2 * time.Second)
	w.handler.Now = func() time.Time { w.now = w.now.Add(600 * time.Millisecond); return w.now }
	w.s3 = func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write(heic()) }
	answer, _ = w.ask(http.MethodGet, task)
	assert.Equal(t, http.StatusForbidden, answer.StatusCode, "nor is there a redirect for no time")
}

func TestARequestThatIsNotTheEdgeFunctionsIsRefused(t *testing.T) {
	w := newWorld(t)
	w.holds(asJPEG(t, scene(64, 48)))
	for _, header := range []string{
		variant.HeaderVariant, variant.HeaderFormat, variant.HeaderExpires, variant.HeaderBrowser,
		variant.HeaderSource, variant.HeaderPhoto, variant.HeaderLimits,
	} {
		answer, line := w.ask(http.MethodGet, w.task(), header, "")
		assert.Equal(t, http.StatusInternalServerError, answer.StatusCode, header)
		assert.Contains(t, line["error"], header)
		assert.Equal(t, "ERROR", line["level"])
	}
	answer, _ := w.ask(http.MethodPost, w.task())
	assert.Equal(t, http.StatusInternalServerError, answer.StatusCode)
	assert.Zero(t, w.reads)
}

func TestAPanicCostsItsRequestOnly(t *testing.T) {
	w := newWorld(t)
	w.holds(asJPEG(t, scene(64, 48)))
	w.handler.Source.Client.Transport = panicking{}
	answer, line := w.ask(http.MethodGet, w.task())
	assert.Equal(t, http.StatusInternalServerError, answer.StatusCode)
	assert.Equal(t, "panic", line["outcome"])
	w.handler.Source = NewSource(w.url)
	answer, _ = w.ask(http.MethodGet, w.task())
	assert.Equal(t, http.StatusOK, answer.StatusCode)
}

type panicking struct{}

func (panicking) RoundTrip(*http.Request) (*http.Response, error) { panic("on purpose") }
