package mapping_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/mapping/mappingtest"
)

// scans counts the pages that are asked for.
type scans struct{ pages atomic.Int32 }

func (s *scans) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".Scan") {
		s.pages.Add(1)
	}
	return http.DefaultTransport.RoundTrip(r)
}

func TestAListHasEveryLiveMappingAndNothingElse(t *testing.T) {
	t.Parallel()
	const links = 800 // with their records more than a page of 1 MB
	seen := &scans{}
	table := mappingtest.Table(t, mappingtest.Engine(t), seen)
	want := map[string]mapping.Object{}
	var changes []mapping.Change
	for n := range links {
		life := time.Hour
		if n%5 == 0 {
			life = time.Minute // over when the list is made
		} else {
			want[mappingtest.Hash(n)] = mapping.Object{Bucket: "media", Key: strings.Repeat("k", 900) + mappingtest.Hash(n)}
		}
		o := mapping.Object{Bucket: "media", Key: strings.Repeat("k", 900) + mappingtest.Hash(n)}
		changes = append(changes, added(mapping.Record{Object: o}, mappingtest.Hash(n), life))
		if len(changes) == 25 {
			apply(t, table, changes...)
			changes = nil
		}
	}
	gone := record(t, table, want[mappingtest.Hash(1)])
	apply(t, table, mapping.Change{Record: mapping.Record{Object: gone.Object, Version: gone.Version},
		Revoke: []mapping.Revocation{{Hash: mappingtest.Hash(1), Object: gone.Object, RevokedAt: start,
			ExpiresAt: start.Add(time.Hour)}}})
	delete(want, mappingtest.Hash(1))

	list := func() (map[string]mapping.Object, error) {
		got := map[string]mapping.Object{}
		err := table.List(t.Context(), start.Add(time.Minute), 1e6, func(m mapping.Mapping) error {
			got[m.Hash] = m.Object
			return nil
		})
		return got, err
	}
	got, err := list()
	require.NoError(t, err)
	assert.Equal(t, want, got)
	assert.Greater(t, seen.pages.Load(), int32(1))

	_, err = table.Client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table.Name,
		Item: map[string]types.AttributeValue{
			mapping.AttrHash: &types.AttributeValueMemberS{Value: strings.Repeat("z", 32)}}})
	require.NoError(t, err)
	got, err = list()
	require.ErrorIs(t, err, mapping.ErrCorrupt)
	assert.Contains(t, err.Error(), "zzzzzzzz: ")
	assert.NotContains(t, err.Error(), "zzzzzzzzz", "a whole hash is a link")
	assert.Equal(t, want, got, "the others are listed")

	stop := errors.New("enough")
	require.ErrorIs(t, table.List(t.Context(), start, 1e6, func(mapping.Mapping) error { return stop }), stop)
	ctx, cancel := context.WithCancel(t.Context())
	err = table.List(ctx, start, 0.001, func(mapping.Mapping) error { cancel(); return nil })
	require.ErrorIs(t, err, context.Canceled, "it waits between pages")
}
