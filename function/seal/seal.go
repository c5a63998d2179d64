// Package seal makes and checks the 32 characters of a link and the tickets of
// viewers, and names what links, tickets and their keys are found under.
//
// A hash stands for 24 bytes, integers in big endian: the generation of the key
// that sealed it (1), the expiry in epoch seconds (4), a policy (1), an audience
// (4), random bytes (6), and the first 8 bytes of HMAC-SHA256 over the 16 before
// them. The gate (package gate) checks the same seal at CloudFront, in
// JavaScript; testdata/vectors.json holds what both must say.
//
// A seal says that we issued the hash and until when it may live. It does not
// say what the hash stands for: that is the mapping's business.
package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// The layout of a hash: where each part begins.
const (
	expiryAt   = 1
	policyAt   = 5
	audienceAt = 6
	randomAt   = 10
	sealAt     = 16
	hashBytes  = 24
)

// The policies there are. The gate refuses links of any other.
const (
	// PolicyHolder is the policy of a link that everybody may see who holds it.
	PolicyHolder = 0
	// PolicyTicket is the policy of a bound link: its viewer also needs a ticket
	// that names the link's audience.
	PolicyTicket = 1
)

// ErrForged says that a hash was not sealed by the key: invented, damaged, or
// sealed by another one.
var ErrForged = errors.New("forged link")

// Claims are what a hash says of itself.
type Claims struct {
	// ExpiresAt is the end of the link, in whole seconds from 1970 to 2106.
	ExpiresAt time.Time
	// Policy says what a viewer needs beside the link.
	Policy byte
	// Audience says who may see a bound link. It is 0 under [PolicyHolder].
	Audience Audience
}

// Seal returns a new hash that says what the claims say, its expiry rounded down
// to whole seconds. It reads 6 bytes from random, which must be
// crypto/rand.Reader outside tests.
func (k Key) Seal(c Claims, random io.Reader) (string, error) {
	raw, err := k.head(c.ExpiresAt, sealAt, hashBytes)
	if err != nil {
		return "", fmt.Errorf("sealing a link: %w", err)
	}
	raw[policyAt] = c.Policy
	copy(raw[audienceAt:], c.Audience[:])
	if _, err := io.ReadFull(random, raw[randomAt:]); err != nil {
		return "", fmt.Errorf("sealing a link: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(append(raw, k.sum(raw)...)), nil
}

// head returns a body of length bytes, with room for its seal, that begins as
// links and tickets do: with the key's generation and the expiry.
func (k Key) head(expiresAt time.Time, length, capacity int) ([]byte, error) {
	seconds := expiresAt.Unix()
	if seconds < 0 || seconds > math.MaxUint32 {
		return nil, fmt.Errorf("the expiry %s is outside the years 1970 to 2106", expiresAt.UTC().Format(time.RFC3339))
	}
	raw := make([]byte, length, capacity)
	raw[0] = k.generation
	binary.BigEndian.PutUint32(raw[expiryAt:], uint32(seconds))
	return raw, nil
}

// Open checks the seal of a hash and returns what it says. The expiry may have
// passed: comparing it with the clock is the caller's part. It returns
// [ErrForged] for anything that this key did not seal.
func (k Key) Open(hash string) (Claims, error) {
	raw, ok := decode(hash)
	if !ok || raw[0] != k.generation || !hmac.Equal(k.sum(raw[:sealAt]), raw[sealAt:]) {
		return Claims{}, ErrForged
	}
	return Claims{
		ExpiresAt: expiryOf(raw),
		Policy:    raw[policyAt],
		Audience:  Audience(raw[audienceAt:randomAt]),
	}, nil
}

// expiryOf returns the expiry in a body that begins as head returns it.
func expiryOf(raw []byte) time.Time {
	return time.Unix(int64(binary.BigEndian.Uint32(raw[expiryAt:])), 0)
}

// Generation returns the generation of the key that a hash claims to be sealed
// by, or 0 for what is no hash. Only [Key.Open] tells whether the claim is true.
func Generation(hash string) int {
	raw, ok := decode(hash)
	if !ok {
		return 0
	}
	return int(raw[0])
}

// NeedsTicket reports whether a hash claims that its link is for viewers with a
// ticket only. As with [Generation], only [Key.Open] tells whether that is true.
func NeedsTicket(hash string) bool {
	raw, ok := decode(hash)
	return ok && raw[policyAt] == PolicyTicket
}

// sum returns the seal of the bytes before it.
func (k Key) sum(body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(k.value))
	mac.Write(body)
	return mac.Sum(nil)[:hashBytes-sealAt]
}

// decode returns the bytes of a hash, and whether it was one. The decoder alone
// would skip line ends instead of refusing them.
func decode(hash string) ([]byte, bool) {
	if !IsHash(hash) {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(hash)
	return raw, err == nil
}
