package local

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/edge"
	"secure-media-cdn/function/images"
	"secure-media-cdn/function/images/library"
	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/mapping/mappingtest"
	"secure-media-cdn/function/seal"
	"secure-media-cdn/function/seal/sealtest"
	"secure-media-cdn/function/variant"
	"secure-media-cdn/infra/local/cloudfront"
	"secure-media-cdn/infra/local/cloudfront/distribution"
	"secure-media-cdn/infra/local/cloudfrontjs"
)

// worldConfig has variants, and a service whose viewers need tickets, which may
// come in every way.
var worldConfig = map[string]string{
	"imageVariants": `{"w8":{"width":8},"square":{"width":6,"height":6,"fit":"cover"},"blur":{"width":4,"quality":30}}`,
	"services": `[{"name":"simple-chat","access":"private"},` +
		`{"name":"discussion","access":"private","viewers":"ticket"}]`,
	"viewerCarriers": `["bearer","query","cookie"]`, "viewerCookieDomain": "example.com",
	"aliases": `["media.example.com"]`, "hostedZoneId": "Z0123456789ABCDEFGHIJ",
	"viewerCacheSeconds": strconv.Itoa(int(worldViewerCache / time.Second)),
}

const (
	worldViewerCache  = 2 * time.Minute
	worldBrowserCache = 24 * time.Hour // by default
)

// world is the whole product in one process on a clock that can be turned: the
// issuer, a real table, the handlers of the edge function and of the images
// function with libvips, the gate and the local edge, joined as the Pulumi program
// says. Only S3 is a stand-in, since a real server refuses signatures of another
// time.
type world struct {
	t          *testing.T
	edge       *cloudfront.Server
	issuer     *issue.Issuer
	store      *cloudfrontjs.MapStore // the gate's
	generation int                    // of the key that seals
	key        seal.Key
	images     *images.Handler
	variants   map[string]variant.Variant
	limits     variant.Limits
	runs       atomic.Int64 // of the edge function
	transforms atomic.Int64 // runs of the images function

	mu      sync.Mutex
	now     time.Time
	objects map[string]bool // by key
}

// engine opens libvips once.
var engine = sync.OnceValues(func() (*images.Engine, error) {
	path, err := library.Install("../..")
	if err != nil {
		return nil, err
	}
	return images.Open(path)
})

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: time.Unix(1_800_000_000, 0), objects: map[string]bool{}}
	doc, _, err := evaluate("../..", Options{Stack: "dev", Config: worldConfig}, nil)
	require.NoError(t, err)
	table := mappingtest.Table(t, mappingtest.Engine(t), nil)
	s3 := httptest.NewServer(http.HandlerFunc(w.serveObject))
	t.Cleanup(s3.Close)
	function := httptest.NewServer(http.HandlerFunc(w.serveImages))
	t.Cleanup(function.Close)
	keys := aws.Credentials{AccessKeyID: "local", SecretAccessKey: "locallocal"}

	handler := &edge.Handler{
		Open: func(edge.Config) edge.Lookup {
			return func(ctx context.Context, hash string) (mapping.Mapping, string, error) {
				m, err := table.Get(ctx, hash)
				return m, "eu-central-1", err
			}
		},
		Sign: edge.NewPresigner(keys, s3.URL, w.time).Sign,
		Now:  w.time, Log: slog.New(slog.DiscardHandler),
	}
	libvips, err := engine()
	require.NoError(t, err)
	w.images = &images.Handler{Engine: libvips, Source: images.NewSource(s3.URL), Now: w.time,
		Log: slog.New(slog.DiscardHandler)}
	d, err := distribution.Read(doc)
	require.NoError(t, err)
	options := cloudfront.Options{
		Distribution: d, Now: w.time, Functions: map[string]cloudfront.Function{},
		Lambdas: map[string]cloudfront.Lambda{}, S3: cloudfront.S3{Endpoint: s3.URL, Credentials: keys},
		URLs: cloudfront.Functions{URLs: map[string]string{}, Credentials: keys},
	}
	for _, f := range doc.ByType("aws:lambda/function:Function") {
		options.Lambdas[f.Outputs["qualifiedArn"].(string)] = func(ctx context.Context, event []byte) ([]byte, error) {
			w.runs.Add(1)
			w.holdsNoTicket(string(event))
			return handler.Invoke(ctx, event)
		}
	}
	for _, b := range d.Behaviours {
		if o := b.Origin; o.URL != nil {
			options.URLs.URLs[o.Domain] = function.URL
			w.configure(o)
		}
	}
	w.store = &cloudfrontjs.MapStore{}
	w.issuer = &issue.Issuer{
		Store: table, CDN: w, Objects: w, Bucket: doc.Outputs["mediaBucket"].(string), BaseURL: "http://cdn.test",
		Services: issue.Services{"simple-chat": issue.ByLink, "discussion": issue.ByTicket},
		TTL:      30 * 24 * time.Hour, RenewBefore: 24 * time.Hour, Now: w.time,
		Pause: func(context.Context, time.Duration) error { return nil },
	}
	w.rotate(1)
	for _, f := range doc.ByType("aws:cloudfront/function:Function") {
		function, err := cloudfrontjs.New(f.Inputs["code"].(string), w.store, cloudfrontjs.WithClock(w.time),
			cloudfrontjs.WithLog(io.Discard), cloudfrontjs.WithLimit(time.Minute)) // the machine may be busy
		require.NoError(t, err)
		options.Functions[f.Outputs["arn"].(string)] = function
	}
	w.edge, err = cloudfront.New(options)
	require.NoError(t, err)
	return w
}

// configure reads what the distribution tells of variants.
func (w *world) configure(o *distribution.Origin) {
	for _, h := range o.CustomHeaders {
		var err error
		switch h.Name {
		case edge.HeaderVariants:
			w.variants, err = variant.ParseSet(h.Value)
		case variant.HeaderLimits:
			w.limits, err = variant.ParseLimits(h.Value)
		}
		require.NoError(w.t, err)
	}
	require.Len(w.t, w.variants, 3)
}

// rotate has the issuer seal with a generation, and the store hold it and its
// neighbours, as the program says.
func (w *world) rotate(generation int) {
	w.t.Helper()
	config := maps.Clone(worldConfig)
	config["linkKeyGeneration"] = strconv.Itoa(generation)
	doc, _, err := evaluate("../..", Options{Stack: "dev", Config: config}, nil)
	require.NoError(w.t, err)
	registered := map[string]bool{}
	for _, entry := range doc.ByType("aws:cloudfront/keyvaluestoreKey:KeyvaluestoreKey") {
		name := entry.Inputs["key"].(string)
		registered[name] = true
		if _, there := w.store.Get(name); !there { // it keeps the value that it was made with
			w.store.Put(name, entry.Inputs["value"].(string))
		}
	}
	for name := range w.store.All() {
		if strings.HasPrefix(name, seal.KeyPrefix) && !registered[name] {
			w.store.Delete(name)
		}
	}
	value, _ := w.store.Get(seal.KeyEntry(generation))
	w.key, err = seal.NewKey(generation, value)
	require.NoError(w.t, err)
	w.generation = generation
	w.issuer.Hashes = sealtest.Hashes{Key: w.key, Audiences: w.audiences(), Random: rand.Reader}
}

// audiences is the key of the audiences' names, which no rotation changes.
func (w *world) audiences() seal.AudienceKey {
	w.t.Helper()
	value, _ := w.store.Get(seal.AudienceEntry)
	key, err := seal.NewAudienceKey(value)
	require.NoError(w.t, err)
	return key
}

// Revoke implements issue.CDN with the gate's list alone: nothing is invalidated.
func (w *world) Revoke(_ context.Context, hashes map[string]time.Time) error {
	for hash, expires := range hashes {
		w.store.Put(seal.RevocationEntry(hash), fmt.Sprint(expires.Unix()))
	}
	return nil
}

// Look implements issue.Objects. No object is ever replaced here.
func (w *world) Look(_ context.Context, o mapping.Object) (issue.Sight, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.objects[o.Key] {
		return issue.Sight{}, nil
	}
	return issue.Sight{Content: "1"}, nil
}

// Forget implements issue.CDN.
func (w *world) Forget(context.Context, []string, string) error {
	return errors.New("nothing is replaced")
}

// Withdraw implements issue.CDN. There is no public service here.
func (w *world) Withdraw(context.Context, map[string]string) error {
	return errors.New("nothing is public")
}

func (w *world) time() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) upload(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.objects[key] = true
}

// photo returns the photo of a key: 16 × 12 pixels of a colour of its own, or a
// text, of which there are no variants.
func photo(key string) []byte {
	if strings.HasSuffix(key, ".txt") {
		return []byte("no picture: " + key)
	}
	sum := md5.Sum([]byte(key))
	m := image.NewNRGBA(image.Rect(0, 0, 16, 12))
	draw.Draw(m, m.Bounds(), image.NewUniform(color.NRGBA{sum[0], sum[1], sum[2], 255}), image.Point{}, draw.Src)
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// kindOf is the type with which the photo of a key was uploaded.
func kindOf(key string) string {
	if strings.HasSuffix(key, ".txt") {
		return "text/plain"
	}
	return "image/png"
}

// picture returns what a photo's variant must be, byte for byte, and its type.
func (w *world) picture(key, name string, format variant.Format) ([]byte, string) {
	w.t.Helper()
	p, err := w.images.Engine.Transform(photo(key), w.variants[name], format, w.limits)
	require.NoError(w.t, err)
	return p.Bytes, p.Type
}

// serveObject does what S3 does with a signed GET: the headers asked for come
// with 200, not with 304.
func (w *world) serveObject(rw http.ResponseWriter, r *http.Request) {
	w.holdsNoTicket(fmt.Sprint(r.URL, r.Header))
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	w.mu.Lock()
	exists := w.objects[key]
	w.mu.Unlock()
	tag := fmt.Sprintf(`"%x"`, md5.Sum([]byte(key)))
	query := r.URL.Query()
	switch {
	case !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ") && !w.presigned(query):
		rw.WriteHeader(http.StatusForbidden)
	case !exists:
		rw.WriteHeader(http.StatusForbidden)
		fmt.Fprint(rw, "<Error><Code>AccessDenied</Code></Error>")
	case r.Header.Get("If-None-Match") == tag:
		rw.Header().Set("ETag", tag)
		rw.WriteHeader(http.StatusNotModified)
	default:
		rw.Header().Set("ETag", tag)
		rw.Header().Set("Content-Type", kindOf(key))
		for _, name := range []string{"Cache-Control", "Content-Disposition"} {
			if value := query.Get("response-" + strings.ToLower(name)); value != "" {
				rw.Header().Set(name, value)
			}
		}
		_, _ = rw.Write(photo(key))
	}
}

// presigned reports whether a signed URL is good now.
func (w *world) presigned(query url.Values) bool {
	signed, err := time.Parse("20060102T150405Z", query.Get("X-Amz-Date"))
	life, err2 := strconv.Atoi(query.Get("X-Amz-Expires"))
	return err == nil && err2 == nil && query.Get("X-Amz-Signature") != "" && life <= 60 &&
		w.time().Before(signed.Add(time.Duration(life)*time.Second))
}

// serveImages is the images function behind its URL.
func (w *world) serveImages(rw http.ResponseWriter, r *http.Request) {
	w.transforms.Add(1)
	w.holdsNoTicket(fmt.Sprint(r.URL, r.Header))
	assert.Equal(w.t, "/", r.RequestURI)
	assert.True(w.t, strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 "))
	event := events.LambdaFunctionURLRequest{Headers: map[string]string{}}
	event.RequestContext.HTTP.Method = r.Method
	for name, values := range r.Header {
		event.Headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	answer, err := w.images.Handle(r.Context(), event)
	assert.NoError(w.t, err)
	for name, value := range answer.Headers {
		rw.Header().Set(name, value)
	}
	rw.WriteHeader(answer.StatusCode)
	body := []byte(answer.Body)
	if answer.IsBase64Encoded {
		body, err = base64.StdEncoding.DecodeString(answer.Body)
		assert.NoError(w.t, err)
	}
	_, _ = rw.Write(body)
}

// holdsNoTicket checks what is seen behind the gate.
func (w *world) holdsNoTicket(request string) {
	request = strings.ToLower(request)
	for _, part := range []string{"ticket", "bearer", "cookie", strings.ToLower(seal.TicketCookie)} {
		if strings.Contains(request, part) {
			w.t.Errorf("a request behind the gate has a %s: %s", part, request)
		}
	}
}

// ask makes a request, with headers in pairs.
func (w *world) ask(method, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Add(pair[0], pair[1])
	}
	rec := httptest.NewRecorder()
	w.edge.ServeHTTP(rec, r)
	return rec
}

func (w *world) get(path string, headers ...string) *httptest.ResponseRecorder {
	return w.ask(http.MethodGet, path, headers...)
}
