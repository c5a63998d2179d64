package seal

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	maxKeyID  = 255 // the key id is one byte of the hash; 0 is never used
	keyBytes  = 32
	blockSize = sha256.BlockSize
)

// key is one link key, ready to seal: the two blocks that HMAC-SHA256 puts
// before the message and before the inner digest (RFC 2104).
type key struct {
	id           byte
	inner, outer [blockSize]byte
}

// parseKey reads "<id>:<64 hex digits>". No error repeats what was given: it is
// a secret, and errors end in logs.
func parseKey(s string) (key, error) {
	number, digits, ok := strings.Cut(s, ":")
	if !ok {
		return key{}, errors.New("it is written <id>:<64 hex digits>, and this has no colon; make one with `make link-key`")
	}
	id, err := strconv.Atoi(number)
	// The gate compares the id's text, so one id must have one spelling.
	if err != nil || id < 1 || id > maxKeyID || strconv.Itoa(id) != number {
		return key{}, fmt.Errorf("the id before the colon must be a whole number from 1 to %d, without leading zeros or spaces", maxKeyID)
	}
	secret, err := hex.DecodeString(digits)
	if err != nil || len(secret) != keyBytes {
		return key{}, fmt.Errorf("after the colon there must be exactly %d hex digits; make a key with `make link-key`", 2*keyBytes)
	}
	k := key{id: byte(id)}
	copy(k.inner[:], secret)
	copy(k.outer[:], secret)
	for i := range blockSize {
		k.inner[i] ^= 0x36
		k.outer[i] ^= 0x5c
	}
	return k, nil
}

// seal returns the first bytes of HMAC-SHA256(key, body). It is written out
// over two stack buffers because crypto/hmac allocates its state, and this runs
// for every link that is issued or shown.
func (k *key) seal(body *[bodyBytes]byte) (mac [sealBytes]byte) {
	var first [blockSize + bodyBytes]byte
	copy(first[:], k.inner[:])
	copy(first[blockSize:], body[:])
	digest := sha256.Sum256(first[:])

	var second [blockSize + sha256.Size]byte
	copy(second[:], k.outer[:])
	copy(second[blockSize:], digest[:])
	digest = sha256.Sum256(second[:])

	copy(mac[:], digest[:])
	return mac
}

// MakeKey returns a new link key with the given id (1 to 255), in the form that
// [NewKeys], the stack's configuration and the key value store take. It reads
// 32 bytes from rand, which must be crypto/rand.Reader outside tests.
func MakeKey(id int, rand io.Reader) (string, error) {
	if id < 1 || id > maxKeyID {
		return "", fmt.Errorf("making a link key: the id must be from 1 to %d, not %d", maxKeyID, id)
	}
	var secret [keyBytes]byte
	if _, err := io.ReadFull(rand, secret[:]); err != nil {
		return "", fmt.Errorf("making a link key: %w", err)
	}
	return strconv.Itoa(id) + ":" + hex.EncodeToString(secret[:]), nil
}

// NextID returns the id that the key after this one should have: one more, and
// 1 after 255. Two keys in use at once must differ in their ids.
func NextID(current string) (int, error) {
	k, err := parseKey(current)
	if err != nil {
		return 0, fmt.Errorf("reading the current link key: %w", err)
	}
	return int(k.id)%maxKeyID + 1, nil
}
