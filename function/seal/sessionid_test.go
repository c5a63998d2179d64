package seal_test

import (
	"testing"
	"time"

	"secure-media-cdn/function/seal"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestASessionIDSaysTheSessionAndUntilWhen(t *testing.T) {
	session := seal.Session{1, 2, 3, 4, 5, 6, 7, 8}
	id := seal.SessionID(session, expiry)
	assert.Equal(t, "AQIDBAUGBwhrSdIA", id)
	got, until, err := seal.ParseSessionID(id)
	require.NoError(t, err)
	assert.Equal(t, session, got)
	assert.Equal(t, expiry.Unix(), until.Unix())
	_, until, err = seal.ParseSessionID(seal.SessionID(session, time.Unix(1<<32-1, 0)))
	require.NoError(t, err)
	assert.Equal(t, int64(1<<32-1), until.Unix())
}

func TestOnlyTheFormOfASessionIDIsOne(t *testing.T) {
	id := seal.SessionID(seal.Session{1}, expiry)
	for _, s := range []string{"", id[1:], id + "A", id[:15] + "=", id[:15] + "+", id[:15] + "\n", id + "\n",
		id[:8] + "\r\n" + id[8:]} {
		_, _, err := seal.ParseSessionID(s)
		assert.ErrorContains(t, err, "a session is 16 characters", "%q", s)
	}
}
