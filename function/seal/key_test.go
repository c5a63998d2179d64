package seal_test

import (
	crand "crypto/rand"
	"fmt"
	"strings"
	"testing"

	"secure-media-cdn/function/seal"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestKeysRefuse(t *testing.T) {
	secret := strings.Repeat("0123456789abcdef", 4)
	for _, tt := range []struct {
		name, current, previous, wantErr string
	}{
		{"no current key", "", "", "reading the current link key: it is written <id>:<64 hex digits>"},
		{"no id", secret, "", "no colon"},
		{"an empty id", ":" + secret, "", "whole number from 1 to 255"},
		{"id zero", "0:" + secret, "", "whole number from 1 to 255"},
		{"an id past one byte", "256:" + secret, "", "whole number from 1 to 255"},
		{"a negative id", "-1:" + secret, "", "whole number from 1 to 255"},
		{"an id with a sign", "+1:" + secret, "", "whole number from 1 to 255"},
		{"an id with a leading zero", "01:" + secret, "", "whole number from 1 to 255"},
		{"an id that is no number", "k:" + secret, "", "whole number from 1 to 255"},
		{"a space in front", " 1:" + secret, "", "without leading zeros or spaces"},
		{"a short secret", "1:" + secret[:62], "", "exactly 64 hex digits"},
		{"half a byte missing", "1:" + secret[:63], "", "exactly 64 hex digits"},
		{"a long secret", "1:" + secret + "00", "", "exactly 64 hex digits"},
		{"a secret that is not hex", "1:" + secret[:63] + "g", "", "exactly 64 hex digits"},
		{"a line end", "1:" + secret + "\n", "", "exactly 64 hex digits"},
		{"a bad previous key", "1:" + secret, "2", "reading the previous link key: it is written"},
		{"one id twice", "1:" + secret, "1:" + secret, "both have id 1: give the current one another id"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			keys, err := seal.NewKeys(tt.current, tt.previous)
			require.ErrorContains(t, err, tt.wantErr)
			assert.Nil(t, keys)
			assert.NotContains(t, err.Error(), secret[:16])
		})
	}
}

func TestKeysDoNotPrintThemselves(t *testing.T) {
	keys := newKeys(t, 2, 1)
	assert.Equal(t, "link keys 2 and 1", fmt.Sprint(keys))
	assert.Equal(t, "link key 2", fmt.Sprintf("%v", newKeys(t, 2, 0)))
	assert.Equal(t, "link keys 2 and 1", fmt.Sprintf("%#v", keys))
	assert.Equal(t, "link keys 2 and 1", fmt.Sprintf("%+v", *keys))
}

func TestMakeKey(t *testing.T) {
	one, err := seal.MakeKey(255, crand.Reader)
	require.NoError(t, err)
	assert.Regexp(t, `^255:[0-9a-f]{64}$`, one)
	_, err = seal.NewKeys(one, "")
	require.NoError(t, err)
	other, err := seal.MakeKey(255, crand.Reader)
	require.NoError(t, err)
	assert.NotEqual(t, one, other)

	for _, id := range []int{-1, 0, 256} {
		_, err := seal.MakeKey(id, crand.Reader)
		require.ErrorContains(t, err, "from 1 to 255")
	}
	_, err = seal.MakeKey(1, strings.NewReader("short"))
	require.Error(t, err)
}

func TestNextID(t *testing.T) {
	for current, want := range map[int]int{1: 2, 254: 255, 255: 1} {
		got, err := seal.NextID(testKey(current))
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	_, err := seal.NextID("secret")
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "secret")
}
