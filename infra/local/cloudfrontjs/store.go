package cloudfrontjs

import (
	"maps"
	"sync"
)

// KeyValueStore is what a function can read of a CloudFront KeyValueStore. Get
// is called by many goroutines at once.
type KeyValueStore interface {
	Get(key string) (value string, found bool)
}

// Faulty is an optional part of a [KeyValueStore]: when Fault returns an error
// for a key, the function's read of it throws, found or not.
type Faulty interface {
	Fault(key string) error
}

// MapStore is a [KeyValueStore] in memory. It is empty to begin with, and safe
// for concurrent use; a write is seen by every read that starts after it.
type MapStore struct {
	mu     sync.RWMutex
	values map[string]string
	fault  func(key string) error
}

var (
	_ KeyValueStore = (*MapStore)(nil)
	_ Faulty        = (*MapStore)(nil)
)

// Get returns the value of key, and whether there is one.
func (s *MapStore) Get(key string) (string, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	value, found := s.values[key]
	return value, found
}

// Update puts and deletes keys in one step, as one UpdateKeys call does at
// CloudFront: no read sees only a part of it.
func (s *MapStore) Update(puts map[string]string, deletes ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.values == nil {
		s.values = make(map[string]string)
	}
	maps.Copy(s.values, puts)
	for _, key := range deletes {
		delete(s.values, key)
	}
}

// Put sets the value of one key.
func (s *MapStore) Put(key, value string) { s.Update(map[string]string{key: value}) }

// Delete removes one key, if it is there.
func (s *MapStore) Delete(key string) { s.Update(nil, key) }

// All returns a copy of all keys and values.
func (s *MapStore) All() map[string]string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return maps.Clone(s.values)
}

// FailReads makes a function's reads throw when fault returns an error for the
// key; nil makes all reads work again.
func (s *MapStore) FailReads(fault func(key string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fault
}

// Fault implements [Faulty].
func (s *MapStore) Fault(key string) error {
	s.mu.RLock()
	fault := s.fault
	s.mu.RUnlock()
	if fault == nil {
		return nil
	}
	return fault(key)
}
