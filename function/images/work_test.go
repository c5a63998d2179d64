package images

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/variant"
)

// ofScans is a progressive JPEG of four grey blocks with n scans, of which all but the first say nothing new: one bit
// of one frequency each.
func ofScans(t testing.TB, n int) []byte {
	file := by(t, "jpegsave_buffer", image.NewGray(image.Rect(0, 0, 16, 16)), "interlace", "true")
	at := bytes.Index(file, []byte("\xff\xda"))
	require.Positive(t, at)
	component, end := file[at+5], at+2
	for file[end] != 0xff || file[end+1] == 0 {
		end++
	}
	file = bytes.Clone(file[:end])
	// A table of one code, 0, which with two bits more says that four blocks or more have no such frequency.
	file = append(file, "\xff\xc4\x00\x14\x10\x01"+string(make([]byte, 15))+"\x20"...)
	for scan := range n - 1 {
		frequency, bit := byte(1+scan/14), byte(13-scan%14)
		former := bit + 1
		if bit == 13 {
			former = 0
		}
		file = append(file, 0xff, 0xda, 0, 8, 1, component, 0, frequency, frequency, former<<4|bit, 0x1f)
	}
	return append(file, 0xff, 0xd9)
}

// ofFrames is an animated WebP of one pixel with n frames.
func ofFrames(t testing.TB, n int) []byte {
	chunk := func(kind string, data []byte) []byte {
		c := binary.LittleEndian.AppendUint32([]byte(kind), uint32(len(data)))
		return append(append(c, data...), make([]byte, len(data)%2)...)
	}
	pixel := by(t, "webpsave_buffer", image.NewGray(image.Rect(0, 0, 1, 1)), "lossless", "true")
	at := bytes.Index(pixel, []byte("VP8L"))
	require.Positive(t, at)
	size := int(binary.LittleEndian.Uint32(pixel[at+4:]))
	frame := chunk("ANMF", append(append(make([]byte, 12), 100, 0, 0, 0), pixel[at:at+8+size+size%2]...))
	file := append([]byte("WEBP"), chunk("VP8X", append([]byte{2}, make([]byte, 9)...))...)
	file = append(append(file, chunk("ANIM", make([]byte, 6))...), bytes.Repeat(frame, n)...)
	return chunk("RIFF", file)
}

// ofTexts is a PNG with n texts.
func ofTexts(t testing.TB, n int) []byte {
	const header = 8 + 25 // signature, and IHDR
	text := []byte("tEXta\x00b")
	chunk := append([]byte{0, 0, 0, 3}, text...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(text))
	file := asPNG(t, scene(8, 8))
	return append(append(bytes.Clone(file[:header]), bytes.Repeat(chunk, n)...), file[header:]...)
}

// ofImages is a GIF of one pixel with n frames.
func ofImages(n int) []byte {
	frame := "\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00"
	return append(append([]byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff"),
		bytes.Repeat([]byte(frame), n)...), 0x3b)
}

// One more part than that is too many, however small the file. Thousands of them would take the decoder minutes.
func TestAFileThatAsksForMinutesOfWorkIsNotTransformed(t *testing.T) {
	images := func(_ testing.TB, n int) []byte { return ofImages(n) }
	for name, tt := range map[string]struct {
		file func(testing.TB, int) []byte
		most int
	}{
		"scans of a jpeg": {ofScans, maxScans}, "frames of a webp": {ofFrames, maxWebPFrames},
		"texts of a png": {ofTexts, maxTexts}, "frames of a gif": {images, maxGIFFrames},
	} {
		_, err := engine.Transform(tt.file(t, tt.most), variant.Variant{Width: 8}, variant.WebP, limits)
		assert.NoError(t, err, "the most "+name)
		file := tt.file(t, tt.most+1)
		_, err = engine.Transform(file, variant.Variant{Width: 8}, variant.WebP, limits)
		assert.ErrorIs(t, err, ErrTooLarge, name)
		_, err = engine.Announce(file, variant.WebP, limits)
		assert.ErrorIs(t, err, ErrTooLarge, name)
	}
}

func TestWhatIsInsideOfAPartIsNotCounted(t *testing.T) {
	// A small picture of the picture, as cameras store it, and a film behind its end.
	scan, film := []byte("\xff\xda\x00\x02"), bytes.Repeat([]byte("\xff\xda\x00\x02"), 100)
	inside := append([]byte("\xff\xe1\x00\xca"), bytes.Repeat(scan, 50)...)
	file := append(append([]byte("\xff\xd8"), inside...), "\xff\xff\xda\x00\x03\x01\x12\xff\x00\xda\xff\xd0\xff\xd9"...)
	assert.Equal(t, 1, scans(append(file, film...)))
}

// FuzzLaborious: counting ends, whatever the file.
func FuzzLaborious(f *testing.F) {
	f.Add(ofScans(f, 3))
	f.Add(ofFrames(f, 3))
	f.Add(ofTexts(f, 3))
	f.Add(ofImages(3))
	f.Fuzz(func(_ *testing.T, file []byte) {
		for _, k := range []kind{kindJPEG, kindPNG, kindGIF, kindWebP, kindAVIF} {
			laborious(k, file)
		}
	})
}
