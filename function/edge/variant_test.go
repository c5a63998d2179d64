package edge

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/seal"
	"secure-media-cdn/function/seal/sealtest"
	"secure-media-cdn/function/variant"
)

// boundHash returns the hash of a link that asks for a ticket.
func boundHash(t *testing.T) string {
	t.Helper()
	hash, err := sealtest.Key(t, 1).Seal(seal.Claims{ExpiresAt: testNow.Add(time.Hour), Policy: seal.PolicyTicket},
		strings.NewReader("random"))
	require.NoError(t, err)
	return hash
}

// sentOn returns the headers of a request that goes on to the images function,
// as the function's event shows them.
func sentOn(t *testing.T, answer map[string]any) map[string]string {
	t.Helper()
	require.NotContains(t, answer, "status")
	headers := map[string]string{}
	for name, values := range answer["headers"].(map[string]any) {
		headers[name] = values.([]any)[0].(map[string]any)["value"].(string)
	}
	custom := answer["origin"].(map[string]any)["custom"].(map[string]any)["customHeaders"].(map[string]any)
	for name, values := range custom {
		headers[name] = values.([]any)[0].(map[string]any)["value"].(string)
	}
	return headers
}

func TestALiveVariantGoesToTheImagesFunctionWithItsTask(t *testing.T) {
	for _, tt := range []struct {
		name, accept string
		format       variant.Format
	}{
		{"a viewer of AVIF", "image/avif", variant.AVIF},
		{"a viewer of WebP", "image/webp", variant.WebP},
		{"any other viewer", "*/*", variant.Plain},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(finds("s3://"+testBucket+"/simple-chat/photo.jpg", time.Hour))
			accept := map[string]any{"accept": []any{map[string]any{"key": "Accept", "value": tt.accept}}}
			_, got := b.invoke(t, variantEvent(t, map[string]any{"headers": accept}))

			task, err := variant.ParseTask(sentOn(t, got))
			require.NoError(t, err, "the images function must understand it")
			assert.Equal(t, variant.Task{
				Variant: variant.Variant{Width: 320}, Format: tt.format,
				Expires: testNow.Truncate(time.Second).Add(time.Hour), Browser: 24 * time.Hour,
				Source: "signed GET s3://" + testBucket + "/simple-chat/photo.jpg eu-central-1 1m0s ",
				Photo:  "/images/" + testHash, Limits: variant.Limits{Megapixels: 100, Megabytes: 50, Frames: 60},
			}, task)
			assert.Contains(t, b.log.String(), `"variant":"w320"`)
			assert.Contains(t, b.log.String(), `"outcome":"served"`)
			assert.NotContains(t, b.log.String(), "photo.jpg")
			assert.NotContains(t, b.log.String(), "signed")
		})
	}
}

func TestARequestForAVariantChangesInPathQueryAndTheTasksHeadersOnly(t *testing.T) {
	payload := variantEvent(t, map[string]any{
		"querystring": "ticket=x", "aFieldOfNextYear": []any{1.5},
		"headers": map[string]any{
			"accept": []any{map[string]any{"key": "Accept", "value": "*/*"}},
			"if-none-match": []any{map[string]any{"key": "If-None-Match", "value": `"x"`},
				map[string]any{"value": "<second>"}},
			// A viewer's own, should CloudFront ever be told to forward it.
			variant.HeaderSource: []any{map[string]any{"value": "https://evil.example/"}},
		},
	})
	b := newBench(finds("s3://"+testBucket+"/a", time.Hour))
	_, got := b.invoke(t, payload)
	sent := sentOn(t, got)

	var e map[string]any
	require.NoError(t, json.Unmarshal(payload, &e))
	want := e["Records"].([]any)[0].(map[string]any)["cf"].(map[string]any)["request"].(map[string]any)
	want["uri"], want["querystring"] = "/", ""
	for name := range (variant.Task{}).Headers() {
		require.Contains(t, sent, name)
		want["headers"].(map[string]any)[name] = []any{map[string]any{"key": name, "value": sent[name]}}
	}
	assert.Equal(t, want, got)
	assert.True(t, strings.HasPrefix(sent[variant.HeaderSource], "signed GET"), "it is not the viewer's")
}

func TestTheImagesFunctionReadsWithGetAlsoForHEAD(t *testing.T) {
	b := newBench(finds("s3://"+testBucket+"/a", time.Hour))
	_, got := b.invoke(t, variantEvent(t, map[string]any{"method": "HEAD"}))
	assert.Equal(t, "HEAD", got["method"])
	assert.True(t, strings.HasPrefix(sentOn(t, got)[variant.HeaderSource], "signed GET"))
}

func TestTheImagesFunctionsURLNeverOutlivesTheLink(t *testing.T) {
	for left, life := range map[time.Duration]string{
		time.Hour: "1m0s", 61 * time.Second: "1m0s", 59 * time.Second: "59s", time.Second: "1s",
	} {
		for _, signatureTTL := range []string{"300", "1"} {
			b := newBench(finds("s3://"+testBucket+"/a", left))
			_, got := b.invoke(t, variantEvent(t, map[string]any{
				"customHeaders": map[string]string{HeaderSignatureTTL: signatureTTL}}))
			sent := sentOn(t, got)
			assert.Equal(t, life, strings.Fields(sent[variant.HeaderSource])[4], "redirect delivery's life is another one")
			assert.Equal(t, fmt.Sprint(testNow.Truncate(time.Second).Add(left).Unix()), sent[variant.HeaderExpires])
		}
	}
}

func TestEveryFormOfALinkIsRefusedAsThePhotoIs(t *testing.T) {
	object := "s3://" + testBucket + "/simple-chat/photo.jpg"
	download := func(t *testing.T) []byte {
		return event(t, map[string]any{"uri": "/images/" + testHash + "/download"})
	}
	for name, lookup := range map[string]Lookup{
		"unknown":       fails(mapping.ErrNotFound),
		"expired":       finds(object, 0),
		"corrupt":       fails(mapping.ErrCorrupt),
		"wrong bucket":  finds("s3://other/photo.jpg", time.Hour),
		"table failing": fails(context.DeadlineExceeded),
	} {
		t.Run(name, func(t *testing.T) {
			photo := newBench(lookup)
			want, _ := photo.invoke(t, event(t, nil))
			require.NotEmpty(t, want.Status)
			for form, payload := range map[string][]byte{"w320": variantEvent(t, nil), "download": download(t)} {
				b := newBench(lookup)
				got, _ := b.invoke(t, payload)
				assert.Equal(t, want, got, form)
				assert.Equal(t, []string{testHash}, b.looked)
				assert.Equal(t, strings.Replace(photo.log.String(), `"variant":""`, `"variant":"`+form+`"`, 1),
					b.log.String(), "one line, with the form that was asked for")
			}
		})
	}
}

func TestWhatAnOriginDoesNotServeIsNotFoundWithoutALookup(t *testing.T) {
	for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
		for _, tt := range []struct {
			event func(*testing.T, map[string]any) []byte
			path  string
		}{
			{event, "/w320"},               // the bucket has no variants
			{variantEvent, ""},             // the images function has no photo
			{variantEvent, "/download"},    // nor the photo as an attachment
			{variantEvent, "/w640"},        // a variant that nobody has named
			{variantEvent, "/w320/w320"},   // nothing is below a variant
			{variantEvent, "/avatar%20"},   // names have one spelling
			{variantEvent, "/W320"},        // in lower case
			{variantEvent, "/w320/"},       // without a slash at the end
			{variantEvent, "//w320"},       // or two of them
			{variantEvent, "/w320?x=y"},    // a query is no part of a path
			{variantEvent, "/../w320"},     // no path leads up
			{variantEvent, "/w320;v=1"},    // or has parameters
			{variantEvent, "%2Fw320"},      // an encoded slash is none
			{variantEvent, "/w320\x00"},    // no control characters
			{variantEvent, "/" + testHash}, // a hash is no name
		} {
			b := newBench(finds("s3://"+testBucket+"/a", time.Hour))
			r, _ := b.invoke(t, tt.event(t, map[string]any{"uri": "/images/" + testHash + tt.path, "method": method}))
			assert.Equal(t, "404", r.Status, "%s %q", method, tt.path)
			assert.Empty(t, b.looked, tt.path)
			assert.Empty(t, b.log.String(), "guesses must not fill the log")
		}
	}
}

func TestAPreflightOfAVariantIsAnsweredWithoutALookup(t *testing.T) {
	b := newBench(fails(context.DeadlineExceeded))
	r, _ := b.invoke(t, variantEvent(t, map[string]any{"method": "OPTIONS"}))
	assert.Equal(t, "204", r.Status)
	assert.Empty(t, b.looked)
}

// Without the gate, which reduces it, everybody could cause as many
// transformations as there are ways to write the header.
func TestAnAcceptHeaderThatTheGateHasNotReducedIsAnError(t *testing.T) {
	for _, headers := range []map[string]any{
		{},
		{"accept": []any{}},
		{"accept": []any{map[string]any{"value": "image/avif,image/webp,*/*;q=0.8"}}},
	} {
		b := newBench(finds("s3://"+testBucket+"/a", time.Hour))
		r, _ := b.invoke(t, variantEvent(t, map[string]any{"headers": headers}))
		assert.Equal(t, "500", r.Status)
		assert.Contains(t, b.log.String(), "which the gate has not reduced")
	}
	b := newBench(finds("s3://"+testBucket+"/a", time.Hour))
	r, _ := b.invoke(t, variantEvent(t, map[string]any{"headers": "none"}))
	assert.Equal(t, "500", r.Status)
}

func TestBrowsersKeepForAShorterTimeWhatOnlySignedInViewersMaySee(t *testing.T) {
	bound := "/images/" + boundHash(t)
	headers := map[string]any{
		"customHeaders": map[string]string{HeaderBrowserCache: "86400", HeaderViewerCache: "120"},
	}
	with := func(more map[string]any) map[string]any {
		for name, value := range headers {
			if _, ok := more[name]; !ok {
				more[name] = value
			}
		}
		return more
	}
	for _, path := range []string{bound, bound + "/download"} {
		b := newBench(finds("s3://"+testBucket+"/a.jpg", time.Hour))
		_, got := b.invoke(t, event(t, with(map[string]any{"uri": path})))
		query, err := url.ParseQuery(got["querystring"].(string))
		require.NoError(t, err)
		assert.Equal(t, "public, max-age=120, s-maxage=3599, stale-if-error=0", query.Get("response-cache-control"),
			"the copy at the edge is shared by all viewers")
	}
	b := newBench(finds("s3://"+testBucket+"/a.jpg", time.Hour))
	_, got := b.invoke(t, variantEvent(t, with(map[string]any{"uri": bound + "/w320"})))
	assert.Equal(t, "120", sentOn(t, got)[variant.HeaderBrowser])
}

func TestARedirectHasS3TellThatOnlyThisViewerMayKeepTheObject(t *testing.T) {
	bound := "/images/" + boundHash(t)
	for _, tt := range []struct {
		path, want string
		left       time.Duration
	}{
		{"/images/" + testHash, "private, max-age=86400", 48 * time.Hour},
		{"/images/" + testHash + "/download", "private, max-age=86400", 48 * time.Hour},
		{"/images/" + testHash, "private, max-age=59", time.Minute},
		{bound, "private, max-age=120", 48 * time.Hour},
		{bound + "/download", "private, max-age=120", 48 * time.Hour},
		{bound, "private, max-age=59", time.Minute},
	} {
		b := newBench(finds("s3://"+testBucket+"/a.jpg", tt.left))
		r, _ := b.invoke(t, event(t, map[string]any{"uri": tt.path, "customHeaders": map[string]string{
			HeaderDelivery: "redirect", HeaderBrowserCache: "86400", HeaderViewerCache: "120"}}))
		require.Equal(t, "302", r.Status)
		assert.Equal(t, "private, no-store", r.Headers.get("cache-control"))
		overrides := r.Headers.get("location")[strings.LastIndexByte(r.Headers.get("location"), ' ')+1:]
		query, err := url.ParseQuery(overrides)
		require.NoError(t, err)
		assert.Equal(t, tt.want, query.Get("response-cache-control"), tt.path)
	}
}

// CloudFront's limit on a request with its headers, and the longest of what a
// variant's request consists of.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
func TestTheLongestRequestForAVariantIsWithinCloudFrontsLimits(t *testing.T) {
	const maxRequest, maxHeaderValue = 20_480, 1_783
	b := newBench(finds("s3://"+testBucket+"/"+strings.Repeat("%", 1024), 30*24*time.Hour))
	b.Sign = NewPresigner(aws.Credentials{
		AccessKeyID: strings.Repeat("A", 128), SecretAccessKey: "secret", SessionToken: strings.Repeat("+", 2048),
	}, "", func() time.Time { return testNow }).Sign
	b.Log = slog.New(slog.DiscardHandler)
	variants := map[string]variant.Variant{"w320": {Width: 320}}
	for i := range variant.MaxVariants - 1 {
		name := fmt.Sprintf("a-variant-with-a-name-%02d", i)
		variants[name] = variant.Variant{Width: 4096, Height: 4096, Fit: variant.Cover, Quality: 100}
		if len(variant.EncodeSet(variants)) > maxHeaderValue {
			delete(variants, name)
			break
		}
	}
	_, got := b.invoke(t, variantEvent(t, map[string]any{"customHeaders": map[string]string{
		HeaderVariants: variant.EncodeSet(variants), HeaderRegions: strings.Repeat("ap-southeast-1,", 20) + "eu-central-1",
	}}))
	size := 0
	for name, value := range sentOn(t, got) {
		size += len(name) + len(value) + len(": \r\n")
	}
	assert.Greater(t, size, 12_000, "this is meant to be a long one")
	assert.Less(t, size, maxRequest)
}

func BenchmarkInvokeVariant(b *testing.B) {
	raw, err := os.ReadFile("testdata/origin-request-variant.json")
	require.NoError(b, err)
	h := newBench(finds("s3://"+testBucket+"/simple-chat/photo.jpg", time.Hour))
	h.Sign = NewPresigner(aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, "", time.Now).Sign
	h.Log = slog.New(slog.DiscardHandler)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Invoke(context.Background(), raw); err != nil {
			b.Fatal(err)
		}
		h.looked = h.looked[:0]
	}
}
