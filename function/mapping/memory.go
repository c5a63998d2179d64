package mapping

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"sync"

	"secure-media-cdn/function/seal"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Memory is a Store without a database, for tests. It keeps the very items that
// a Table would, and may be used by many goroutines. The zero value is empty.
type Memory struct {
	mu    sync.Mutex
	items map[string]map[string]types.AttributeValue
}

var _ Store = (*Memory)(nil)

// Get implements Store.
func (s *Memory) Get(_ context.Context, hash string) (Mapping, error) {
	if !seal.IsHash(hash) {
		return Mapping{}, ErrNotFound
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return found(hash, s.items[hash], s.items[revokedPrefix+hash])
}

// Records implements Store.
func (s *Memory) Records(_ context.Context, objects []Object) ([]Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return records(objects, func(key string) map[string]types.AttributeValue { return s.items[key] })
}

// Apply implements Store.
func (s *Memory) Apply(_ context.Context, changes ...Change) error {
	all, err := writes(changes)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range all {
		item, exists := s.items[w.key]
		if w.must == mustBeAbsent && exists || w.must == mustBeVersion && !hasVersion(item, w.version) {
			return ErrConflict
		}
	}
	if s.items == nil {
		s.items = map[string]map[string]types.AttributeValue{}
	}
	for _, w := range all {
		if w.item == nil {
			delete(s.items, w.key)
		} else {
			s.items[w.key] = w.item
		}
	}
	return nil
}

// Items returns all items, as a scan of the table would.
func (s *Memory) Items() []map[string]types.AttributeValue {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.items))
}

func hasVersion(item map[string]types.AttributeValue, version int64) bool {
	n, ok := item[attrVersion].(*types.AttributeValueMemberN)
	return ok && n.Value == strconv.FormatInt(version, 10)
}

// records answers Store.Records from items found by their keys.
func records(objects []Object, item func(key string) map[string]types.AttributeValue) ([]Record, error) {
	all := make([]Record, len(objects))
	for i, o := range objects {
		stored := item(recordKey(o))
		if stored == nil {
			all[i] = Record{Object: o}
			continue
		}
		var err error
		if all[i], err = recordFromItem(o, stored); err != nil {
			return nil, err
		}
	}
	return all, nil
}
