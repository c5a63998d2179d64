package seal

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"
)

// sessionIDBytes are those of a session and of the expiry of its tickets. 12 bytes fill 16 base64url characters
// exactly, so every id has one spelling only.
const sessionIDBytes = len(Session{}) + 4

// SessionID returns the name by which applications end a session. It tells until when the session's tickets live, and
// so how long an ended session must be remembered.
func SessionID(s Session, expiresAt time.Time) string {
	raw := binary.BigEndian.AppendUint32(s[:], uint32(expiresAt.Unix()))
	return base64.RawURLEncoding.EncodeToString(raw)
}

// ParseSessionID is the inverse of [SessionID].
func ParseSessionID(id string) (Session, time.Time, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(id)
	if err != nil || len(raw) != sessionIDBytes || base64.RawURLEncoding.EncodeToString(raw) != id {
		return Session{}, time.Time{}, errors.New("a session is 16 characters of A-Z a-z 0-9 _ -")
	}
	return Session(raw), time.Unix(int64(binary.BigEndian.Uint32(raw[len(Session{}):])), 0), nil
}
