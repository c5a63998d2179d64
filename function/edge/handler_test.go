package edge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/mapping"
)

const (
	testHash   = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
	testBucket = "secure-media-cdn-dev-123456789012"
)

// testNow is not on a whole second, as the real clock never is.
var testNow = time.Unix(1_800_000_000, 400_000_000)

// bench is a handler on a fixed clock, what it looked up and what it logged.
type bench struct {
	*Handler
	looked []string
	opened []Config
	log    bytes.Buffer
}

func newBench(lookup Lookup) *bench {
	b := &bench{}
	b.Handler = &Handler{
		Open: func(c Config) Lookup {
			b.opened = append(b.opened, c)
			return func(ctx context.Context, hash string) (mapping.Mapping, string, error) {
				b.looked = append(b.looked, hash)
				return lookup(ctx, hash)
			}
		},
		Sign: func(_ context.Context, method string, o mapping.Object, region, overrides string, life time.Duration) (
			string, error) {
			return strings.Join([]string{"signed", method, o.String(), region, life.String(), overrides}, " "), nil
		},
		Now: func() time.Time { return testNow },
	}
	b.Log = slog.New(slog.NewJSONHandler(&b.log, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
	return b
}

// finds returns a Lookup that finds the object with so much life left.
func finds(object string, left time.Duration) Lookup {
	return func(_ context.Context, hash string) (mapping.Mapping, string, error) {
		o, err := mapping.ParseObject(object)
		return mapping.Mapping{Hash: hash, Object: o, ExpiresAt: testNow.Truncate(time.Second).Add(left)}, "eu-central-1", err
	}
}

func fails(err error) Lookup {
	return func(context.Context, string) (mapping.Mapping, string, error) { return mapping.Mapping{}, "", err }
}

// event returns the documented event with some fields of its request replaced.
func event(t *testing.T, request map[string]any) []byte {
	t.Helper()
	return eventOf(t, "origin-request", "s3", request)
}

// variantEvent is event for the behaviour of variants.
func variantEvent(t *testing.T, request map[string]any) []byte {
	t.Helper()
	return eventOf(t, "origin-request-variant", "custom", request)
}

func eventOf(t *testing.T, file, kind string, request map[string]any) []byte {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + file + ".json")
	require.NoError(t, err)
	var e map[string]any
	require.NoError(t, json.Unmarshal(raw, &e))
	r := e["Records"].([]any)[0].(map[string]any)["cf"].(map[string]any)["request"].(map[string]any)
	for k, v := range request {
		if headers, ok := v.(map[string]string); ok && k == "customHeaders" {
			custom := r["origin"].(map[string]any)[kind].(map[string]any)["customHeaders"].(map[string]any)
			for name, value := range headers {
				custom[name] = []any{map[string]any{"key": name, "value": value}}
			}
			continue
		}
		r[k] = v
	}
	out, err := json.Marshal(e)
	require.NoError(t, err)
	return out
}

// invoke returns the answer: a Response, and the answer's fields.
func (b *bench) invoke(t *testing.T, payload []byte) (Response, map[string]any) {
	t.Helper()
	out, err := b.Invoke(context.Background(), payload)
	require.NoError(t, err, "an error would make CloudFront answer by itself")
	var r Response
	var fields map[string]any
	require.NoError(t, json.Unmarshal(out, &fields))
	_ = json.Unmarshal(out, &r) // a request has headers of another shape only in detail
	return r, fields
}

func TestEachOutcomeHasItsAnswer(t *testing.T) {
	object := "s3://" + testBucket + "/simple-chat/photo.jpg"
	for _, tt := range []struct {
		name    string
		lookup  Lookup
		request map[string]any
		status  string
		log     string
	}{
		{"a hash without a mapping is not found", fails(mapping.ErrNotFound), nil, "404", "unknown"},
		{"a link is dead from the second of its expiry on", finds(object, 0), nil, "403", "expired"},
		{"a link that died long ago is expired", finds(object, -time.Hour), nil, "403", "expired"},
		{"an item that is no mapping is an error", fails(mapping.ErrCorrupt), nil, "500", "corrupt"},
		{"a mapping to another bucket is an error", finds("s3://other/photo.jpg", time.Hour), nil, "500", "wrong bucket"},
		{"a dead mapping to another bucket is just expired", finds("s3://other/photo.jpg", 0), nil, "403", "expired"},
		{"a store that does not answer is unavailable", fails(context.DeadlineExceeded), nil, "503", "unavailable"},
		{"any other failure is unavailable", fails(errors.New("boom")), nil, "503", "unavailable"},
		{"a live link is redirected in redirect delivery", finds(object, time.Hour),
			map[string]any{"customHeaders": map[string]string{"x-media-delivery": "redirect"}}, "302", "redirected"},
		{"an expired link is refused in redirect delivery too", finds(object, 0),
			map[string]any{"customHeaders": map[string]string{"x-media-delivery": "redirect"}}, "403", "expired"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(tt.lookup)
			r, _ := b.invoke(t, event(t, tt.request))
			assert.Equal(t, tt.status, r.Status)
			assert.Contains(t, r.Headers.get("cache-control"), "no-store", "no answer of ours may be held")
			assert.Equal(t, []string{testHash}, b.looked)
			if tt.status == "503" {
				assert.NotEmpty(t, r.Headers.get("retry-after"))
			}
			assert.NotContains(t, r.Body, "photo", "the viewer must not learn the key")
			assert.NotContains(t, r.Body, "s3", "nor the bucket")

			var line map[string]any
			require.NoError(t, json.Unmarshal(b.log.Bytes(), &line), "one line: %s", &b.log)
			assert.Equal(t, tt.log, line["outcome"])
			assert.Equal(t, testHash[:8], line["hash"])
			assert.Contains(t, line, "ms")
			assert.Contains(t, line, "region")
			assert.NotContains(t, b.log.String(), "photo", "no key in the log")
			assert.NotContains(t, b.log.String(), testHash, "a whole hash is a working link")
			assert.NotContains(t, b.log.String(), "signed", "no signed URL in the log")
		})
	}
}

func TestALiveLinkGoesToTheOriginUnchangedButForPathAndQuery(t *testing.T) {
	for _, file := range []string{"testdata/origin-request.json", "testdata/origin-request-minimal.json"} {
		t.Run(file, func(t *testing.T) {
			raw, err := os.ReadFile(file)
			require.NoError(t, err)
			raw = bytes.ReplaceAll(raw, []byte(`"redirect"`), []byte(`"origin"`))
			raw = bytes.ReplaceAll(raw, []byte(`"media"`), []byte(`"`+testBucket+`"`))
			b := newBench(finds("s3://"+testBucket+"/simple-chat/a photo+1.jpg", 600*time.Second))
			_, got := b.invoke(t, raw)

			var e map[string]any
			require.NoError(t, json.Unmarshal(raw, &e))
			want := e["Records"].([]any)[0].(map[string]any)["cf"].(map[string]any)["request"].(map[string]any)
			want["uri"] = "/simple-chat/a%20photo%2B1.jpg"
			want["querystring"] = "response-cache-control=public%2C%20max-age%3D599%2C%20s-maxage%3D599%2C%20stale-if-error%3D0"
			assert.Equal(t, want, got)
		})
	}
}

func TestNumbersAndUnknownFieldsOfTheEventStayAsTheyCame(t *testing.T) {
	raw, err := os.ReadFile("testdata/origin-request-minimal.json")
	require.NoError(t, err)
	raw = bytes.ReplaceAll(raw, []byte(`"redirect"`), []byte(`"origin"`))
	b := newBench(finds("s3://media/a", time.Hour))
	out, err := b.Invoke(context.Background(), raw)
	require.NoError(t, err)
	assert.Contains(t, string(out), `"aFieldOfNextYear":{"kept": [1, 2.50, "<&>"]}`)
}

func TestFieldsOfAnyNameAndAMissingQueryStringMakeAWholeAnswer(t *testing.T) {
	raw := event(t, map[string]any{"an odd \"name\"\n": []any{1.5, nil}, "ü": true})
	raw = bytes.Replace(raw, []byte(`"querystring":"",`), nil, 1)
	b := newBench(finds("s3://"+testBucket+"/a", time.Hour))
	_, got := b.invoke(t, raw)
	assert.Equal(t, []any{1.5, nil}, got["an odd \"name\"\n"])
	assert.Equal(t, true, got["ü"])
	assert.Equal(t, "/a", got["uri"])
	assert.Contains(t, got["querystring"], "s-maxage", "without it a cache would outlive the link")
}

func TestNoCacheOutlivesTheLink(t *testing.T) {
	for _, tt := range []struct {
		name            string
		browser         string // x-media-browser-cache
		left            time.Duration
		maxAge, sMaxAge string
	}{
		{"a browser keeps a new link's copy as long as it may", "86400", 30 * 24 * time.Hour, "86400", "2591999"},
		{"and no longer, while the edge keeps it for the link's life", "60", time.Hour, "60", "3599"},
		{"or not at all", "0", time.Hour, "0", "3599"},
		{"but never longer than the link lives", "86400", time.Hour, "3599", "3599"},
		{"what is left is rounded down", "86400", 100 * time.Second, "99", "99"},
		{"in the last second nothing may be kept", "86400", time.Second, "0", "0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(finds("s3://"+testBucket+"/a", tt.left))
			_, got := b.invoke(t, event(t, map[string]any{
				"customHeaders": map[string]string{"x-media-browser-cache": tt.browser}}))
			assert.Equal(t,
				"response-cache-control=public%2C%20max-age%3D"+tt.maxAge+"%2C%20s-maxage%3D"+tt.sMaxAge+"%2C%20stale-if-error%3D0",
				got["querystring"])
		})
	}
}

func TestALinkIsServedUntilItsEndAlsoWhenItIsRevalidated(t *testing.T) {
	revalidation := map[string]any{"headers": map[string]any{"if-none-match": []any{map[string]any{"key": "If-None-Match",
		"value": "x"}}}}
	for left, status := range map[time.Duration]any{time.Second: nil, 0: "403"} {
		b := newBench(finds("s3://"+testBucket+"/a", left))
		_, got := b.invoke(t, event(t, revalidation))
		assert.Equal(t, status, got["status"], left)
	}
}

func TestARedirectNeverOutlivesTheLink(t *testing.T) {
	redirect := map[string]any{"method": "HEAD",
		"customHeaders": map[string]string{"x-media-delivery": "redirect", "x-media-signature-ttl": "300"}}
	for _, tt := range []struct {
		name string
		left time.Duration
		life string
	}{
		{"a long life is cut to the signature's", time.Hour, "5m0s"},
		{"a short life cuts the signature's", 100 * time.Second, "1m40s"},
		{"the last second is a whole one to the signature", time.Second, "1s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(finds("s3://"+testBucket+"/a", tt.left))
			r, _ := b.invoke(t, event(t, redirect))
			assert.Equal(t, "302", r.Status)
			assert.Equal(t, "private, no-store", r.Headers.get("cache-control"))
			assert.Equal(t, "signed HEAD s3://"+testBucket+"/a eu-central-1 "+tt.life,
				withoutOverrides(r.Headers.get("location")))
			assert.Empty(t, r.Body)
		})
	}
}

// withoutOverrides returns what the bench's Sign says before the overrides.
func withoutOverrides(signed string) string { return signed[:strings.LastIndexByte(signed, ' ')] }

func TestASigningFailureIsAnErrorThatShowsNothing(t *testing.T) {
	for name, payload := range map[string][]byte{
		"redirect": event(t, map[string]any{"customHeaders": map[string]string{"x-media-delivery": "redirect"}}),
		"variant":  variantEvent(t, nil),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(finds("s3://"+testBucket+"/a", time.Hour))
			b.Sign = func(context.Context, string, mapping.Object, string, string, time.Duration) (string, error) {
				return "", errors.New("no credentials")
			}
			r, _ := b.invoke(t, payload)
			assert.Equal(t, "500", r.Status)
			assert.Equal(t, "no-store", r.Headers.get("cache-control"))
			assert.Contains(t, b.log.String(), `"outcome":"failed"`)
			assert.Contains(t, b.log.String(), "no credentials")
		})
	}
}

// hostilePaths are paths that are no link. None may reach the table: lookups that
// anybody can cause for free would run up the owner's bill.
var hostilePaths = []string{
	"", "/", "/images", "/images/", "/images//" + testHash, "//images/" + testHash, "/images/" + testHash + "/",
	"/images/" + testHash + "/x", "/images/" + testHash + "/Download", "/images/" + testHash + "//download",
	"/images/" + testHash + "/download/", "/images/" + testHash + "%2Fdownload", "/images/" + testHash + "/w320",
	"/images/" + testHash + "/download?x", "/images/" + testHash + "/./download", "/images/" + testHash + "/down%6Coad",
	"/images/" + testHash + "?x", "/images/" + testHash + "#", "/images/" + testHash[1:], "/images/" + testHash + "A",
	"/images/../images/" + testHash,
	"/images/./" + testHash, "/Images/" + testHash, "/images/%41" + testHash[1:], "/images/" + testHash[:31] + "=",
	"/images/" + testHash[:31] + "+",
	"/images/" + testHash[:31] + "é", "/images/" + testHash[:31] + "\x00", "/images/" + testHash[:30] + "%2",
	"/images%2F" + testHash, "/simple-chat/photo.jpg",
	"/" + testHash, "images/" + testHash, "/images/object#" + testHash[7:], "/images/" + strings.Repeat("A", 8000),
	"/favicon.ico", "/robots.txt",
}

func TestAPathThatIsNoLinkIsNotFoundWithoutALookup(t *testing.T) {
	for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
		for _, path := range hostilePaths {
			b := newBench(finds("s3://"+testBucket+"/a", time.Hour))
			r, _ := b.invoke(t, event(t, map[string]any{"uri": path, "method": method}))
			assert.Equal(t, "404", r.Status, "%s %s", method, path)
			assert.Empty(t, b.looked, path)
			assert.Empty(t, b.log.String(), "guesses must not fill the log")
		}
	}
}

func TestAPreflightIsAnsweredWithoutALookup(t *testing.T) {
	b := newBench(fails(errors.New("must not be asked")))
	r, _ := b.invoke(t, event(t, map[string]any{"method": "OPTIONS"}))
	assert.Equal(t, "204", r.Status)
	assert.Empty(t, b.looked)
}

func TestAMalformedEventIsAnErrorAndTheProcessLivesOn(t *testing.T) {
	documented := string(event(t, nil))
	for name, payload := range map[string]string{
		"nothing":    ``,
		"not JSON":   `{"Records":[`,
		"null":       `null`,
		"an array":   `[]`,
		"no records": `{"Records":[]}`,
		"two records": `{"Records":[{"cf":{"request":{"method":"GET","uri":"/","querystring":"",` +
			`"origin":{}}}},{"cf":{"request":{"method":"GET","uri":"/","querystring":"","origin":{}}}}]}`,
		"no request":                 `{"Records":[{"cf":{"config":{"eventType":"origin-request"}}}]}`,
		"a request that is a string": `{"Records":[{"cf":{"request":"GET /"}}]}`,
		"a path that is a number": `{"Records":[{"cf":{"request":{"method":"GET","uri":7,"querystring":"",` +
			`"origin":{}}}}]}`,
		"no path":                        strings.Replace(documented, `"uri"`, `"url"`, 1),
		"an origin of another kind":      strings.Replace(documented, `"s3":`, `"vpc":`, 1),
		"an origin of both kinds":        strings.Replace(documented, `"s3":`, `"custom":{},"s3":`, 1),
		"the viewer-request event":       strings.Replace(documented, `"origin-request"`, `"viewer-request"`, 1),
		"an event of another service":    `{"version":"2.0","routeKey":"$default","rawPath":"/"}`,
		"a deep nest":                    strings.Repeat("[", 20000) + strings.Repeat("]", 20000),
		"custom headers of another kind": strings.Replace(documented, `"customHeaders":{`, `"customHeaders":[{`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(finds("s3://"+testBucket+"/a", time.Hour))
			r, _ := b.invoke(t, []byte(payload))
			assert.Equal(t, "500", r.Status)
			assert.Equal(t, "no-store", r.Headers.get("cache-control"))
			assert.NotEmpty(t, b.log.String())
			assert.Empty(t, b.looked)
		})
	}
}

func TestAPanicIsAnErrorAndTheProcessLivesOn(t *testing.T) {
	b := newBench(func(context.Context, string) (mapping.Mapping, string, error) { panic("boom") })
	r, _ := b.invoke(t, event(t, nil))
	assert.Equal(t, "500", r.Status)
	assert.Contains(t, b.log.String(), "boom")
	assert.Contains(t, b.log.String(), "handler.go", "with its stack")
}

func TestATableIsOpenedOnceWhicheverOriginsNameIt(t *testing.T) {
	b := newBench(finds("s3://"+testBucket+"/a", time.Hour))
	other := map[string]any{"customHeaders": map[string]string{"x-media-table": "other"}}
	replicated := map[string]any{"customHeaders": map[string]string{"x-media-regions": "eu-central-1,us-east-1"}}
	photo, size := event(t, nil), variantEvent(t, nil)
	for _, payload := range [][]byte{
		photo, size, photo, size, size, photo,
		event(t, other), variantEvent(t, other), event(t, other), event(t, replicated),
	} {
		_, got := b.invoke(t, payload)
		require.NotContains(t, got, "status")
	}
	require.Len(t, b.opened, 3)
	assert.Equal(t, "mappings", b.opened[0].Table)
	assert.Equal(t, "other", b.opened[1].Table)
	assert.Equal(t, []string{"eu-central-1", "us-east-1"}, b.opened[2].Regions)
	assert.Len(t, b.looked, 10)
	assert.Len(t, *b.deployed.Load(), maxDeployments, "origins of the past are forgotten")
}

func TestBadConfigurationIsAnErrorThatNamesEachHeader(t *testing.T) {
	for name, headers := range map[string]map[string]string{
		"x-media-table":         {"x-media-table": ""},
		"x-media-regions":       {"x-media-regions": "eu-central-1,"},
		"x-media-bucket":        {"x-media-bucket": ""},
		"x-media-bucket-region": {"x-media-bucket-region": ""},
		"x-media-delivery":      {"x-media-delivery": "carrier pigeon"},
		"x-media-signature-ttl": {"x-media-signature-ttl": "0"},
		"x-media-browser-cache": {"x-media-browser-cache": "-1"},
		"x-media-viewer-cache":  {"x-media-viewer-cache": "long"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(finds("s3://"+testBucket+"/a", time.Hour))
			r, _ := b.invoke(t, event(t, map[string]any{"customHeaders": headers}))
			assert.Equal(t, "500", r.Status)
			assert.Contains(t, b.log.String(), name)
			assert.Empty(t, b.looked)
		})
	}
	for name, value := range map[string]string{
		"no variants": "", "what is no set": "w320", "a reserved name": "download:width=1",
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(finds("s3://"+testBucket+"/a", time.Hour))
			r, _ := b.invoke(t, variantEvent(t, map[string]any{"customHeaders": map[string]string{HeaderVariants: value}}))
			assert.Equal(t, "500", r.Status)
			assert.Contains(t, b.log.String(), HeaderVariants)
			assert.Empty(t, b.looked)
		})
	}
	_, err := parseConfig(origin{images: true})
	for _, name := range []string{HeaderTable, HeaderRegions, HeaderBucket, HeaderBucketRegion, HeaderDelivery,
		HeaderBrowserCache, HeaderViewerCache, HeaderVariants} {
		assert.ErrorContains(t, err, name+" is missing")
	}
	for _, ttl := range []string{"3601", "-1", "1.5", "five", "9223372036854775807"} {
		_, err := parseConfig(origin{customHeaders: Headers{HeaderSignatureTTL: {{Value: ttl}}}})
		assert.ErrorContains(t, err, HeaderSignatureTTL, ttl)
	}
}

func BenchmarkInvoke(b *testing.B) {
	raw, err := os.ReadFile("testdata/origin-request.json")
	require.NoError(b, err)
	h := newBench(finds("s3://"+testBucket+"/simple-chat/photo.jpg", time.Hour))
	h.Log = slog.New(slog.DiscardHandler)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Invoke(context.Background(), raw); err != nil {
			b.Fatal(err)
		}
		h.looked = h.looked[:0]
	}
}
