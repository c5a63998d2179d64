package variant_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"secure-media-cdn/function/variant"
)

func TestANameIsOneLowerCaseSegmentOfAPath(t *testing.T) {
	for _, name := range []string{"w320", "a", "x-large", "a-", "a0", strings.Repeat("a", 24)} {
		assert.NoError(t, variant.CheckName(name), "%q", name)
	}
	for _, name := range []string{
		"", "W320", "320", "-a", "a_b", "a.b", "a/b", "a b", "a%20", "a\n", "é", "aé", "a:b", "a;b", "..",
		strings.Repeat("a", 25),
	} {
		assert.ErrorContains(t, variant.CheckName(name), "must be a letter from a to z", "%q", name)
	}
	assert.ErrorContains(t, variant.CheckName("download"), "choose another name")
}

func TestASetHasOneSpelling(t *testing.T) {
	set := map[string]variant.Variant{
		"w320":   {Width: 320, Fit: variant.Inside},
		"avatar": {Width: 96, Height: 96, Fit: variant.Cover},
	}
	const spelled = "avatar:width=96,height=96,fit=cover;w320:width=320"
	assert.Equal(t, spelled, variant.EncodeSet(set))
	assert.Empty(t, variant.EncodeSet(nil))
	for _, s := range []string{
		"", ";", "w320", "w320:", ":width=320", "w320:width=0", "W320:width=320", "w320:width=320;", ";w320:width=320",
		"w320:width=320;avatar:width=96,height=96,fit=cover", "w320:width=320;w320:width=320", "w320: width=320",
		"w320:width=320:", "download:width=320", "w320=width:320",
	} {
		_, err := variant.ParseSet(s)
		assert.ErrorContains(t, err, "reading variants", "%q", s)
	}
}

func TestASetIsReadBack(t *testing.T) {
	names := rapid.StringMatching(`[a-z][a-z0-9-]{0,23}`).Filter(func(s string) bool { return s != "download" })
	valid := rapid.Custom(anyVariant).Filter(func(v variant.Variant) bool { return v.Validate() == nil })
	rapid.Check(t, func(t *rapid.T) {
		set := rapid.MapOfN(names, valid, 1, variant.MaxVariants).Draw(t, "set")
		got, err := variant.ParseSet(variant.EncodeSet(set))
		require.NoError(t, err)
		require.Len(t, got, len(set))
		for name, v := range set {
			assert.Equal(t, v.String(), got[name].String())
		}
	})
}

// FuzzSet holds that whatever is read is spelled the same way again.
func FuzzSet(f *testing.F) {
	f.Add("avatar:width=96,height=96,fit=cover;w320:width=320")
	f.Fuzz(func(t *testing.T, s string) {
		if set, err := variant.ParseSet(s); err == nil {
			assert.Equal(t, s, variant.EncodeSet(set))
			assert.NotEmpty(t, set)
		}
	})
}

func TestAReducedAcceptHeaderStandsForOneFormat(t *testing.T) {
	for accept, want := range map[string]variant.Format{
		"image/avif": variant.AVIF, "image/webp": variant.WebP, "*/*": variant.Plain,
	} {
		got, ok := variant.FormatOf(accept)
		assert.True(t, ok)
		assert.Equal(t, want, got)
		assert.Equal(t, accept, want.Accept())
	}
	for _, accept := range []string{"", "image/*", "IMAGE/AVIF", "image/avif,image/webp", "image/avif;q=1", "image/png",
		"image/plain", " */*"} {
		_, ok := variant.FormatOf(accept)
		assert.False(t, ok, "%q", accept)
	}
}
