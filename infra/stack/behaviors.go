package stack

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudfront"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"secure-media-cdn/function/seal"
	"secure-media-cdn/infra/stack/outputs"
)

// policies are what all behaviours of the distribution have in common.
type policies struct {
	cache, headers pulumi.StringPtrInput
	cors           pulumi.StringPtrInput // nil without CORS
	methods        pulumi.StringArray
}

// cachedMethods are the methods whose answers are kept.
var cachedMethods = pulumi.ToStringArray([]string{"GET", "HEAD"})

// privateBehavior is the default: whatever is not public goes through the gate
// and the edge function.
func (s *builder) privateBehavior(p policies, e *edge, g *gate) *cloudfront.DistributionDefaultCacheBehaviorArgs {
	return &cloudfront.DistributionDefaultCacheBehaviorArgs{
		TargetOriginId:          pulumi.String(contentOrigin),
		ViewerProtocolPolicy:    pulumi.String("redirect-to-https"),
		AllowedMethods:          p.methods,
		CachedMethods:           cachedMethods,
		Compress:                pulumi.Bool(true),
		CachePolicyId:           p.cache,
		OriginRequestPolicyId:   p.cors,
		ResponseHeadersPolicyId: p.headers,
		LambdaFunctionAssociations: cloudfront.DistributionDefaultCacheBehaviorLambdaFunctionAssociationArray{
			&cloudfront.DistributionDefaultCacheBehaviorLambdaFunctionAssociationArgs{
				EventType: pulumi.String(originRequest), LambdaArn: e.version(), IncludeBody: pulumi.Bool(false),
			},
		},
		FunctionAssociations: cloudfront.DistributionDefaultCacheBehaviorFunctionAssociationArray{
			&cloudfront.DistributionDefaultCacheBehaviorFunctionAssociationArgs{EventType: pulumi.String(viewerRequest),
				FunctionArn: g.function.Arn},
			&cloudfront.DistributionDefaultCacheBehaviorFunctionAssociationArgs{EventType: pulumi.String(viewerResponse),
				FunctionArn: g.headers.Arn},
		},
	}
}

// orderedBehaviors are those of path patterns, of which the first that matches
// decides.
func (s *builder) orderedBehaviors(p policies, e *edge, g *gate, i *images,
	n *session) cloudfront.DistributionOrderedCacheBehaviorArray {
	var ordered cloudfront.DistributionOrderedCacheBehaviorArray
	if i != nil {
		// A photo as an attachment comes from the bucket, as the photo itself does. It
		// has a behaviour of its own only because its path looks like a variant's.
		attachment := s.behavior(p, seal.VariantPath("*", seal.Download), g.function, g)
		attachment.LambdaFunctionAssociations = runs(e)
		variants := s.behavior(p, seal.VariantPath("*", "*"), g.function, g)
		variants.LambdaFunctionAssociations = runs(e)
		variants.TargetOriginId = pulumi.String(imagesOrigin)
		variants.CachePolicyId = i.cache
		variants.Compress = pulumi.Bool(false)
		variants.OriginRequestPolicyId = nil // the function has no use for the viewer's headers
		ordered = append(ordered, attachment, variants)
	}
	if n != nil {
		ordered = append(ordered, n.behavior())
	}
	for _, name := range s.cfg.servicesWith(outputs.AccessPublic) {
		// Straight from the bucket, at one spelling of each path.
		ordered = append(ordered, s.behavior(p, "/"+name+"/*", g.public, g))
	}
	return ordered
}

// behavior is that of a path pattern: from the bucket, after a check at
// viewer-request.
func (s *builder) behavior(p policies, pattern string, check *cloudfront.Function,
	g *gate) *cloudfront.DistributionOrderedCacheBehaviorArgs {
	return &cloudfront.DistributionOrderedCacheBehaviorArgs{
		PathPattern:             pulumi.String(pattern),
		TargetOriginId:          pulumi.String(contentOrigin),
		ViewerProtocolPolicy:    pulumi.String("redirect-to-https"),
		AllowedMethods:          p.methods,
		CachedMethods:           cachedMethods,
		Compress:                pulumi.Bool(true),
		CachePolicyId:           p.cache,
		OriginRequestPolicyId:   p.cors,
		ResponseHeadersPolicyId: p.headers,
		FunctionAssociations: cloudfront.DistributionOrderedCacheBehaviorFunctionAssociationArray{
			&cloudfront.DistributionOrderedCacheBehaviorFunctionAssociationArgs{
				EventType: pulumi.String(viewerRequest), FunctionArn: check.Arn,
			},
			&cloudfront.DistributionOrderedCacheBehaviorFunctionAssociationArgs{
				EventType: pulumi.String(viewerResponse), FunctionArn: g.headers.Arn,
			},
		},
	}
}

// runs is the edge function at origin-request.
func runs(e *edge) cloudfront.DistributionOrderedCacheBehaviorLambdaFunctionAssociationArray {
	return cloudfront.DistributionOrderedCacheBehaviorLambdaFunctionAssociationArray{
		&cloudfront.DistributionOrderedCacheBehaviorLambdaFunctionAssociationArgs{
			EventType: pulumi.String(originRequest), LambdaArn: e.version(), IncludeBody: pulumi.Bool(false),
		},
	}
}
