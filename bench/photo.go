package bench

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
)

// photo makes a JPEG of 12 megapixels, the same one every time. Like a
// photograph it has soft and sharp edges, detail at every scale, and noise.
func photo() ([]byte, error) {
	const w, h = 4000, 3000
	random := rand.New(rand.NewPCG(12, 34))
	// Waves of many lengths and directions stand for what is in focus and what is
	// not: the shorter, the weaker.
	type wave struct{ x, y, phase, height float64 }
	var waves [3][]wave
	for channel := range waves {
		for length := 1200.0; length > 6; length *= 0.55 {
			angle := 2 * math.Pi * random.Float64()
			waves[channel] = append(waves[channel], wave{
				2 * math.Pi / length * math.Cos(angle), 2 * math.Pi / length * math.Sin(angle),
				2 * math.Pi * random.Float64(), 4 * math.Pow(length, 0.35),
			})
		}
	}
	picture := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			level := 3*random.NormFloat64() + 110
			if (x/180+y/140)%5 == 0 {
				level -= 35
			}
			if math.Hypot(float64(x-1400), float64(y-1200)) < 600 {
				level += 45
			}
			var c [3]uint8
			for channel, all := range waves {
				value := level
				for _, v := range all {
					value += v.height * math.Sin(v.x*float64(x)+v.y*float64(y)+v.phase)
				}
				c[channel] = uint8(max(0, min(255, value)))
			}
			picture.SetRGBA(x, y, color.RGBA{c[0], c[1], c[2], 255})
		}
	}
	var file bytes.Buffer
	err := jpeg.Encode(&file, picture, &jpeg.Options{Quality: 90})
	return file.Bytes(), err
}
