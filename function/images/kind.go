package images

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// kind is what a file is, by its own first bytes; what it was called when it
// was uploaded says nothing.
type kind string

// The kinds that are transformed: those that browsers show. For every other one
// the best answer is the file itself.
const (
	kindJPEG  kind = "jpeg"
	kindPNG   kind = "png"
	kindGIF   kind = "gif"
	kindWebP  kind = "webp"
	kindAVIF  kind = "avif"
	kindOther kind = ""
)

// loaders are libvips' classes for these kinds. No other can be reached.
var loaders = []string{
	"VipsForeignLoadJpeg", "VipsForeignLoadPng", "VipsForeignLoadNsgif", "VipsForeignLoadWebp", "VipsForeignLoadHeif",
}

// loader returns the operation that reads a file of this kind.
func (k kind) loader() string {
	if k == kindAVIF {
		return "heifload_buffer"
	}
	return string(k) + "load_buffer"
}

// animated reports whether a file of this kind can hold several frames that are
// shown one after another.
func (k kind) animated() bool { return k == kindGIF || k == kindWebP }

// kindOf reads the signature at the start of a file.
func kindOf(file []byte) kind {
	has := func(offset int, signature string) bool {
		return len(file) >= offset && bytes.HasPrefix(file[offset:], []byte(signature))
	}
	switch {
	case has(0, "\xff\xd8\xff"):
		return kindJPEG
	case has(0, "\x89PNG\r\n\x1a\n"):
		return kindPNG
	case has(0, "GIF87a"), has(0, "GIF89a"):
		return kindGIF
	case has(0, "RIFF") && has(8, "WEBP"):
		return kindWebP
	case has(4, "ftyp") && slices.Contains(brands(file), "avif"):
		return kindAVIF
	}
	return kindOther
}

// brands returns what a file of the ISO media format says that it may be read
// as: HEIC, AVIF and the films of MP4 all start alike. The box at the start
// holds its own length, its type, the major brand, a version and more brands.
// https://www.iana.org/assignments/media-types/image/avif points to the standard
func brands(file []byte) []string {
	end := min(uint64(binary.BigEndian.Uint32(file)), uint64(len(file)), 256)
	var all []string
	for at := uint64(8); at+4 <= end; at += 4 {
		if at != 12 { // the version
			all = append(all, string(file[at:at+4]))
		}
	}
	return all
}
