package seal_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"secure-media-cdn/function/seal"
	"secure-media-cdn/function/seal/sealtest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestASessionIDSaysTheSessionAndUntilWhen(t *testing.T) {
	k, session := sealtest.AudienceKey(t), seal.Session{1, 2, 3, 4, 5, 6, 7, 8}
	for _, expiresAt := range []time.Time{expiry, time.Unix(1<<32-1, 0)} {
		id := k.SessionID(session, expiresAt)
		assert.Len(t, id, 32)
		got, until, err := k.OpenSessionID(id)
		require.NoError(t, err)
		assert.Equal(t, session, got)
		assert.Equal(t, expiresAt.Unix(), until.Unix())
	}
}

// Another expiry would have an ended session forgotten while its tickets live, or remembered for years.
func TestNobodyElseMakesASessionID(t *testing.T) {
	k := sealtest.AudienceKey(t)
	id := k.SessionID(seal.Session{1}, expiry)
	raw, err := base64.RawURLEncoding.DecodeString(id)
	require.NoError(t, err)
	for bit := range 8 * len(raw) {
		changed := append([]byte(nil), raw...)
		changed[bit/8] ^= 1 << (bit % 8)
		_, _, err := k.OpenSessionID(base64.RawURLEncoding.EncodeToString(changed))
		require.ErrorIs(t, err, seal.ErrForgedSession, "bit %d", bit)
	}
	other, err := seal.NewAudienceKey(strings.Repeat("k", seal.ValueLength))
	require.NoError(t, err)
	for _, s := range []string{"", id[1:], id + "A", id[:31] + "=", id[:31] + "+", id[:31] + "\n", id + "\n",
		id[:8] + "\r\n" + id[8:], id[:16], other.SessionID(seal.Session{1}, expiry)} {
		_, _, err := k.OpenSessionID(s)
		assert.ErrorIs(t, err, seal.ErrForgedSession, "%q", s)
	}
}
