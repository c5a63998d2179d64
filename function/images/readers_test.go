package images

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	gojpeg "image/jpeg"
	gopng "image/png"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/image/draw"
)

// pixels decodes a result with Go's decoders, and with libvips where Go has
// none: for AVIF, for WebP in the range of colours that browsers take it for,
// and for the frames of animations, which then lie below one another.
func pixels(t testing.TB, p Picture) image.Image {
	t.Helper()
	var m image.Image
	var err error
	switch p.Type {
	case typeJPEG:
		m, err = gojpeg.Decode(bytes.NewReader(p.Bytes))
	case typePNG:
		m, err = gopng.Decode(bytes.NewReader(p.Bytes))
	case typeWebP:
		m = decode(t, p.Bytes, "webpload_buffer", "n", "-1")
	default:
		m = decode(t, p.Bytes, "heifload_buffer")
	}
	require.NoError(t, err)
	return m
}

func decode(t testing.TB, file []byte, loader string, options ...string) image.Image {
	t.Helper()
	o := engine.library.Operation(loader).SetBytes("buffer", file)
	for n := 0; n < len(options); n += 2 {
		o.Set(options[n], options[n+1])
	}
	i, err := o.Image()
	require.NoError(t, err)
	defer i.Close()
	data, err := engine.library.Operation("pngsave_buffer").SetImage("in", i).Bytes()
	require.NoError(t, err)
	m, err := gopng.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	return m
}

// difference is the mean of the absolute differences of all channels, from 0 to
// 255. The pictures must be of one size.
func difference(t testing.TB, a, b image.Image) float64 {
	t.Helper()
	require.Equal(t, a.Bounds().Size(), b.Bounds().Size())
	left, right := flat(a), flat(b)
	sum := 0
	for i, v := range left.Pix {
		d := int(v) - int(right.Pix[i])
		sum += max(d, -d)
	}
	return float64(sum) / float64(len(left.Pix))
}

func flat(m image.Image) *image.RGBA {
	out := image.NewRGBA(image.Rectangle{Max: m.Bounds().Size()})
	draw.Draw(out, out.Bounds(), m, m.Bounds().Min, draw.Src)
	return out
}

// resized is the reference: another library's way of making m smaller.
func resized(m image.Image, w, h int) image.Image {
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.CatmullRom.Scale(out, out.Bounds(), m, m.Bounds(), draw.Src, nil)
	return out
}

func middle(m image.Image, w, h int) image.Image {
	b := m.Bounds()
	at := image.Pt(b.Min.X+(b.Dx()-w)/2, b.Min.Y+(b.Dy()-h)/2)
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(out, out.Bounds(), m, at, draw.Src)
	return out
}

func near(t testing.TB, want color.Color, got color.Color, within int, text string) {
	t.Helper()
	w, g := color.NRGBAModel.Convert(want).(color.NRGBA), color.NRGBAModel.Convert(got).(color.NRGBA)
	for _, d := range []int{int(w.R) - int(g.R), int(w.G) - int(g.G), int(w.B) - int(g.B), int(w.A) - int(g.A)} {
		if max(d, -d) > within {
			t.Errorf("%s: %v is not %v within %d", text, g, w, within)
			return
		}
	}
}

// parts lists what a file is made of, by the file's own structure and without
// any library: the markers of a JPEG, the chunks of a PNG or a WebP, the boxes
// and items of an AVIF.
func parts(t testing.TB, contentType string, file []byte) []string {
	t.Helper()
	var all []string
	switch contentType {
	case typeJPEG:
		for at := 2; at < len(file); {
			require.Equal(t, byte(0xff), file[at], "a marker of the JPEG")
			marker := file[at+1]
			all = append(all, string("0123456789abcdef"[marker>>4])+string("0123456789abcdef"[marker&15]))
			if marker == 0xda { // the rest is compressed data
				require.Equal(t, []byte{0xff, 0xd9}, file[len(file)-2:])
				return all
			}
			at += 2 + int(binary.BigEndian.Uint16(file[at+2:]))
		}
	case typePNG:
		for at := 8; at < len(file); at += 12 + int(binary.BigEndian.Uint32(file[at:])) {
			all = append(all, string(file[at+4:at+8]))
		}
	case typeWebP:
		for at := 12; at < len(file); {
			all = append(all, string(file[at:at+4]))
			size := int(binary.LittleEndian.Uint32(file[at+4:]))
			at += 8 + size + size&1
		}
	case typeAVIF:
		all = boxes(file)
	default:
		t.Fatalf("%s is no type of a result", contentType)
	}
	return all
}

// boxes lists boxes with their paths, the types of items and of colours.
func boxes(data []byte) []string {
	var all []string
	for len(data) >= 8 {
		size, kind := int(binary.BigEndian.Uint32(data)), string(data[4:8])
		if size == 0 {
			size = len(data)
		}
		body := data[8:size]
		all = append(all, kind)
		skip := map[string]int{"meta": 4, "iinf": 6, "iprp": 0, "ipco": 0}
		if n, container := skip[kind]; container {
			all = append(all, boxes(body[n:])...)
		}
		switch kind {
		case "infe":
			all = append(all, "item "+string(body[8:12]))
		case "colr":
			all = append(all, "colour "+string(body[:4]))
		}
		data = data[size:]
	}
	return all
}

// assertClean holds that a result has no part beyond those that a picture needs.
func assertClean(t testing.TB, p Picture) {
	t.Helper()
	needed := map[string]string{
		typeJPEG: "e0 db c0 c4 da",
		typePNG:  "IHDR PLTE tRNS pHYs IDAT IEND",
		typeWebP: "VP8_ VP8L VP8X ALPH ANIM ANMF",
		typeAVIF: "ftyp meta hdlr pitm iloc iinf infe item_av01 iref iprp ipco ipma ispe pixi av1C colr colour_nclx " +
			"auxC mdat free idat",
	}[p.Type]
	all := parts(t, p.Type, p.Bytes)
	assert.NotEmpty(t, all)
	for _, part := range all {
		name := strings.ReplaceAll(part, " ", "_")
		assert.True(t, slices.Contains(strings.Fields(needed), name), "%s holds %q of %q", p.Type, part, all)
	}
	assert.NotContains(t, string(p.Bytes), canary)
}

// durations returns how long each frame of a WebP is shown, in milliseconds.
func durations(file []byte) []int {
	var all []int
	for at := 12; at < len(file); {
		size := int(binary.LittleEndian.Uint32(file[at+4:]))
		if string(file[at:at+4]) == "ANMF" {
			all = append(all, int(file[at+8+12])|int(file[at+8+13])<<8|int(file[at+8+14])<<16)
		}
		at += 8 + size + size&1
	}
	return all
}
