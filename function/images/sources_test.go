package images

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	gojpeg "image/jpeg"
	gopng "image/png"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/image/draw"

	"secure-media-cdn/function/images/library"
)

var engine *Engine

func TestMain(m *testing.M) {
	path, err := library.Install("../..")
	if err == nil {
		engine, err = Open(path)
	}
	if err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// scene is a picture with a gradient, edges and four corners that differ.
func scene(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			fx, fy := float64(x)/float64(w), float64(y)/float64(h)
			c := color.NRGBA{uint8(40 + 180*fx), uint8(60 + 150*fy), uint8(128 + 90*math.Sin(6*fx+4*fy)), 255}
			if dx, dy := fx-0.3, fy-0.6; dx*dx+dy*dy < 0.03 {
				c = color.NRGBA{230, 210, 40, 255}
			}
			m.SetNRGBA(x, y, c)
		}
	}
	return m
}

func asJPEG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, gojpeg.Encode(&b, m, &gojpeg.Options{Quality: 95}))
	return b.Bytes()
}

func asPNG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, gopng.Encode(&b, m))
	return b.Bytes()
}

// by has libvips make a file of m, with the operation's options in pairs.
func by(t testing.TB, saver string, m image.Image, options ...string) []byte {
	t.Helper()
	source := asPNG(t, m)
	i, err := engine.library.Operation("pngload_buffer").SetBytes("buffer", source).Image()
	require.NoError(t, err)
	defer i.Close()
	o := engine.library.Operation(saver).SetImage("in", i)
	for n := 0; n < len(options); n += 2 {
		o.Set(options[n], options[n+1])
	}
	file, err := o.Bytes()
	require.NoError(t, err)
	return file
}

// asCMYK is a JPEG in a printer's colours, with their profile.
func asCMYK(t testing.TB, m image.Image, options ...string) []byte {
	t.Helper()
	source := asPNG(t, m)
	i, err := engine.library.Operation("pngload_buffer").SetBytes("buffer", source).Image()
	require.NoError(t, err)
	defer i.Close()
	i, err = engine.library.Operation("icc_transform").SetImage("in", i).
		Set("input-profile", "srgb").Set("output-profile", "cmyk").Image()
	require.NoError(t, err)
	o := engine.library.Operation("jpegsave_buffer").SetImage("in", i).Set("Q", "95")
	for n := 0; n < len(options); n += 2 {
		o.Set(options[n], options[n+1])
	}
	file, err := o.Bytes()
	require.NoError(t, err)
	return file
}

// asGIF is an animation of n frames, each of one colour with a darker half on
// the left, shown for 70 ms.
func asGIF(t testing.TB, w, h, n int) []byte {
	t.Helper()
	g := &gif.GIF{}
	for f := range n {
		bright := frameColour(f)
		dark := color.NRGBA{bright.R / 2, bright.G / 2, bright.B / 2, 255}
		p := image.NewPaletted(image.Rect(0, 0, w, h), color.Palette{dark, bright})
		draw.Draw(p, image.Rect(w/2, 0, w, h), image.NewUniform(bright), image.Point{}, draw.Src)
		g.Image, g.Delay = append(g.Image, p), append(g.Delay, 7)
	}
	var b bytes.Buffer
	require.NoError(t, gif.EncodeAll(&b, g))
	return b.Bytes()
}

func frameColour(f int) color.NRGBA {
	return color.NRGBA{uint8(250 - 40*(f%5)), uint8(60 * (f % 4)), uint8(30 + 10*f), 255}
}

// withSegment puts a segment behind a JPEG's first two bytes.
func withSegment(file []byte, marker byte, data []byte) []byte {
	segment := binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(len(data)+2))
	return bytes.Join([][]byte{file[:2], segment, data, file[2:]}, nil)
}

const canary = "52.5200N 13.4050E"

// exif is an EXIF block with an orientation and a position, in big endian.
func exif(orientation uint16) []byte {
	var b []byte
	entry := func(tag, kind uint16, count, value uint32) {
		b = binary.BigEndian.AppendUint16(b, tag)
		b = binary.BigEndian.AppendUint16(b, kind)
		b = binary.BigEndian.AppendUint32(b, count)
		b = binary.BigEndian.AppendUint32(b, value)
	}
	b = append(b, "MM\x00*\x00\x00\x00\x08\x00\x02"...)
	entry(0x0112, 3, 1, uint32(orientation)<<16) // Orientation
	entry(0x8825, 4, 1, 8+2+2*12+4)              // the GPS block's place
	b = append(b, 0, 0, 0, 0, 0, 1)
	entry(0x001b, 7, uint32(len(canary)), 8+2+2*12+4+2+12+4) // GPSProcessingMethod
	return append(append(b, 0, 0, 0, 0), canary...)
}

func withEXIF(file []byte, orientation uint16) []byte {
	return withSegment(file, 0xe1, append([]byte("Exif\x00\x00"), exif(orientation)...))
}

func withProfile(file, profile []byte) []byte {
	return withSegment(file, 0xe2, append([]byte("ICC_PROFILE\x00\x01\x01"), profile...))
}

// withChunk puts a chunk behind a PNG's header.
func withChunk(file []byte, kind string, data []byte) []byte {
	const header = 8 + 25
	return bytes.Join([][]byte{file[:header], chunk(kind, data), file[header:]}, nil)
}

func chunk(kind string, data []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, kind...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// displayP3 are the primaries of Apple's screens, as ICC profiles give them:
// XYZ under D50. srgb are the ordinary ones.
var (
	displayP3 = [3][3]float64{{0.51512, 0.24120, -0.00105}, {0.29198, 0.69225, 0.04189}, {0.15710, 0.06657, 0.78407}}
	srgb      = [3][3]float64{{0.43607, 0.22249, 0.01392}, {0.38515, 0.71687, 0.09708}, {0.14307, 0.06061, 0.71410}}
)

const profileGamma = 563.0 / 256 // 2.2, as the profile's curve holds it

// iccProfile is a profile of three primaries and a gamma of 2.2.
func iccProfile(primaries [3][3]float64) []byte {
	fixed := func(f float64) uint32 { return uint32(int32(math.Round(f * 65536))) }
	xyz := func(v [3]float64) []byte {
		b := []byte("XYZ \x00\x00\x00\x00")
		for _, f := range v {
			b = binary.BigEndian.AppendUint32(b, fixed(f))
		}
		return b
	}
	text := append([]byte("desc\x00\x00\x00\x00\x00\x00\x00\x05wide\x00"), make([]byte, 79)...)
	curve := []byte{'c', 'u', 'r', 'v', 0, 0, 0, 0, 0, 0, 0, 1, 0x02, 0x33, 0, 0}
	tags := []struct {
		name string
		data []byte
	}{
		{"desc", text}, {"cprt", []byte("text\x00\x00\x00\x00none\x00\x00\x00\x00")},
		{"wtpt", xyz([3]float64{0.9642, 1, 0.8249})},
		{"rXYZ", xyz(primaries[0])}, {"gXYZ", xyz(primaries[1])}, {"bXYZ", xyz(primaries[2])},
		{"rTRC", curve}, {"gTRC", curve}, {"bTRC", curve},
	}
	table := binary.BigEndian.AppendUint32(nil, uint32(len(tags)))
	var data []byte
	for _, tag := range tags {
		table = append(table, tag.name...)
		table = binary.BigEndian.AppendUint32(table, uint32(128+4+12*len(tags)+len(data)))
		table = binary.BigEndian.AppendUint32(table, uint32(len(tag.data)))
		data = append(data, tag.data...)
		data = append(data, make([]byte, -len(data)&3)...)
	}
	header := make([]byte, 128)
	binary.BigEndian.PutUint32(header, uint32(128+len(table)+len(data)))
	copy(header[8:], "\x02\x40\x00\x00mntrRGB XYZ ")
	copy(header[36:], "acsp")
	for n, f := range []float64{0.9642, 1, 0.8249} {
		binary.BigEndian.PutUint32(header[68+4*n:], fixed(f))
	}
	return bytes.Join([][]byte{header, table, data}, nil)
}

// bomb is a black PNG of w × h pixels that is valid to its last byte but one
// checksum. A block of the compressed stream that stands for a megabyte of
// zeros is the same every time.
func bomb(t testing.TB, w, h int) []byte {
	t.Helper()
	const megabyte = 1 << 20
	zeros := make([]byte, megabyte)
	var b bytes.Buffer
	b.Write([]byte{0x78, 0xda}) // zlib's header
	z, err := flate.NewWriter(&b, flate.BestCompression)
	require.NoError(t, err)
	_, _ = z.Write(zeros)
	require.NoError(t, z.Flush())
	first := b.Len()
	_, _ = z.Write(zeros)
	require.NoError(t, z.Flush())
	block := bytes.Clone(b.Bytes()[first:])
	for range h*(3*w+1)/megabyte - 2 {
		b.Write(block)
	}
	b.Write([]byte{1, 0, 0, 0xff, 0xff, 0, 0, 0, 0}) // an empty last block, and no checksum
	header := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(w)), uint32(h))
	return bytes.Join([][]byte{
		[]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", append(header, 8, 2, 0, 0, 0)),
		chunk("IDAT", b.Bytes()), chunk("IEND", nil),
	}, nil)
}

// box is one of the ISO media format's.
func box(kind string, data ...byte) []byte {
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(8+len(data))), kind...), data...)
}

func deflated(data []byte) []byte {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = z.Write(data)
	_ = z.Close()
	return b.Bytes()
}
