package issue_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/seal"
)

// audit reads the table and checks that it is whole: every live mapping is in
// its object's record and every hash in a record has its mapping, with the same
// expiry; what is noted as revoked has none. It returns the live mappings.
func audit(t testing.TB, store mapping.Store, items []map[string]types.AttributeValue,
	now time.Time) map[string]mapping.Mapping {
	t.Helper()
	mappings := map[string]mapping.Mapping{}
	var objects []mapping.Object
	for _, item := range items {
		key := item["hash"].(*types.AttributeValueMemberS).Value
		switch {
		case seal.IsHash(key):
			m, err := mapping.FromItem(item)
			require.NoError(t, err)
			if m.Live(now) {
				mappings[key] = m
			}
		case strings.HasPrefix(key, "object#"):
			object, err := mapping.ParseObject(item["s3_url"].(*types.AttributeValueMemberS).Value)
			require.NoError(t, err)
			objects = append(objects, object)
		default:
			require.True(t, strings.HasPrefix(key, "revoked#"), key)
		}
	}
	records, err := store.Records(context.Background(), objects)
	require.NoError(t, err)
	found := 0
	for _, r := range records {
		r.Prune(now)
		for hash, expiresAt := range r.Hashes {
			m, ok := mappings[hash]
			require.True(t, ok, "the record of %s has the hash %s, the table does not", r.Object, hash)
			require.Equal(t, r.Object, m.Object)
			require.True(t, expiresAt.Equal(m.ExpiresAt))
			found++
		}
		for hash := range r.Revoked {
			require.NotContains(t, mappings, hash, "a revoked hash is alive")
		}
	}
	require.Len(t, mappings, found, "a live mapping is in no record, so revoking its object would miss it")
	return mappings
}

// items returns what a scan of the store returns.
func items(t testing.TB, store mapping.Store) []map[string]types.AttributeValue {
	t.Helper()
	switch s := store.(type) {
	case *mapping.Memory:
		return s.Items()
	case *mapping.Table:
		return scan(t, s)
	}
	t.Fatalf("no way to scan a %T", store)
	return nil
}
