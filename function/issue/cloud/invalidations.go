package cloud

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"

	"secure-media-cdn/function/seal"
)

const (
	// mostLinks is how many links are invalidated one by one, with all that lies below them. Such paths end with a
	// wildcard, of which a distribution may have 15 in progress; more links are one path for all.
	// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/InvalidationLimits.html
	mostLinks = 5

	// everyLink is the wildcard for all links.
	everyLink = seal.Path + "*"

	// everyLinkInterval is how far invalidations of all links are apart. Whoever needs one waits for the next, which
	// serves all who came before it: there are at most six a minute, whatever happens.
	everyLinkInterval = 10 * time.Second

	// clockSkew is how far apart the clocks of the function's environments may be.
	clockSkew = time.Second
)

// Invalidations empties the distribution's caches. Each path costs half a cent
// beyond the account's first thousand a month, a wildcard as much as one path.
// An invalidation whose reference CloudFront knows is not made again, and costs nothing.
// https://aws.amazon.com/cloudfront/pricing/pay-as-you-go/
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/invalidation-specifying-objects.html
// https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_InvalidationBatch.html
type Invalidations struct {
	Client       *cloudfront.Client
	Distribution string
	Now          func() time.Time
	// Pause waits; issue.Sleep does.
	Pause func(ctx context.Context, d time.Duration) error
	Log   *slog.Logger
}

// Links invalidates the links of the hashes, and what lies below them. If they are many, or too many invalidations
// are in progress, it invalidates every link: each is then fetched anew once, which burdens the origin.
func (i *Invalidations) Links(ctx context.Context, hashes []string, reference string) error {
	if len(hashes) > mostLinks {
		return i.EveryLink(ctx)
	}
	paths := make([]string, len(hashes))
	for n, hash := range hashes {
		paths[n] = seal.LinkPath(hash) + "*"
	}
	return i.orElse(i.create(ctx, paths, reference), func() error { return i.EveryLink(ctx) })
}

// EveryLink invalidates every link, once for all who ask within one interval: it returns when the invalidation after
// the call is made, in at most an interval and a second.
func (i *Invalidations) EveryLink(ctx context.Context) error {
	now := i.Now()
	next := now.Add(clockSkew).Truncate(everyLinkInterval).Add(everyLinkInterval)
	if err := i.Pause(ctx, next.Sub(now)); err != nil {
		return err
	}
	return i.create(ctx, []string{everyLink}, fmt.Sprintf("every-link-%d", next.Unix()))
}

// Public invalidates the plain paths of deleted public objects, told what tells each deletion from others. With too
// many paths in progress, everything that their services have is invalidated.
func (i *Invalidations) Public(ctx context.Context, deletions map[string]string) error {
	paths := slices.Sorted(maps.Keys(deletions))
	reference, known := sha256.New(), true
	var services []string
	for _, path := range paths {
		known = known && deletions[path] != ""
		fmt.Fprintf(reference, "%q %q\n", path, deletions[path])
		service, _, _ := strings.Cut(path[1:], "/")
		if every := "/" + service + "/*"; !slices.Contains(services, every) {
			services = append(services, every)
		}
	}
	if !known { // the objects may have come back in between, and gone again
		fmt.Fprintln(reference, rand.Text())
	}
	name := hex.EncodeToString(reference.Sum(nil))
	return i.orElse(i.create(ctx, paths, name), func() error { return i.create(ctx, services, name+"-all") })
}

// orElse returns err, or what otherwise does if too many invalidations are in progress.
func (i *Invalidations) orElse(err error, otherwise func() error) error {
	var tooMany *types.TooManyInvalidationsInProgress
	if !errors.As(err, &tooMany) {
		return err
	}
	i.Log.Warn("too many invalidations in progress: invalidating by wildcard")
	return otherwise()
}

// create creates an invalidation, unless it was created before.
func (i *Invalidations) create(ctx context.Context, paths []string, reference string) error {
	_, err := i.Client.CreateInvalidation(ctx, &cloudfront.CreateInvalidationInput{
		DistributionId: &i.Distribution,
		InvalidationBatch: &types.InvalidationBatch{
			CallerReference: &reference,
			Paths:           &types.Paths{Items: paths, Quantity: aws.Int32(int32(len(paths)))},
		},
	})
	if err != nil {
		return fmt.Errorf("creating an invalidation: %w", err)
	}
	i.Log.Info("invalidated", "paths", len(paths))
	return nil
}
