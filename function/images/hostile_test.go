package images

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/variant"
)

// heic is the start of a photo of a telephone, whose codec this library has not.
func heic() []byte {
	return append(box("ftyp", []byte("heic\x00\x00\x00\x00mif1heicMiHE")...), box("meta", make([]byte, 64)...)...)
}

// unsupported are files that are no pictures of a browser, or none at all.
func unsupported(t testing.TB) map[string][]byte {
	return map[string][]byte{
		"text": []byte("Once upon a time"), "one byte": {0xff}, "zeros": make([]byte, 1000),
		"svg":                     []byte(`<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>`),
		"svg with a declaration":  []byte(`<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "b">]><svg/>`),
		"pdf":                     []byte("%PDF-1.7\n1 0 obj\n<</Type/Catalog>>\nendobj\n"),
		"heic":                    heic(),
		"a film":                  append(box("ftyp", []byte("isom\x00\x00\x02\x00isomavc1")...), make([]byte, 64)...),
		"tiff":                    by(t, "tiffsave_buffer", scene(8, 8)),
		"a sound":                 []byte("RIFF\x24\x00\x00\x00WAVEfmt "),
		"libvips' own form":       append([]byte{0x08, 0xf2, 0xa6, 0xb6}, make([]byte, 100)...),
		"a box that is too short": {0, 0, 0, 4, 'f', 't', 'y', 'p'},
		"a box that is too long":  append([]byte{0xff, 0xff, 0xff, 0xff}, "ftypmif1"...),
		"ppm":                     []byte("P6 1 1 255 abc"),
	}
}

func TestWhatIsNoPictureOfABrowserIsNotTransformed(t *testing.T) {
	for name, file := range unsupported(t) {
		_, err := engine.Transform(file, variant.Variant{Width: 32}, variant.WebP, limits)
		assert.ErrorIs(t, err, ErrUnsupported, name)
	}
}

// Even if a file passed for one kind with us and for another with libvips.
func TestNoOtherDecoderCanBeReached(t *testing.T) {
	tiff := by(t, "tiffsave_buffer", scene(8, 8))
	for _, loader := range []string{"tiffload_buffer", "svgload_buffer", "uhdrload_buffer", "thumbnail_buffer"} {
		o := engine.library.Operation(loader).SetBytes("buffer", tiff)
		if loader == "thumbnail_buffer" {
			o.SetInt("width", 8)
		}
		_, err := o.Image()
		assert.Error(t, err, loader)
	}
	for _, loader := range []string{"tiffload", "svgload", "uhdrload", "vipsload", "rawload", "csvload", "matrixload"} {
		_, err := engine.library.Operation(loader).Set("filename", "/etc/passwd").Image()
		assert.ErrorContains(t, err, "blocked", loader)
	}
}

func TestWhatTheLibraryCannotDoIsNotTransformed(t *testing.T) {
	file := asJPEG(t, scene(64, 48))
	hierarchical := bytes.Replace(file, []byte("\xff\xc0"), []byte("\xff\xc5"), 1) // which nobody makes
	require.NotEqual(t, file, hierarchical)
	_, err := engine.Transform(hierarchical, variant.Variant{Width: 32}, variant.WebP, limits)
	assert.ErrorIs(t, err, ErrUnsupported)

	for text, want := range map[string]error{
		"heif: Bitstream not supported by this decoder (6.3)":           ErrUnsupported, // an AVIF of 48 megapixels
		"heif: Unsupported feature: No decoding plugin installed (4.3)": ErrUnsupported,
		"heif: Memory allocation error: Security limit exceeded":        ErrUnsupported,
		"heif: Invalid input: No 'av1C' box":                            ErrBroken,
		"VipsJpeg: Unsupported marker type 0x4f":                        ErrBroken,
	} {
		assert.ErrorIs(t, failure(errors.New(text)), want, text)
	}
}

// good is one file of every kind, in several forms.
func good(t testing.TB, w, h int) map[string][]byte {
	m := scene(w, h)
	return map[string][]byte{
		"jpeg":             asJPEG(t, m),
		"progressive jpeg": by(t, "jpegsave_buffer", m, "interlace", "true"),
		"cmyk jpeg":        asCMYK(t, m),
		"rotated jpeg":     withEXIF(asJPEG(t, m), 6),
		"png":              asPNG(t, m),
		"interlaced png":   by(t, "pngsave_buffer", m, "interlace", "true"),
		"webp":             by(t, "webpsave_buffer", m),
		"lossless webp":    by(t, "webpsave_buffer", m, "lossless", "true"),
		"gif":              asGIF(t, w, h, 3),
		"avif":             by(t, "heifsave_buffer", m, "compression", "av1", "effort", "0"),
	}
}

func TestHalfAPictureIsNeverServed(t *testing.T) {
	for name, file := range good(t, 300, 200) {
		for _, part := range []float64{0.02, 0.3, 0.6, 0.9, 0.97} {
			cut := file[:int(part*float64(len(file)))]
			for _, f := range formats {
				if name == "gif" && f == variant.Plain && part > 0.4 {
					continue // the first frame is whole
				}
				p, err := engine.Transform(cut, variant.Variant{Width: 64}, f, limits)
				if assert.Error(t, err, "%.2f of a %s as %s", part, name, f) {
					assert.ErrorIs(t, err, ErrBroken, "%.2f of a %s", part, name)
				}
				assert.Zero(t, len(p.Bytes))
			}
		}
	}
}

func TestABrokenFileIsBroken(t *testing.T) {
	damaged := asPNG(t, scene(64, 64))
	copy(damaged[len(damaged)/2:], "oops")
	for name, file := range map[string][]byte{
		"no bytes": {}, "nil": nil,
		"a signature alone":   []byte("\x89PNG\r\n\x1a\n"),
		"a JPEG that is text": []byte("\xff\xd8\xffOnce upon a time"),
		"a GIF of nothing":    []byte("GIF89a\x00\x00\x00\x00\x00\x00\x00;"), "a damaged PNG": damaged,
		"a WebP of nothing":   []byte("RIFF\x04\x00\x00\x00WEBP"),
		"an AVIF of nothing":  box("ftyp", []byte("avif\x00\x00\x00\x00avif")...),
		"a PNG of no size":    withChunk([]byte("\x89PNG\r\n\x1a\n"+string(chunk("IHDR", make([]byte, 13)))), "IEND", nil),
		"a JPEG called a PNG": append([]byte("\x89PNG\r\n\x1a\n"), asJPEG(t, scene(8, 8))...),
	} {
		_, err := engine.Transform(file, variant.Variant{Width: 32}, variant.WebP, limits)
		assert.ErrorIs(t, err, ErrBroken, name)
	}
}

// 900 megapixels in 3 MB: refused by the header, so in no time and memory.
func TestABombIsRefusedByItsHeader(t *testing.T) {
	file := bomb(t, 30_000, 30_000)
	require.InDelta(t, 3e6, len(file), 1e6)
	h, err := engine.Inspect(file)
	require.NoError(t, err)
	require.Equal(t, variant.Size{Width: 30_000, Height: 30_000}, h.Size)
	restart := peakMemory(t)
	_, err = engine.Transform(file, variant.Variant{Width: 32}, variant.WebP, limits)
	assert.ErrorIs(t, err, ErrTooLarge)
	assert.Less(t, restart(), 16, "megabytes")

	// A small one is what it says, so it is the size that refuses the large one.
	// Its checksum is missing, for which it is refused in the end.
	_, err = engine.Transform(bomb(t, 3000, 3000), variant.Variant{Width: 32}, variant.WebP, limits)
	assert.ErrorIs(t, err, ErrBroken)
}

func TestTheLimitsCountEveryFrameThatIsKept(t *testing.T) {
	million := variant.Limits{Megapixels: 1, Megabytes: 50, Frames: 60}
	as := func(file []byte, f variant.Format, l variant.Limits) error {
		_, err := engine.Transform(file, variant.Variant{Width: 16}, f, l)
		return err
	}
	assert.NoError(t, as(asPNG(t, image.NewGray(image.Rect(0, 0, 1000, 1000))), variant.WebP, million))
	assert.ErrorIs(t, as(asPNG(t, image.NewGray(image.Rect(0, 0, 1001, 1000))), variant.WebP, million), ErrTooLarge)
	animation := asGIF(t, 500, 500, 5)
	assert.ErrorIs(t, as(animation, variant.AVIF, million), ErrTooLarge)
	assert.NoError(t, as(animation, variant.Plain, million), "one frame is kept")
	million.Frames = 4
	assert.NoError(t, as(animation, variant.AVIF, million))
	avif := by(t, "heifsave_buffer", image.NewGray(image.Rect(0, 0, 720, 720)), "compression", "av1", "effort", "0")
	assert.ErrorIs(t, as(avif, variant.WebP, million), ErrTooLarge, "AVIF counts double")
}

func TestALineStaysALine(t *testing.T) {
	for _, f := range formats {
		p := transform(t, asPNG(t, scene(20_000, 1)), variant.Variant{Width: 320}, f)
		assert.Equal(t, variant.Size{Width: 320, Height: 1}, p.Size)
		p = transform(t, asPNG(t, scene(1, 20_000)), variant.Variant{Width: 320}, f)
		assert.Equal(t, variant.Size{Width: 1, Height: 16_383}, p.Size)
		p = transform(t, asPNG(t, scene(20_000, 1)), variant.Variant{Width: 96, Height: 96, Fit: variant.Cover}, f)
		assert.Equal(t, variant.Size{Width: 1, Height: 1}, p.Size)
	}
}

// kilobytes reads what the kernel says of the process's memory.
func kilobytes(t testing.TB, field string) (n int) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	_, text, found := strings.Cut(string(status), field+":")
	require.True(t, found)
	_, err = fmt.Sscan(text, &n)
	require.NoError(t, err)
	return n
}

// peakMemory starts anew to measure the process's largest memory. What it
// returns says by how many megabytes it grew.
func peakMemory(t testing.TB) func() int {
	t.Helper()
	require.NoError(t, os.WriteFile("/proc/self/clear_refs", []byte("5"), 0o600))
	before := kilobytes(t, "VmRSS")
	return func() int { return (kilobytes(t, "VmHWM") - before) / 1000 }
}

// The sources that take the most for each pixel, as large as the limit lets in.
func TestMemoryIsBoundedByTheLimitOfMegapixels(t *testing.T) {
	const megapixels, slack = 6, 40
	l := variant.Limits{Megapixels: megapixels, Megabytes: 50, Frames: 60}
	wide := image.NewNRGBA64(image.Rect(0, 0, 3000, 2000))
	wide.Pix[0] = 1 // not opaque, so that it has transparency
	blank := func(w, h int) image.Image {
		m := image.NewNRGBA(image.Rect(0, 0, w, h))
		draw.Draw(m, m.Rect, image.White, image.Point{}, draw.Src)
		return m
	}
	for name, file := range map[string][]byte{
		"progressive jpeg in cmyk": asCMYK(t, scene(3000, 2000), "interlace", "true", "subsample-mode", "off"),
		"interlaced png of 16 bit": by(t, "pngsave_buffer", wide, "interlace", "true", "compression", "1"),
		"avif of 12 bit": by(t, "heifsave_buffer", blank(2000, 1500),
			"compression", "av1", "effort", "0", "bitdepth", "12"),
		"lossless webp": by(t, "webpsave_buffer", blank(3000, 2000), "lossless", "true", "effort", "0"),
	} {
		restart := peakMemory(t)
		_, err := engine.Transform(file, variant.Variant{Width: 640}, variant.AVIF, l)
		require.NoError(t, err, name)
		grown := restart()
		t.Logf("%s: %d MB", name, grown)
		assert.LessOrEqual(t, grown, 9*megapixels+slack, name)
	}
}

func TestNothingIsKeptOfOnePictureForTheNext(t *testing.T) {
	files := good(t, 400, 300)
	all := func() {
		for _, file := range files {
			_, err := engine.Transform(file, variant.Variant{Width: 100, Height: 100, Fit: variant.Cover}, variant.WebP, limits)
			require.NoError(t, err)
			_, err = engine.Transform(file[:len(file)/2], variant.Variant{Width: 100}, variant.WebP, limits)
			require.Error(t, err)
		}
	}
	all()
	restart := peakMemory(t)
	for range 15 {
		all()
	}
	assert.Less(t, restart(), 30, "megabytes")
}

func TestManyAtATimeDoNotDisturbEachOther(t *testing.T) {
	file := asJPEG(t, scene(300, 200))
	want := transform(t, file, variant.Variant{Width: 100}, variant.WebP)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 5 {
				p, err := engine.Transform(file, variant.Variant{Width: 100}, variant.WebP, limits)
				assert.NoError(t, err)
				assert.True(t, bytes.Equal(want.Bytes, p.Bytes), "the same picture is the same bytes")
				_, err = engine.Transform(file[:200], variant.Variant{Width: 100}, variant.WebP, limits)
				assert.ErrorIs(t, err, ErrBroken)
			}
		})
	}
	all.Wait()
}

func seeds(f *testing.F) {
	for _, file := range good(f, 40, 30) {
		f.Add(file)
	}
	for _, file := range unsupported(f) {
		f.Add(file)
	}
	f.Add([]byte{})
	f.Add(withChunk(asPNG(f, scene(8, 8)), "eXIf", exif(7)))
	f.Add(withProfile(asJPEG(f, scene(8, 8)), iccProfile(displayP3)))
}

// maxFuzzMegabytes bounds by how much the memory of a process grows that is
// fuzzed, with the files that the fuzzer itself holds. The sources that are let
// through are small.
const maxFuzzMegabytes = 600

// bounded returns what fails once memory has grown by more than that from now on.
// Tests before this one, and the race detector, take memory of their own.
func bounded(f *testing.F) func(*testing.T) {
	f.Helper()
	before := kilobytes(f, "VmRSS")
	return func(t *testing.T) {
		t.Helper()
		if mb := (kilobytes(t, "VmRSS") - before) / 1000; mb > maxFuzzMegabytes {
			t.Fatalf("%d MB more of memory", mb)
		}
	}
}

// FuzzHeader holds that every file has a header within reason, or is refused
// for one of the reasons that there are.
func FuzzHeader(f *testing.F) {
	seeds(f)
	check := bounded(f)
	f.Fuzz(func(t *testing.T, file []byte) {
		h, err := engine.Inspect(file)
		check(t)
		known(t, err)
		if err == nil && (h.Size.Width < 1 || h.Size.Height < 1 || h.Frames < 1) {
			t.Fatalf("a header of %+v", h)
		}
	})
}

// FuzzTransform holds that whatever comes out is a picture of the announced
// size that can be read again.
func FuzzTransform(f *testing.F) {
	seeds(f)
	small := variant.Limits{Megapixels: 1, Megabytes: 1, Frames: 4}
	v := variant.Variant{Width: 24, Height: 16, Fit: variant.Cover}
	check := bounded(f)
	f.Fuzz(func(t *testing.T, file []byte) {
		for _, format := range formats {
			start := time.Now()
			p, err := engine.Transform(file, v, format, small)
			check(t)
			known(t, err)
			if took := time.Since(start); took > 20*time.Second {
				t.Fatalf("%v for %d bytes", took, len(file))
			}
			if err != nil {
				continue
			}
			h, err := engine.Inspect(p.Bytes)
			if err != nil || h.Size != p.Size || h.Frames > p.Frames {
				t.Fatalf("%v: %+v of %+v", err, h, p)
			}
		}
	})
}

func known(t *testing.T, err error) {
	t.Helper()
	for _, e := range []error{nil, ErrBroken, ErrUnsupported, ErrTooLarge} {
		if errors.Is(err, e) {
			return
		}
	}
	t.Fatalf("an unknown error: %v", err)
}
