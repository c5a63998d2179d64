package sweep

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
)

// associated returns the ARNs of all functions that a distribution runs, in
// any of its behaviours.
func associated(d types.DistributionSummary) []string {
	var lists []*types.LambdaFunctionAssociations
	if d.DefaultCacheBehavior != nil {
		lists = append(lists, d.DefaultCacheBehavior.LambdaFunctionAssociations)
	}
	if d.CacheBehaviors != nil {
		for _, b := range d.CacheBehaviors.Items {
			lists = append(lists, b.LambdaFunctionAssociations)
		}
	}
	var arns []string
	for _, list := range lists {
		if list == nil {
			continue
		}
		for _, a := range list.Items {
			arns = append(arns, aws.ToString(a.LambdaFunctionARN))
		}
	}
	return arns
}
