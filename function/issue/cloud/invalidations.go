package cloud

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"

	"secure-media-cdn/function/issue"
)

const (
	// pathsPerRequest keeps one request well below the 3,000 paths that a
	// distribution may have in progress, so that several fit beside each other.
	// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/InvalidationLimits.html
	pathsPerRequest = 1000

	// everyLink is the wildcard for all links. Wildcards have a limit of their
	// own, 15 in progress, which is still free when the other is exhausted.
	everyLink = "/images/*"
)

// Invalidations empties the distribution's caches. Each path costs half a cent
// beyond the account's first thousand a month, a wildcard as much as one path.
// https://aws.amazon.com/cloudfront/pricing/pay-as-you-go/
type Invalidations struct {
	Client       *cloudfront.Client
	Distribution string
	Log          *slog.Logger
}

// Create invalidates the links of the hashes, which are sorted. The same hashes
// asked for again are the same invalidation to CloudFront, and not billed twice.
// provisional makes it another one than the final one: caches may fill up again.
//
// With too many paths in progress already, as when a whole folder is deleted,
// one wildcard stands for all: every link is then fetched anew once, which is
// dear to nobody but the origin, while a revoked photo must go at once.
func (i *Invalidations) Create(ctx context.Context, hashes []string, provisional bool) error {
	for chunk := range slices.Chunk(hashes, pathsPerRequest) {
		paths := make([]string, len(chunk))
		for n, hash := range chunk {
			paths[n] = issue.LinkPath(hash)
		}
		sum := sha256.Sum256([]byte(strings.Join(chunk, "\n")))
		reference := "links-" + hex.EncodeToString(sum[:16])
		if provisional {
			reference += "-provisional"
		}
		if err := i.batch(ctx, reference, paths, []string{everyLink}); err != nil {
			return err
		}
	}
	return nil
}

// Withdraw invalidates the plain paths of deleted public objects. With too many
// paths in progress, everything that their services have is invalidated.
func (i *Invalidations) Withdraw(ctx context.Context, paths []string) error {
	for chunk := range slices.Chunk(paths, pathsPerRequest) {
		var services []string
		for _, path := range chunk {
			service, _, _ := strings.Cut(path[1:], "/")
			if every := "/" + service + "/*"; !slices.Contains(services, every) {
				services = append(services, every)
			}
		}
		// CloudFront takes a name that it knows for what it has done already, so
		// each call has one of its own.
		if err := i.batch(ctx, "public-"+rand.Text(), chunk, services); err != nil {
			return err
		}
	}
	return nil
}

// batch invalidates paths, or what wildcards cover if there are too many.
func (i *Invalidations) batch(ctx context.Context, reference string, paths, wildcards []string) error {
	err := i.create(ctx, reference, paths)
	var tooMany *types.TooManyInvalidationsInProgress
	if errors.As(err, &tooMany) {
		i.Log.Warn("too many invalidations in progress: invalidating by wildcard", "paths", len(paths), "wildcards", len(wildcards), "reference", reference)
		err = i.create(ctx, reference+"-every", wildcards)
	}
	if err == nil {
		i.Log.Info("invalidated", "paths", len(paths), "reference", reference)
	}
	return err
}

func (i *Invalidations) create(ctx context.Context, reference string, paths []string) error {
	_, err := i.Client.CreateInvalidation(ctx, &cloudfront.CreateInvalidationInput{
		DistributionId: &i.Distribution,
		InvalidationBatch: &types.InvalidationBatch{
			CallerReference: &reference,
			Paths:           &types.Paths{Items: paths, Quantity: aws.Int32(int32(len(paths)))},
		},
	})
	if err != nil {
		return fmt.Errorf("creating the invalidation %s: %w", reference, err)
	}
	return nil
}
