package bench

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/variant"
)

// sample returns measurements at which every bar is met exactly.
func sample() measured {
	each := func(ms float64) []time.Duration {
		return []time.Duration{time.Duration(ms * float64(time.Millisecond))}
	}
	return measured{
		cold: times{goFunction: each(60), node: each(100), goBinary: each(33), nodeNull: each(40)},
		warm: times{goFunction: each(1), node: each(2), bare: each(0.5), goNull: each(0.25), nodeNull: each(0.5)},
		used: map[string]usage{
			goFunction: {cpu: time.Millisecond, resident: 20e6}, node: {cpu: 2 * time.Millisecond, resident: 40e6},
		},
		zip: map[string]int64{goFunction: 3.5e6, node: 0.15e6},
	}
}

// samplePictures returns the same of every format.
func samplePictures() map[variant.Format]measured {
	each := func(ms float64) []time.Duration {
		return []time.Duration{time.Duration(ms * float64(time.Millisecond))}
	}
	all := map[variant.Format]measured{}
	for _, format := range []variant.Format{variant.Plain, variant.WebP, variant.AVIF} {
		all[format] = measured{
			cold: times{goFunction: each(50), node: each(100)},
			warm: times{goFunction: each(110), node: each(100)},
			used: map[string]usage{goFunction: {resident: 70e6, peak: 90e6}, node: {resident: 100e6, peak: 150e6}},
			zip:  map[string]int64{goFunction: 9.5e6, node: 8e6},
		}
	}
	return all
}

func TestABarIsMetUpToItsLimit(t *testing.T) {
	for _, f := range append(sample().lookupFigures(), pictureFigures(samplePictures())...) {
		assert.True(t, f.met(), f.Name)
	}
}

func TestABarOfPicturesIsNotMetBeyondItsLimit(t *testing.T) {
	for _, tt := range []struct {
		name, missed string
		worse        func(measured)
	}{
		{"a slow start", "cold start to a first AVIF p50, ms", func(m measured) { m.cold[goFunction][0]++ }},
		{"a slow transformation", "AVIF p50, ms", func(m measured) { m.warm[goFunction][0]++ }},
		{"much memory", "resident memory, AVIF, MB", func(m measured) {
			m.used[goFunction] = usage{resident: 70e6 + 1, peak: 90e6}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all := samplePictures()
			tt.worse(all[variant.AVIF])
			var missed []string
			for _, f := range pictureFigures(all) {
				if !f.met() {
					missed = append(missed, f.Name)
				}
			}
			assert.Equal(t, []string{tt.missed}, missed)
		})
	}
}

func TestAMillionVariantsAreAddedUpFromTheirPrices(t *testing.T) {
	const viewer, edge, image = 1 + 2*0.10 + 2*0.03, 0.60 + 0.25*20_000*0.00005001 + 0.125, 0.20 + 0.40
	const second = 1769.0 / 1024 * 13.3334
	assert.InDelta(t, viewer+edge+image+second*3.05, millionVariants(3), 1e-6)
}

func TestABarIsNotMetBeyondItsLimit(t *testing.T) {
	for _, tt := range []struct {
		name   string
		missed []string
		worse  func(measured)
	}{
		{"a slow start", []string{"cold start p50, ms"}, func(m measured) { m.cold[goFunction][0] = 61 * time.Millisecond }},
		{"a slow binary", []string{"cold start on AWS, estimated, ms"}, func(m measured) {
			m.cold[goBinary][0] = 34 * time.Millisecond
		}},
		{"slow requests", []string{"warm p50, ms", "warm p99, ms", "over the floor, hop apart, ms"},
			func(m measured) { m.warm[goFunction][0] += time.Microsecond }},
		{"a slow tail", []string{"warm p99, ms"}, func(m measured) {
			m.warm[goFunction] = append(m.warm[goFunction], 2*time.Millisecond)
		}},
		{"work of its own", []string{"over the floor, hop apart, ms"}, func(m measured) {
			m.warm[goNull][0] -= time.Microsecond
		}},
		{"much processor time", []string{"processor per request, ms"}, func(m measured) {
			m.used[goFunction] = usage{cpu: 2 * time.Millisecond, resident: 20e6}
		}},
		{"much memory", []string{"resident memory, MB"}, func(m measured) {
			m.used[goFunction] = usage{cpu: time.Millisecond, resident: 20e6 + 1}
		}},
		{"a large zip", []string{"zip, MB"}, func(m measured) { m.zip[goFunction]++ }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := sample()
			tt.worse(m)
			var missed []string
			for _, f := range m.lookupFigures() {
				if !f.met() {
					missed = append(missed, f.Name)
				}
			}
			assert.Equal(t, tt.missed, missed)
		})
	}
}

func TestTheTableShowsFiguresRatiosAndBars(t *testing.T) {
	m := sample()
	m.zip[goFunction] += 1e6
	r := result{
		Machine: machine{Processor: "An old one", Processors: 2},
		Lookups: m.lookupFigures(), Pictures: pictureFigures(samplePictures()),
	}
	table := r.tables()
	for _, pattern := range []string{
		`links looked up +Go +Node\.js +Go alone`, `pictures made +Go +sharp +ratio`,
		`cold start to a first WebP p50, ms +50\.00 +100\.00 +0\.50 +at most 0\.5 of Node\.js +met`,
		`cold start p50, ms +60\.00 +100\.00 +33\.00 +40\.00 +0\.60 +at most 0\.6 of Node\.js +met`,
		`on AWS, estimated, ms +120\.00 +200\.00 +0\.60`,
		`over the floor, hop apart, ms +0\.25 +1\.00 +0\.25 +at most 0\.25 +met`,
		`zip, MB +4\.50 +0\.15 +30\.00 +at most 3\.5 +NOT MET`,
	} {
		assert.Regexp(t, pattern, table)
	}
	data, err := json.Marshal(r)
	require.NoError(t, err)
	var back result
	require.NoError(t, json.Unmarshal(data, &back))
	assert.Equal(t, r, back)
}

func TestAPercentileIsTheNearestRank(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(100 - i)
	}
	for _, tt := range []struct {
		name   string
		values []time.Duration
		p      float64
		want   time.Duration
	}{
		{"the median of an odd number is the middle", []time.Duration{9, 1, 2}, 50, 2},
		{"the median of an even number is the lower middle, a value that was measured", []time.Duration{1, 2, 8, 9}, 50, 2},
		{"p99 of a hundred leaves out the greatest", hundred, 99, 99},
		{"p99 of a few is the greatest", []time.Duration{1, 2, 9}, 99, 9},
		{"p100 is the greatest", hundred, 100, 100},
		{"any percentile of one value is that value", []time.Duration{7}, 99, 7},
	} {
		t.Run(tt.name, func(t *testing.T) { assert.Equal(t, tt.want, percentile(tt.values, tt.p)) })
	}
	assert.Equal(t, time.Duration(100), hundred[0], "the series keeps its order")
}
