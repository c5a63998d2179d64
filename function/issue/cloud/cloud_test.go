package cloud_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfrontkeyvaluestore"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue/cloud"
	"secure-media-cdn/function/issue/cloud/cloudtest"
	"secure-media-cdn/function/mapping"
	"secure-media-cdn/infra/local/engine"
)

const store = "arn:aws:cloudfront::123456789012:key-value-store/11111111-2222-3333-4444-555555555555"

var now = time.Unix(1_800_000_000, 0)

func noPause(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func hash(n int) string { return fmt.Sprintf("%032d", n) }

// hashesTo returns n hashes that live for another hour.
func hashesTo(n int) map[string]time.Time {
	all := map[string]time.Time{}
	for k := range n {
		all[hash(k)] = now.Add(time.Hour)
	}
	return all
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func newEdge(a *cloudtest.AWS) *cloud.Edge {
	cfg := a.Config(false)
	return &cloud.Edge{
		Pause:         noPause,
		Invalidations: &cloud.Invalidations{Client: cloudfront.NewFromConfig(cfg), Distribution: "EDFDVBD6EXAMPLE", Log: quiet()},
		Revocations: &cloud.Revocations{Client: cloudfrontkeyvaluestore.NewFromConfig(cfg), Store: store, Log: quiet(),
			Now: func() time.Time { return now }, Pause: noPause},
	}
}

func forget(e *cloud.Edge, hashes map[string]time.Time) error {
	return e.Forget(context.Background(), hashes)
}

func TestForgettingTellsTheGateAndThenTheCaches(t *testing.T) {
	t.Parallel()
	a := &cloudtest.AWS{}
	require.NoError(t, forget(newEdge(a), hashesTo(2)))
	assert.Equal(t, map[string]string{"r." + hash(0): "1800003600", "r." + hash(1): "1800003600"}, a.KeyValueStore.Entries)
	require.Len(t, a.CloudFront.Invalidations, 1)
	got := a.CloudFront.Invalidations[0]
	assert.Equal(t, "EDFDVBD6EXAMPLE", got.Distribution)
	assert.Equal(t, []string{"/images/" + hash(0), "/images/" + hash(1)}, got.Paths)
	assert.Equal(t, []string{"123456789012:GET", "123456789012:POST", "cloudfront:POST"}, a.Calls)
}

func TestTheSameHashesAgainAreTheSameInvalidation(t *testing.T) {
	t.Parallel()
	a := &cloudtest.AWS{}
	e := newEdge(a)
	require.NoError(t, forget(e, hashesTo(3)))
	require.NoError(t, forget(e, hashesTo(3)))
	assert.Len(t, a.CloudFront.Invalidations, 1, "a retry is not billed again")
	require.NoError(t, forget(e, hashesTo(2)))
	assert.Len(t, a.CloudFront.Invalidations, 2)
}

func TestManyHashesAreInvalidatedInBatches(t *testing.T) {
	t.Parallel()
	a := &cloudtest.AWS{}
	require.NoError(t, forget(newEdge(a), hashesTo(2300)))
	require.Len(t, a.CloudFront.Invalidations, 3)
	assert.Len(t, a.CloudFront.Invalidations[2].Paths, 300)
	assert.Len(t, a.KeyValueStore.Entries, 2300)
}

func TestTooManyPathsInProgressBecomeOneWildcard(t *testing.T) {
	t.Parallel()
	a := &cloudtest.AWS{CloudFront: cloudtest.CloudFront{MaxPaths: 2, MaxWildcards: 1}}
	e := newEdge(a)
	require.NoError(t, forget(e, hashesTo(3)))
	require.Len(t, a.CloudFront.Invalidations, 1)
	assert.Equal(t, []string{"/images/*"}, a.CloudFront.Invalidations[0].Paths)
	assert.Error(t, forget(e, hashesTo(4)), "nor can there be any number of wildcards")
	require.NoError(t, forget(e, hashesTo(3)), "but the first goes on to stand for its own")
}

func TestDeletedPublicObjectsAreInvalidatedEachTime(t *testing.T) {
	t.Parallel()
	a := &cloudtest.AWS{CloudFront: cloudtest.CloudFront{MaxPaths: 5}}
	e := newEdge(a)
	withdraw := func(paths ...string) error { return e.Withdraw(context.Background(), paths) }
	require.NoError(t, withdraw("/marketplace/a.jpg", "/nudges/b.jpg"))
	require.NoError(t, withdraw("/marketplace/a.jpg", "/nudges/b.jpg"), "they may have come back in between")
	require.Len(t, a.CloudFront.Invalidations, 2)
	assert.Equal(t, []string{"/marketplace/a.jpg", "/nudges/b.jpg"}, a.CloudFront.Invalidations[1].Paths)
	assert.Empty(t, a.KeyValueStore.Entries, "the gate knows nothing of them")

	require.NoError(t, withdraw("/marketplace/a.jpg", "/nudges/b.jpg", "/marketplace/c.jpg"))
	require.Len(t, a.CloudFront.Invalidations, 3)
	assert.Equal(t, []string{"/marketplace/*", "/nudges/*"}, a.CloudFront.Invalidations[2].Paths, "too many in progress")
	a.Fault = func(int, *http.Request) cloudtest.Fault { return cloudtest.Refused }
	assert.Error(t, withdraw("/marketplace/a.jpg"))
}

func TestWhatIsBeingFetchedIsWaitedForBeforeItIsInvalidated(t *testing.T) {
	t.Parallel()
	a := &cloudtest.AWS{}
	e := newEdge(a)
	e.Settle = time.Second
	var waited []time.Duration
	e.Pause = func(_ context.Context, d time.Duration) error {
		assert.Empty(t, a.CloudFront.Invalidations)
		waited = append(waited, d)
		return nil
	}
	require.NoError(t, e.Withdraw(context.Background(), []string{"/marketplace/a.jpg"}))
	assert.Equal(t, []time.Duration{time.Second}, waited)
}

// region is a replica that has the mappings for a number of polls, or fails.
type region struct {
	has int
	err error
}

func (r *region) Present(_ context.Context, hashes []string) ([]string, error) {
	if r.has--; r.has >= 0 {
		return hashes, r.err
	}
	return nil, r.err
}

func TestTheCachesAreEmptiedOnceEveryReplicaIsWithoutTheMapping(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		replica region
		failure string
	}{
		"at once":                       {region{}, ""},
		"after a while":                 {region{has: 20}, ""},
		"it never is":                   {region{has: 1000}, "the replica in us-east-1: still has 2 of the mappings"},
		"it cannot say whether it does": {region{err: errors.New("down")}, "the replica in us-east-1: down"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &cloudtest.AWS{}
			e := newEdge(a)
			e.Replicas = []cloud.Replica{{Region: "ap-south-1", Table: &region{}}, {Region: "us-east-1", Table: &tt.replica}}
			err := forget(e, hashesTo(2))
			require.Len(t, a.CloudFront.Invalidations, 1, "the caches are emptied either way")
			assert.Len(t, a.KeyValueStore.Entries, 2)
			if tt.failure == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.failure)
			assert.NotContains(t, err.Error(), "ap-south-1")
			e.Replicas = nil
			require.NoError(t, forget(e, hashesTo(2)))
			assert.Len(t, a.CloudFront.Invalidations, 2, "once the replica follows, they are emptied again: they may have filled up")
		})
	}
}

func TestAFailingServiceDoesNotKeepTheOtherFromBeingTold(t *testing.T) {
	t.Parallel()
	for name, host := range map[string]string{"the gate's list": "123456789012", "the caches": "cloudfront"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &cloudtest.AWS{Fault: func(_ int, r *http.Request) cloudtest.Fault {
				if strings.HasPrefix(r.URL.Hostname(), host+".") {
					return cloudtest.Refused
				}
				return cloudtest.None
			}}
			require.Error(t, forget(newEdge(a), hashesTo(1)))
			assert.Equal(t, host == "cloudfront", len(a.KeyValueStore.Entries) == 1)
			assert.Equal(t, host != "cloudfront", len(a.CloudFront.Invalidations) == 1)
		})
	}
}

func TestAnotherWriterOfTheListIsNoHindrance(t *testing.T) {
	t.Parallel()
	a := &cloudtest.AWS{}
	others := 0
	a.KeyValueStore.Interfere = func(s *cloudtest.KeyValueStore) {
		if others++; others <= 3 {
			s.Version++
		}
	}
	require.NoError(t, forget(newEdge(a), hashesTo(120)))
	assert.Len(t, a.KeyValueStore.Entries, 120)

	a.KeyValueStore.Interfere = func(s *cloudtest.KeyValueStore) { s.Version++ }
	assert.Error(t, forget(newEdge(a), hashesTo(1)), "but the tries have an end")
}

func TestAFullListLeavesTheRevocationToTheInvalidation(t *testing.T) {
	t.Parallel()
	a := &cloudtest.AWS{}
	a.KeyValueStore.Padding = 4_200_000 - 44
	e := newEdge(a)
	require.NoError(t, forget(e, hashesTo(1)), "there is room for one")
	assert.Len(t, a.KeyValueStore.Entries, 1)
	require.NoError(t, forget(e, map[string]time.Time{hash(7): now.Add(time.Hour)}))
	assert.Len(t, a.KeyValueStore.Entries, 1)
	assert.True(t, a.CloudFront.Covers("/images/"+hash(7)))
	require.ErrorIs(t, e.Revocations.Add(context.Background(), hashesTo(1)), cloud.ErrFull)
}

func TestExpiredEntriesLeaveALargeList(t *testing.T) {
	t.Parallel()
	a := &cloudtest.AWS{}
	a.KeyValueStore.Padding = 2_000_000
	a.KeyValueStore.Entries = map[string]string{"k.current": "1:00", "r.odd": "never", "k.number": "1"}
	for n := range 25_000 {
		expiry := now.Unix() // dead from this second on
		if n%100 == 0 {
			expiry++
		}
		a.KeyValueStore.Entries["r."+hash(100_000+n)] = fmt.Sprint(expiry)
	}
	e := newEdge(a)
	before := maps.Clone(a.KeyValueStore.Entries)
	require.NoError(t, forget(e, hashesTo(1)))
	first := len(a.KeyValueStore.Entries)
	assert.Less(t, first, 16_000, "one sweep goes through 10,000 entries")
	assert.Greater(t, first, 15_000)
	for range 2 {
		require.NoError(t, forget(e, hashesTo(1)))
	}
	assert.Len(t, a.KeyValueStore.Entries, 250+1+3, "the next ones go on from there")
	assert.Equal(t, before["k.current"], a.KeyValueStore.Entries["k.current"])
	assert.Equal(t, "never", a.KeyValueStore.Entries["r.odd"])
}

func TestASmallListIsNotSwept(t *testing.T) {
	t.Parallel()
	a := &cloudtest.AWS{}
	a.KeyValueStore.Entries = map[string]string{"r." + hash(9): "1"}
	require.NoError(t, forget(newEdge(a), hashesTo(1)))
	assert.Len(t, a.KeyValueStore.Entries, 2)
	assert.Len(t, a.Calls, 3)
}

func TestAnEndpointOfOneMachineIsCalledAsItIs(t *testing.T) {
	t.Parallel()
	var path, authorization string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, authorization = r.URL.Path, r.Header.Get("Authorization")
		w.Header().Set("ETag", "1")
		fmt.Fprint(w, `{"ItemCount":0,"TotalSizeInBytes":0,"Created":0,"KvsARN":"arn"}`)
	}))
	defer server.Close()
	a := &cloudtest.AWS{}
	cfg := a.Config(false)
	cfg.HTTPClient = server.Client()
	client := cloudfrontkeyvaluestore.NewFromConfig(cfg, cloud.AtEndpoint(server.URL))
	out, err := client.DescribeKeyValueStore(context.Background(), &cloudfrontkeyvaluestore.DescribeKeyValueStoreInput{KvsARN: aws.String(store)})
	require.NoError(t, err)
	assert.Equal(t, "1", *out.ETag)
	assert.Equal(t, "/key-value-stores/"+store, path)
	assert.Contains(t, authorization, "AWS4-ECDSA-P256-SHA256", "signed as CloudFront demands")
}

func TestTheBucketTellsMissingFromForbidden(t *testing.T) {
	t.Parallel()
	server, err := engine.S3(context.Background(), t.TempDir(), cloudtest.Region, engine.Credentials{AccessKeyID: "test", SecretAccessKey: "testtest"})
	require.NoError(t, err)
	defer server.Close()
	open := func(secret string) *s3.Client {
		return s3.New(s3.Options{Region: cloudtest.Region, BaseEndpoint: &server.URL, UsePathStyle: true, RetryMaxAttempts: 1,
			Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: "test", SecretAccessKey: secret}, nil
			})})
	}
	client, ctx := open("testtest"), context.Background()
	_, err = client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("media")})
	require.NoError(t, err)
	there := mapping.Object{Bucket: "media", Key: "chat/ä b+c.jpg"}
	_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: &there.Bucket, Key: &there.Key, Body: strings.NewReader("photo")})
	require.NoError(t, err)

	exists, err := cloud.Bucket{Client: client}.Exists(ctx, there)
	require.NoError(t, err)
	assert.True(t, exists)
	exists, err = cloud.Bucket{Client: client}.Exists(ctx, mapping.Object{Bucket: "media", Key: "none"})
	require.NoError(t, err)
	assert.False(t, exists)
	_, err = cloud.Bucket{Client: open("wrong")}.Exists(ctx, there)
	require.ErrorContains(t, err, "s3:ListBucket")
	assert.NotContains(t, err.Error(), there.Key)
	server.Close()
	_, err = cloud.Bucket{Client: client}.Exists(ctx, mapping.Object{Bucket: "media", Key: "private-name"})
	require.ErrorContains(t, err, "refused")
	assert.NotContains(t, err.Error(), "private-name")
}

const (
	keyOne = "1:0101010101010101010101010101010101010101010101010101010101010101"
	keyTwo = "2:0202020202020202020202020202020202020202020202020202020202020202"
)

func TestLinkKeysAreReadAgainWhenTheyAreOld(t *testing.T) {
	t.Parallel()
	a := &cloudtest.AWS{Secret: keyOne}
	at, ctx := now, context.Background()
	s := &cloud.Sealed{Client: secretsmanager.NewFromConfig(a.Config(false)), Secret: "arn", Random: zero{}, Log: quiet(), Now: func() time.Time { return at }}
	accepts := func(hash string) bool {
		accepted, err := s.Accepts(ctx, hash)
		require.NoError(t, err)
		return accepted
	}
	first, err := s.New(ctx, now.Add(time.Hour))
	require.NoError(t, err)
	require.True(t, mapping.ValidHash(first))
	assert.True(t, accepts(first))
	assert.False(t, accepts(hash(1)), "an unsealed hash would not pass the gate")
	assert.Len(t, a.Calls, 1)

	a.Secret = `{"current":"` + keyTwo + `","previous":"` + keyOne + `"}`
	at = at.Add(5*time.Minute - time.Second)
	assert.True(t, accepts(first))
	assert.Len(t, a.Calls, 1, "not yet")
	at = at.Add(time.Second)
	second, err := s.New(ctx, now.Add(time.Hour))
	require.NoError(t, err)
	assert.NotEqual(t, first, second)
	assert.True(t, accepts(first), "the previous key's links live on")

	a.Fault = func(int, *http.Request) cloudtest.Fault { return cloudtest.Refused }
	at = at.Add(10 * time.Minute)
	assert.True(t, accepts(second), "old keys are better than none")
	calls := len(a.Calls)
	assert.True(t, accepts(second))
	assert.Len(t, a.Calls, calls, "a service that is down is not asked at every call")

	a.Fault, a.Secret = nil, keyTwo
	at = at.Add(5 * time.Minute)
	assert.False(t, accepts(first), "after the second rotation its key is gone")
	assert.True(t, accepts(second))
}

type zero struct{}

func (zero) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestASecretThatIsNoKeyIsNotRepeated(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"", "hunter2", "{hunter2", `{"current":"hunter2"}`, `{"current":"` + keyOne + `","previous":"hunter2"}`} {
		a := &cloudtest.AWS{Secret: secret}
		s := &cloud.Sealed{Client: secretsmanager.NewFromConfig(a.Config(false)), Secret: "arn", Random: zero{}, Log: quiet(), Now: time.Now}
		_, err := s.New(context.Background(), now)
		require.Error(t, err, secret)
		assert.NotContains(t, err.Error(), "hunter2")
	}
}

func TestUnsealedHashesAreRandomAndAccepted(t *testing.T) {
	t.Parallel()
	u := cloud.Unsealed{Random: zero{}}
	got, err := u.New(context.Background(), now)
	require.NoError(t, err)
	assert.Equal(t, strings.Repeat("A", 32), got)
	accepted, err := u.Accepts(context.Background(), got)
	require.NoError(t, err)
	assert.True(t, accepted)
}
