package cloud_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfrontkeyvaluestore"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/bench/price"
	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/issue/cloud"
	"secure-media-cdn/function/issue/cloud/cloudtest"
	"secure-media-cdn/function/keyring"
	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/seal"
	"secure-media-cdn/function/seal/sealtest"
	"secure-media-cdn/infra/local/engine"
	"secure-media-cdn/infra/local/locked"
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

func newCDN(a *cloudtest.AWS) *cloud.CDN {
	cfg := a.Config(false)
	return &cloud.CDN{
		Pause: noPause,
		Invalidations: &cloud.Invalidations{Client: cloudfront.NewFromConfig(cfg), Distribution: "EDFDVBD6EXAMPLE",
			Log: quiet(), Now: func() time.Time { return now }, Pause: noPause},
		Revocations: &cloud.Revocations{Client: cloudfrontkeyvaluestore.NewFromConfig(cfg), Store: store, Log: quiet(),
			Now: func() time.Time { return now }, Pause: noPause},
	}
}

func revoke(c *cloud.CDN, hashes map[string]time.Time) error {
	return c.Revoke(context.Background(), hashes)
}

func TestARevokedLinkIsOnTheGatesList(t *testing.T) {
	t.Parallel()
	a := &cloudtest.AWS{}
	c := newCDN(a)
	c.Replicas = []cloud.Replica{{Region: "us-east-1", Table: &region{has: 1000}}}
	require.NoError(t, revoke(c, hashesTo(2)))
	assert.Equal(t, map[string]string{"r." + hash(0): "1800003600", "r." + hash(1): "1800003600"}, a.KeyValueStore.Entries)
	assert.Empty(t, a.CloudFront.Invalidations, "which is enough, whatever is cached and whatever a region still has")
	assert.Equal(t, []string{"123456789012:GET", "123456789012:POST"}, a.Calls)
}

func TestManyHashesAreListedInBatches(t *testing.T) {
	t.Parallel()
	a := &cloudtest.AWS{}
	require.NoError(t, revoke(newCDN(a), hashesTo(2300)))
	assert.Len(t, a.KeyValueStore.Entries, 2300)
}

// linksMost is how large the list may grow by revoked links.
const linksMost = 4_200_000 - 230_000

// full is a list with room for no more links.
func full() cloudtest.KeyValueStore { return cloudtest.KeyValueStore{Padding: linksMost} }

func TestAFullListInvalidatesInstead(t *testing.T) {
	t.Parallel()
	a := &cloudtest.AWS{}
	a.KeyValueStore.Padding = linksMost - 44
	c, log := newCDN(a), &locked.Buffer{}
	c.Revocations.Log = slog.New(slog.NewJSONHandler(log, nil))
	require.NoError(t, revoke(c, hashesTo(1)), "there is room for one")
	assert.Empty(t, a.CloudFront.Invalidations)
	last := map[string]time.Time{hash(7): now.Add(time.Hour), hash(8): now.Add(time.Hour)}
	require.NoError(t, revoke(c, last))
	assert.Len(t, a.KeyValueStore.Entries, 1)
	require.Len(t, a.CloudFront.Invalidations, 1)
	assert.Equal(t, "EDFDVBD6EXAMPLE", a.CloudFront.Invalidations[0].Distribution)
	assert.Equal(t, []string{"/images/*"}, a.CloudFront.Invalidations[0].Paths)
	require.ErrorIs(t, c.Revocations.Add(context.Background(), hashesTo(1)), cloud.ErrFull)
	assert.Contains(t, log.String(), cloud.MessageFull)

	require.NoError(t, revoke(c, hashesTo(2300)))
	assert.Len(t, a.CloudFront.Invalidations, 1, "all who come in one interval wait for the same one")
	c.Invalidations.Now = func() time.Time { return now.Add(10 * time.Second) }
	require.NoError(t, revoke(c, last))
	assert.Len(t, a.CloudFront.Invalidations, 2, "later ones need another: caches have filled up again")
}

func TestTheInvalidationOfEveryLinkComesAfterAllWhoNeedIt(t *testing.T) {
	t.Parallel()
	start := now.Truncate(time.Minute)
	for offset, wait := range map[time.Duration]time.Duration{
		0: 10 * time.Second, 4 * time.Second: 6 * time.Second, 8900 * time.Millisecond: 1100 * time.Millisecond,
		// Whoever has a clock that is a second late would be too late for this one.
		9 * time.Second: 11 * time.Second, 9999 * time.Millisecond: 10001 * time.Millisecond,
	} {
		a := &cloudtest.AWS{KeyValueStore: full()}
		c := newCDN(a)
		c.Invalidations.Now = func() time.Time { return start.Add(offset) }
		var waited time.Duration
		c.Invalidations.Pause = func(_ context.Context, d time.Duration) error {
			waited += d
			assert.Empty(t, a.CloudFront.Invalidations)
			return nil
		}
		require.NoError(t, revoke(c, hashesTo(1)))
		assert.Equal(t, wait, waited, "%v after the interval began", offset)
		assert.Len(t, a.CloudFront.Invalidations, 1)
	}
}

func TestTheListWarnsBeforeItIsFull(t *testing.T) {
	t.Parallel()
	for padding, warns := range map[int]bool{3_300_000: false, 3_400_000: true} {
		a := &cloudtest.AWS{KeyValueStore: cloudtest.KeyValueStore{Padding: padding}}
		c, log := newCDN(a), &locked.Buffer{}
		c.Revocations.Log = slog.New(slog.NewJSONHandler(log, nil))
		require.NoError(t, revoke(c, hashesTo(1)))
		assert.Equal(t, warns, strings.Contains(log.String(), cloud.MessageNearlyFull), "%d bytes", padding)
		assert.Len(t, a.KeyValueStore.Entries, 1)
	}
}

func TestAsManyRevocationsFitAsTheConstantSays(t *testing.T) {
	t.Parallel()
	a := &cloudtest.AWS{KeyValueStore: cloudtest.KeyValueStore{Entries: sealtest.Entries(1, 2, 3)}}
	for n := range cloud.MaxRevocations - 1 {
		a.KeyValueStore.Entries["r."+hash(1_000_000+n)] = "1800003600"
	}
	c := newCDN(a)
	require.NoError(t, c.Revocations.Add(context.Background(), hashesTo(1)))
	a.KeyValueStore.Padding = 400
	require.ErrorIs(t, c.Revocations.Add(context.Background(), hashesTo(1)), cloud.ErrFull)

	page, err := os.ReadFile("../../../infra/stack/operations.md")
	require.NoError(t, err)
	number := fmt.Sprintf("%d,%03d", cloud.MaxRevocations/1000, cloud.MaxRevocations%1000)
	assert.Contains(t, string(page), "at least "+number+" revoked links", "the page for operators says so, too")
}

func TestReplacedPhotosAreForgottenOncePerPieceOfWork(t *testing.T) {
	t.Parallel()
	a := &cloudtest.AWS{CloudFront: cloudtest.CloudFront{MaxWildcards: 4}}
	c, ctx := newCDN(a), context.Background()
	for range 2 {
		require.NoError(t, c.Forget(ctx, []string{hash(1), hash(2)}, "one"))
	}
	require.Len(t, a.CloudFront.Invalidations, 1, "the same work is paid once")
	assert.Equal(t, []string{"/images/" + hash(1) + "*", "/images/" + hash(2) + "*"}, a.CloudFront.Invalidations[0].Paths)
	require.NoError(t, c.Forget(ctx, []string{hash(1)}, "two"))
	require.NoError(t, c.Forget(ctx, []string{hash(1), hash(2)}, "three"))
	require.Len(t, a.CloudFront.Invalidations, 3)
	assert.Equal(t, []string{"/images/*"}, a.CloudFront.Invalidations[2].Paths, "too many are in progress")
	assert.Empty(t, a.KeyValueStore.Entries, "the links stay good")
}

func TestADeletionIsWithdrawnOnceIfItIsKnown(t *testing.T) {
	t.Parallel()
	a := &cloudtest.AWS{CloudFront: cloudtest.CloudFront{MaxPaths: 8}}
	c := newCDN(a)
	withdraw := func(deletions map[string]string) error { return c.Withdraw(context.Background(), deletions) }
	for range 2 {
		require.NoError(t, withdraw(map[string]string{"/marketplace/a.jpg": "v2", "/nudges/b.jpg": "v9"}))
	}
	require.Len(t, a.CloudFront.Invalidations, 1, "the same deletions again")
	assert.Equal(t, []string{"/marketplace/a.jpg", "/nudges/b.jpg"}, a.CloudFront.Invalidations[0].Paths)
	require.NoError(t, withdraw(map[string]string{"/marketplace/a.jpg": "v4", "/nudges/b.jpg": "v9"}))
	assert.Len(t, a.CloudFront.Invalidations, 2, "another deletion of the same object")
	for range 2 {
		require.NoError(t, withdraw(map[string]string{"/marketplace/a.jpg": ""}))
	}
	assert.Len(t, a.CloudFront.Invalidations, 4, "unknown ones may have come back in between")
	assert.Empty(t, a.KeyValueStore.Entries, "the gate knows nothing of them")

	require.NoError(t, withdraw(map[string]string{"/marketplace/a.jpg": "", "/nudges/b.jpg": "",
		"/marketplace/c.jpg": ""}))
	require.Len(t, a.CloudFront.Invalidations, 5)
	assert.Equal(t, []string{"/marketplace/*", "/nudges/*"}, a.CloudFront.Invalidations[4].Paths, "too many in progress")
	a.Fault = func(int, *http.Request) cloudtest.Fault { return cloudtest.Refused }
	assert.Error(t, withdraw(map[string]string{"/marketplace/a.jpg": ""}))
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
			a := &cloudtest.AWS{KeyValueStore: full()}
			c := newCDN(a)
			c.Replicas = []cloud.Replica{{Region: "ap-south-1", Table: &region{}}, {Region: "us-east-1", Table: &tt.replica}}
			err := revoke(c, hashesTo(2))
			require.Len(t, a.CloudFront.Invalidations, 1, "the caches are emptied either way")
			if tt.failure == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.failure)
			assert.NotContains(t, err.Error(), "ap-south-1")
			c.Replicas = nil
			c.Invalidations.Now = func() time.Time { return now.Add(time.Minute) }
			require.NoError(t, revoke(c, hashesTo(2)))
			assert.Len(t, a.CloudFront.Invalidations, 2,
				"once the replica follows, they are emptied again: they may have filled up")
		})
	}
}

func TestAFailureOfTheListOrTheCachesIsAnError(t *testing.T) {
	t.Parallel()
	for host, store := range map[string]cloudtest.KeyValueStore{"123456789012": {}, "cloudfront": full()} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			a := &cloudtest.AWS{KeyValueStore: store, Fault: func(_ int, r *http.Request) cloudtest.Fault {
				if strings.HasPrefix(r.URL.Hostname(), host+".") {
					return cloudtest.Refused
				}
				return cloudtest.None
			}}
			require.Error(t, revoke(newCDN(a), hashesTo(1)))
			assert.Empty(t, a.CloudFront.Invalidations)
			assert.Empty(t, a.KeyValueStore.Entries)
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
	require.NoError(t, revoke(newCDN(a), hashesTo(120)))
	assert.Len(t, a.KeyValueStore.Entries, 120)

	a.KeyValueStore.Interfere = func(s *cloudtest.KeyValueStore) { s.Version++ }
	assert.Error(t, revoke(newCDN(a), hashesTo(1)), "but the tries have an end")
}

func TestExpiredEntriesLeaveALargeList(t *testing.T) {
	t.Parallel()
	a := &cloudtest.AWS{}
	a.KeyValueStore.Padding = 2_000_000
	a.KeyValueStore.Entries = map[string]string{"k.1": "1", "r.odd": "never", "k.2": "1", "audience": "1"}
	for n := range 2_500 {
		expiry := now.Unix() // dead from this second on
		if n%100 == 0 {
			expiry++
		}
		a.KeyValueStore.Entries["r."+hash(100_000+n)] = fmt.Sprint(expiry)
	}
	c := newCDN(a)
	before := maps.Clone(a.KeyValueStore.Entries)
	require.NoError(t, revoke(c, hashesTo(1)))
	first := len(a.KeyValueStore.Entries)
	assert.Less(t, first, 1_600, "one sweep goes through 1,000 entries")
	assert.Greater(t, first, 1_500)
	for range 2 {
		require.NoError(t, revoke(c, hashesTo(1)))
	}
	assert.Len(t, a.KeyValueStore.Entries, 25+1+4, "the next ones go on from there")
	assert.Equal(t, before["k.1"], a.KeyValueStore.Entries["k.1"])
	assert.Equal(t, "never", a.KeyValueStore.Entries["r.odd"])
}

func TestASmallListIsNotSwept(t *testing.T) {
	t.Parallel()
	a := &cloudtest.AWS{}
	a.KeyValueStore.Entries = map[string]string{"r." + hash(9): "1"}
	require.NoError(t, revoke(newCDN(a), hashesTo(1)))
	assert.Len(t, a.KeyValueStore.Entries, 2)
	assert.Len(t, a.Calls, 2, "the list is not read")
}

func TestTheBucketTellsMissingFromForbidden(t *testing.T) {
	t.Parallel()
	server, err := engine.S3(context.Background(), t.TempDir(), cloudtest.Region,
		aws.Credentials{AccessKeyID: "test", SecretAccessKey: "testtest"})
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
	_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: &there.Bucket, Key: &there.Key,
		Body: strings.NewReader("photo")})
	require.NoError(t, err)

	first, err := cloud.Bucket{Client: client}.Look(ctx, there)
	require.NoError(t, err)
	assert.NotEmpty(t, first.Content)
	again, err := cloud.Bucket{Client: client}.Look(ctx, there)
	require.NoError(t, err)
	assert.Equal(t, first, again)
	_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: &there.Bucket, Key: &there.Key,
		Body: strings.NewReader("other photo")})
	require.NoError(t, err)
	replaced, err := cloud.Bucket{Client: client}.Look(ctx, there)
	require.NoError(t, err)
	assert.NotEqual(t, first, replaced)
	missing, err := cloud.Bucket{Client: client}.Look(ctx, mapping.Object{Bucket: "media", Key: "none"})
	require.NoError(t, err)
	assert.Equal(t, issue.Sight{}, missing)
	_, err = cloud.Bucket{Client: open("wrong")}.Look(ctx, there)
	require.ErrorContains(t, err, "s3:ListBucket")
	assert.NotContains(t, err.Error(), there.Key)
	server.Close()
	_, err = cloud.Bucket{Client: client}.Look(ctx, mapping.Object{Bucket: "media", Key: "private-name"})
	require.ErrorContains(t, err, "refused")
	assert.NotContains(t, err.Error(), "private-name")
}

// A bucket that keeps versions tells uploads and deletions apart by their ids.
func TestTheBucketTellsVersionsApart(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status int
		header map[string]string
		want   issue.Sight
	}{
		"a version": {200, map[string]string{"Etag": `"e"`, "X-Amz-Version-Id": "v1"},
			issue.Sight{Content: "v1"}},
		"an object of before versioning": {200, map[string]string{"Etag": `"e"`, "X-Amz-Version-Id": "null"},
			issue.Sight{Content: `"e"`}},
		"no versions": {200, map[string]string{"Etag": `"e"`}, issue.Sight{Content: `"e"`}},
		"a delete marker": {404, map[string]string{"X-Amz-Delete-Marker": "true", "X-Amz-Version-Id": "v2"},
			issue.Sight{Deletion: "v2"}},
		"a marker of before versioning": {404, map[string]string{"X-Amz-Delete-Marker": "true", "X-Amz-Version-Id": "null"},
			issue.Sight{}},
		"nothing": {404, nil, issue.Sight{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				for k, v := range tt.header {
					w.Header().Set(k, v)
				}
				w.WriteHeader(tt.status)
			}))
			defer server.Close()
			client := s3.NewFromConfig((&cloudtest.AWS{}).Config(false), func(o *s3.Options) {
				o.BaseEndpoint, o.UsePathStyle, o.HTTPClient = &server.URL, true, server.Client()
			})
			got, err := cloud.Bucket{Client: client}.Look(t.Context(), mapping.Object{Bucket: "media", Key: "a"})
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}

// zero is randomness of zeros.
type zero struct{}

func (zero) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func newRing(a *cloudtest.AWS, generation int) *cloud.Ring {
	keys := &keyring.Ring{Client: cloudfrontkeyvaluestore.NewFromConfig(a.Config(false)), Store: store,
		Generation: generation}
	return &cloud.Ring{Keys: keys, Random: zero{}}
}

func TestTheRingSealsWithItsGenerationAndOpensItsNeighbours(t *testing.T) {
	t.Parallel()
	a := &cloudtest.AWS{KeyValueStore: cloudtest.KeyValueStore{Entries: sealtest.Entries(1, 2, 3, 4, 5)}}
	r, ctx := newRing(a, 3), context.Background()
	made, err := r.New(ctx, now.Add(time.Hour), "")
	require.NoError(t, err)
	claims, err := sealtest.Key(t, 3).Open(made)
	require.NoError(t, err)
	assert.Equal(t, seal.Claims{ExpiresAt: now.Add(time.Hour)}, claims)

	for generation, want := range map[int]bool{1: false, 2: true, 3: true, 4: true, 5: false, 6: false} {
		h, err := sealtest.Key(t, generation).Seal(seal.Claims{ExpiresAt: now}, zero{})
		require.NoError(t, err)
		got, err := r.Accepts(ctx, h, "")
		require.NoError(t, err)
		assert.Equal(t, want, got, "generation %d", generation)
	}
	bound, err := sealtest.Key(t, 3).Seal(seal.Claims{ExpiresAt: now, Policy: 1}, zero{})
	require.NoError(t, err)
	for _, h := range []string{made[:31] + "_", "short", "", bound} {
		got, err := r.Accepts(ctx, h, "")
		require.NoError(t, err)
		assert.False(t, got, "the gate would refuse %q", h)
	}
	assert.Len(t, a.Calls, 3, "each key is read once")
}

func TestAHashIsBoundToItsAudienceUnderItsSeal(t *testing.T) {
	t.Parallel()
	a := &cloudtest.AWS{KeyValueStore: cloudtest.KeyValueStore{Entries: sealtest.Entries(2, 3)}}
	r, ctx := newRing(a, 3), context.Background()
	made, err := r.New(ctx, now.Add(time.Hour), "club/room")
	require.NoError(t, err)
	claims, err := sealtest.Key(t, 3).Open(made)
	require.NoError(t, err)
	room := sealtest.AudienceKey(t).Audience("club/room")
	assert.Equal(t, seal.Claims{ExpiresAt: now.Add(time.Hour), Policy: seal.PolicyTicket, Audience: room}, claims)

	sealed := func(generation int, policy byte, audience seal.Audience) string {
		h, err := sealtest.Key(t, generation).Seal(seal.Claims{ExpiresAt: now, Policy: policy, Audience: audience}, zero{})
		require.NoError(t, err)
		return h
	}
	for name, tt := range map[string]struct {
		hash, audience string
		want           bool
	}{
		"its own":                            {made, "club/room", true},
		"sealed by the key before":           {sealed(2, seal.PolicyTicket, room), "club/room", true},
		"another room":                       {made, "club/other", false},
		"the whole service":                  {made, "club", false},
		"whoever holds it":                   {made, "", false},
		"what whoever holds it may see":      {sealed(3, seal.PolicyHolder, seal.Audience{}), "club/room", false},
		"an audience without the policy":     {sealed(3, seal.PolicyHolder, room), "club/room", false},
		"an audience without it, for nobody": {sealed(3, seal.PolicyHolder, room), "", false},
		"a policy to come":                   {sealed(3, 2, room), "club/room", false},
	} {
		got, err := r.Accepts(ctx, tt.hash, tt.audience)
		require.NoError(t, err)
		assert.Equal(t, tt.want, got, name)
	}
	assert.Len(t, a.Calls, 3, "each key is read once, the audiences' too")

	a.KeyValueStore.Entries = map[string]string{"k.3": sealtest.Value(3)}
	r = newRing(a, 3)
	_, err = r.New(ctx, now, "club")
	require.ErrorIs(t, err, keyring.ErrNoEntry)
	_, err = r.Accepts(ctx, made, "club/room")
	require.ErrorIs(t, err, keyring.ErrNoEntry, "who cannot tell does not say no")
}

func TestAKeyThatIsMissingIsLookedForAgain(t *testing.T) {
	t.Parallel()
	a := &cloudtest.AWS{KeyValueStore: cloudtest.KeyValueStore{Entries: sealtest.Entries(1)}}
	r, ctx := newRing(a, 2), context.Background()
	_, err := r.New(ctx, now, "")
	require.ErrorContains(t, err, "reading link key 2: the gate's key value store does not have it")
	h, err := sealtest.Key(t, 3).Seal(seal.Claims{ExpiresAt: now}, zero{})
	require.NoError(t, err)
	accepted, err := r.Accepts(ctx, h, "")
	require.NoError(t, err, "a retired key is no failure")
	assert.False(t, accepted)

	a.KeyValueStore.Entries = sealtest.Entries(2, 3)
	_, err = r.New(ctx, now, "")
	require.NoError(t, err)
	accepted, err = r.Accepts(ctx, h, "")
	require.NoError(t, err)
	assert.True(t, accepted)

	a.Fault = func(int, *http.Request) cloudtest.Fault { return cloudtest.Refused }
	_, err = r.New(ctx, now, "")
	require.NoError(t, err, "what was read once is kept")
	_, err = newRing(a, 2).Accepts(ctx, h, "")
	require.Error(t, err, "a store that is down is not a retired key")
}

func TestAValueThatIsNoKeyIsNotRepeated(t *testing.T) {
	t.Parallel()
	a := &cloudtest.AWS{KeyValueStore: cloudtest.KeyValueStore{Entries: map[string]string{"k.1": "hunter2"}}}
	_, err := newRing(a, 1).New(context.Background(), now, "")
	require.ErrorContains(t, err, "link key 1")
	assert.NotContains(t, err.Error(), "hunter2")
}

func TestWhatInvalidationsCost(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		each    func(c *cloud.CDN, n int) error // n-th second of an hour
		dollars float64
	}{
		"an hour of revocations with a full list": {func(c *cloud.CDN, n int) error { return revoke(c, hashesTo(n%7+1)) },
			1.80},
		"3,600 replaced photos of one link": {func(c *cloud.CDN, n int) error {
			return c.Forget(context.Background(), []string{hash(n)}, fmt.Sprint(n))
		}, 18},
		"3,600 batches of a hundred replaced photos": {func(c *cloud.CDN, n int) error {
			return c.Forget(context.Background(), slices.Sorted(maps.Keys(hashesTo(100))), fmt.Sprint(n))
		}, 1.80},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &cloudtest.AWS{KeyValueStore: full(), CloudFront: cloudtest.CloudFront{MaxWildcards: 10_000}}
			c, second := newCDN(a), 0
			c.Invalidations.Now = func() time.Time { return now.Add(time.Duration(second) * time.Second) }
			for second = range 3600 {
				require.NoError(t, tt.each(c, second))
			}
			paths := 0
			for _, i := range a.CloudFront.Invalidations {
				paths += len(i.Paths)
			}
			assert.InDelta(t, tt.dollars, float64(paths)*price.InvalidationPath, 0.011, "at the ends of the hour one more")
		})
	}
}
