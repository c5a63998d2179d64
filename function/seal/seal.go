// Package link makes and checks the 32 characters that end a link.
//
// A sealed hash stands for 24 bytes: the id of the key that sealed it (1), the
// expiry in epoch seconds, big endian (4), random bytes (11), and the first 8
// bytes of HMAC-SHA256 over the 16 before them. The gate (package gate) checks
// the same seal at CloudFront, in JavaScript; testdata/vectors.json holds what
// both must say.
//
// A seal says that we issued the hash and until when it may live, not what it
// stands for or whether it was revoked: that is the mapping's business.
package seal

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

const (
	randomBytes = 11
	sealBytes   = 8
	bodyBytes   = 1 + 4 + randomBytes
	hashBytes   = bodyBytes + sealBytes

	// Length is the number of characters in a hash. 24 bytes fill 32 base64url
	// characters exactly, so every hash has one spelling only.
	Length = 32
)

// ErrForged says that a hash was sealed by none of the keys: invented, damaged,
// or sealed by a key that is no longer in use.
var ErrForged = errors.New("forged link")

// Keys are the link keys in use: the current one, which seals, and perhaps the
// previous one, whose links still open. They do not change, and may be used by
// many goroutines at once.
type Keys struct {
	current  key
	previous key // id 0: none
}

// NewKeys reads the keys, each written "<id from 1 to 255>:<64 hex digits>".
// previous may be empty. No error contains a key.
func NewKeys(current, previous string) (*Keys, error) {
	var ks Keys
	var err error
	if ks.current, err = parseKey(current); err != nil {
		return nil, fmt.Errorf("reading the current link key: %w", err)
	}
	if previous == "" {
		return &ks, nil
	}
	if ks.previous, err = parseKey(previous); err != nil {
		return nil, fmt.Errorf("reading the previous link key: %w", err)
	}
	if ks.previous.id == ks.current.id {
		return nil, fmt.Errorf("the current and the previous link key both have id %d: give the current one another id", ks.current.id)
	}
	return &ks, nil
}

// String names the ids only, so that logging Keys by mistake gives nothing away.
func (ks Keys) String() string {
	if ks.previous.id == 0 {
		return fmt.Sprintf("link key %d", ks.current.id)
	}
	return fmt.Sprintf("link keys %d and %d", ks.current.id, ks.previous.id)
}

// GoString is String, for %#v.
func (ks Keys) GoString() string { return ks.String() }

// Seal returns a new hash that opens until expiresAt, counted in whole seconds
// rounded down. It reads 11 bytes from rand, which must be crypto/rand.Reader
// outside tests. Four bytes hold the expiry, so it must lie in 1970 to 2106.
func (ks *Keys) Seal(expiresAt time.Time, rand io.Reader) (string, error) {
	seconds := expiresAt.Unix()
	if seconds < 0 || seconds > math.MaxUint32 {
		return "", fmt.Errorf("sealing a link: the expiry %s is outside the years 1970 to 2106", expiresAt.UTC().Format(time.RFC3339))
	}
	var body [bodyBytes]byte
	body[0] = ks.current.id
	binary.BigEndian.PutUint32(body[1:5], uint32(seconds))
	if _, err := io.ReadFull(rand, body[5:]); err != nil {
		return "", fmt.Errorf("sealing a link: %w", err)
	}
	mac := ks.current.seal(&body)
	var raw [hashBytes]byte
	copy(raw[:], body[:])
	copy(raw[bodyBytes:], mac[:])
	return base64.RawURLEncoding.EncodeToString(raw[:]), nil
}

// Open checks the seal of a hash and returns the expiry in it, which may have
// passed: comparing it with the clock is the caller's part. It returns
// [ErrForged] for anything not sealed by one of the keys, and allocates nothing.
func (ks *Keys) Open(hash string) (expiresAt time.Time, err error) {
	var raw [hashBytes]byte
	if !decode(&raw, hash) {
		return time.Time{}, ErrForged
	}
	// The id is no secret: choosing the key by it gives no timing away.
	k := &ks.current
	if raw[0] != k.id {
		k = &ks.previous
	}
	if k.id == 0 || raw[0] != k.id {
		return time.Time{}, ErrForged
	}
	mac := k.seal((*[bodyBytes]byte)(raw[:bodyBytes]))
	if subtle.ConstantTimeCompare(mac[:], raw[bodyBytes:]) != 1 {
		return time.Time{}, ErrForged
	}
	return time.Unix(int64(binary.BigEndian.Uint32(raw[1:5])), 0), nil
}

// decode reads the 32 characters, and reports whether they were that.
func decode(raw *[hashBytes]byte, hash string) bool {
	if len(hash) != Length {
		return false
	}
	var text [Length]byte
	copy(text[:], hash)
	// The decoder skips line ends instead of refusing them: then fewer bytes
	// come out than a whole hash has.
	n, err := base64.RawURLEncoding.Decode(raw[:], text[:])
	return err == nil && n == hashBytes
}

// Random returns a hash without a seal: 24 random bytes, for a stack without a
// link key. rand must be crypto/rand.Reader outside tests.
func Random(rand io.Reader) (string, error) {
	var raw [hashBytes]byte
	if _, err := io.ReadFull(rand, raw[:]); err != nil {
		return "", fmt.Errorf("making a link: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(raw[:]), nil
}
