package bench

import (
	"image"
	"image/color"
	"image/draw"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/variant"
)

func TestOnlyAPictureOfTheWantedTypeIsAnAnswer(t *testing.T) {
	answer := func(status, contentType, encoded string) []byte {
		return []byte(`{"statusCode":` + status + `,"headers":{"Content-Type":"` + contentType + `"},"body":"cGljdHVyZQ==",` +
			`"isBase64Encoded":` + encoded + `}`)
	}
	file, err := pictureOf(answer("200", "image/webp", "true"), variant.WebP)
	require.NoError(t, err)
	assert.Equal(t, "picture", string(file))
	file, err = pictureOf(answer("200", "image/jpeg", "true"), variant.Plain)
	require.NoError(t, err)
	assert.NotEmpty(t, file)
	for name, body := range map[string][]byte{
		"a redirect to the photo": answer("302", "image/webp", "true"), "another type": answer("200", "image/avif", "true"),
		"bytes as text": answer("200", "image/webp", "false"), "no JSON": []byte("oops"),
	} {
		assert.Error(t, isPicture(variant.WebP)(body), name)
	}
}

func TestPicturesAreAlikeIfHardlyADifferenceCanBeSeen(t *testing.T) {
	grey := func(w int, level uint8) image.Image {
		m := image.NewRGBA(image.Rect(0, 0, w, 10))
		draw.Draw(m, m.Rect, image.NewUniform(color.RGBA{level, level, level, 255}), image.Point{}, draw.Src)
		return m
	}
	assert.NoError(t, similar(grey(10, 100), grey(10, 100), 1000, 1020))
	assert.ErrorContains(t, similar(grey(10, 100), grey(10, 101), 1000, 1000), "differ by 1.00")
	assert.ErrorContains(t, similar(grey(10, 100), grey(11, 100), 1000, 1000), "different sizes")
	assert.ErrorContains(t, similar(grey(10, 100), grey(10, 100), 1021, 1000), "settings are not the same")
}
