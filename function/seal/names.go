package seal

import (
	"encoding/base64"
	"strconv"
)

const (
	// HashLength is the number of characters in a hash. 24 bytes fill 32 base64url
	// characters exactly, so every hash has one spelling only.
	HashLength = 32
	// TicketCookie is the name of the cookie that carries a ticket. Browsers take
	// one of this prefix over TLS only.
	// https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Set-Cookie#cookie_prefixes
	TicketCookie = "__Secure-viewer"
	// TicketQuery is the name of the query parameter that carries a ticket.
	TicketQuery = "ticket"
)

// Entries of the gate's key value store begin with what they are.
const (
	// KeyPrefix begins the name of a link key's entry, which holds the key's value.
	KeyPrefix = "k."
	// AudienceEntry is the entry that keys the names of audiences. It is made with
	// the first link key and never rotated, so a store without it is one whose keys
	// are gone: the gate then fails instead of refusing every link as forged.
	AudienceEntry = "audience"
	// RevocationPrefix begins the name of a revoked link's entry, and SessionPrefix
	// that of an ended session's. Both hold an expiry in epoch seconds, the link's
	// or that of the session's last ticket, for whoever clears the list; the gate
	// only looks whether they are there.
	RevocationPrefix = "r."
	SessionPrefix    = "s."
)

// KeyEntry returns the name of the entry that holds the key of a generation.
func KeyEntry(generation int) string { return KeyPrefix + strconv.Itoa(generation) }

// RevocationEntry returns the name of the entry that revokes a hash by being
// there.
func RevocationEntry(hash string) string { return RevocationPrefix + hash }

// SessionEntry returns the name of the entry that ends a session by being there.
func SessionEntry(s Session) string {
	return SessionPrefix + base64.RawURLEncoding.EncodeToString(s[:])
}

// IsHash reports whether s has the form of a hash: 32 characters of
// [A-Za-z0-9_-]. It says nothing about whether somebody issued it.
func IsHash(s string) bool {
	if len(s) != HashLength {
		return false
	}
	for i := range len(s) {
		if !hashByte[s[i]] {
			return false
		}
	}
	return true
}

var hashByte = func() (ok [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") {
		ok[c] = true
	}
	return ok
}()
