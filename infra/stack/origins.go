package stack

import (
	"strconv"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudfront"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	edgefn "secure-media-cdn/function/edge"
	"secure-media-cdn/function/variant"
)

// The origins' IDs in the distribution.
const (
	contentOrigin = "content"
	imagesOrigin  = "images"
)

// cloudFrontPrincipal is CloudFront in policies of what it reads and calls.
const cloudFrontPrincipal = "cloudfront.amazonaws.com"

// origins are the bucket and, with variants, the images function.
func (s *builder) origins(c *content, m *mappings, i *images,
	access *cloudfront.OriginAccessControl) cloudfront.DistributionOriginArray {
	bucket := &cloudfront.DistributionOriginArgs{
		OriginId: pulumi.String(contentOrigin),
		// The regional name: the global one answers 307 while DNS settles.
		DomainName:            c.bucket.BucketRegionalDomainName,
		OriginAccessControlId: access.ID(),
		CustomHeaders:         s.edgeHeaders(c, m),
		OriginShield:          s.originShield(),
	}
	if i == nil {
		return cloudfront.DistributionOriginArray{bucket}
	}
	function := s.functionOrigin(imagesOrigin, i.endpoint, i.access)
	function.CustomHeaders = append(s.edgeHeaders(c, m),
		originHeader(edgefn.HeaderVariants, pulumi.String(variant.EncodeSet(s.cfg.ImageVariants))),
		originHeader(variant.HeaderLimits, pulumi.String(s.cfg.limits().String())))
	// The edge function and one more cache in the same region as for photos.
	function.OriginShield = s.originShield()
	return cloudfront.DistributionOriginArray{bucket, function}
}

// functionOrigin is a Lambda function's address. CloudFront sends it the function's
// own host name, without which the signature would not hold, and of the viewer's
// headers only those that a behaviour's policies name.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html#request-custom-headers-behavior
func (s *builder) functionOrigin(id string, e *endpoint,
	access *cloudfront.OriginAccessControl) *cloudfront.DistributionOriginArgs {
	return &cloudfront.DistributionOriginArgs{
		OriginId:              pulumi.String(id),
		DomainName:            e.host(),
		OriginAccessControlId: access.ID(),
		CustomOriginConfig: &cloudfront.DistributionOriginCustomOriginConfigArgs{
			HttpPort: pulumi.Int(80), HttpsPort: pulumi.Int(443), OriginProtocolPolicy: pulumi.String("https-only"),
			OriginSslProtocols: pulumi.ToStringArray([]string{"TLSv1.2"}),
			OriginReadTimeout:  pulumi.Int(imagesTimeoutSeconds),
		},
	}
}

// edgeHeaders are how configuration reaches the edge function, which can have no
// environment. S3 and the images function ignore them, and they hold no secret.
func (s *builder) edgeHeaders(c *content, m *mappings) cloudfront.DistributionOriginCustomHeaderArray {
	return cloudfront.DistributionOriginCustomHeaderArray{
		originHeader(edgefn.HeaderTable, m.table.Name),
		originHeader(edgefn.HeaderRegions, pulumi.String(strings.Join(s.cfg.tableRegions(), ","))),
		originHeader(edgefn.HeaderBucket, c.bucket.Bucket),
		originHeader(edgefn.HeaderBucketRegion, pulumi.String(s.cfg.Region)),
		originHeader(edgefn.HeaderDelivery, pulumi.String(s.cfg.Delivery)),
		originHeader(edgefn.HeaderSignatureTTL, pulumi.String(strconv.Itoa(s.cfg.SignatureTTLSeconds))),
		originHeader(edgefn.HeaderBrowserCache, pulumi.String(strconv.Itoa(s.cfg.BrowserCacheSeconds))),
		originHeader(edgefn.HeaderViewerCache, pulumi.String(strconv.Itoa(s.cfg.viewerCache()))),
	}
}

func originHeader(name string, value pulumi.StringInput) *cloudfront.DistributionOriginCustomHeaderArgs {
	return &cloudfront.DistributionOriginCustomHeaderArgs{Name: pulumi.String(name), Value: value}
}

// originShield is one more cache before an origin, or nil.
func (s *builder) originShield() cloudfront.DistributionOriginOriginShieldPtrInput {
	if s.cfg.OriginShieldRegion == "" {
		return nil
	}
	return &cloudfront.DistributionOriginOriginShieldArgs{Enabled: pulumi.Bool(true),
		OriginShieldRegion: pulumi.String(s.cfg.OriginShieldRegion)}
}
