package images

import (
	"image"
	"image/color"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/variant"
)

var (
	limits  = variant.Limits{Megapixels: 100, Megabytes: 50, Frames: 60}
	formats = []variant.Format{variant.AVIF, variant.WebP, variant.Plain}
)

func transform(t testing.TB, source []byte, v variant.Variant, f variant.Format) Picture {
	t.Helper()
	p, err := engine.Transform(source, v, f, limits)
	require.NoError(t, err)
	assertClean(t, p)
	h, err := engine.Inspect(p.Bytes)
	require.NoError(t, err)
	assert.Equal(t, p.Size, h.Size, "the size is what was announced")
	assert.Equal(t, p.Frames, h.Frames)
	return p
}

// Sizes, types and looks for every fit and format, beside another library's
// idea of the same picture.
func TestAResultHasItsSizeAndLooksLikeItsSource(t *testing.T) {
	source := scene(600, 400)
	see := image.NewNRGBA(source.Rect) // half transparent on the right
	for i := range see.Pix {
		see.Pix[i] = source.Pix[i]
		if i%4 == 3 && i/4%600 >= 300 {
			see.Pix[i] = 128
		}
	}
	kinds := map[string]struct {
		file  []byte
		alpha bool
	}{
		"jpeg":             {asJPEG(t, source), false},
		"progressive jpeg": {by(t, "jpegsave_buffer", source, "interlace", "true", "Q", "95"), false},
		"png":              {asPNG(t, source), false},
		"interlaced png":   {by(t, "pngsave_buffer", source, "interlace", "true"), false},
		"png with alpha":   {asPNG(t, see), true},
		"webp":             {by(t, "webpsave_buffer", source, "Q", "95"), false},
		"lossless webp":    {by(t, "webpsave_buffer", source, "lossless", "true"), false},
		"webp with alpha":  {by(t, "webpsave_buffer", see, "Q", "95"), true},
		"avif":             {by(t, "heifsave_buffer", source, "compression", "av1", "Q", "80", "effort", "1"), false},
	}
	for fit, c := range map[string]struct {
		v    variant.Variant
		want image.Point
	}{
		"a width":                    {variant.Variant{Width: 320}, image.Pt(320, 213)},
		"a height":                   {variant.Variant{Height: 100}, image.Pt(150, 100)},
		"inside a box":               {variant.Variant{Width: 100, Height: 100}, image.Pt(100, 67)},
		"cover a square":             {variant.Variant{Width: 96, Height: 96, Fit: variant.Cover}, image.Pt(96, 96)},
		"cover a flat box":           {variant.Variant{Width: 300, Height: 100, Fit: variant.Cover}, image.Pt(300, 100)},
		"not larger than the source": {variant.Variant{Width: 4000}, image.Pt(600, 400)},
		"cover a box too large":      {variant.Variant{Width: 4000, Height: 4000, Fit: variant.Cover}, image.Pt(400, 400)},
	} {
		for kind, k := range kinds {
			for _, f := range formats {
				t.Run(fit+" of "+kind+" as "+string(f), func(t *testing.T) {
					p := transform(t, k.file, c.v, f)
					want := map[variant.Format]string{variant.AVIF: typeAVIF, variant.WebP: typeWebP, variant.Plain: typeJPEG}[f]
					if k.alpha && f == variant.Plain {
						want = typePNG
					}
					assert.Equal(t, want, p.Type)
					got := pixels(t, p)
					require.Equal(t, c.want, got.Bounds().Size())
					reference := image.Image(source)
					if k.alpha {
						reference = see
					}
					scale, crop := c.v.Plan(variant.Size{Width: 600, Height: 400})
					reference = middle(resized(reference, scale.Width, scale.Height), crop.Width, crop.Height)
					assert.Less(t, difference(t, reference, got), 4.0)
					black := image.NewRGBA(reference.Bounds())
					assert.Greater(t, difference(t, black, got), 40.0, "the measure tells pictures apart")
				})
			}
		}
	}
}

func TestAllEightOrientationsAreApplied(t *testing.T) {
	upright := scene(120, 80)
	for o := uint16(1); o <= 8; o++ {
		stored := turned(upright, o)
		files := map[string][]byte{
			"jpeg": withEXIF(asJPEG(t, stored), o),
			"png":  withChunk(asPNG(t, stored), "eXIf", exif(o)),
		}
		for kind, file := range files {
			for _, f := range formats {
				p := transform(t, file, variant.Variant{Width: 60}, f)
				got := pixels(t, p)
				require.Equal(t, image.Pt(60, 40), got.Bounds().Size(), "%s, orientation %d, %s", kind, o, f)
				assert.Less(t, difference(t, resized(upright, 60, 40), got), 5.0, "%s, orientation %d, %s", kind, o, f)
				p = transform(t, file, variant.Variant{Width: 20, Height: 40, Fit: variant.Cover}, f)
				want := middle(resized(upright, 60, 40), 20, 40)
				assert.Less(t, difference(t, want, pixels(t, p)), 5.0, "%s, orientation %d, %s, cover", kind, o, f)
			}
		}
	}
}

// turned returns the picture that a camera stores so that EXIF's orientation o
// makes m of it.
func turned(m *image.NRGBA, o uint16) *image.NRGBA {
	W, H := m.Rect.Dx(), m.Rect.Dy()
	w, h := W, H
	if o > 4 {
		w, h = H, W
	}
	out := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range H {
		for x := range W {
			at := []image.Point{
				{x, y}, {w - 1 - x, y}, {w - 1 - x, h - 1 - y}, {x, h - 1 - y},
				{y, x}, {y, h - 1 - x}, {w - 1 - y, h - 1 - x}, {w - 1 - y, x},
			}[o-1]
			out.SetNRGBA(at.X, at.Y, m.NRGBAAt(x, y))
		}
	}
	return out
}

func TestNoMetadataLeaves(t *testing.T) {
	m := scene(64, 48)
	xmp := append([]byte("http://ns.adobe.com/xap/1.0/\x00"), "<x:xmpmeta>"+canary+"</x:xmpmeta>"...)
	jpeg := withSegment(withProfile(withEXIF(asJPEG(t, m), 1), iccProfile(displayP3)), 0xe1, xmp)
	jpeg = withSegment(jpeg, 0xfe, []byte(canary))
	jpeg = withSegment(jpeg, 0xed, []byte("Photoshop 3.0\x008BIM\x04\x04\x00\x00"+canary))
	png := withChunk(withChunk(asPNG(t, m), "eXIf", exif(1)), "tEXt", []byte("Comment\x00"+canary))
	png = withChunk(png, "iTXt", []byte("XML:com.adobe.xmp\x00\x00\x00\x00\x00"+canary))
	webp := reencoded(t, jpeg, "webpsave_buffer")
	avif := reencoded(t, jpeg, "heifsave_buffer", "compression", "av1", "effort", "0")
	for kind, file := range map[string][]byte{"jpeg": jpeg, "png": png, "webp": webp, "avif": avif} {
		require.Contains(t, string(file), canary, kind)
		for _, f := range formats {
			p := transform(t, file, variant.Variant{Width: 32}, f) // which looks into it
			assert.NotContains(t, string(p.Bytes), "Exif", "%s as %s", kind, f)
			assert.NotContains(t, string(p.Bytes), "acsp", "%s as %s: a profile", kind, f)
		}
	}
}

// reencoded makes another kind of file of a JPEG, with all its metadata.
func reencoded(t testing.TB, file []byte, saver string, options ...string) []byte {
	t.Helper()
	i, err := engine.library.Operation("jpegload_buffer").SetBytes("buffer", file).Image()
	require.NoError(t, err)
	defer i.Close()
	o := engine.library.Operation(saver).SetImage("in", i).Set("keep", "all")
	for n := 0; n < len(options); n += 2 {
		o.Set(options[n], options[n+1])
	}
	out, err := o.Bytes()
	require.NoError(t, err)
	return out
}

func TestWideGamutBecomesSRGB(t *testing.T) {
	stored := color.NRGBA{200, 110, 60, 255}
	m := image.NewUniform(stored)
	square := image.NewNRGBA(image.Rect(0, 0, 64, 64))
	for i := range 64 * 64 {
		square.SetNRGBA(i%64, i/64, m.C.(color.NRGBA))
	}
	want := converted(stored, displayP3)
	require.Greater(t, int(want.R), 210, "the conversion shows")
	for _, f := range formats {
		p := transform(t, withProfile(asJPEG(t, square), iccProfile(displayP3)), variant.Variant{Width: 32}, f)
		near(t, want, pixels(t, p).At(16, 16), 6, string(f))
		p = transform(t, asJPEG(t, square), variant.Variant{Width: 32}, f)
		near(t, stored, pixels(t, p).At(16, 16), 6, string(f)+" without a profile")
	}
}

// converted works out the sRGB of a colour that is given by other primaries.
func converted(c color.NRGBA, primaries [3][3]float64) color.NRGBA {
	var xyz [3]float64
	for n, v := range []uint8{c.R, c.G, c.B} {
		linear := math.Pow(float64(v)/255, profileGamma)
		for k := range xyz {
			xyz[k] += linear * primaries[n][k]
		}
	}
	// Cramer's rule: which amounts of sRGB's primaries add up to that?
	det := func(a, b, c [3]float64) float64 {
		return a[0]*(b[1]*c[2]-b[2]*c[1]) - a[1]*(b[0]*c[2]-b[2]*c[0]) + a[2]*(b[0]*c[1]-b[1]*c[0])
	}
	whole := det(srgb[0], srgb[1], srgb[2])
	encode := func(linear float64) uint8 {
		linear = min(1, max(0, linear))
		if linear <= 0.0031308 {
			return uint8(math.Round(255 * 12.92 * linear))
		}
		return uint8(math.Round(255 * (1.055*math.Pow(linear, 1/2.4) - 0.055)))
	}
	return color.NRGBA{
		encode(det(xyz, srgb[1], srgb[2]) / whole), encode(det(srgb[0], xyz, srgb[2]) / whole),
		encode(det(srgb[0], srgb[1], xyz) / whole), 255,
	}
}

func TestPrintersColoursAndSixteenBitsBecomeSRGBInEight(t *testing.T) {
	source := scene(120, 80)
	wide, grey := image.NewNRGBA64(source.Rect), image.NewGray16(source.Rect)
	for y := range 80 {
		for x := range 120 {
			wide.Set(x, y, source.At(x, y))
			grey.Set(x, y, source.At(x, y))
		}
	}
	profile := append([]byte("p3\x00\x00"), deflated(iccProfile(srgb))...)
	for name, c := range map[string]struct {
		file   []byte
		want   image.Image
		within float64
	}{
		"cmyk":                   {asCMYK(t, source), source, 16}, // a printer cannot show all of it
		"cmyk without a profile": {asCMYK(t, source, "keep", "none"), source, 16},
		"16 bit":                 {asPNG(t, wide), source, 4},
		"16 bit grey":            {asPNG(t, grey), grey, 4},
		"16 bit with a profile":  {withChunk(asPNG(t, wide), "iCCP", profile), source, 5},
		"avif of 12 bit":         {by(t, "heifsave_buffer", wide, "bitdepth", "12", "compression", "av1"), source, 6},
		"a profile that is none": {withProfile(asJPEG(t, source), []byte("not a profile at all")), source, 4},
	} {
		for _, f := range formats {
			p := transform(t, c.file, variant.Variant{Width: 60}, f)
			got := pixels(t, p)
			assert.Less(t, difference(t, resized(c.want, 60, 40), got), c.within, "%s as %s", name, f)
			switch got.(type) {
			case *image.NRGBA64, *image.RGBA64, *image.Gray16, *image.CMYK:
				t.Errorf("%s as %s has pixels of %T", name, f, got)
			}
		}
	}
}

func TestAnimationsStayAnimatedInWebP(t *testing.T) {
	gif := asGIF(t, 100, 60, 8)
	webp := transform(t, gif, variant.Variant{Width: 100}, variant.WebP)
	for kind, file := range map[string][]byte{"gif": gif, "webp": webp.Bytes} {
		for _, f := range []variant.Format{variant.AVIF, variant.WebP} { // what shows AVIF shows WebP
			for v, want := range map[variant.Variant]variant.Size{
				{Width: 50}: {Width: 50, Height: 30},
				{Width: 20, Height: 30, Fit: variant.Cover}: {Width: 20, Height: 30},
				{Width: 50, Height: 10, Fit: variant.Cover}: {Width: 50, Height: 10},
			} {
				p := transform(t, file, v, f)
				assert.Equal(t, typeWebP, p.Type)
				assert.Equal(t, 8, p.Frames)
				assert.Equal(t, want, p.Size)
				assert.Equal(t, []int{70, 70, 70, 70, 70, 70, 70, 70}, durations(p.Bytes), kind)
				all := pixels(t, p)
				require.Equal(t, 8*want.Height, all.Bounds().Dy())
				for n := range 8 {
					bright := frameColour(n)
					y := n*want.Height + want.Height/2
					near(t, bright, all.At(want.Width-3, y), 24, "the right half")
					near(t, color.NRGBA{bright.R / 2, bright.G / 2, bright.B / 2, 255}, all.At(2, y), 24, "the left half")
				}
			}
		}
		p := transform(t, file, variant.Variant{Width: 50}, variant.Plain)
		assert.Equal(t, 1, p.Frames, "%s: others show the first frame", kind)
		near(t, frameColour(0), pixels(t, p).At(45, 15), 24, "the first frame")

		few := limits
		few.Frames = 3
		p, err := engine.Transform(file, variant.Variant{Width: 50}, variant.WebP, few)
		require.NoError(t, err)
		assert.Equal(t, 3, p.Frames)
		assert.Len(t, durations(p.Bytes), 3, "%s: frames are kept up to the limit", kind)
	}
}
