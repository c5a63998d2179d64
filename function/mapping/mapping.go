// Package mapping keeps what a link's hash stands for: one object of the media
// bucket, until a moment in time.
//
// The edge function reads mappings with a [Reader], the issuer writes them with
// a [Store]. Both use one DynamoDB table.
package mapping

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// maxKeyBytes is S3's limit on the UTF-8 length of an object key.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
const maxKeyBytes = 1024

var (
	// ErrNotFound says that no mapping has the hash asked for.
	ErrNotFound = errors.New("no such mapping")
	// ErrCorrupt says that an item was found under the hash but is no mapping:
	// an attribute is missing, of the wrong type or malformed.
	ErrCorrupt = errors.New("corrupt mapping")
)

// Object is one object of an S3 bucket.
type Object struct {
	Bucket string
	// Key is the exact key, not percent-encoded.
	Key string
}

// String returns the object as s3://bucket/key.
func (o Object) String() string { return "s3://" + o.Bucket + "/" + o.Key }

// ParseObject reads s3://bucket/key. The key is taken literally, byte for
// byte: S3 keys may hold "?", "#", "%" and "//", so this is not URL parsing.
func ParseObject(s string) (Object, error) {
	rest, ok := strings.CutPrefix(s, "s3://")
	if !ok {
		return Object{}, fmt.Errorf("an object must be written s3://bucket/key")
	}
	bucket, key, _ := strings.Cut(rest, "/")
	switch {
	case bucket == "":
		return Object{}, fmt.Errorf("an object must be written s3://bucket/key: the bucket is missing")
	case key == "":
		return Object{}, fmt.Errorf("an object must be written s3://bucket/key: the key is missing")
	case len(key) > maxKeyBytes:
		return Object{}, fmt.Errorf("an object's key has at most %d bytes, this one has %d", maxKeyBytes, len(key))
	case !utf8.ValidString(key):
		return Object{}, fmt.Errorf("an object's key must be UTF-8")
	}
	return Object{Bucket: bucket, Key: key}, nil
}

// Mapping says which object a hash stands for, and until when.
type Mapping struct {
	Hash      string
	Object    Object
	CreatedAt time.Time // whole seconds
	ExpiresAt time.Time // whole seconds
	// Service is the service the object belongs to, or empty. The key of a
	// service's object starts with the service's name and a slash.
	Service string
	// Audience is the audience that the hash is bound to, or empty if whoever
	// holds the link may see the object. It is for people: the gate goes by what
	// the hash says.
	Audience string
}

// Live reports whether the mapping may be served at now. It may not from the
// second of its expiry on. Always ask this: DynamoDB deletes expired items up to
// days late.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
func (m Mapping) Live(now time.Time) bool { return now.Before(m.ExpiresAt) }
