package gate_test

import (
	"fmt"
	"strings"
	"testing"

	"secure-media-cdn/function/gate"
	"secure-media-cdn/function/variant"
	"secure-media-cdn/infra/local/cloudfrontjs"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// largest are the settings that make the longest code.
func largest() gate.Settings {
	s := settings
	s.Variants = nil
	for i := range variant.MaxVariants {
		s.Variants = append(s.Variants, fmt.Sprintf("v%023d", i))
	}
	return s
}

func TestTheCodeFitsCloudFrontWithAnySettings(t *testing.T) {
	for name, s := range map[string]gate.Settings{"none": {}, "some": settings, "the largest": largest()} {
		t.Run(name, func(t *testing.T) {
			code, err := gate.Source(s)
			require.NoError(t, err)
			require.NoError(t, cloudfrontjs.Check(code))
			// 10 KB may mean 10,000 bytes: stay below either.
			assert.LessOrEqual(t, len(code), 10_000)
			for i := range len(code) {
				require.Less(t, code[i], byte(0x80), "only ASCII: the limit may be in characters or in bytes")
			}
		})
	}
}

func TestSettingsAreOneLineOfTheCode(t *testing.T) {
	code, err := gate.Source(settings)
	require.NoError(t, err)
	assert.Contains(t, code, "\n    return {"+`"variants":["/avatar","/w320"],"formats":["image/avif","image/webp"],`+
		`"bearer":true,"query":true,"cookie":true};`+"\n")
	again := settings
	again.Variants = []string{"avatar", "w320", "avatar"}
	again.Carriers = []gate.Carrier{gate.Cookie, gate.Query, gate.Cookie, gate.Bearer}
	same, err := gate.Source(again)
	require.NoError(t, err)
	assert.Equal(t, code, same, "neither order nor repetition matters")

	code, err = gate.Source(gate.Settings{Carriers: []gate.Carrier{gate.Query}})
	require.NoError(t, err)
	assert.Contains(t, code,
		`return {"variants":[],"formats":[],"bearer":false,"query":true,"cookie":false};`)
}

func TestSettingsThatCannotBeAreRefused(t *testing.T) {
	tooMany := largest()
	tooMany.Variants = append(tooMany.Variants, "one-more")
	for name, tt := range map[string]struct {
		settings gate.Settings
		want     string
	}{
		"a name that is none":     {gate.Settings{Variants: []string{"w320", "W320"}}, `"W320": a name must be a letter`},
		"a name that breaks out":  {gate.Settings{Variants: []string{`"]};`}}, "a name must be a letter"},
		"the attachment's name":   {gate.Settings{Variants: []string{"download"}}, "choose another name"},
		"too many variants":       {tooMany, "at most 40 variants, not 41"},
		"a format that is none":   {gate.Settings{Formats: []variant.Format{"jpeg"}}, `"jpeg" is no format`},
		"the format of last":      {gate.Settings{Formats: []variant.Format{variant.Plain}}, `"plain" is no format`},
		"a format twice":          {gate.Settings{Formats: []variant.Format{"avif", "avif"}}, "there twice"},
		"a carrier that is none":  {gate.Settings{Carriers: []gate.Carrier{"header"}}, `"header" is no carrier`},
		"a carrier without name":  {gate.Settings{Carriers: []gate.Carrier{""}}, `"" is no carrier`},
		"an empty variant's name": {gate.Settings{Variants: []string{""}}, `"": a name must be a letter`},
	} {
		t.Run(name, func(t *testing.T) {
			code, err := gate.Source(tt.settings)
			require.ErrorContains(t, err, tt.want)
			assert.Empty(t, code)
		})
	}
	_, err := gate.Source(gate.Settings{Variants: []string{"A", "B"}, Carriers: []gate.Carrier{"c"}})
	require.Error(t, err)
	assert.Len(t, strings.Split(err.Error(), "\n"), 3, "every problem is named: %s", err)
}
