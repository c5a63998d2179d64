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

func TestVectorsOfAudiences(t *testing.T) {
	vectors := sealtest.Read(t).Audiences
	require.NotEmpty(t, vectors)
	for _, v := range vectors {
		require.NoError(t, seal.CheckAudience(v.Name))
		k, err := seal.NewAudienceKey(v.Key)
		require.NoError(t, err)
		a := k.Audience(v.Name)
		assert.Equal(t, v.Audience, hex.EncodeToString(a[:]), v.Name)
	}
}

func TestAnAudienceIsAServiceOrANameBelowOne(t *testing.T) {
	for _, name := range []string{"a", "0", "simple-chat", "a-b-c", "a/b", "simple-chat/room-42", "a/A.b_c:d@e-f", "a/..",
		"a/" + strings.Repeat("x", 128), strings.Repeat("s", 63) + "/" + strings.Repeat("x", 128)} {
		assert.NoError(t, seal.CheckAudience(name), "%q", name)
	}
	for _, name := range []string{"", "/", "a/", "/a", "a//b", "a/b/c", "A", "Simple-chat", "simple_chat", "-a", "a-",
		"a--b", "a b", "a/b c", "a\n", "a/b\n", "\na", "a/é", "é", "a/b?", "a/*", "a/%41", "a,b", "a/" + strings.Repeat("x", 129),
		"a/\x00", "a.b"} {
		err := seal.CheckAudience(name)
		require.ErrorContains(t, err, "1 to 128 of A-Z a-z 0-9 . _ : @ -", "%q", name)
		assert.Less(t, len(err.Error()), 400, "a long name is cut")
	}
}

func TestAudiencesDependOnKeyAndName(t *testing.T) {
	one, err := seal.NewAudienceKey(sealtest.Value(1))
	require.NoError(t, err)
	two, err := seal.NewAudienceKey(sealtest.Value(2))
	require.NoError(t, err)
	assert.Equal(t, one.Audience("a"), one.Audience("a"))
	assert.NotEqual(t, one.Audience("a"), two.Audience("a"))
	assert.NotEqual(t, one.Audience("a"), one.Audience("a/b"))
	assert.NotEqual(t, one.Audience("a/b"), one.Audience("a/B"))
}

func TestAnAudienceKeyIsOneAndDoesNotPrintItself(t *testing.T) {
	value := sealtest.Value(1)
	for _, v := range []string{"", value[1:], value + "0", value[1:] + "-", value[1:] + "\n", value[2:] + "é"} {
		_, err := seal.NewAudienceKey(v)
		require.ErrorContains(t, err, "not 64 letters and digits")
		assert.NotContains(t, err.Error(), value[2:16])
	}
	k := sealtest.AudienceKey(t)
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		assert.Equal(t, "audience key", fmt.Sprintf(format, k))
		assert.Equal(t, "audience key", fmt.Sprintf(format, &k))
	}
	assert.NotContains(t, fmt.Sprintf("%v %q", struct{ K seal.AudienceKey }{k}, k), sealtest.Value(0))
}
