package images

import (
	"fmt"
	"runtime"

	"secure-media-cdn/function/images/vips"
	"secure-media-cdn/function/variant"
)

// Picture is a finished variant.
type Picture struct {
	Type   string // of its content, like "image/avif"
	Bytes  []byte
	Size   variant.Size
	Frames int
}

// Transform returns source as variant v in the best form that f allows, without
// any metadata and in sRGB. Its result is never a part of a picture: a source
// that ends too early is ErrBroken. It returns ErrTooLarge before it decodes
// anything.
func (e *Engine) Transform(source []byte, v variant.Variant, f variant.Format, limits variant.Limits) (Picture, error) {
	h, err := e.Inspect(source)
	if err != nil {
		return Picture{}, err
	}
	frames, err := h.frames(f, limits)
	if err != nil {
		return Picture{}, err
	}
	if h.kind == kindGIF {
		if _, whole := gifFrames(source, wanted(f, limits)); !whole {
			return Picture{}, fmt.Errorf("%w: the GIF ends too early", ErrBroken)
		}
	}
	var pin runtime.Pinner
	pin.Pin(&source[0])
	defer pin.Unpin()

	scale, crop := v.Plan(h.Size)
	image, err := e.scale(source, h, scale, frames)
	if err != nil {
		return Picture{}, failure(err)
	}
	defer func() { image.Close() }()
	steps := []func(vips.Image) (vips.Image, error){e.toSRGB}
	if crop != scale {
		steps = append(steps, func(i vips.Image) (vips.Image, error) { return e.crop(i, scale, crop, frames) })
	}
	for _, step := range steps {
		next, err := step(image)
		if err != nil {
			return Picture{}, failure(err)
		}
		image.Close()
		image = next
	}
	picture, err := e.save(image, format(h, f, frames), v.Quality, crop)
	if err != nil {
		return Picture{}, failure(err)
	}
	picture.Size, picture.Frames = crop, frames
	return picture, nil
}

// Announce returns what Transform would, without its bytes, and decodes nothing.
func (e *Engine) Announce(source []byte, f variant.Format, limits variant.Limits) (Picture, error) {
	h, err := e.Inspect(source)
	if err != nil {
		return Picture{}, err
	}
	frames, err := h.frames(f, limits)
	return Picture{Type: format(h, f, frames), Frames: frames}, err
}

// weight is for how many pixels one of this kind counts. A decoder that must
// hold the whole picture takes up to 8 bytes for each (interlaced PNG of 16 bits
// with transparency, progressive JPEG in CMYK), but AVIF's takes 18. Counted
// so, a source takes at most 9 MB of memory for each megapixel of the limit.
func (k kind) weight() int {
	if k == kindAVIF {
		return 2
	}
	return 1
}

// frames returns how many frames of a source are kept, if it is within the
// limits.
func (h Header) frames(f variant.Format, limits variant.Limits) (int, error) {
	frames := min(h.Frames, wanted(f, limits))
	if h.Size.Pixels()*frames*h.kind.weight() > limits.Megapixels*1_000_000 {
		return 0, fmt.Errorf("%w: %d frames of %d × %d pixels", ErrTooLarge, frames, h.Size.Width, h.Size.Height)
	}
	return frames, nil
}

// wanted returns how many frames are kept of an animation that has that many.
func wanted(f variant.Format, limits variant.Limits) int {
	if f == variant.Plain {
		return 1
	}
	return limits.Frames
}

// scale decodes a source to the given size of a frame, the right way up. Where
// the file's form allows, it never decodes more than it needs for that size.
func (e *Engine) scale(source []byte, h Header, to variant.Size, frames int) (vips.Image, error) {
	// The operation's own fail-on does not reach the loader; its options do.
	options := "fail-on=error"
	if h.kind.animated() {
		options += fmt.Sprintf(",n=%d", frames)
	}
	o := e.library.Operation("thumbnail_buffer").SetBytes("buffer", source).Set("option-string", options).
		SetInt("width", to.Width).SetInt("height", to.Height).Set("size", "force")
	if h.convert {
		o.Set("output-profile", "srgb")
	}
	return o.Image()
}

// toSRGB makes grey, and what else came without a profile, sRGB in 8 bits.
func (e *Engine) toSRGB(image vips.Image) (vips.Image, error) {
	return e.library.Operation("colourspace").SetImage("in", image).Set("space", "srgb").Image()
}

// crop cuts the middle out of every frame.
func (e *Engine) crop(image vips.Image, from, to variant.Size, frames int) (vips.Image, error) {
	cut := make([]vips.Image, 0, frames)
	defer func() {
		for _, i := range cut {
			i.Close()
		}
	}()
	for n := range frames {
		i, err := e.library.Operation("extract_area").SetImage("input", image).
			SetInt("left", (from.Width-to.Width)/2).SetInt("top", n*from.Height+(from.Height-to.Height)/2).
			SetInt("width", to.Width).SetInt("height", to.Height).Image()
		if err != nil {
			return vips.Image{}, err
		}
		cut = append(cut, i)
	}
	return e.library.Operation("arrayjoin").SetImages("in", cut).SetInt("across", 1).Image()
}

// The content types of results.
const (
	typeAVIF = "image/avif"
	typeWebP = "image/webp"
	typeJPEG = "image/jpeg"
	typePNG  = "image/png"
)

// format chooses the content type of a result.
func format(h Header, f variant.Format, frames int) string {
	switch {
	case frames > 1, f == variant.WebP:
		return typeWebP
	case f == variant.AVIF:
		return typeAVIF
	case h.alpha:
		return typePNG
	}
	return typeJPEG
}

// save encodes an image whose frames have the given size. Nothing of the
// source's metadata is kept.
func (e *Engine) save(image vips.Image, contentType string, quality int, frame variant.Size) (Picture, error) {
	if quality == 0 {
		quality = variant.DefaultQuality
	}
	var o *vips.Operation
	switch contentType {
	case typeAVIF:
		// At five eighths of the number AVIF looks as JPEG does. Effort decides
		// about the time: 2 takes half as long again as 1, and 4 twelve times, for
		// files of the same size within 2 %.
		o = e.library.Operation("heifsave_buffer").Set("compression", "av1").
			SetInt("effort", 1).SetInt("bitdepth", 8).SetInt("Q", max(1, quality*5/8))
	case typeWebP:
		o = e.library.Operation("webpsave_buffer").SetInt("effort", 4).SetInt("Q", quality)
	case typePNG:
		o = e.library.Operation("pngsave_buffer")
	default:
		o = e.library.Operation("jpegsave_buffer").SetInt("Q", quality).
			Set("optimize-coding", "true") //nolint:misspell // as libvips spells it
	}
	o.SetImage("in", image).SetInt("page-height", frame.Height).Set("keep", "none")
	data, err := o.Bytes()
	return Picture{Type: contentType, Bytes: data}, err
}
