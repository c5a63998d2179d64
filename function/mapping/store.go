package mapping

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// MaxWrites is how many items one transaction may write.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
const MaxWrites = 100

// ErrConflict says that Apply changed nothing because another writer was faster:
// read the records again and decide again.
var ErrConflict = errors.New("the mappings changed meanwhile")

// Store is where the issuer keeps mappings and records. Its implementations are
// [Table] and [Memory]; package mappingtest holds what both must do. All reads
// see every write that returned before they began.
type Store interface {
	// Get returns the mapping of hash, expired or not. The error is ErrNotFound
	// for a hash that never existed or expired long ago, a *RevokedError (which also is
	// ErrNotFound) for one that was revoked, ErrCorrupt for an item that is no
	// mapping.
	Get(ctx context.Context, hash string) (Mapping, error)

	// Records returns the record of each of the objects, which are distinct, in
	// their order. An object without one gets an empty record of version 0.
	// Nothing is pruned.
	Records(ctx context.Context, objects []Object) ([]Record, error)

	// Apply makes all the changes or none. It returns ErrConflict if a record is
	// not as it was read, a hash is taken, or another transaction was in the way.
	// After any other error the changes may have been made: read again before
	// a retry. The changes are of distinct objects and count at most
	// MaxWrites writes.
	Apply(ctx context.Context, changes ...Change) error
}

// Change is what happens to one object's mappings at once.
type Change struct {
	// Record is the record to write, with the Version that was read. An empty
	// record is deleted.
	Record Record
	// Add are new mappings of the object, all in Record.Hashes.
	Add []Mapping
	// Revoke are the mappings to delete, all out of Record.Hashes.
	Revoke []Revocation
}

// Writes returns how many of the transaction's writes the change takes.
func (c Change) Writes() int { return 1 + len(c.Add) + 2*len(c.Revoke) }

// Revocation is what is kept of a revoked mapping until it would have expired:
// enough to finish, from the hash alone, a revocation that was interrupted.
type Revocation struct {
	Hash      string
	Object    Object
	ExpiresAt time.Time // of the mapping; whole seconds
	RevokedAt time.Time // whole seconds
}

// RevokedError says that a hash was revoked. It is an ErrNotFound, too.
type RevokedError struct{ Revocation }

func (e *RevokedError) Error() string {
	return "the mapping was revoked at " + e.RevokedAt.UTC().Format(time.RFC3339)
}

// Unwrap makes the error an ErrNotFound.
func (e *RevokedError) Unwrap() error { return ErrNotFound }

func (r Revocation) item() map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		AttrHash:      &types.AttributeValueMemberS{Value: revokedPrefix + r.Hash},
		attrS3URL:     &types.AttributeValueMemberS{Value: r.Object.String()},
		attrExpiresAt: number(r.ExpiresAt),
		attrRevokedAt: number(r.RevokedAt),
		AttrTTL:       number(r.ExpiresAt),
	}
}

func revocationFromItem(hash string, item map[string]types.AttributeValue) (Revocation, error) {
	r := Revocation{Hash: hash}
	url, ok := item[attrS3URL].(*types.AttributeValueMemberS)
	if !ok {
		return r, fmt.Errorf("%w: attribute %s is not a string", ErrCorrupt, attrS3URL)
	}
	var err error
	if r.Object, err = ParseObject(url.Value); err != nil {
		return r, fmt.Errorf("%w: attribute %s: %w", ErrCorrupt, attrS3URL, err)
	}
	if r.ExpiresAt, err = seconds(item, attrExpiresAt); err != nil {
		return r, err
	}
	r.RevokedAt, err = seconds(item, attrRevokedAt)
	return r, err
}

// found turns the two items that a hash may have into Get's answer.
func found(hash string, mapped, revoked map[string]types.AttributeValue) (Mapping, error) {
	switch {
	case mapped != nil:
		return FromItem(mapped)
	case revoked != nil:
		r, err := revocationFromItem(hash, revoked)
		if err != nil {
			return Mapping{}, err
		}
		return Mapping{}, &RevokedError{r}
	default:
		return Mapping{}, ErrNotFound
	}
}

// write is one item's part in a transaction, the same for every store.
type write struct {
	key     string
	item    map[string]types.AttributeValue // nil deletes
	must    precondition
	version int64 // what mustBeVersion asks for
}

type precondition int

const (
	always precondition = iota
	mustBeAbsent
	mustBeVersion
)

// writes lists what the changes write, or says why they cannot be one
// transaction.
func writes(changes []Change) ([]write, error) {
	var all []write
	for _, c := range changes {
		w := write{key: recordKey(c.Record.Object), must: mustBeAbsent}
		if c.Record.Version != 0 {
			w.must, w.version = mustBeVersion, c.Record.Version
		}
		if !c.Record.Empty() {
			w.item = c.Record.item()
		}
		all = append(all, w)
		for _, m := range c.Add {
			all = append(all, write{key: m.Hash, item: m.Item(), must: mustBeAbsent})
		}
		for _, r := range c.Revoke {
			all = append(all, write{key: r.Hash}, write{key: revokedPrefix + r.Hash, item: r.item()})
		}
	}
	seen := make(map[string]bool, len(all))
	for _, w := range all {
		if seen[w.key] {
			return nil, errors.New("one transaction writes each item once")
		}
		seen[w.key] = true
	}
	if len(all) > MaxWrites {
		return nil, fmt.Errorf("one transaction holds at most %d writes, not %d", MaxWrites, len(all))
	}
	return all, nil
}
