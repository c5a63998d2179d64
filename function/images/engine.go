// Package images makes pictures in the size and format that is asked for, and
// answers CloudFront's requests for them.
//
// It holds no rights and no keys: each request brings a URL that reads one
// object for a minute. Whoever broke a decoder with a hostile file would find
// nothing else.
package images

import (
	"errors"
	"fmt"
	"runtime"
	"strings"

	"secure-media-cdn/function/images/vips"
	"secure-media-cdn/function/variant"
)

// What can be wrong with a source. Every error of Inspect and Transform is one
// of these.
var (
	// ErrUnsupported says that the source is of a kind that is not transformed.
	ErrUnsupported = errors.New("this kind of file is not transformed")
	// ErrTooLarge says that the source is beyond the limits.
	ErrTooLarge = errors.New("the source is beyond the limits")
	// ErrBroken says that the source is damaged, or cut off.
	ErrBroken = errors.New("the source is broken")
)

// recipe is part of the engine's version: raise it with every change here that
// makes another picture of the same source.
const recipe = "1"

// Engine transforms pictures. It is safe for concurrent use.
type Engine struct {
	library *vips.Library
}

// Open loads libvips from path.
func Open(path string) (*Engine, error) {
	library, err := vips.Open(path, loaders...)
	if err != nil {
		return nil, err
	}
	return &Engine{library}, nil
}

// Version changes when the pictures may.
func (e *Engine) Version() string { return e.library.Version + "-" + recipe }

// Header is what a file says of itself before any of its pixels is read.
type Header struct {
	// Size is that of one frame, the right way up.
	Size   variant.Size
	Frames int

	kind  kind
	alpha bool
	// convert asks for a conversion of colours: they are not sRGB in 8 bits.
	convert bool
}

// Inspect reads a file's header, and decodes nothing.
func (e *Engine) Inspect(source []byte) (Header, error) {
	if len(source) == 0 {
		return Header{}, fmt.Errorf("%w: it has no bytes", ErrBroken)
	}
	k := kindOf(source)
	if k == kindOther {
		return Header{}, ErrUnsupported
	}
	if laborious(k, source) {
		return Header{}, fmt.Errorf("%w: it has too many parts", ErrTooLarge)
	}
	var pin runtime.Pinner
	pin.Pin(&source[0])
	defer pin.Unpin()
	image, err := e.library.Operation(k.loader()).SetBytes("buffer", source).Image()
	if err != nil {
		return Header{}, failure(err)
	}
	defer image.Close()
	h := Header{
		kind: k, Size: variant.Size{Width: image.Width(), Height: image.Height()}, Frames: 1,
		alpha: image.HasAlpha(), convert: image.CMYK() || image.Wide() || image.Has("icc-profile-data"),
	}
	if k.animated() {
		h.Frames = max(1, image.Pages())
	}
	if h.Frames == 1 && image.Orientation() > 4 { // turned by a quarter
		h.Size = variant.Size{Width: h.Size.Height, Height: h.Size.Width}
	}
	return h, nil
}

// failure sorts the library's errors. A file that the library cannot read is
// broken, unless the library says that it is only beyond what it can do.
func failure(err error) error {
	text := strings.ToLower(err.Error())
	for _, beyond := range []string{"not supported", "unsupported jpeg process", "no decoding plugin", "security limit"} {
		if strings.Contains(text, beyond) {
			return fmt.Errorf("%w: %w", ErrUnsupported, err)
		}
	}
	return fmt.Errorf("%w: %w", ErrBroken, err)
}
