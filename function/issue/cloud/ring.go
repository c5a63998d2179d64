package cloud

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfrontkeyvaluestore"
	"github.com/aws/aws-sdk-go-v2/service/cloudfrontkeyvaluestore/types"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/seal"
)

// Ring makes hashes that the gate accepts, with the gate's own keys.
type Ring struct {
	Client *cloudfrontkeyvaluestore.Client
	// Store is the ARN of the gate's key value store.
	Store string
	// Generation is the one of the key that seals, 1 to 255.
	Generation int
	// Random is crypto/rand.Reader outside tests.
	Random io.Reader

	mu   sync.Mutex
	keys map[int]seal.Key // a generation's key never changes
}

var _ issue.Hashes = (*Ring)(nil)

// errNoKey says that the store has no key of a generation.
var errNoKey = errors.New("the gate's key value store does not have it")

// New implements issue.Hashes.
func (r *Ring) New(ctx context.Context, expiresAt time.Time) (string, error) {
	k, err := r.key(ctx, r.Generation)
	if err != nil {
		return "", err
	}
	return k.Seal(seal.Claims{ExpiresAt: expiresAt}, r.Random)
}

// Accepts implements issue.Hashes. The stack keeps the keys of the generations
// before and after this one, so no other needs to be asked for.
func (r *Ring) Accepts(ctx context.Context, hash string) (bool, error) {
	generation := seal.Generation(hash)
	if generation < 1 || generation < r.Generation-1 || generation > r.Generation+1 {
		return false, nil
	}
	k, err := r.key(ctx, generation)
	if errors.Is(err, errNoKey) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	claims, err := k.Open(hash)
	return err == nil && claims.Policy == seal.PolicyHolder, nil
}

// key returns the key of a generation, read once. No error contains it.
func (r *Ring) key(ctx context.Context, generation int) (seal.Key, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k, ok := r.keys[generation]; ok {
		return k, nil
	}
	out, err := r.Client.GetKey(ctx, &cloudfrontkeyvaluestore.GetKeyInput{
		KvsARN: &r.Store, Key: aws.String(seal.KeyEntry(generation)),
	})
	var missing *types.ResourceNotFoundException
	if errors.As(err, &missing) {
		err = errNoKey
	}
	if err != nil {
		return seal.Key{}, fmt.Errorf("reading link key %d: %w", generation, err)
	}
	k, err := seal.NewKey(generation, aws.ToString(out.Value))
	if err != nil {
		return seal.Key{}, err
	}
	if r.keys == nil {
		r.keys = map[int]seal.Key{}
	}
	r.keys[generation] = k
	return k, nil
}
