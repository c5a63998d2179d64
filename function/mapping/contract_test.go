package mapping_test

import (
	"context"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/mapping/mappingtest"
	"secure-media-cdn/function/seal"
)

// start is a whole second, as all times in the table are.
var start = time.Unix(1_800_000_000, 0)

// holdStore holds the store that open returns, which is empty each time, against
// the contract of mapping.Store.
func holdStore(t *testing.T, open func(t *testing.T) mapping.Store) {
	for name, test := range map[string]func(*testing.T, mapping.Store){
		"what was never written is not found":                      unknown,
		"a new mapping and its record are read back as written":    readBack,
		"a record keeps every odd key and its service":             oddKeys,
		"a mapping keeps its audience":                             audience,
		"a change with an old version changes nothing":             oldVersion,
		"an object that has a record is not new":                   notNew,
		"a hash that is taken is not given to another":             taken,
		"a revoked mapping is gone, and says so":                   revoked,
		"an empty record is deleted, and its versions never recur": emptied,
		"several changes are made together or not at all":          together,
		"a hundred records are read in their order":                hundred,
		"a transaction of more than a hundred writes is refused":   tooLarge,
		"one hash for two objects at once is refused":              twice,
		"of many writers of one version exactly one wins":          racing,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// added is the change that gives record one more mapping.
func added(record mapping.Record, hash string, life time.Duration) mapping.Change {
	record.Hashes = maps.Clone(record.Hashes)
	if record.Hashes == nil {
		record.Hashes = map[string]time.Time{}
	}
	record.Hashes[hash] = start.Add(life)
	return mapping.Change{Record: record, Add: []mapping.Mapping{
		{Hash: hash, Object: record.Object, CreatedAt: start, ExpiresAt: start.Add(life)},
	}}
}

func record(t *testing.T, s mapping.Store, o mapping.Object) mapping.Record {
	t.Helper()
	all, err := s.Records(context.Background(), []mapping.Object{o})
	require.NoError(t, err)
	require.Len(t, all, 1)
	return all[0]
}

func apply(t *testing.T, s mapping.Store, changes ...mapping.Change) {
	t.Helper()
	require.NoError(t, s.Apply(context.Background(), changes...))
}

func conflicts(t *testing.T, s mapping.Store, changes ...mapping.Change) {
	t.Helper()
	require.ErrorIs(t, s.Apply(context.Background(), changes...), mapping.ErrConflict)
}

func absent(t *testing.T, s mapping.Store, hash string) {
	t.Helper()
	_, err := s.Get(context.Background(), hash)
	require.ErrorIs(t, err, mapping.ErrNotFound)
}

func unknown(t *testing.T, s mapping.Store) {
	absent(t, s, mappingtest.Hash(1))
	r := record(t, s, mappingtest.Object(1))
	assert.Equal(t, mapping.Record{Object: mappingtest.Object(1)}, r)
	assert.True(t, r.Empty())

	apply(t, s, added(r, mappingtest.Hash(1), time.Hour))
	absent(t, s, mappingtest.Hash(2))
	for _, key := range []string{"", "object#", "revoked#" + mappingtest.Hash(1), strings.Repeat("#", seal.HashLength)} {
		absent(t, s, key)
	}
	assert.Zero(t, record(t, s, mappingtest.Object(2)).Version)
}

func readBack(t *testing.T, s mapping.Store) {
	change := added(record(t, s, mappingtest.Object(1)), mappingtest.Hash(1), time.Hour)
	apply(t, s, change)
	got, err := s.Get(context.Background(), mappingtest.Hash(1))
	require.NoError(t, err)
	assert.Equal(t, change.Add[0], got)

	first := record(t, s, mappingtest.Object(1))
	assert.Positive(t, first.Version)
	assert.Equal(t, map[string]time.Time{mappingtest.Hash(1): start.Add(time.Hour)}, first.Hashes)
	assert.Empty(t, first.Revoked)
	assert.Empty(t, first.Content)

	first.Content = `"e1"`
	apply(t, s, added(first, mappingtest.Hash(2), 2*time.Hour))
	second := record(t, s, mappingtest.Object(1))
	assert.Greater(t, second.Version, first.Version)
	assert.Len(t, second.Hashes, 2)
	assert.Equal(t, `"e1"`, second.Content)
	second.Prune(start.Add(time.Hour))
	assert.NotEmpty(t, second.Content)
	second.Prune(start.Add(2 * time.Hour))
	assert.Empty(t, second.Content, "no cache holds anything of it")
}

func oddKeys(t *testing.T, s mapping.Store) {
	for n, key := range []string{"simple-chat/a b+c%20?#&.jpg", "simple-chat/фото/写真/😀.jpg", "simple-chat//..hidden",
		"simple-chat/" + strings.Repeat("x", 1000)} {
		o := mapping.Object{Bucket: "media", Key: key}
		change := added(record(t, s, o), mappingtest.Hash(n), time.Hour)
		change.Add[0].Service = "simple-chat"
		apply(t, s, change)
		got, err := s.Get(context.Background(), mappingtest.Hash(n))
		require.NoError(t, err)
		assert.Equal(t, change.Add[0], got)
		assert.Contains(t, record(t, s, o).Hashes, mappingtest.Hash(n))
	}
}

func audience(t *testing.T, s mapping.Store) {
	change := added(record(t, s, mappingtest.Object(1)), mappingtest.Hash(1), time.Hour)
	change.Add[0].Audience = "simple-chat/room-42"
	apply(t, s, change)
	got, err := s.Get(context.Background(), mappingtest.Hash(1))
	require.NoError(t, err)
	assert.Equal(t, change.Add[0], got)
}

func oldVersion(t *testing.T, s mapping.Store) {
	apply(t, s, added(record(t, s, mappingtest.Object(1)), mappingtest.Hash(1), time.Hour))
	old := record(t, s, mappingtest.Object(1))
	apply(t, s, added(old, mappingtest.Hash(2), time.Hour))
	now := record(t, s, mappingtest.Object(1))

	conflicts(t, s, added(old, mappingtest.Hash(3), time.Hour))
	absent(t, s, mappingtest.Hash(3))
	assert.Equal(t, now, record(t, s, mappingtest.Object(1)))
}

func notNew(t *testing.T, s mapping.Store) {
	apply(t, s, added(mapping.Record{Object: mappingtest.Object(1)}, mappingtest.Hash(1), time.Hour))
	conflicts(t, s, added(mapping.Record{Object: mappingtest.Object(1)}, mappingtest.Hash(2), time.Hour))
	absent(t, s, mappingtest.Hash(2))
	conflicts(t, s, added(mapping.Record{Object: mappingtest.Object(2), Version: 7}, mappingtest.Hash(2), time.Hour))
	absent(t, s, mappingtest.Hash(2))
	assert.Zero(t, record(t, s, mappingtest.Object(2)).Version, "a record that is gone does not come back")
}

func taken(t *testing.T, s mapping.Store) {
	apply(t, s, added(mapping.Record{Object: mappingtest.Object(1)}, mappingtest.Hash(1), time.Hour))
	conflicts(t, s, added(mapping.Record{Object: mappingtest.Object(2)}, mappingtest.Hash(1), time.Hour))
	got, err := s.Get(context.Background(), mappingtest.Hash(1))
	require.NoError(t, err)
	assert.Equal(t, mappingtest.Object(1), got.Object)
	assert.Zero(t, record(t, s, mappingtest.Object(2)).Version)
}

// revocation is the change that revokes the record's hashes given.
func revocation(r mapping.Record, hashes ...string) mapping.Change {
	c := mapping.Change{Record: r}
	c.Record.Hashes, c.Record.Revoked = maps.Clone(r.Hashes), maps.Clone(r.Revoked)
	for _, hash := range hashes {
		c.Revoke = append(c.Revoke, mapping.Revocation{Hash: hash, Object: r.Object, ExpiresAt: r.Hashes[hash],
			RevokedAt: start.Add(time.Minute)})
		c.Record.Revoked[hash] = r.Hashes[hash]
		delete(c.Record.Hashes, hash)
	}
	return c
}

func revoked(t *testing.T, s mapping.Store) {
	apply(t, s, added(record(t, s, mappingtest.Object(1)), mappingtest.Hash(1), time.Hour))
	apply(t, s, added(record(t, s, mappingtest.Object(1)), mappingtest.Hash(2), 2*time.Hour))
	change := revocation(record(t, s, mappingtest.Object(1)), mappingtest.Hash(2))
	apply(t, s, change)

	_, err := s.Get(context.Background(), mappingtest.Hash(2))
	var gone *mapping.RevokedError
	require.ErrorAs(t, err, &gone)
	require.ErrorIs(t, err, mapping.ErrNotFound)
	assert.Equal(t, change.Revoke[0], gone.Revocation)
	_, err = s.Get(context.Background(), mappingtest.Hash(1))
	require.NoError(t, err, "the other hash lives on")

	after := record(t, s, mappingtest.Object(1))
	assert.Equal(t, map[string]time.Time{mappingtest.Hash(1): start.Add(time.Hour)}, after.Hashes)
	assert.Equal(t, map[string]time.Time{mappingtest.Hash(2): start.Add(2 * time.Hour)}, after.Revoked)
}

func emptied(t *testing.T, s mapping.Store) {
	apply(t, s, added(record(t, s, mappingtest.Object(1)), mappingtest.Hash(1), time.Hour))
	before := record(t, s, mappingtest.Object(1))
	apply(t, s, revocation(before, mappingtest.Hash(1)))
	done := record(t, s, mappingtest.Object(1))
	done.Revoked = nil
	apply(t, s, mapping.Change{Record: done})
	assert.Equal(t, mapping.Record{Object: mappingtest.Object(1)}, record(t, s, mappingtest.Object(1)))

	apply(t, s, added(record(t, s, mappingtest.Object(1)), mappingtest.Hash(2), time.Hour))
	assert.NotEqual(t, before.Version, record(t, s, mappingtest.Object(1)).Version)
	conflicts(t, s, added(before, mappingtest.Hash(3), time.Hour))
}

func together(t *testing.T, s mapping.Store) {
	apply(t, s, added(mapping.Record{Object: mappingtest.Object(1)}, mappingtest.Hash(1), time.Hour))
	fresh := added(mapping.Record{Object: mappingtest.Object(2)}, mappingtest.Hash(2), time.Hour)
	stale := added(mapping.Record{Object: mappingtest.Object(1)}, mappingtest.Hash(3), time.Hour)
	conflicts(t, s, fresh, stale)
	absent(t, s, mappingtest.Hash(2))
	assert.Zero(t, record(t, s, mappingtest.Object(2)).Version)

	apply(t, s, fresh, added(mapping.Record{Object: mappingtest.Object(3)}, mappingtest.Hash(3), time.Hour))
	assert.Contains(t, record(t, s, mappingtest.Object(2)).Hashes, mappingtest.Hash(2))
	assert.Contains(t, record(t, s, mappingtest.Object(3)).Hashes, mappingtest.Hash(3))
	apply(t, s)
}

func hundred(t *testing.T, s mapping.Store) {
	var objects []mapping.Object
	var changes []mapping.Change
	for n := range 130 {
		objects = append(objects, mappingtest.Object(n))
		if n%2 == 0 && len(changes) < 50 {
			changes = append(changes, added(mapping.Record{Object: mappingtest.Object(n)}, mappingtest.Hash(n), time.Hour))
		}
	}
	apply(t, s, changes...)
	all, err := s.Records(context.Background(), objects)
	require.NoError(t, err)
	require.Len(t, all, len(objects))
	for n, r := range all {
		assert.Equal(t, mappingtest.Object(n), r.Object)
		assert.Equal(t, n%2 == 0 && n < 100, r.Version != 0)
	}
}

func tooLarge(t *testing.T, s mapping.Store) {
	var changes []mapping.Change
	for n := range mapping.MaxWrites/2 + 1 {
		changes = append(changes, added(mapping.Record{Object: mappingtest.Object(n)}, mappingtest.Hash(n), time.Hour))
	}
	err := s.Apply(context.Background(), changes...)
	require.Error(t, err)
	assert.NotErrorIs(t, err, mapping.ErrConflict, "trying again would not help")
	absent(t, s, mappingtest.Hash(0))
	assert.Equal(t, mapping.MaxWrites+2, len(changes)*changes[0].Writes())
}

func twice(t *testing.T, s mapping.Store) {
	err := s.Apply(context.Background(), added(mapping.Record{Object: mappingtest.Object(1)}, mappingtest.Hash(1),
		time.Hour),
		added(mapping.Record{Object: mappingtest.Object(2)}, mappingtest.Hash(1), time.Hour))
	require.Error(t, err)
	assert.NotErrorIs(t, err, mapping.ErrConflict)
	absent(t, s, mappingtest.Hash(1))
}

func racing(t *testing.T, s mapping.Store) {
	const writers, rounds = 8, 10
	for round := range rounds {
		r := record(t, s, mappingtest.Object(1))
		var won atomic.Int32
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				err := s.Apply(context.Background(), added(r, mappingtest.Hash(round*writers+w), time.Hour))
				if err == nil {
					won.Add(1)
				} else {
					assert.ErrorIs(t, err, mapping.ErrConflict)
				}
			})
		}
		wg.Wait()
		assert.EqualValues(t, 1, won.Load())
		assert.Len(t, record(t, s, mappingtest.Object(1)).Hashes, round+1)
	}
}
