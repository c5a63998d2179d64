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
	sessionOrigin = "session"
)

// originTimeoutSeconds is how long CloudFront waits for a function: longer than it
// may run. Otherwise it would give up and ask again, for a run that is no faster.
// Beyond 60 it takes a higher quota.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesOrigin.html#DownloadDistValuesOriginResponseTimeout
const originTimeoutSeconds = endpointTimeoutSeconds + 5

// cloudFrontPrincipal is CloudFront in policies of what it reads and calls.
const cloudFrontPrincipal = "cloudfront.amazonaws.com"

// openFunctions lets this distribution, and nobody else, call the functions that
// are its origins.
func (s *builder) openFunctions(i *images, n *session, d *delivery) error {
	distribution := d.distribution.Arn.ToStringPtrOutput()
	if i != nil {
		if err := s.permit(i.endpoint, imagesOrigin, cloudFrontPrincipal, distribution); err != nil {
			return err
		}
	}
	if n != nil {
		return s.permit(n.endpoint, sessionOrigin, cloudFrontPrincipal, distribution)
	}
	return nil
}

// origins are the bucket, with variants the images function, and with a provider
// the function that signs viewers in.
func (s *builder) origins(c *content, m *mappings, i *images, n *session,
	access *cloudfront.OriginAccessControl) cloudfront.DistributionOriginArray {
	bucket := &cloudfront.DistributionOriginArgs{
		OriginId:              pulumi.String(contentOrigin),
		DomainName:            c.domain,
		OriginAccessControlId: access.ID(),
		CustomHeaders:         s.edgeHeaders(c, m),
		OriginShield:          s.originShield(),
	}
	all := cloudfront.DistributionOriginArray{bucket}
	if i != nil {
		function := functionOrigin(imagesOrigin, i.endpoint, i.access)
		function.CustomHeaders = append(s.edgeHeaders(c, m),
			originHeader(edgefn.HeaderVariants, pulumi.String(variant.EncodeSet(s.cfg.ImageVariants))),
			originHeader(variant.HeaderLimits, pulumi.String(s.cfg.limits().String())))
		// The edge function and one more cache in the same region as for photos.
		function.OriginShield = s.originShield()
		all = append(all, function)
	}
	if n != nil {
		all = append(all, functionOrigin(sessionOrigin, n.endpoint, n.access))
	}
	return all
}

// functionOrigin is a Lambda function's address. CloudFront sends it the function's
// own host name, without which the signature would not hold, and of the viewer's
// headers only those that a behaviour's policies name.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html#request-custom-headers-behavior
func functionOrigin(id string, e *endpoint,
	access *cloudfront.OriginAccessControl) *cloudfront.DistributionOriginArgs {
	return &cloudfront.DistributionOriginArgs{
		OriginId:              pulumi.String(id),
		DomainName:            e.host(),
		OriginAccessControlId: access.ID(),
		CustomOriginConfig: &cloudfront.DistributionOriginCustomOriginConfigArgs{
			HttpPort: pulumi.Int(80), HttpsPort: pulumi.Int(443), OriginProtocolPolicy: pulumi.String("https-only"),
			OriginSslProtocols: pulumi.ToStringArray([]string{"TLSv1.2"}),
			OriginReadTimeout:  pulumi.Int(originTimeoutSeconds),
		},
	}
}

// edgeHeaders are how configuration reaches the edge function, which can have no
// environment. S3 and the images function ignore them, and they hold no secret.
func (s *builder) edgeHeaders(c *content, m *mappings) cloudfront.DistributionOriginCustomHeaderArray {
	return cloudfront.DistributionOriginCustomHeaderArray{
		originHeader(edgefn.HeaderTable, m.table.Name),
		originHeader(edgefn.HeaderRegions, pulumi.String(strings.Join(s.cfg.tableRegions(), ","))),
		originHeader(edgefn.HeaderBucket, c.name),
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
