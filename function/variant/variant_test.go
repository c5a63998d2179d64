package variant_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"secure-media-cdn/function/variant"
)

func TestADefinitionIsCheckedWhole(t *testing.T) {
	for name, c := range map[string]struct {
		v    variant.Variant
		want []string // parts of the error; none means valid
	}{
		"a width":       {variant.Variant{Width: 320}, nil},
		"a height":      {variant.Variant{Height: 1}, nil},
		"an avatar":     {variant.Variant{Width: 96, Height: 96, Fit: variant.Cover}, nil},
		"a placeholder": {variant.Variant{Width: 16, Quality: 30}, nil},
		"the largest": {variant.Variant{Width: 4096, Height: 4096, Fit: variant.Inside, Quality: 100},
			nil},
		"nothing": {variant.Variant{}, []string{"a width, a height or both"}},
		"too wide": {variant.Variant{Width: 4097},
			[]string{"width must be from 1 to 4096, not 4097"}},
		"a negative height":        {variant.Variant{Width: 1, Height: -1}, []string{"height must be"}},
		"a cover without a height": {variant.Variant{Width: 96, Fit: variant.Cover}, []string{"needs both"}},
		"a fit of another product": {variant.Variant{Width: 96, Fit: "fill"},
			[]string{`inside or cover, not "fill"`}},
		"a quality above 100": {variant.Variant{Width: 96, Quality: 101},
			[]string{"quality must be from 1 to 100"}},
		"several mistakes are named at once": {variant.Variant{Width: -1, Fit: "x", Quality: -1},
			[]string{"width", "fit", "quality"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.v.Validate()
			if c.want == nil {
				assert.NoError(t, err)
			}
			for _, part := range c.want {
				assert.ErrorContains(t, err, part)
			}
		})
	}
}

func TestADefinitionHasOneSpelling(t *testing.T) {
	assert.Equal(t, "width=320", variant.Variant{Width: 320, Fit: variant.Inside, Quality: 80}.String())
	assert.Equal(t, "width=96,height=96,fit=cover", variant.Variant{Width: 96, Height: 96, Fit: variant.Cover}.String())
	for _, s := range []string{
		"", "w=1", "width", "width=", "width=x", "width=0", "width=01", "width=+1", "width=1,", ",width=1", "width=1,width=1",
		"height=1,width=1", "width=1,fit=inside", "width=1,fit=", "width=1,quality=80", "width=1,quality=0",
		"width=1, height=1",
		"width=99999999999999999999", "width=1,fit=cover", "width=1\n", "width=1,depth=1",
	} {
		_, err := variant.Parse(s)
		assert.Error(t, err, "%q", s)
	}
}

func TestASpellingIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := anyVariant(t)
		got, err := variant.Parse(v.String())
		require.NoError(t, err)
		assert.Equal(t, v.String(), got.String())
		source := anySize(t)
		wantScale, wantCrop := v.Plan(source)
		scale, crop := got.Plan(source)
		assert.Equal(t, []variant.Size{wantScale, wantCrop}, []variant.Size{scale, crop})
	})
}

func anyVariant(t *rapid.T) variant.Variant {
	v := variant.Variant{
		Width:   rapid.IntRange(0, variant.MaxSide).Draw(t, "width"),
		Height:  rapid.IntRange(0, variant.MaxSide).Draw(t, "height"),
		Fit:     rapid.SampledFrom([]variant.Fit{"", variant.Inside, variant.Cover}).Draw(t, "fit"),
		Quality: rapid.IntRange(0, 100).Draw(t, "quality"),
	}
	if v.Width == 0 && (v.Height == 0 || v.Fit == variant.Cover) {
		v.Width = 1
	}
	if v.Height == 0 && v.Fit == variant.Cover {
		v.Height = 1
	}
	return v
}

func anySize(t *rapid.T) variant.Size {
	side := rapid.OneOf(rapid.IntRange(1, 100), rapid.IntRange(1, 20_000))
	return variant.Size{Width: side.Draw(t, "source width"), Height: side.Draw(t, "source height")}
}

// What holds of every definition and every source.
func TestAResultIsNeverLargerThanItsSourceOrItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v, source := anyVariant(t), anySize(t)
		scale, crop := v.Plan(source)
		for _, s := range []variant.Size{scale, crop} {
			assert.True(t, s.Width >= 1 && s.Height >= 1, s)
			assert.True(t, s.Width <= source.Width && s.Height <= source.Height, "%v of %v", s, source)
		}
		assert.True(t, crop.Width <= scale.Width && crop.Height <= scale.Height, "%v of %v", crop, scale)
		assert.LessOrEqual(t, max(crop.Width, crop.Height), variant.MaxResultSide)
		assert.LessOrEqual(t, crop.Pixels(), variant.MaxResultPixels+variant.MaxResultSide, "but for the rounding of a side")
		if v.Width != 0 {
			assert.LessOrEqual(t, crop.Width, v.Width)
		}
		if v.Height != 0 {
			assert.LessOrEqual(t, crop.Height, v.Height)
		}
		// Half a pixel of rounding on either side is all that may bend it.
		w, h := float64(source.Width), float64(source.Height)
		bend := float64(scale.Width)*h - float64(scale.Height)*w
		assert.LessOrEqual(t, max(bend, -bend), max(w, h)*1.001, "%v is not of the proportions of %v", scale, source)
	})
}

func TestAPlanIsWhatFrontEndPeopleExpect(t *testing.T) {
	inside := func(w, h int) variant.Variant { return variant.Variant{Width: w, Height: h} }
	cover := func(w, h int) variant.Variant { return variant.Variant{Width: w, Height: h, Fit: variant.Cover} }
	for name, c := range map[string]struct {
		v                   variant.Variant
		source, scale, crop variant.Size
	}{
		"a width":                  {inside(320, 0), size(4000, 3000), size(320, 240), size(320, 240)},
		"a height":                 {inside(0, 240), size(4000, 3000), size(320, 240), size(320, 240)},
		"a box, and a wide source": {inside(100, 100), size(400, 200), size(100, 50), size(100, 50)},
		"a box, and a tall source": {inside(100, 100), size(200, 400), size(50, 100), size(50, 100)},
		"a source that is smaller stays as it is":   {inside(320, 320), size(20, 10), size(20, 10), size(20, 10)},
		"a line stays a line":                       {inside(320, 0), size(20000, 1), size(320, 1), size(320, 1)},
		"a line that is too long for WebP":          {inside(320, 0), size(1, 20000), size(1, 16383), size(1, 16383)},
		"a tower with more pixels than a result":    {inside(4096, 0), size(4096, 16384), size(2048, 8192), size(2048, 8192)},
		"a cover of a wide source":                  {cover(96, 96), size(400, 200), size(192, 96), size(96, 96)},
		"a cover of a tall source":                  {cover(96, 96), size(200, 400), size(96, 192), size(96, 96)},
		"a cover of the same proportions":           {cover(160, 90), size(1920, 1080), size(160, 90), size(160, 90)},
		"a cover of a source that is too small":     {cover(96, 96), size(60, 40), size(60, 40), size(40, 40)},
		"a cover of a source that is only too flat": {cover(100, 50), size(400, 25), size(400, 25), size(50, 25)},
	} {
		t.Run(name, func(t *testing.T) {
			scale, crop := c.v.Plan(c.source)
			assert.Equal(t, c.scale, scale)
			assert.Equal(t, c.crop, crop)
		})
	}
}

func size(w, h int) variant.Size { return variant.Size{Width: w, Height: h} }
