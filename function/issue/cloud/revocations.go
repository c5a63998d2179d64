package cloud

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfrontkeyvaluestore"
	"github.com/aws/aws-sdk-go-v2/service/cloudfrontkeyvaluestore/types"

	"secure-media-cdn/function/seal"
)

const (
	// keysPerUpdate and keysPerPage are the service's limits.
	// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
	keysPerUpdate = 50
	keysPerPage   = 50

	// valueBytes is the size of an entry's value, an expiry in epoch seconds. A revoked link's entry has 34 bytes of key
	// beside it, an ended session's 13.
	valueBytes   = 10
	linkBytes    = 34 + valueBytes
	sessionBytes = 13 + valueBytes

	// maxListBytes is how large the store may grow, of the 5 MB it may have: the
	// rest is for the link keys and for what the service may count beside keys
	// and values.
	// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
	maxListBytes = 4_200_000

	// heldForSessions is the part that revoked links leave free: links that do not fit can be refused by other means, an
	// ended session cannot. It has room for 10,000 sessions; they may also have what links do not use.
	heldForSessions = 10_000 * sessionBytes

	// MaxRevocations is how many revoked links that have not expired fit at least: 4,200,000 bytes, less 230,000 for
	// ended sessions and 400 for three link keys and the audiences' key of some 70 bytes and to spare, divided by 44
	// are 90,218.
	MaxRevocations = (maxListBytes - heldForSessions - 400) / linkBytes

	// nearlyFull is the size from which on an alarm tells that the list fills up: 80 % of what it may have.
	nearlyFull = maxListBytes / 10 * 8

	// sweepAbove is the size from which expired entries are looked for, a part of the list after each revocation.
	sweepAbove = 2_000_000

	// sweepPages bounds one sweep to some seconds; the next goes on from there. It frees more than one call adds.
	sweepPages = 20

	// updateAttempts bounds how often an update that lost a race is tried: by then some 20 seconds have passed.
	updateAttempts = 40
	// longestBackoff bounds the random wait after a lost race.
	longestBackoff = 800 * time.Millisecond
)

// Messages of the log that alarms count.
const (
	MessageFull       = "the revocation list is full: every link is invalidated instead"
	MessageNearlyFull = "the revocation list is nearly full"
)

// messageNoSession is told beside the others: the list was nearly full long before.
const messageNoSession = "the revocation list is full: a session could not be ended"

// ErrFull says that the revocation list has no room for more.
var ErrFull = errors.New("the revocation list is full")

// Revocations is the list of revoked hashes and ended sessions in the gate's key value store.
type Revocations struct {
	Client *cloudfrontkeyvaluestore.Client
	// Store is the key value store's ARN.
	Store string
	Now   func() time.Time
	// Pause waits before another try; issue.Sleep does.
	Pause func(ctx context.Context, d time.Duration) error
	Log   *slog.Logger
	// Rest is how long each update is followed by none of this writer. The store has one version for all writers, and
	// refuses whoever read an older one: who has much to write leaves room for those who have little.
	Rest time.Duration

	mu   sync.Mutex
	next *string // where the last sweep stopped
}

// Add puts the hashes on the list until the times of their expiry. Adding them
// again changes nothing. The error is ErrFull if they did not all fit.
func (r *Revocations) Add(ctx context.Context, hashes map[string]time.Time) error {
	entries := make(map[string]time.Time, len(hashes))
	for hash, expiresAt := range hashes {
		entries[seal.RevocationEntry(hash)] = expiresAt
	}
	err := r.add(ctx, entries, maxListBytes-heldForSessions)
	if errors.Is(err, ErrFull) {
		r.Log.Warn(MessageFull)
	}
	return err
}

// End puts the session on the list until its ticket expires. Doing it again
// changes nothing. The error is ErrFull if there is no room.
func (r *Revocations) End(ctx context.Context, session seal.Session, expiresAt time.Time) error {
	err := r.add(ctx, map[string]time.Time{seal.SessionEntry(session): expiresAt}, maxListBytes)
	if errors.Is(err, ErrFull) {
		r.Log.Error(messageNoSession)
	}
	return err
}

// add puts the entries on the list, which may grow up to so many bytes.
func (r *Revocations) add(ctx context.Context, entries map[string]time.Time, most int64) error {
	version, size, err := r.describe(ctx)
	if err != nil {
		return err
	}
	wanted := int64(0)
	for name := range entries {
		wanted += int64(len(name)) + valueBytes
	}
	if size+wanted > most {
		if version, size, err = r.sweep(ctx, version, size); err != nil {
			return fmt.Errorf("looking for expired entries: %w", err)
		}
	}
	if size+wanted > most {
		return ErrFull
	}
	if size > nearlyFull {
		r.Log.Warn(MessageNearlyFull, "bytes", size)
	}
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(entries)), keysPerUpdate) {
		in := &cloudfrontkeyvaluestore.UpdateKeysInput{}
		for _, name := range chunk {
			in.Puts = append(in.Puts, types.PutKeyRequestListItem{
				Key: aws.String(name), Value: aws.String(strconv.FormatInt(entries[name].Unix(), 10)),
			})
		}
		if version, size, err = r.update(ctx, in, version); err != nil {
			return err
		}
	}
	if size > sweepAbove {
		if _, _, err = r.sweep(ctx, version, size); err != nil { // the next call tries again
			r.Log.Warn("looking for expired entries failed", "error", err.Error())
		}
	}
	return nil
}

// describe returns the store's version and size in bytes.
func (r *Revocations) describe(ctx context.Context) (version *string, size int64, err error) {
	out, err := r.Client.DescribeKeyValueStore(ctx, &cloudfrontkeyvaluestore.DescribeKeyValueStoreInput{KvsARN: &r.Store})
	if err != nil {
		return nil, 0, fmt.Errorf("describing the key value store: %w", err)
	}
	return out.ETag, aws.ToInt64(out.TotalSizeInBytes), nil
}

// update makes the change to the store if it has the version, or else to the
// version it has by then: entries do not depend on each other. It returns the
// version and the size after it.
func (r *Revocations) update(ctx context.Context, in *cloudfrontkeyvaluestore.UpdateKeysInput,
	version *string) (*string, int64, error) {
	in.KvsARN = &r.Store
	var err error
	for attempt := range updateAttempts {
		in.IfMatch = version
		var out *cloudfrontkeyvaluestore.UpdateKeysOutput
		if out, err = r.Client.UpdateKeys(ctx, in); err == nil {
			return r.rest(ctx, out)
		}
		// The documentation does not say which of the two an old version is.
		var conflict *types.ConflictException
		var invalid *types.ValidationException
		if !errors.As(err, &conflict) && !errors.As(err, &invalid) {
			break
		}
		if err := r.Pause(ctx, rand.N(min(50*time.Millisecond<<min(attempt, 10), longestBackoff))); err != nil {
			return nil, 0, err
		}
		if version, _, err = r.describe(ctx); err != nil {
			return nil, 0, err
		}
	}
	var full *types.ServiceQuotaExceededException
	if errors.As(err, &full) {
		return nil, 0, ErrFull
	}
	return nil, 0, fmt.Errorf("updating the key value store: %w", err)
}

// rest leaves the store to others after an update, and returns the version and the size after that.
func (r *Revocations) rest(ctx context.Context,
	out *cloudfrontkeyvaluestore.UpdateKeysOutput) (*string, int64, error) {
	if r.Rest == 0 {
		return out.ETag, aws.ToInt64(out.TotalSizeInBytes), nil
	}
	if err := r.Pause(ctx, r.Rest); err != nil {
		return nil, 0, err
	}
	return r.describe(ctx)
}

// sweep deletes expired entries, as far as one sweep goes.
func (r *Revocations) sweep(ctx context.Context, version *string, size int64) (*string, int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var expired []string
	for range sweepPages {
		out, err := r.Client.ListKeys(ctx, &cloudfrontkeyvaluestore.ListKeysInput{
			KvsARN: &r.Store, MaxResults: aws.Int32(keysPerPage), NextToken: r.next,
		})
		if err != nil {
			r.next = nil // a token may have grown too old
			return version, size, err
		}
		for _, item := range out.Items {
			if r.expired(aws.ToString(item.Key), aws.ToString(item.Value)) {
				expired = append(expired, aws.ToString(item.Key))
			}
		}
		if r.next = out.NextToken; r.next == nil {
			break
		}
	}
	for chunk := range slices.Chunk(expired, keysPerUpdate) {
		in := &cloudfrontkeyvaluestore.UpdateKeysInput{}
		for _, key := range chunk {
			in.Deletes = append(in.Deletes, types.DeleteKeyRequestListItem{Key: aws.String(key)})
		}
		var err error
		if version, size, err = r.update(ctx, in, version); err != nil {
			return version, size, err
		}
	}
	r.Log.Info("swept the revocation list", "expired", len(expired), "bytes", size)
	return version, size, nil
}

// expired reports whether the entry is of a hash or a session that died of age.
// An entry that cannot be read stays.
func (r *Revocations) expired(key, value string) bool {
	if !strings.HasPrefix(key, seal.RevocationPrefix) && !strings.HasPrefix(key, seal.SessionPrefix) {
		return false
	}
	seconds, err := strconv.ParseInt(value, 10, 64)
	return err == nil && !r.Now().Before(time.Unix(seconds, 0))
}
