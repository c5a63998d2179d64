package resources

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudfrontkeyvaluestore"
	kvstypes "github.com/aws/aws-sdk-go-v2/service/cloudfrontkeyvaluestore/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/keyring"
	"secure-media-cdn/infra/plan"
)

var stranger = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: Local.AccessKeyID, SecretAccessKey: "guessed"}, nil
})

func get(t *testing.T, url string) *http.Response {
	t.Helper()
	resp, err := http.Get(url)
	require.NoError(t, err)
	resp.Body.Close()
	return resp
}

func TestAnInvalidationMakesTheEdgeForget(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	m := startTest(t, nil)
	_, err := m.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(testBucket), Key: aws.String("a.txt"),
		Body: bytes.NewReader([]byte("a"))})
	require.NoError(t, err)
	get(t, m.BaseURL+"/a.txt")
	require.Equal(t, "Hit from cloudfront", get(t, m.BaseURL+"/a.txt").Header.Get("X-Cache"))

	invalidate := func(keys aws.CredentialsProvider, distribution, reference string, paths ...string) error {
		client := cloudfront.New(cloudfront.Options{Region: globalRegion,
			BaseEndpoint: aws.String(m.Endpoints[controlEndpoint]), Credentials: keys, RetryMaxAttempts: 1})
		_, err := client.CreateInvalidation(ctx,
			&cloudfront.CreateInvalidationInput{DistributionId: &distribution, InvalidationBatch: &cftypes.InvalidationBatch{
				CallerReference: &reference, Paths: &cftypes.Paths{Quantity: aws.Int32(int32(len(paths))), Items: paths},
			}})
		return err
	}
	assert.ErrorContains(t, invalidate(stranger, testDistribution, "1", "/a.txt"), "AccessDenied")
	assert.ErrorContains(t, invalidate(Provider, "EOTHER", "1", "/a.txt"), "NoSuchDistribution")
	assert.ErrorContains(t, invalidate(Provider, testDistribution, "0", "a.txt"), "InvalidArgument",
		"a path without its slash")
	require.Equal(t, "Hit from cloudfront", get(t, m.BaseURL+"/a.txt").Header.Get("X-Cache"),
		"what is refused changes nothing")

	require.NoError(t, invalidate(Provider, testDistribution, "2", "/a.txt"))
	assert.Equal(t, "Miss from cloudfront", get(t, m.BaseURL+"/a.txt").Header.Get("X-Cache"))
	assert.ErrorContains(t, invalidate(Provider, testDistribution, "2", "/b.txt"), "InvalidationBatchAlreadyExists")
	assert.NoError(t, invalidate(Provider, testDistribution, "2", "/a.txt"), "the same again is the same invalidation")
}

func storeClient(m *Stack) *cloudfrontkeyvaluestore.Client {
	return cloudfrontkeyvaluestore.New(cloudfrontkeyvaluestore.Options{Region: globalRegion, Credentials: Provider,
		RetryMaxAttempts: 1}, keyring.AtEndpoint(m.Endpoints[storeEndpoint]))
}

func TestTheKeyValueStoreIsWhatTheGateReads(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	m := startTest(t, nil)
	client := storeClient(m)
	arn := aws.String(testStore)
	about, err := client.DescribeKeyValueStore(ctx, &cloudfrontkeyvaluestore.DescribeKeyValueStoreInput{KvsARN: arn})
	require.NoError(t, err)
	assert.EqualValues(t, 1, *about.ItemCount, "the program's own entry")
	require.NotEqual(t, 410, get(t, m.BaseURL+"/x").StatusCode)

	put := func(etag *string, n int) error {
		var puts []kvstypes.PutKeyRequestListItem
		for i := range n {
			puts = append(puts, kvstypes.PutKeyRequestListItem{Key: aws.String(fmt.Sprintf("r.%03d", i)),
				Value: aws.String("1")})
		}
		puts = append(puts, kvstypes.PutKeyRequestListItem{Key: aws.String("r.x"), Value: aws.String("1")})
		_, err := client.UpdateKeys(ctx, &cloudfrontkeyvaluestore.UpdateKeysInput{KvsARN: arn, IfMatch: etag, Puts: puts})
		return err
	}
	assert.ErrorContains(t, put(about.ETag, 50), "ValidationException", "at most 50 at once")
	require.NoError(t, put(about.ETag, 24))
	assert.Equal(t, 410, get(t, m.BaseURL+"/x").StatusCode, "on the very next request")
	assert.ErrorContains(t, put(about.ETag, 1), "ConflictException", "the store has changed since")

	var keys []string
	pages := cloudfrontkeyvaluestore.NewListKeysPaginator(client,
		&cloudfrontkeyvaluestore.ListKeysInput{KvsARN: arn, MaxResults: aws.Int32(10)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		require.NoError(t, err)
		assert.LessOrEqual(t, len(page.Items), 10)
		for _, item := range page.Items {
			keys = append(keys, *item.Key)
		}
	}
	assert.Len(t, keys, 26)
	one, err := client.GetKey(ctx, &cloudfrontkeyvaluestore.GetKeyInput{KvsARN: arn, Key: aws.String("k.1")})
	require.NoError(t, err)
	assert.Equal(t, "born-first", *one.Value)
	var missing *kvstypes.ResourceNotFoundException
	_, err = client.GetKey(ctx, &cloudfrontkeyvaluestore.GetKeyInput{KvsARN: arn, Key: aws.String("k.2")})
	assert.ErrorAs(t, err, &missing)
	assert.IsIncreasing(t, keys)
	_, err = client.DescribeKeyValueStore(ctx,
		&cloudfrontkeyvaluestore.DescribeKeyValueStoreInput{KvsARN: aws.String(testStore + "x")})
	assert.ErrorContains(t, err, "ResourceNotFoundException")
}

func TestRevocationsAndKeysSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	m := startTest(t, func(o *Options) {
		o.Dir, o.Document.Resources = dir, append(o.Document.Resources, keyResource("k.2", "born-first"))
	})
	client := storeClient(m)
	about, err := client.DescribeKeyValueStore(t.Context(),
		&cloudfrontkeyvaluestore.DescribeKeyValueStoreInput{KvsARN: aws.String(testStore)})
	require.NoError(t, err)
	_, err = client.UpdateKeys(t.Context(), &cloudfrontkeyvaluestore.UpdateKeysInput{KvsARN: aws.String(testStore),
		IfMatch: about.ETag,
		Puts:    []kvstypes.PutKeyRequestListItem{{Key: aws.String("r.x"), Value: aws.String("1")}}})
	require.NoError(t, err)
	m.Close()
	m.closers = nil

	info, err := os.Stat(filepath.Join(dir, "keyvaluestore.json"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "it holds keys")
	again := startTest(t, func(o *Options) {
		o.Dir = dir
		o.Document.Resources = slices.DeleteFunc(o.Document.Resources,
			func(r plan.Resource) bool { return r.Type == typeStoreKey })
		changing := keyResource("k.4", "born-third")
		changing.Options.IgnoreChanges = nil
		o.Document.Resources = append(o.Document.Resources, keyResource("k.2", "born-second"),
			keyResource("k.3", "born-second"), changing)
	})
	assert.Equal(t, map[string]string{"r.x": "1", "k.2": "born-first", "k.3": "born-second", "k.4": "born-third"},
		again.gate.store.Entries,
		"a key keeps the value it was made with, and one that the program gave up is gone")
	assert.Equal(t, 410, get(t, again.BaseURL+"/x").StatusCode)
}

func TestAFunctionHearsOfRemovedObjects(t *testing.T) {
	t.Parallel()
	note, told := filepath.Join(t.TempDir(), "event.json"), filepath.Join(t.TempDir(), "told")
	m := startTest(t, func(o *Options) {
		for i, r := range o.Document.Resources {
			if r.Type == typeFunction {
				o.Document.Resources[i].Inputs["environment"] = map[string]any{"variables": map[string]any{"NOTE": note,
					"FAIL_ONCE": told}}
			}
		}
	})
	key := aws.String("simple-chat/grüße + ?.png")
	_, err := m.S3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(testBucket), Key: key,
		Body: bytes.NewReader([]byte("a"))})
	require.NoError(t, err)
	_, err = m.S3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(testBucket), Key: key})
	require.NoError(t, err)
	var batch events.SQSEvent
	var event struct {
		Records []struct {
			EventName string
			S3        struct {
				Bucket struct{ Name string }
				Object struct{ Key string }
			}
		}
	}
	require.Eventually(t, func() bool {
		data, err := os.ReadFile(note)
		return err == nil && json.Unmarshal(data, &batch) == nil
	}, time.Minute, 10*time.Millisecond)
	require.DirExists(t, told, "the first try failed, another followed")
	require.Len(t, batch.Records, 1)
	assert.Equal(t, "2", batch.Records[0].Attributes["ApproximateReceiveCount"])
	require.NoError(t, json.Unmarshal([]byte(batch.Records[0].Body), &event))
	require.Len(t, event.Records, 1)
	got := event.Records[0]
	assert.Equal(t, "ObjectRemoved:Delete", got.EventName, "not the upload, which nobody asked for")
	assert.Equal(t, testBucket, got.S3.Bucket.Name)
	assert.Equal(t, "simple-chat/gr%C3%BC%C3%9Fe+%2B+%3F.png", got.S3.Object.Key)
}

func TestTheNotificationsOfSomebodyElsesBucketCountUnlessTheProgramWritesThem(t *testing.T) {
	t.Parallel()
	const indexer = "arn:aws:sqs:eu-central-1:999999999999:indexer"
	event := func() map[string]any {
		return map[string]any{"eventName": "s3:ObjectRemoved:Delete",
			"s3": map[string]any{"bucket": map[string]any{"name": testBucket}}}
	}
	existing := map[string]Existing{testBucket: {Notifications: []rule{
		{"indexer", indexer, []string{"s3:ObjectRemoved:*"}}, {"ours", testQueue, []string{"s3:ObjectRemoved:*"}},
	}}}
	m := &Stack{o: Options{Document: testPlan(t), Existing: existing}, queues: map[string]*queue{testQueue: {}}}
	rules, err := m.rulesFor(event())
	require.NoError(t, err)
	require.Len(t, rules, 1)
	assert.Equal(t, "removals", rules[0].ID, "the program's replace those that were there")

	notification, _ := m.o.Document.Find(typeNotification, "removals")
	m.o.Document.Resources = slices.DeleteFunc(m.o.Document.Resources,
		func(r plan.Resource) bool { return r.Type == notification.Type })
	rules, err = m.rulesFor(event())
	require.NoError(t, err)
	require.Len(t, rules, 1, "the owner's own queue is not here")
	assert.Equal(t, "ours", rules[0].ID)
}

func TestANotificationIsForItsBucketAndItsEvents(t *testing.T) {
	t.Parallel()
	d := testPlan(t)
	for name, tt := range map[string]struct {
		bucket, event string
		want          int
	}{
		"a removal":                {testBucket, "s3:ObjectRemoved:Delete", 1},
		"a removal by lifecycle":   {testBucket, "s3:ObjectRemoved:DeleteMarkerCreated", 1},
		"an upload":                {testBucket, "s3:ObjectCreated:Put", 0},
		"another bucket's removal": {"logs-test", "s3:ObjectRemoved:Delete", 0},
	} {
		t.Run(name, func(t *testing.T) {
			rules, err := (&Stack{o: Options{Document: d}}).rulesFor(map[string]any{"eventName": tt.event, "s3": map[string]any{
				"bucket": map[string]any{"name": tt.bucket}, "object": map[string]any{"key": "a"},
			}})
			require.NoError(t, err)
			assert.Len(t, rules, tt.want)
		})
	}
}
