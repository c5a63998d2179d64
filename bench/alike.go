package bench

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"

	"secure-media-cdn/function/images"
	"secure-media-cdn/function/images/library"
	"secure-media-cdn/function/variant"
)

// maxDifference is how much two pictures may differ, as the mean over all
// pixels, on a scale of 255, and maxLonger by how much one of the files may be
// longer. With the same settings they are the same; what is left is for versions
// of libvips that differ.
const maxDifference, maxLonger = 0.5, 1.02

// alike returns an error unless both functions make the same picture: in the
// same size and format, with hardly a difference to be seen, in files of almost
// the same length.
func alike(root string, sides map[string]side, j job, format variant.Format) error {
	path, err := library.Install(root)
	if err != nil {
		return err
	}
	engine, err := images.Open(path)
	if err != nil {
		return err
	}
	var files [2][]byte
	var pictures [2]image.Image
	for n, name := range []string{goFunction, node} {
		answer, err := once(sides[name], j)
		if err != nil {
			return err
		}
		if files[n], err = pictureOf(answer, format); err != nil {
			return err
		}
		if pictures[n], err = decode(engine, files[n]); err != nil {
			return err
		}
	}
	return similar(pictures[0], pictures[1], len(files[0]), len(files[1]))
}

func once(s side, j job) ([]byte, error) {
	e, err := s.start()
	if err != nil {
		return nil, err
	}
	defer e.end()
	body, _, _, err := e.ask(j.event)
	return body, err
}

// decode turns a picture of any format into pixels, by way of the best JPEG.
func decode(engine *images.Engine, file []byte) (image.Image, error) {
	same := variant.Variant{Width: variant.MaxSide, Quality: 100}
	p, err := engine.Transform(file, same, variant.Plain, variant.Limits{Megapixels: 100, Megabytes: 50, Frames: 1})
	if err != nil {
		return nil, err
	}
	return jpeg.Decode(bytes.NewReader(p.Bytes))
}

func similar(a, b image.Image, bytesOfA, bytesOfB int) error {
	if a.Bounds() != b.Bounds() {
		return fmt.Errorf("the pictures are of different sizes: %v and %v", a.Bounds().Max, b.Bounds().Max)
	}
	sum, count := 0.0, 0
	for y := a.Bounds().Min.Y; y < a.Bounds().Max.Y; y++ {
		for x := a.Bounds().Min.X; x < a.Bounds().Max.X; x++ {
			r, g, b1, _ := a.At(x, y).RGBA()
			r2, g2, b2, _ := b.At(x, y).RGBA()
			for _, pair := range [][2]uint32{{r, r2}, {g, g2}, {b1, b2}} {
				sum += float64(max(pair[0], pair[1])-min(pair[0], pair[1])) / 257
				count++
			}
		}
	}
	if mean := sum / float64(count); mean > maxDifference {
		return fmt.Errorf("the pictures differ by %.2f of 255 in the mean", mean)
	}
	if small, large := min(bytesOfA, bytesOfB), max(bytesOfA, bytesOfB); float64(large) > maxLonger*float64(small) {
		return fmt.Errorf("the files have %d and %d bytes: their settings are not the same", bytesOfA, bytesOfB)
	}
	return nil
}
