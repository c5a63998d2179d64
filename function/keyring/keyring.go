// Package keyring reads the keys that seal links and tickets from their one home, the gate's KeyValueStore.
package keyring

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfrontkeyvaluestore"
	"github.com/aws/aws-sdk-go-v2/service/cloudfrontkeyvaluestore/types"

	"secure-media-cdn/function/seal"
)

// Region is where the KeyValueStore's API lives. https://docs.aws.amazon.com/general/latest/gr/cf_region.html
const Region = "us-east-1"

// ErrNoEntry says that the store does not have what was asked for.
var ErrNoEntry = errors.New("the gate's key value store does not have it")

// Ring is the key ring of a stack. It is safe for concurrent use.
type Ring struct {
	Client *cloudfrontkeyvaluestore.Client
	// Store is the ARN of the gate's KeyValueStore.
	Store string
	// Generation is the one of the key that seals, 1 to 255.
	Generation int

	mu        sync.Mutex
	keys      map[int]seal.Key  // a generation's key never changes
	audiences *seal.AudienceKey // nor does this one
}

// Current returns the key that seals.
func (r *Ring) Current(ctx context.Context) (seal.Key, error) { return r.Key(ctx, r.Generation) }

// Key returns the key of a generation, read once, or an error that wraps [ErrNoEntry]. No error contains it.
func (r *Ring) Key(ctx context.Context, generation int) (seal.Key, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k, ok := r.keys[generation]; ok {
		return k, nil
	}
	value, err := r.read(ctx, seal.KeyEntry(generation))
	if err != nil {
		return seal.Key{}, fmt.Errorf("reading link key %d: %w", generation, err)
	}
	k, err := seal.NewKey(generation, value)
	if err != nil {
		return seal.Key{}, err
	}
	if r.keys == nil {
		r.keys = map[int]seal.Key{}
	}
	r.keys[generation] = k
	return k, nil
}

// Audiences returns the key of the audiences' names, read once. No error contains it.
func (r *Ring) Audiences(ctx context.Context) (seal.AudienceKey, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.audiences != nil {
		return *r.audiences, nil
	}
	value, err := r.read(ctx, seal.AudienceEntry)
	if err != nil {
		return seal.AudienceKey{}, fmt.Errorf("reading the audiences' key: %w", err)
	}
	k, err := seal.NewAudienceKey(value)
	if err != nil {
		return seal.AudienceKey{}, err
	}
	r.audiences = &k
	return k, nil
}

func (r *Ring) read(ctx context.Context, entry string) (string, error) {
	out, err := r.Client.GetKey(ctx, &cloudfrontkeyvaluestore.GetKeyInput{KvsARN: &r.Store, Key: &entry})
	var missing *types.ResourceNotFoundException
	if errors.As(err, &missing) {
		return "", ErrNoEntry
	}
	if err != nil {
		return "", err
	}
	return aws.ToString(out.Value), nil
}
