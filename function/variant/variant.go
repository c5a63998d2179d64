// Package variant says which pictures can be asked for, and how the edge
// function hands such a request on to the images function.
//
// A variant is a definition that the team has named in the stack's
// configuration. The stack checks definitions, the edge function hands one on
// with each request, and the images function carries it out; this package is
// what they agree on.
package variant

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Fit says what happens when the source is not of the shape that is asked for.
// Under either the result never has more pixels than the source, and its sides
// keep the source's proportions: nothing is stretched and nothing is padded.
type Fit string

const (
	// Inside keeps the whole picture, as large as fits into width × height. A
	// missing width or height does not bound it. This is the default.
	Inside Fit = "inside"
	// Cover fills width × height, both of which it needs, and cuts off equally
	// much on two opposite sides. Of a source that is smaller than the box, it
	// is the largest part that has the box's proportions.
	Cover Fit = "cover"
)

const (
	// MaxSide is the largest width or height that a definition may name.
	MaxSide = 4096
	// MaxResultSide bounds a side that the definition leaves open. WebP can do no
	// more: https://developers.google.com/speed/webp/faq#what_is_the_maximum_size_a_webp_image_can_be
	MaxResultSide = 16383
	// MaxResultPixels bounds one frame of a result. What would be larger is
	// scaled down, which only a very tall or very wide source meets.
	MaxResultPixels = MaxSide * MaxSide
	// DefaultQuality is the quality of a definition that names none.
	DefaultQuality = 80
)

// Variant is one definition. The zero value is not valid.
type Variant struct {
	// Width and Height are in pixels; 0 leaves one of them to the source's
	// proportions.
	Width  int `json:"width,omitempty"`
	Height int `json:"height,omitempty"`
	// Fit is Inside if empty.
	Fit Fit `json:"fit,omitempty"`
	// Quality is from 1 to 100 on JPEG's scale, whatever the format; 0 means
	// DefaultQuality. PNG, which loses nothing, ignores it.
	Quality int `json:"quality,omitempty"`
}

// Validate returns an error that names everything that is wrong with v.
func (v Variant) Validate() error {
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if v.Width < 0 || v.Width > MaxSide {
		wrong("width must be from 1 to %d, not %d", MaxSide, v.Width)
	}
	if v.Height < 0 || v.Height > MaxSide {
		wrong("height must be from 1 to %d, not %d", MaxSide, v.Height)
	}
	if v.Width == 0 && v.Height == 0 {
		wrong("name a width, a height or both")
	}
	switch v.Fit {
	case "", Inside:
	case Cover:
		if v.Width == 0 || v.Height == 0 {
			wrong("fit %s needs both width and height", Cover)
		}
	default:
		wrong("fit must be %s or %s, not %q", Inside, Cover, string(v.Fit))
	}
	if v.Quality < 0 || v.Quality > 100 {
		wrong("quality must be from 1 to 100, not %d", v.Quality)
	}
	return errors.Join(problems...)
}

// String returns the one spelling of v: what it names, in this order, as in
// "width=96,height=96,fit=cover,quality=30". Defaults are left out.
func (v Variant) String() string {
	var parts []string
	add := func(name string, n int) {
		if n != 0 {
			parts = append(parts, name+"="+strconv.Itoa(n))
		}
	}
	add("width", v.Width)
	add("height", v.Height)
	if v.Fit != "" && v.Fit != Inside {
		parts = append(parts, "fit="+string(v.Fit))
	}
	if v.Quality != DefaultQuality {
		add("quality", v.Quality)
	}
	return strings.Join(parts, ",")
}

// Parse reads what String writes, and nothing else.
func Parse(s string) (Variant, error) {
	var v Variant
	numbers := map[string]*int{"width": &v.Width, "height": &v.Height, "quality": &v.Quality}
	for part := range strings.SplitSeq(s, ",") {
		name, value, _ := strings.Cut(part, "=")
		if name == "fit" {
			v.Fit = Fit(value)
			continue
		}
		n, err := strconv.Atoi(value)
		into := numbers[name]
		if into == nil || err != nil {
			return Variant{}, fmt.Errorf("%q is no definition of a variant", s)
		}
		*into = n
	}
	if err := v.Validate(); err != nil {
		return Variant{}, fmt.Errorf("%q is no definition of a variant: %w", s, err)
	}
	if v.String() != s {
		return Variant{}, fmt.Errorf("%q is no definition of a variant: it is spelled %q", s, v.String())
	}
	return v, nil
}

// Size is a width and a height in pixels.
type Size struct{ Width, Height int }

// Pixels returns how many pixels s has.
func (s Size) Pixels() int { return s.Width * s.Height }

// Plan returns the size to scale a source to, and the size to cut out of the
// middle of that; they differ only under Cover. v must be valid and the sides
// of the source at least 1.
func (v Variant) Plan(source Size) (scale, crop Size) {
	w, h := float64(source.Width), float64(source.Height)
	if v.Fit == Cover {
		boxW, boxH := float64(v.Width), float64(v.Height)
		shrink := min(1, w/boxW, h/boxH)
		crop = Size{side(boxW * shrink), side(boxH * shrink)}
		factor := max(float64(crop.Width)/w, float64(crop.Height)/h)
		return Size{max(crop.Width, side(w*factor)), max(crop.Height, side(h*factor))}, crop
	}
	factor := min(1, MaxResultSide/w, MaxResultSide/h, math.Sqrt(MaxResultPixels/(w*h)))
	if v.Width != 0 {
		factor = min(factor, float64(v.Width)/w)
	}
	if v.Height != 0 {
		factor = min(factor, float64(v.Height)/h)
	}
	scale = Size{side(w * factor), side(h * factor)}
	return scale, scale
}

// side rounds the length of a side: a line is still a picture.
func side(f float64) int { return max(1, int(math.Round(f))) }
