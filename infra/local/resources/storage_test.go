package resources

import (
	"context"
	"maps"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamo "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/local/engine"
	"secure-media-cdn/infra/plan"
)

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

func tableResource() plan.Resource {
	return plan.Resource{
		Type: typeTable, Name: "mappings", ID: "media-mappings", Outputs: map[string]any{"name": "media-mappings"},
		Inputs: map[string]any{
			"hashKey": "hash", "billingMode": "PAY_PER_REQUEST",
			"attributes": []any{map[string]any{"name": "hash", "type": "S"}},
			"ttl":        map[string]any{"attributeName": "ttl", "enabled": true},
		},
	}
}

func TestTheTableIsMadeOnceAndChangedInPlace(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	e, err := engine.DynamoDB(ctx, "")
	require.NoError(t, err)
	t.Cleanup(e.Close)
	client := dynamodb.New(dynamodb.Options{Region: "eu-central-1", BaseEndpoint: &e.URL, Credentials: Provider})
	r := tableResource()
	require.NoError(t, makeTable(ctx, client, r))

	_, err = client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &r.ID,
		Item: map[string]dynamo.AttributeValue{"hash": &dynamo.AttributeValueMemberS{Value: "kept"}}})
	require.NoError(t, err)
	ttl := func() string {
		out, err := client.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &r.ID})
		require.NoError(t, err)
		return string(out.TimeToLiveDescription.TimeToLiveStatus)
	}
	assert.Equal(t, "ENABLED", ttl())
	require.NoError(t, makeTable(ctx, client, r), "a restart")
	assert.Equal(t, "ENABLED", ttl())
	r.Inputs["ttl"] = map[string]any{"attributeName": "expires_at", "enabled": true}
	require.NoError(t, makeTable(ctx, client, r))
	out, err := client.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &r.ID})
	require.NoError(t, err)
	assert.Equal(t, "expires_at", *out.TimeToLiveDescription.AttributeName)
	r.Inputs["ttl"].(map[string]any)["enabled"] = false
	require.NoError(t, makeTable(ctx, client, r))
	assert.Equal(t, "DISABLED", ttl())

	items, err := client.Scan(ctx, &dynamodb.ScanInput{TableName: &r.ID})
	require.NoError(t, err)
	assert.Len(t, items.Items, 1, "the items stay")
}

func TestATableWithAnotherKeyIsNotReplacedSilently(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	e, err := engine.DynamoDB(ctx, "")
	require.NoError(t, err)
	t.Cleanup(e.Close)
	client := dynamodb.New(dynamodb.Options{Region: "eu-central-1", BaseEndpoint: &e.URL, Credentials: Provider})
	require.NoError(t, makeTable(ctx, client, tableResource()))
	for name, change := range map[string]func(inputs map[string]any){
		"another name": func(in map[string]any) {
			in["hashKey"], in["attributes"] = "id", []any{map[string]any{"name": "id", "type": "S"}}
		},
		"another type": func(in map[string]any) { in["attributes"] = []any{map[string]any{"name": "hash", "type": "N"}} },
	} {
		t.Run(name, func(t *testing.T) {
			r := tableResource()
			change(r.Inputs)
			require.ErrorContains(t, makeTable(ctx, client, r), "start afresh with CLEAN=1")
		})
	}
}

func TestTheBucketFollowsItsCORSRules(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	e, err := engine.S3(ctx, t.TempDir(), "eu-central-1", Local)
	require.NoError(t, err)
	t.Cleanup(e.Close)
	client := s3.New(s3.Options{Region: "eu-central-1", BaseEndpoint: &e.URL, UsePathStyle: true, Credentials: Provider})
	bucket := plan.Resource{Type: typeBucket, Name: "content", ID: "media-test",
		Outputs: map[string]any{"bucket": "media-test"}}
	cors := func(origin string) plan.Resource {
		return plan.Resource{Type: typeCORS, Name: "content",
			Inputs: map[string]any{"bucket": "media-test", "corsRules": []any{map[string]any{
				"allowedHeaders": []any{"*"}, "allowedMethods": []any{"GET", "HEAD"}, "allowedOrigins": []any{origin},
				"exposeHeaders": []any{"ETag"}, "maxAgeSeconds": 600.0,
			}}}}
	}
	other := cors("https://other.example.com")
	other.Inputs["bucket"] = "logs-test"
	origins := func() []string {
		out, err := client.GetBucketCors(ctx, &s3.GetBucketCorsInput{Bucket: &bucket.ID})
		if err != nil {
			return nil
		}
		require.Len(t, out.CORSRules, 1)
		assert.EqualValues(t, 600, *out.CORSRules[0].MaxAgeSeconds)
		return out.CORSRules[0].AllowedOrigins
	}
	for _, step := range []struct {
		rules []plan.Resource
		want  []string
	}{
		{nil, nil},
		{[]plan.Resource{other, cors("https://a.example.com")}, []string{"https://a.example.com"}},
		{[]plan.Resource{cors("https://b.example.com")}, []string{"https://b.example.com"}},
		{[]plan.Resource{other}, nil},
	} {
		d := &plan.Document{Resources: append(step.rules, bucket)}
		require.NoError(t, makeBucket(ctx, client, d, bucket))
		assert.Equal(t, step.want, origins())
	}
}
