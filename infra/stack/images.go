package stack

import (
	"fmt"
	"maps"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudfront"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"secure-media-cdn/function/bundle"
	"secure-media-cdn/function/variant"
)

const (
	// maxOriginHeader is the longest value of an origin's custom header.
	// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html#limits-custom-headers
	maxOriginHeader = 1783
	// The most memory in MB that the images function takes: its program and library,
	// the file, and each megapixel of it, however it is packed.
	imagesBaseMB, imagesMegapixelMB = 128, 9
	// maxLambdaMB is the most memory that a function can have.
	// https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
	maxLambdaMB = 10240
)

// images is the function that makes variants, as CloudFront's origin. It is nil
// in a stack without variants.
type images struct {
	*endpoint
	// access signs CloudFront's calls of the function.
	access *cloudfront.OriginAccessControl
	// cache is the ID of the cache policy of variants.
	cache pulumi.StringPtrInput
}

// newImages registers the function, if the stack has variants. It may do nothing
// but log: whoever breaks a decoder with a hostile file holds the address of one
// photo for a minute, not the bucket or the table.
func (s *builder) newImages() (*images, error) {
	if len(s.cfg.ImageVariants) == 0 {
		return nil, nil
	}
	function, err := s.newEndpoint("images", endpointArgs{
		bundle: bundle.Images, description: "Makes pictures in the sizes and formats that are asked for",
		memoryMB: s.cfg.ImageMemoryMB, concurrency: s.cfg.ImageConcurrency,
	})
	if err != nil {
		return nil, err
	}
	access, err := s.newFunctionAccess("images", "Signs every request for a variant")
	if err != nil {
		return nil, err
	}
	cache, err := cloudfront.NewCachePolicy(s.ctx, "images", &cloudfront.CachePolicyArgs{
		Comment: pulumi.String("Path and format are the cache key, of which the gate leaves three; the answer says how " +
			"long it keeps"),
		MinTtl:     pulumi.Int(0),
		DefaultTtl: pulumi.Int(0), // every variant says how long it keeps
		MaxTtl:     pulumi.Int(s.cfg.MaxTTLSeconds),
		// Pictures are compressed already: each encoding would be one more copy to make.
		ParametersInCacheKeyAndForwardedToOrigin: cacheKey(false, "Accept"),
	})
	if err != nil {
		return nil, fmt.Errorf("cache policy of variants: %w", err)
	}
	return &images{endpoint: function, access: access, cache: cache.ID().ToStringPtrOutput()}, nil
}

// newFunctionAccess registers how CloudFront signs its calls of a Lambda function's address.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-lambda.html
func (s *builder) newFunctionAccess(name, description string) (*cloudfront.OriginAccessControl, error) {
	access, err := cloudfront.NewOriginAccessControl(s.ctx, name, &cloudfront.OriginAccessControlArgs{
		Description:                   pulumi.String(description),
		OriginAccessControlOriginType: pulumi.String("lambda"),
		SigningBehavior:               pulumi.String("always"),
		SigningProtocol:               pulumi.String("sigv4"),
	})
	if err != nil {
		return nil, fmt.Errorf("%s access control: %w", name, err)
	}
	return access, nil
}

// limits are the bounds of what is transformed.
func (c Config) limits() variant.Limits {
	return variant.Limits{Megapixels: c.ImageMaxMegapixels, Megabytes: c.ImageMaxBytesMB, Frames: c.ImageMaxFrames}
}

// variantNames returns the variants' names, sorted.
func (c Config) variantNames() []string { return slices.Sorted(maps.Keys(c.ImageVariants)) }

func (v *validation) images(c Config) {
	names := c.variantNames()
	for _, name := range names {
		if err := variant.CheckName(name); err != nil {
			v.refuse("imageVariants", "%w", err)
		}
		if err := c.ImageVariants[name].Validate(); err != nil {
			v.refuse("imageVariants", "%s: %w", name, err)
		}
	}
	v.want(len(names) <= variant.MaxVariants, "imageVariants", fmt.Sprintf("%d variants", len(names)),
		"a stack may have %d", variant.MaxVariants)
	length := len(variant.EncodeSet(c.ImageVariants))
	v.want(length <= maxOriginHeader, "imageVariants", fmt.Sprintf("%d characters long", length),
		"names and definitions travel in a header of at most %d characters; use fewer or shorter names", maxOriginHeader)
	formats := make([]string, len(c.ImageFormats))
	for n, format := range c.ImageFormats {
		formats[n] = string(format)
	}
	v.each(formats, "imageFormats", func(format string) {
		v.oneOf(format, []string{string(variant.AVIF), string(variant.WebP)}, "imageFormats")
	})
	v.between(c.ImageMaxMegapixels, 1, (maxLambdaMB-imagesBaseMB)/imagesMegapixelMB, "imageMaxMegapixels", "megapixels")
	v.between(c.ImageMaxBytesMB, 1, 5000, "imageMaxBytesMb", "MB")
	v.between(c.ImageMaxFrames, 1, 10_000, "imageMaxFrames", "frames")
	need := imagesBaseMB + c.ImageMaxBytesMB + imagesMegapixelMB*c.ImageMaxMegapixels
	if need > maxLambdaMB {
		v.refuse("imageMaxMegapixels", "%d: with imageMaxBytesMb it takes %d MB of memory, and a function has at most %d; "+
			"lower one of them", c.ImageMaxMegapixels, need, maxLambdaMB)
	} else {
		v.want(need <= c.ImageMemoryMB && c.ImageMemoryMB <= maxLambdaMB, "imageMemoryMb", c.ImageMemoryMB,
			"it must be %d to %d MB: %d for the function, imageMaxBytesMb, and %d for each of imageMaxMegapixels", need,
			maxLambdaMB, imagesBaseMB, imagesMegapixelMB)
	}
	v.want(c.ImageConcurrency >= 0, "imageConcurrency", c.ImageConcurrency, "it must be 0, for none, or more")
}
