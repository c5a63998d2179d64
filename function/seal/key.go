package seal

import (
	"fmt"
	"strconv"
)

// MaxGeneration is the last generation of link keys: one byte of the hash names
// it, and the first is 1.
const MaxGeneration = 255

// ValueLength is the number of letters and digits that a key's value has.
const ValueLength = 64

// Key is the link key of one generation. It does not print its value.
type Key struct {
	generation byte
	value      string
}

// NewKey returns the key of a generation (1 to 255), whose value is 64 ASCII
// letters and digits, as the store holds it. The error does not repeat the value.
func NewKey(generation int, value string) (Key, error) {
	if generation < 1 || generation > MaxGeneration {
		return Key{}, fmt.Errorf("a link key's generation is 1 to %d, not %d", MaxGeneration, generation)
	}
	if !isValue(value) {
		return Key{}, fmt.Errorf("the value of link key %d is not %d letters and digits", generation, ValueLength)
	}
	return Key{byte(generation), value}, nil
}

// String names the generation only, so that logging a key by mistake gives
// nothing away.
func (k Key) String() string { return "link key " + strconv.Itoa(int(k.generation)) }

// GoString is String, for %#v.
func (k Key) GoString() string { return k.String() }

// isValue reports whether s has the form of a key's value.
func isValue(s string) bool {
	ok := len(s) == ValueLength
	for i := range len(s) {
		c := s[i]
		ok = ok && ('0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z')
	}
	return ok
}
