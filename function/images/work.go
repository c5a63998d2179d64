package images

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// A small file can ask its decoder for minutes of work, and again each time that somebody asks for its picture. So the
// parts of a file are counted before the library sees it. Pictures of cameras and editors stay far below these
// numbers, with which a decoder takes some seconds at most.
const (
	// maxScans is how many scans a JPEG may have: each passes over all of its pixels.
	maxScans = 64
	// maxWebPFrames is how many frames a WebP may have, kept or not: the library finds each by counting from the first.
	maxWebPFrames = 5000
	// maxGIFFrames is how many frames a GIF may have, kept or not: all of them are looked for.
	maxGIFFrames = 100_000
	// maxTexts is how many texts and profiles a PNG may have: each can be a thousand times as long as in the file.
	maxTexts = 100
)

// laborious reports whether a file has more parts than are good for its decoder.
func laborious(k kind, file []byte) bool {
	switch k {
	case kindJPEG:
		return scans(file) > maxScans
	case kindGIF:
		n, _ := gifFrames(file, maxGIFFrames+1)
		return n > maxGIFFrames
	case kindPNG:
		return texts(file) > maxTexts
	case kindWebP:
		return webpFrames(file) > maxWebPFrames
	}
	return false
}

// scans counts the scans of a JPEG up to its end. Like a decoder it takes for a marker whatever follows 0xff and is
// not 0; so it need not know where the pixels of a scan end.
// https://www.w3.org/Graphics/JPEG/itu-t81.pdf annex B
func scans(file []byte) (n int) {
	const startOfScan, endOfImage = 0xda, 0xd9
	for {
		at := bytes.IndexByte(file, 0xff)
		if at < 0 {
			return n
		}
		for file = file[at:]; len(file) > 0 && file[0] == 0xff; {
			file = file[1:]
		}
		if len(file) < 3 || file[0] == endOfImage {
			return n
		}
		marker := file[0]
		file = file[1:]
		if marker <= 1 || 0xd0 <= marker && marker <= 0xd8 { // it has no length
			continue
		}
		if marker == startOfScan {
			n++
		}
		file = file[min(int(binary.BigEndian.Uint16(file)), len(file)):]
	}
}

// texts counts the chunks of a PNG that hold text or a profile: a chunk has a length, a type, that many bytes and a
// checksum. https://www.w3.org/TR/png-3/#5Chunk-layout
func texts(file []byte) (n int) {
	const signature, around = 8, 12
	for at := uint64(signature); at+around <= uint64(len(file)); {
		if slices.Contains([]string{"tEXt", "zTXt", "iTXt", "iCCP"}, string(file[at+4:at+8])) {
			n++
		}
		at += around + uint64(binary.BigEndian.Uint32(file[at:]))
	}
	return n
}

// webpFrames counts the frames of an animated WebP: a chunk has a type, a length and that many bytes, and one more if
// they are odd. https://www.rfc-editor.org/rfc/rfc9649#section-2.3
func webpFrames(file []byte) (n int) {
	const header, before = 12, 8
	for at := uint64(header); at+before <= uint64(len(file)); {
		if string(file[at:at+4]) == "ANMF" {
			n++
		}
		length := uint64(binary.LittleEndian.Uint32(file[at+4:]))
		at += before + length + length%2
	}
	return n
}
