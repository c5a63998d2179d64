package mapping_test

import (
	"context"
	"encoding/json"
	"io"
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

func TestMemory(t *testing.T) {
	t.Parallel()
	holdStore(t, func(*testing.T) mapping.Store { return &mapping.Memory{} })
}

func TestTable(t *testing.T) {
	t.Parallel()
	server := mappingtest.Engine(t)
	holdStore(t, func(t *testing.T) mapping.Store { return mappingtest.Table(t, server, nil) })
}

// roundTrip is a transport of one function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestKeysLeftOverByABusyTableAreAskedForAgain(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	server := mappingtest.Engine(t)
	table := mappingtest.Table(t, server, roundTrip(func(r *http.Request) (*http.Response, error) {
		if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".BatchGetItem") || calls.Add(1) > 2 {
			return http.DefaultTransport.RoundTrip(r)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		var asked struct{ RequestItems json.RawMessage }
		if err := json.Unmarshal(body, &asked); err != nil {
			return nil, err
		}
		assert.Contains(t, string(asked.RequestItems), `"ConsistentRead":true`)
		answer := `{"Responses":{},"UnprocessedKeys":` + string(asked.RequestItems) + `}`
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(answer)),
			Request: r}, nil
	}))
	object := mappingtest.Object(1)
	require.NoError(t, table.Apply(context.Background(), mapping.Change{Record: mapping.Record{
		Object: object, Hashes: map[string]time.Time{mappingtest.Hash(1): time.Unix(2e9, 0)},
	}}))
	all, err := table.Records(context.Background(), []mapping.Object{object})
	require.NoError(t, err)
	assert.Contains(t, all[0].Hashes, mappingtest.Hash(1))
	assert.EqualValues(t, 3, calls.Load(), "left over twice, answered the third time")
}

func TestATransactionThatOthersStoppedIsAConflictAndABrokenOneIsNot(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		body     string
		conflict bool
	}{
		"a condition failed": {`{"__type":"TransactionCanceledException","CancellationReasons":[{"Code":"None"},` +
			`{"Code":"ConditionalCheckFailed"}]}`, true},
		"another transaction runs": {`{"__type":"TransactionCanceledException",` +
			`"CancellationReasons":[{"Code":"TransactionConflict"}]}`, true},
		"the table is throttled": {`{"__type":"TransactionCanceledException",` +
			`"CancellationReasons":[{"Code":"ThrottlingError"}]}`, true},
		"our own first try still runs": {`{"__type":"TransactionInProgressException"}`, true},
		"an item is too large": {`{"__type":"TransactionCanceledException",` +
			`"CancellationReasons":[{"Code":"ConditionalCheckFailed"},{"Code":"ValidationError"}]}`, false},
		"we may not write": {`{"__type":"AccessDeniedException"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			client := dynamodb.New(dynamodb.Options{Region: "eu-central-1",
				HTTPClient: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
					return &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{},
						Body: io.NopCloser(strings.NewReader(tt.body)), Request: r}, nil
				})}, RetryMaxAttempts: 1})
			table := &mapping.Table{Client: client, Name: "mappings"}
			err := table.Apply(context.Background(), mapping.Change{Record: mapping.Record{Object: mappingtest.Object(1)}})
			require.Error(t, err)
			if tt.conflict {
				assert.ErrorIs(t, err, mapping.ErrConflict)
			} else {
				assert.NotErrorIs(t, err, mapping.ErrConflict)
			}
		})
	}
}

func TestARecordThatIsNoRecordIsCorrupt(t *testing.T) {
	t.Parallel()
	server := mappingtest.Engine(t)
	for name, spoil := range map[string]func(item map[string]types.AttributeValue){
		"no version":   func(i map[string]types.AttributeValue) { delete(i, "version") },
		"version zero": func(i map[string]types.AttributeValue) { i["version"] = &types.AttributeValueMemberN{Value: "0"} },
		"another object's": func(i map[string]types.AttributeValue) {
			i["s3_url"] = &types.AttributeValueMemberS{Value: "s3://media/other"}
		},
		"hashes of no map":   func(i map[string]types.AttributeValue) { i["hashes"] = &types.AttributeValueMemberS{Value: "x"} },
		"revoked is missing": func(i map[string]types.AttributeValue) { delete(i, "revoked") },
		"a hash of no hash":  func(i map[string]types.AttributeValue) { hashes(i)["short"] = &types.AttributeValueMemberN{Value: "1"} },
		"an expiry of no time": func(i map[string]types.AttributeValue) {
			hashes(i)[mappingtest.Hash(1)] = &types.AttributeValueMemberN{Value: "-1"}
		},
		"an expiry in words": func(i map[string]types.AttributeValue) {
			hashes(i)[mappingtest.Hash(1)] = &types.AttributeValueMemberS{Value: "soon"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			table := mappingtest.Table(t, server, nil)
			object := mappingtest.Object(1)
			require.NoError(t, table.Apply(context.Background(), mapping.Change{Record: mapping.Record{
				Object: object, Hashes: map[string]time.Time{mappingtest.Hash(1): time.Unix(2e9, 0)},
			}}))
			item := mappingtest.Items(t, table)[0]
			spoil(item)
			_, err := table.Client.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: &table.Name, Item: item})
			require.NoError(t, err)
			_, err = table.Records(context.Background(), []mapping.Object{object})
			assert.ErrorIs(t, err, mapping.ErrCorrupt)
		})
	}
}

func hashes(item map[string]types.AttributeValue) map[string]types.AttributeValue {
	return item["hashes"].(*types.AttributeValueMemberM).Value
}

func TestPruneForgetsWhatHasExpiredToTheSecond(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_800_000_000, 0)
	r := mapping.Record{
		Hashes:  map[string]time.Time{mappingtest.Hash(1): at, mappingtest.Hash(2): at.Add(time.Second)},
		Revoked: map[string]time.Time{mappingtest.Hash(3): at, mappingtest.Hash(4): at.Add(time.Second)},
	}
	r.Prune(at.Add(-time.Nanosecond))
	assert.Len(t, r.Hashes, 2)
	r.Prune(at)
	assert.Equal(t, map[string]time.Time{mappingtest.Hash(2): at.Add(time.Second)}, r.Hashes)
	assert.Equal(t, map[string]time.Time{mappingtest.Hash(4): at.Add(time.Second)}, r.Revoked)
}

func TestPresentNamesTheHashesThatARegionStillHas(t *testing.T) {
	t.Parallel()
	table := mappingtest.Table(t, mappingtest.Engine(t), nil)
	m := mapping.Mapping{Hash: mappingtest.Hash(1), Object: mappingtest.Object(1), CreatedAt: time.Unix(1e9, 0),
		ExpiresAt: time.Unix(2e9, 0)}
	require.NoError(t, table.Apply(context.Background(), mapping.Change{Record: mapping.Record{
		Object: m.Object, Hashes: map[string]time.Time{m.Hash: m.ExpiresAt}}, Add: []mapping.Mapping{m}}))
	got, err := table.Present(context.Background(), []string{mappingtest.Hash(2), mappingtest.Hash(1)})
	require.NoError(t, err)
	assert.Equal(t, []string{mappingtest.Hash(1)}, got)
}
