package bench

import "secure-media-cdn/function/variant"

// formatNames are the formats as the figures name them.
var formatNames = []struct {
	format variant.Format
	name   string
}{{variant.Plain, "JPEG"}, {variant.WebP, "WebP"}, {variant.AVIF, "AVIF"}}

// pictureFigures works out the figures of pictures and their bars. all must have
// every format.
func pictureFigures(all map[variant.Format]measured) []figure {
	var starts, times, memory []figure
	seconds := map[string]float64{}
	for _, f := range formatNames {
		m := all[f.format]
		p50 := m.warm.of(50)
		for name, ms := range p50 {
			seconds[name] += ms / 1000 / float64(len(formatNames))
		}
		resident, peak := map[string]float64{}, map[string]float64{}
		for name, u := range m.used {
			resident[name], peak[name] = megabytes(u.resident), megabytes(u.peak)
		}
		start := "cold start to a first " + f.name + " p50, ms"
		starts = append(starts, figure{Name: start, Values: m.cold.of(50), Share: 0.5})
		times = append(times, figure{Name: f.name + " p50, ms", Values: p50, Share: 1.1})
		memory = append(memory,
			figure{Name: "resident memory, " + f.name + ", MB", Values: resident, Share: 0.7},
			figure{Name: "most resident memory, " + f.name + ", MB", Values: peak},
		)
	}
	cost := map[string]float64{}
	for name, s := range seconds {
		cost[name] = millionVariants(s)
	}
	figures := append(append(starts, times...), memory...)
	return append(figures, all[variant.Plain].zipFigure(9.5), figure{Name: "a million variants, $", Values: cost})
}
