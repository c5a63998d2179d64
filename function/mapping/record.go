package mapping

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"time"

	"secure-media-cdn/function/seal"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Attribute names of an object's record and of a revocation.
const (
	attrVersion   = "version"
	attrHashes    = "hashes"
	attrRevoked   = "revoked"
	attrRevokedAt = "revoked_at"
	attrContent   = "content"
)

// Prefixes of the partition keys of items that are not mappings. "#" is not in a hash's
// alphabet, so none of them can be asked for as a link.
const (
	objectPrefix  = "object#"
	revokedPrefix = "revoked#"
)

// Record is what the issuer knows of one object: which of its hashes live, so
// that revoking the object finds all of them in one read, and which of them the
// edge has yet to forget. Which of them may be handed out to whom is not in the
// record: each hash says itself, under its seal, who may see it and until when,
// so there is nothing that could disagree. Every change of an object's mappings goes through its
// record's version, so two writers cannot both think they were the only one.
type Record struct {
	Object Object
	// Version is the version that was read, 0 if the object has no record.
	Version int64
	// Hashes holds the expiry of every mapping of the object that is neither
	// revoked nor pruned.
	Hashes map[string]time.Time
	// Revoked holds the expiry of every hash whose mapping is gone while caches
	// may still hold its content.
	Revoked map[string]time.Time
	// Content tells the object's content that caches may hold from any other, or is empty if nobody looked. It is of
	// the time when the first of Hashes was issued, or when the caches last forgot the object.
	Content string
}

// Prune forgets the hashes that have expired by now: no cache keeps them longer.
func (r *Record) Prune(now time.Time) {
	dead := func(_ string, expiresAt time.Time) bool { return !now.Before(expiresAt) }
	maps.DeleteFunc(r.Hashes, dead)
	maps.DeleteFunc(r.Revoked, dead)
	if len(r.Hashes) == 0 {
		r.Content = ""
	}
}

// Empty reports whether nothing is left to know of the object.
func (r Record) Empty() bool { return len(r.Hashes) == 0 && len(r.Revoked) == 0 }

// recordKey is the partition key of the object's record. The digest keeps it
// short whatever the object's key is.
func recordKey(o Object) string {
	sum := sha256.Sum256([]byte(o.String()))
	return objectPrefix + base64.RawURLEncoding.EncodeToString(sum[:])
}

// nextVersion follows version. A record that is created again starts at a random
// version, so that a writer who read the deleted one gets a conflict.
func nextVersion(version int64) int64 {
	if version == 0 {
		return 1 + rand.Int64N(1<<52)
	}
	return version + 1
}

// item returns the record's DynamoDB item with the version after r.Version. Its
// ttl is the expiry of whatever lives longest in it.
func (r Record) item() map[string]types.AttributeValue {
	var last time.Time
	for _, set := range []map[string]time.Time{r.Hashes, r.Revoked} {
		for _, expiresAt := range set {
			if expiresAt.After(last) {
				last = expiresAt
			}
		}
	}
	item := map[string]types.AttributeValue{
		AttrHash:    &types.AttributeValueMemberS{Value: recordKey(r.Object)},
		attrS3URL:   &types.AttributeValueMemberS{Value: r.Object.String()},
		attrVersion: &types.AttributeValueMemberN{Value: strconv.FormatInt(nextVersion(r.Version), 10)},
		attrHashes:  times(r.Hashes),
		attrRevoked: times(r.Revoked),
		AttrTTL:     number(last),
	}
	if r.Content != "" {
		item[attrContent] = &types.AttributeValueMemberS{Value: r.Content}
	}
	return item
}

// recordFromItem reads the record of object back. It wraps ErrCorrupt.
func recordFromItem(object Object, item map[string]types.AttributeValue) (Record, error) {
	r := Record{Object: object}
	if url, ok := item[attrS3URL].(*types.AttributeValueMemberS); !ok || url.Value != object.String() {
		return r, fmt.Errorf("%w: the record is another object's", ErrCorrupt)
	}
	version, ok := item[attrVersion].(*types.AttributeValueMemberN)
	if !ok {
		return r, fmt.Errorf("%w: the record's attribute %s is not a number", ErrCorrupt, attrVersion)
	}
	var err error
	if r.Version, err = strconv.ParseInt(version.Value, 10, 64); err != nil || r.Version <= 0 {
		return r, fmt.Errorf("%w: the record's attribute %s is not a version", ErrCorrupt, attrVersion)
	}
	if r.Hashes, err = timesFrom(item, attrHashes); err != nil {
		return r, err
	}
	if r.Revoked, err = timesFrom(item, attrRevoked); err != nil {
		return r, err
	}
	if content, ok := item[attrContent].(*types.AttributeValueMemberS); ok {
		r.Content = content.Value
	}
	return r, nil
}

func times(set map[string]time.Time) *types.AttributeValueMemberM {
	m := make(map[string]types.AttributeValue, len(set))
	for hash, expiresAt := range set {
		m[hash] = number(expiresAt)
	}
	return &types.AttributeValueMemberM{Value: m}
}

func timesFrom(item map[string]types.AttributeValue, name string) (map[string]time.Time, error) {
	m, ok := item[name].(*types.AttributeValueMemberM)
	if !ok {
		return nil, fmt.Errorf("%w: the record's attribute %s is not a map", ErrCorrupt, name)
	}
	set := make(map[string]time.Time, len(m.Value))
	for hash := range m.Value {
		if !seal.IsHash(hash) {
			return nil, fmt.Errorf("%w: the record's attribute %s holds something else than hashes", ErrCorrupt, name)
		}
		expiresAt, err := seconds(m.Value, hash)
		if err != nil {
			return nil, err
		}
		set[hash] = expiresAt
	}
	return set, nil
}
