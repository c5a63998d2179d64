package issue_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/mapping"
)

// follow has the issuer follow objects of the bucket, none of which may fail.
func follow(t *testing.T, i *issue.Issuer, keys ...string) issue.Followed {
	t.Helper()
	var objects []mapping.Object
	for _, key := range keys {
		objects = append(objects, mapping.Object{Bucket: "media", Key: key})
	}
	errs, done := i.Follow(context.Background(), objects)
	for _, err := range errs {
		require.Nil(t, err)
	}
	return done
}

func TestALinkOfAReplacedPhotoLivesAndItsCopiesAreForgottenOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(&mapping.Memory{})
	i := w.issuer()
	first := one(t, i, "s3://media/a", 0).Hash
	assert.Equal(t, issue.Followed{}, follow(t, i, "a"), "the upload before the link")
	w.contents["a"] = "2"
	assert.Equal(t, issue.Followed{Forgotten: 1}, follow(t, i, "a", "a"))
	assert.Equal(t, issue.Followed{}, follow(t, i, "a"), "the same event once more")
	assert.Equal(t, []string{first}, w.refreshed)
	assert.Empty(t, w.forgotten, "nothing is revoked")
	w.contents["a"] = "1"
	assert.Equal(t, issue.Followed{Forgotten: 1}, follow(t, i, "a"), "the first photo again replaces the second")
	w.contents["a"] = "2"
	follow(t, i, "a")
	assert.Len(t, slices.Compact(slices.Sorted(slices.Values(w.works))), 3,
		"the same change later is other work, or it would be taken for done")
}

func TestARenewedLinkDoesNotHideThatTheOlderOneHasOldCopies(t *testing.T) {
	t.Parallel()
	w := newWorld(&mapping.Memory{})
	i := w.issuer()
	old := one(t, i, "s3://media/a", 0).Hash
	w.pass(ttl - day/2)
	w.contents["a"] = "2" // and its event is late
	renewed := one(t, i, "s3://media/a", 0).Hash
	require.NotEqual(t, old, renewed)
	assert.Equal(t, issue.Followed{Forgotten: 2}, follow(t, i, "a"))
	assert.ElementsMatch(t, []string{old, renewed}, w.refreshed)

	w.pass(ttl)
	w.contents["a"] = "3"
	one(t, i, "s3://media/a", 0)
	assert.Equal(t, issue.Followed{}, follow(t, i, "a"), "no copy is left of what was before a first link")
}

func TestWithoutALookAtTheFirstLinkAnUploadCountsAsAReplacement(t *testing.T) {
	t.Parallel()
	w := newWorld(&mapping.Memory{})
	i := w.issuer()
	i.Unchecked = true
	one(t, i, "s3://media/a", 0)
	assert.Equal(t, issue.Followed{Forgotten: 1}, follow(t, i, "a"))
	assert.Equal(t, issue.Followed{}, follow(t, i, "a"), "from then on it is known")
	assert.Equal(t, issue.Followed{}, follow(t, i, "without a link"))
}

func TestAllDeletedObjectsOfABatchAreToldToTheEdgeTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(&mapping.Memory{})
	i := w.issuer()
	var keys []string
	for n := range 250 {
		keys = append(keys, fmt.Sprint(n))
		one(t, i, "s3://media/"+keys[n], 0)
		w.missing[keys[n]] = true
	}
	assert.Equal(t, issue.Followed{Revoked: 250}, follow(t, i, keys...))
	assert.Equal(t, 3, w.calls, "a call for each hundred")
	assert.Len(t, w.forgotten, 250)
	assert.Empty(t, w.refreshed)
}

func TestWhatFailsForOneObjectIsItsOwnErrorAndIsDoneTheNextTime(t *testing.T) {
	t.Parallel()
	w := newWorld(&mapping.Memory{})
	i := w.issuer()
	gone, replaced := one(t, i, "s3://media/gone", 0).Hash, one(t, i, "s3://media/replaced", 0).Hash
	one(t, i, "s3://media/same", 0)
	w.missing["gone"], w.contents["replaced"] = true, "2"
	objects := []mapping.Object{{Bucket: "media", Key: "gone"}, {Bucket: "media", Key: "same"},
		{Bucket: "media", Key: "replaced"}}
	w.broken = errors.New("down")
	errs, done := i.Follow(context.Background(), objects)
	assert.Equal(t, issue.Followed{}, done)
	for n, failed := range []bool{true, false, true} {
		require.Equal(t, failed, errs[n] != nil, objects[n])
		if failed {
			assert.Equal(t, issue.CodeUnavailable, errs[n].Code)
		}
	}
	w.broken, w.blind = nil, errors.New("no answer")
	errs, _ = i.Follow(context.Background(), objects)
	for n := range objects {
		require.NotNil(t, errs[n], "who cannot look does not say that it is there or gone")
	}
	assert.Empty(t, w.forgotten)
	w.blind = nil
	assert.Equal(t, issue.Followed{Revoked: 1, Forgotten: 1}, follow(t, i, "gone", "same", "replaced"))
	assert.Contains(t, w.forgotten, gone)
	assert.Equal(t, []string{replaced}, w.refreshed)
}

func TestARevocationThatWasCutShortIsFinishedThoughTheObjectIsThereAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(&mapping.Memory{})
	i := w.issuer()
	gone := one(t, i, "s3://media/a", 0).Hash
	w.missing["a"], w.broken = true, errors.New("down")
	errs, _ := i.Follow(context.Background(), []mapping.Object{{Bucket: "media", Key: "a"}})
	require.NotNil(t, errs[0])
	w.broken, w.missing["a"] = nil, false
	w.pass(time.Second)
	again := one(t, i, "s3://media/a", 0).Hash
	assert.Equal(t, issue.Followed{Revoked: 1}, follow(t, i, "a"))
	assert.Contains(t, w.forgotten, gone)
	assert.NotContains(t, w.forgotten, again)
}
