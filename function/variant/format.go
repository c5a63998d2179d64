package variant

// Format is what a viewer can show, as the gate found in its Accept header. It
// is the best one that the answer may have; a source may ask for another:
// an animation that may not be AVIF is WebP, which every viewer of AVIF shows.
type Format string

const (
	// AVIF is the smallest.
	AVIF Format = "avif"
	// WebP is the one that can be animated.
	WebP Format = "webp"
	// Plain is for viewers that show neither: a JPEG, or a PNG where the source
	// has transparency. An animation becomes its first frame.
	Plain Format = "plain"
)

// Valid reports whether f is one of the formats above.
func (f Format) Valid() bool { return f == AVIF || f == WebP || f == Plain }

// Accept returns the value that the gate reduces a viewer's Accept header to, so
// that the cache key has at most three spellings of it. Plain is "*/*": it is
// what a viewer gets that names neither of the others.
func (f Format) Accept() string {
	if f == Plain {
		return "*/*"
	}
	return "image/" + string(f)
}

// FormatOf returns the format that a reduced Accept header stands for, and
// whether it is one of those.
func FormatOf(accept string) (Format, bool) {
	for _, f := range []Format{AVIF, WebP, Plain} {
		if accept == f.Accept() {
			return f, true
		}
	}
	return "", false
}
