package images

// gifFrames counts a GIF's first frames, and reports whether they are whole: as
// many as are wanted, or all up to its end. libvips shows what there is of a GIF
// that was cut off, so this is for us to see. A GIF is a header, a table of
// colours, and blocks: each an extension or a frame, made of sub-blocks that
// begin with their length and end with an empty one.
// https://www.w3.org/Graphics/GIF/spec-gif89a.txt
func gifFrames(file []byte, wanted int) (frames int, whole bool) {
	const header, descriptor = 13, 10
	const extension, frame, trailer = 0x21, 0x2c, 0x3b
	if len(file) < header {
		return 0, false
	}
	at := 0
	whole = true
	skip := func(n int) { at = min(at+n, len(file)) }
	colours := func(flags byte) int {
		if flags&0x80 == 0 {
			return 0
		}
		return 3 << (flags&7 + 1)
	}
	subBlocks := func() {
		for whole {
			if at == len(file) {
				whole = false
				return
			}
			n := int(file[at])
			if skip(1 + n); n == 0 {
				return
			}
		}
	}
	skip(header + colours(file[10]))
	for whole && at < len(file) && frames < wanted {
		switch kind := file[at]; {
		case kind == extension:
			skip(2)
			subBlocks()
		case kind == frame && len(file)-at >= descriptor:
			skip(descriptor + colours(file[at+9]) + 1) // and the size of its codes
			subBlocks()
			frames++
		case kind == trailer:
			return frames, true
		default:
			return frames, false
		}
	}
	return frames, whole
}
