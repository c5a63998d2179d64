package stack

import (
	"fmt"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// edgeRegion is where Lambda@Edge functions and CloudFront's certificates must
// be made, and where CloudFront's metrics are.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html
const edgeRegion = "us-east-1"

// replicaRegionsOfEdge are the regions that run replicas of edge functions:
// those that the replicator's service-linked role is for.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-edge-permissions.html
var replicaRegionsOfEdge = []string{
	"ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "eu-central-1", "eu-west-1",
	"eu-west-2", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
}

// originShieldRegions are the regions that offer Origin Shield.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/origin-shield.html
var originShieldRegions = []string{
	"ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "eu-central-1", "eu-west-1",
	"eu-west-2", "me-central-1", "sa-east-1", "us-east-1", "us-east-2", "us-west-2",
}

// awsRegions are the regions of the standard partition.
// https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
var awsRegions = []string{
	"af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2",
	"ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7",
	"ca-central-1", "ca-west-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1",
	"eu-west-2", "eu-west-3", "il-central-1", "me-central-1", "me-south-1", "mx-central-1", "sa-east-1", "us-east-1", "us-east-2",
	"us-west-1", "us-west-2",
}

// regions hands out one provider per region. The home region has the default
// provider.
type regions struct {
	home      string
	providers map[string]*aws.Provider
}

// newRegions registers a provider for every region but the home region.
func newRegions(ctx *pulumi.Context, cfg Config) (*regions, error) {
	r := &regions{home: cfg.Region, providers: map[string]*aws.Provider{}}
	all := slices.Concat([]string{edgeRegion}, cfg.runRegions(), cfg.ReplicaRegions)
	slices.Sort(all)
	for _, region := range slices.Compact(all) {
		if region == cfg.Region {
			continue
		}
		provider, err := aws.NewProvider(ctx, region, &aws.ProviderArgs{Region: pulumi.String(region)})
		if err != nil {
			return nil, fmt.Errorf("provider of %s: %w", region, err)
		}
		r.providers[region] = provider
	}
	return r, nil
}

// in returns the option that places a resource in region.
func (r *regions) in(region string) pulumi.ResourceOption {
	if region == r.home {
		return pulumi.Composite() // the default provider
	}
	return pulumi.Provider(r.providers[region])
}
