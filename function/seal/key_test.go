package seal_test

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"secure-media-cdn/function/seal"
	"secure-media-cdn/function/seal/sealtest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNewKeyRefusesWhatIsNoKey(t *testing.T) {
	value := sealtest.Value(1)
	for _, tt := range []struct {
		name       string
		generation int
		value      string
		wantErr    string
	}{
		{"generation 0", 0, value, "generation is 1 to 255, not 0"},
		{"a negative generation", -1, value, "generation is 1 to 255, not -1"},
		{"a generation of more than a byte", 256, value, "generation is 1 to 255, not 256"},
		{"no value", 1, "", "not 64 letters and digits"},
		{"a short value", 1, value[1:], "not 64 letters and digits"},
		{"a long value", 1, value + "0", "not 64 letters and digits"},
		{"a line end", 1, value[1:] + "\n", "not 64 letters and digits"},
		{"a letter beyond ASCII", 1, value[2:] + "é", "not 64 letters and digits"},
		{"punctuation", 1, value[1:] + "-", "not 64 letters and digits"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := seal.NewKey(tt.generation, tt.value)
			require.ErrorContains(t, err, tt.wantErr)
			assert.NotContains(t, err.Error(), value[2:16])
		})
	}
	_, err := seal.NewKey(seal.MaxGeneration, "AZaz09"+strings.Repeat("x", 58))
	assert.NoError(t, err, "any letters and digits are a value")
}

func TestKeysDoNotPrintThemselves(t *testing.T) {
	k := sealtest.Key(t, 7)
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		assert.Equal(t, "link key 7", fmt.Sprintf(format, k))
		assert.Equal(t, "link key 7", fmt.Sprintf(format, &k))
	}
	assert.NotContains(t, fmt.Sprintf("%v %q", struct{ K seal.Key }{k}, k), sealtest.Value(7))
}

func TestAPseudonymIsTheSameEachTimeAndLeadsNowhereWithoutTheKey(t *testing.T) {
	t.Parallel()
	k := sealtest.AudienceKey(t)
	ann := k.Pseudonym("ann@example.com")
	assert.Regexp(t, `^[0-9a-f]{12}$`, ann)
	assert.Equal(t, ann, k.Pseudonym("ann@example.com"))
	assert.NotEqual(t, ann, k.Pseudonym("bob@example.com"))
	other, err := seal.NewAudienceKey(sealtest.Value(9))
	require.NoError(t, err)
	assert.NotEqual(t, ann, other.Pseudonym("ann@example.com"), "it depends on the key")
	audience := k.Audience("ann@example.com")
	assert.NotContains(t, ann, hex.EncodeToString(audience[:]), "and no audience tells it")
}

func TestNamesOfEntriesAndLinks(t *testing.T) {
	hash := strings.Repeat("a_B-", 8)
	assert.Equal(t, "k.255", seal.KeyEntry(255))
	assert.Equal(t, "r."+hash, seal.RevocationEntry(hash))
	assert.Equal(t, "/images/"+hash, seal.LinkPath(hash))
}

func TestOnlyTheFormOfAHashIsOne(t *testing.T) {
	assert.True(t, seal.IsHash("AAECAwQFBgcICQoLDA0ODxAREhMUF-_z"))
	for _, s := range []string{
		"", "AAECAwQFBgcICQoLDA0ODxAREhMUFRY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXA", "AAECAwQFBgcICQoLDA0ODxAREhMUFRY=",
		"AAECAwQFBgcICQoLDA0ODxAREhMUFR+/", "AAECAwQFBgcICQoLDA0ODxAREhMUFRY\n", strings.Repeat("é", 16),
	} {
		assert.False(t, seal.IsHash(s), "%q", s)
	}
}
