package stack

import (
	"fmt"
	"maps"
	"slices"
	"strings"

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
	"af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1",
	"ap-south-2",
	"ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6",
	"ap-southeast-7",
	"ca-central-1", "ca-west-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1",
	"eu-west-2", "eu-west-3", "il-central-1", "me-central-1", "me-south-1", "mx-central-1", "sa-east-1", "us-east-1",
	"us-east-2",
	"us-west-1", "us-west-2",
}

// regions hands out one provider per region. The home region has the default
// provider.
type regions struct {
	home      string
	providers map[string]*aws.Provider
}

// newRegions registers a provider for every region but the home region. Each has
// all settings of the stack's default provider, such as a profile or a role to
// assume, and must end up in the same account.
func (s *builder) newRegions(config map[string]string) error {
	settings := s.providerSettings(config)
	s.regions = &regions{home: s.cfg.Region, providers: map[string]*aws.Provider{}}
	all := slices.Concat([]string{edgeRegion}, s.cfg.runRegions(), s.cfg.ReplicaRegions)
	slices.Sort(all)
	for _, region := range slices.Compact(all) {
		if region == s.cfg.Region {
			continue
		}
		settings := maps.Clone(settings)
		settings["region"] = pulumi.String(region)
		provider, err := aws.NewProvider(s.ctx, region, nil, withInputs(settings))
		if err != nil {
			return fmt.Errorf("provider of %s: %w", region, err)
		}
		caller, err := aws.GetCallerIdentity(s.ctx, &aws.GetCallerIdentityArgs{}, pulumi.Provider(provider))
		if err != nil {
			return fmt.Errorf("finding the account in %s: %w", region, err)
		}
		if caller.AccountId != s.account {
			return fmt.Errorf("the provider of %s works in account %s and the stack's own in %s: one stack belongs into one "+
				"account",
				region, caller.AccountId, s.account)
		}
		s.regions.providers[region] = provider
	}
	return nil
}

// providerSettings returns the configured settings of the stack's own provider, by
// name. Lists and objects stay JSON, as Pulumi hands them to that provider.
// https://www.pulumi.com/docs/iac/concepts/providers/default-providers/
func (s *builder) providerSettings(config map[string]string) pulumi.Map {
	settings := pulumi.Map{}
	for full, value := range config {
		name, ok := strings.CutPrefix(full, "aws:")
		if !ok {
			continue
		}
		settings[name] = pulumi.String(value)
		if s.ctx.IsConfigSecret(full) {
			settings[name] = pulumi.ToSecret(settings[name])
		}
	}
	return settings
}

// withInputs returns the option that gives a resource the inputs, and no others.
func withInputs(inputs pulumi.Map) pulumi.ResourceOption {
	return pulumi.Transformations([]pulumi.ResourceTransformation{
		func(args *pulumi.ResourceTransformationArgs) *pulumi.ResourceTransformationResult {
			return &pulumi.ResourceTransformationResult{Props: inputs, Opts: args.Opts}
		},
	})
}

// in returns the option that places a resource in region.
func (r *regions) in(region string) pulumi.ResourceOption {
	if region == r.home {
		return pulumi.Composite() // the default provider
	}
	return pulumi.Provider(r.providers[region])
}
