package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"
)

// The layout of a session's name: the session, the expiry of its tickets in epoch seconds, and the first bytes of an
// HMAC over both. 24 bytes fill 32 base64url characters exactly, so every name has one spelling only.
const (
	sessionSealAt  = len(Session{}) + 4
	sessionIDBytes = sessionSealAt + 12
)

// sessionDomain is sealed before a session's name. Its line end keeps it apart from every audience.
const sessionDomain = "session\n"

// ErrForgedSession says that nobody was given this name of a session.
var ErrForgedSession = errors.New("a session is the 32 characters that came with its ticket")

// SessionID returns the name by which applications end a session. It tells until when the session's tickets live, and
// so how long an ended session must be remembered. Nobody else can make it, not even from a ticket: whoever was given
// only a ticket cannot end its session, and nobody can fill the list of ended ones with what never was.
func (k AudienceKey) SessionID(s Session, expiresAt time.Time) string {
	raw := binary.BigEndian.AppendUint32(s[:], uint32(expiresAt.Unix()))
	return base64.RawURLEncoding.EncodeToString(append(raw, k.sessionSum(raw)...))
}

// OpenSessionID is the inverse of [AudienceKey.SessionID]. It returns [ErrForgedSession] for anything else.
func (k AudienceKey) OpenSessionID(id string) (Session, time.Time, error) {
	raw, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil || len(raw) != sessionIDBytes || base64.RawURLEncoding.EncodeToString(raw) != id ||
		!hmac.Equal(k.sessionSum(raw[:sessionSealAt]), raw[sessionSealAt:]) {
		return Session{}, time.Time{}, ErrForgedSession
	}
	return Session(raw), time.Unix(int64(binary.BigEndian.Uint32(raw[len(Session{}):])), 0), nil
}

func (k AudienceKey) sessionSum(body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(k.value))
	mac.Write([]byte(sessionDomain))
	mac.Write(body)
	return mac.Sum(nil)[:sessionIDBytes-sessionSealAt]
}
