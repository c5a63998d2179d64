package variant_test

import (
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"secure-media-cdn/function/variant"
)

var limits = variant.Limits{Megapixels: 100, Megabytes: 50, Frames: 60}

func task() variant.Task {
	return variant.Task{
		Variant: variant.Variant{Width: 96, Height: 96, Fit: variant.Cover, Quality: 30}, Format: variant.AVIF,
		Expires: time.Unix(1_800_000_000, 0), Browser: 24 * time.Hour,
		Source: "https://media.s3.eu-central-1.amazonaws.com/simple-chat/a.jpg?X-Amz-Signature=confidential",
		Photo:  "/images/AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", Limits: limits,
	}
}

// sent is what reaches the images function.
func sent(t variant.Task) map[string]string {
	headers := t.Headers()
	headers[variant.HeaderLimits] = t.Limits.String()
	headers["accept"] = "image/avif"
	return headers
}

func TestATaskIsReadBackAsItWasHandedOn(t *testing.T) {
	got, err := variant.ParseTask(sent(task()))
	require.NoError(t, err)
	assert.Equal(t, task(), got)
	assert.NotContains(t, task().Headers(), variant.HeaderLimits, "the distribution adds the limits")
}

func TestATaskThatIsNotWholeIsRefused(t *testing.T) {
	for header, values := range map[string][]string{
		variant.HeaderVariant: {"", "width=0", "w320"},
		variant.HeaderFormat:  {"", "AVIF", "heic", "image/avif"},
		variant.HeaderExpires: {"", "-1", "1e9", " 1", "01", "99999999999999"},
		variant.HeaderBrowser: {"", "-1", "soon"},
		variant.HeaderSource:  {"", "no-url-but-confidential"},
		variant.HeaderPhoto: {
			"", "/", "//evil.example", "images/x", "/images/x\r\nset-cookie: a=b", "/images/../x", "https://evil.example/",
			"/images/x/", "/a?b",
		},
		variant.HeaderLimits: {
			"", "megapixels=0,megabytes=50,frames=60", "megapixels=100,megabytes=50",
			"megapixels=100,megabytes=50,frames=60,", "megapixels=10001,megabytes=50,frames=60",
		},
	} {
		for _, value := range values {
			headers := sent(task())
			headers[header] = value
			_, err := variant.ParseTask(headers)
			require.ErrorContains(t, err, "header "+header+" is", "%q", value)
			assert.NotContains(t, err.Error(), "confidential")
			if value == "" {
				assert.ErrorContains(t, err, "is missing")
			}
		}
	}
	_, err := variant.ParseTask(nil)
	for header := range maps.Keys(sent(task())) {
		if header != "accept" {
			assert.ErrorContains(t, err, header, "every header that is missing is named")
		}
	}
}

func TestLimitsHaveOneSpelling(t *testing.T) {
	assert.Equal(t, "megapixels=100,megabytes=50,frames=60", limits.String())
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 10_000)
		l := variant.Limits{Megapixels: n.Draw(t, "megapixels"), Megabytes: n.Draw(t, "megabytes"),
			Frames: n.Draw(t, "frames")}
		got, err := variant.ParseLimits(l.String())
		require.NoError(t, err)
		assert.Equal(t, l, got)
	})
}

// FuzzTask holds that whatever is read is spelled the same way again.
func FuzzTask(f *testing.F) {
	good := task()
	h := sent(good)
	f.Add(h[variant.HeaderVariant], h[variant.HeaderFormat], h[variant.HeaderExpires], h[variant.HeaderPhoto],
		h[variant.HeaderLimits])
	f.Fuzz(func(t *testing.T, v, format, expires, photo, limits string) {
		headers := sent(good)
		headers[variant.HeaderVariant], headers[variant.HeaderFormat] = v, format
		headers[variant.HeaderExpires], headers[variant.HeaderPhoto], headers[variant.HeaderLimits] = expires, photo, limits
		got, err := variant.ParseTask(headers)
		if err != nil {
			return
		}
		assert.Equal(t, headers, sent(got))
	})
}
