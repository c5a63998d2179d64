// Package mappingtest makes hashes, objects and real tables for tests.
package mappingtest

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/mapping"
	"secure-media-cdn/infra/local/engine"
)

// Hash returns a hash for tests; n distinguishes it.
func Hash(n int) string { return fmt.Sprintf("%032d", n) }

// Object returns an object of the bucket "media"; n distinguishes it.
func Object(n int) mapping.Object {
	return mapping.Object{Bucket: "media", Key: fmt.Sprintf("photos/%d.jpg", n)}
}

// tables numbers the tables of a test binary.
var tables atomic.Int32

// Engine starts a real DynamoDB engine for the test. A test whose engine does
// not start fails.
func Engine(t testing.TB) *engine.Server {
	t.Helper()
	server, err := engine.DynamoDB(context.Background(), "")
	require.NoError(t, err)
	t.Cleanup(server.Close)
	return server
}

// Table makes an empty mapping table on the engine. transport, if not nil, sees
// every request of the client, which then retries nothing.
func Table(t testing.TB, server *engine.Server, transport http.RoundTripper) *mapping.Table {
	t.Helper()
	name := fmt.Sprintf("mappings-%d", tables.Add(1))
	table := &mapping.Table{Client: client(server, nil), Name: name}
	_, err := table.Client.CreateTable(context.Background(), &dynamodb.CreateTableInput{
		TableName:   &name,
		BillingMode: types.BillingModePayPerRequest,
		KeySchema:   []types.KeySchemaElement{{AttributeName: aws.String(mapping.AttrHash), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String(mapping.AttrHash), AttributeType: types.ScalarAttributeTypeS},
		},
	})
	require.NoError(t, err)
	return &mapping.Table{Client: client(server, transport), Name: name}
}

func client(server *engine.Server, transport http.RoundTripper) *dynamodb.Client {
	options := dynamodb.Options{
		Region: "eu-central-1", BaseEndpoint: &server.URL,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "testtest"}, nil
		}),
	}
	if transport != nil {
		options.HTTPClient = &http.Client{Transport: transport}
		options.Retryer = aws.NopRetryer{}
	}
	return dynamodb.New(options)
}

// Items returns all items of the table.
func Items(t testing.TB, table *mapping.Table) []map[string]types.AttributeValue {
	t.Helper()
	var all []map[string]types.AttributeValue
	pages := dynamodb.NewScanPaginator(table.Client,
		&dynamodb.ScanInput{TableName: &table.Name, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		require.NoError(t, err)
		all = append(all, page.Items...)
	}
	return all
}
