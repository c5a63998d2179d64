package mapping_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/mapping/mappingtest"
	"secure-media-cdn/infra/local/engine"
)

// regionReader reads the named table on the engine, as the edge does.
func regionReader(server *engine.Server, table string) mapping.Getter {
	return mapping.NewReader(mapping.Source{
		Table: table, Regions: []string{"eu-central-1"}, Here: "eu-central-1", Endpoint: server.URL,
		Credentials: aws.Credentials{AccessKeyID: "test", SecretAccessKey: "testtest"},
	}, nil).Replicas[0].Table
}

// The hand-written GetItem is compared with the SDK's client on one engine.
func TestARegionReaderReadsWhatTheSDKReads(t *testing.T) {
	t.Parallel()
	server := mappingtest.Engine(t)
	table := mappingtest.Table(t, server, nil)
	reader := regionReader(server, table.Name)
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	put := func(t *testing.T, item map[string]types.AttributeValue) {
		_, err := table.Client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table.Name, Item: item})
		require.NoError(t, err)
	}
	for name, item := range map[string]map[string]types.AttributeValue{
		"strings and numbers": {
			"s3_url":     text(`s3://media/ü "quoted" \ <&>` + " \u2028"),
			"expires_at": &types.AttributeValueMemberN{Value: "1800000000"},
		},
		"an empty string":   {"service": text("")},
		"only the key":      {},
		"a large attribute": {"s3_url": text(strings.Repeat("ü", 150_000))},
	} {
		t.Run(name, func(t *testing.T) {
			item["hash"] = text(mappingtest.Hash(1))
			put(t, item)
			want, err := table.Client.GetItem(t.Context(), &dynamodb.GetItemInput{
				TableName: &table.Name, ConsistentRead: aws.Bool(true),
				Key: map[string]types.AttributeValue{"hash": item["hash"]},
			})
			require.NoError(t, err)
			got, err := reader.Get(t.Context(), mappingtest.Hash(1))
			require.NoError(t, err)
			assert.Equal(t, want.Item, got)
		})
	}
	t.Run("no item", func(t *testing.T) {
		got, err := reader.Get(t.Context(), mappingtest.Hash(2))
		assert.NoError(t, err)
		assert.Nil(t, got)
	})
	t.Run("no table", func(t *testing.T) {
		_, err := regionReader(server, "nowhere").Get(t.Context(), mappingtest.Hash(1))
		assert.ErrorContains(t, err, "DynamoDB answered 400: ResourceNotFoundException: ")
	})
	t.Run("an attribute of a type that no mapping has is there without a value", func(t *testing.T) {
		put(t, map[string]types.AttributeValue{
			"hash": text(mappingtest.Hash(3)), "service": &types.AttributeValueMemberBOOL{Value: true},
		})
		got, err := reader.Get(t.Context(), mappingtest.Hash(3))
		require.NoError(t, err)
		assert.Contains(t, got, "service")
		assert.Nil(t, got["service"])
	})
}
