package cloud

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"

	"secure-media-cdn/function/seal"
)

const (
	// pathsPerRequest keeps one request well below the 3,000 paths that a
	// distribution may have in progress, so that several fit beside each other.
	// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/InvalidationLimits.html
	pathsPerRequest = 1000

	// everyLink is the wildcard for all links. Wildcards have a limit of their
	// own, 15 in progress, which is still free when the other is exhausted.
	everyLink = seal.Path + "*"
)

// Invalidations empties the distribution's caches. Each path costs half a cent
// beyond the account's first thousand a month, a wildcard as much as one path.
// https://aws.amazon.com/cloudfront/pricing/pay-as-you-go/
type Invalidations struct {
	Client       *cloudfront.Client
	Distribution string
	Log          *slog.Logger
}

// Links invalidates the links of the hashes. With too many paths in progress
// already, one wildcard stands for all: every link is then fetched anew once,
// which burdens the origin, while a revoked photo must go at once.
func (i *Invalidations) Links(ctx context.Context, hashes []string) error {
	paths := make([]string, len(hashes))
	for n, hash := range hashes {
		paths[n] = seal.LinkPath(hash)
	}
	for chunk := range slices.Chunk(paths, pathsPerRequest) {
		if err := i.batch(ctx, chunk, []string{everyLink}); err != nil {
			return err
		}
	}
	return nil
}

// Public invalidates the plain paths of deleted public objects. With too many
// paths in progress, everything that their services have is invalidated.
func (i *Invalidations) Public(ctx context.Context, paths []string) error {
	for chunk := range slices.Chunk(paths, pathsPerRequest) {
		var services []string
		for _, path := range chunk {
			service, _, _ := strings.Cut(path[1:], "/")
			if every := "/" + service + "/*"; !slices.Contains(services, every) {
				services = append(services, every)
			}
		}
		if err := i.batch(ctx, chunk, services); err != nil {
			return err
		}
	}
	return nil
}

// batch invalidates paths, or what wildcards cover if there are too many.
func (i *Invalidations) batch(ctx context.Context, paths, wildcards []string) error {
	err := i.create(ctx, paths)
	var tooMany *types.TooManyInvalidationsInProgress
	if errors.As(err, &tooMany) {
		i.Log.Warn("too many invalidations in progress: invalidating by wildcard", "paths", len(paths), "wildcards",
			len(wildcards))
		err = i.create(ctx, wildcards)
	}
	if err == nil {
		i.Log.Info("invalidated", "paths", len(paths))
	}
	return err
}

// create creates an invalidation with a reference of its own: CloudFront takes
// one that it knows for what it has done already, and caches fill up again.
// https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_InvalidationBatch.html
func (i *Invalidations) create(ctx context.Context, paths []string) error {
	_, err := i.Client.CreateInvalidation(ctx, &cloudfront.CreateInvalidationInput{
		DistributionId: &i.Distribution,
		InvalidationBatch: &types.InvalidationBatch{
			CallerReference: aws.String(rand.Text()),
			Paths:           &types.Paths{Items: paths, Quantity: aws.Int32(int32(len(paths)))},
		},
	})
	if err != nil {
		return fmt.Errorf("creating an invalidation: %w", err)
	}
	return nil
}
