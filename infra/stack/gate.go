package stack

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudfront"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/secretsmanager"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	source "secure-media-cdn/function/gate"
	"secure-media-cdn/function/seal"
)

const (
	gateRuntime   = "cloudfront-js-2.0"
	viewerRequest = "viewer-request"
)

// gate checks every request for a link before the cache does.
type gate struct {
	function *cloudfront.Function
	// store holds the link keys and the revoked links.
	store *cloudfront.KeyValueStore
	// logs is the function's log group, to be there before the first request.
	logs pulumi.Resource
}

// newGate registers the gate.
func (s *builder) newGate() (*gate, error) {
	store, err := cloudfront.NewKeyValueStore(s.ctx, "gate", &cloudfront.KeyValueStoreArgs{
		Comment: pulumi.String("Link keys and revoked links"),
	})
	if err != nil {
		return nil, fmt.Errorf("gate store: %w", err)
	}
	if err := s.newKeys(store); err != nil {
		return nil, err
	}
	function, err := cloudfront.NewFunction(s.ctx, "gate", &cloudfront.FunctionArgs{
		Comment:                   pulumi.String("Refuses forged, expired and revoked links"),
		Runtime:                   pulumi.String(gateRuntime),
		Code:                      pulumi.String(source.Source),
		Publish:                   pulumi.Bool(true),
		KeyValueStoreAssociations: pulumi.StringArray{store.Arn},
	})
	if err != nil {
		return nil, fmt.Errorf("gate function: %w", err)
	}
	g := &gate{function: function, store: store}
	// CloudFront gives the name, and logs in us-east-1.
	// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-functions-logs.html
	g.logs, err = s.newLogGroup("gate", pulumi.Sprintf("/aws/cloudfront/function/%s", function.Name), edgeRegion)
	return g, err
}

// newKeys registers the entries of the link keys: the generation that seals, the
// one before it, whose links still open, and the one after it, so that a key has
// long been at every edge when it begins to seal. They are registered one by one,
// since the issuer keeps the revoked links among them.
//
// AWS makes the values. Each evaluation asks for new ones, of which only those of
// new entries are used: an entry keeps the value it was made with.
func (s *builder) newKeys(store *cloudfront.KeyValueStore) error {
	first, last := max(s.cfg.LinkKeyGeneration-1, 1), min(s.cfg.LinkKeyGeneration+1, seal.MaxGeneration)
	for generation := first; generation <= last; generation++ {
		// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html
		made, err := secretsmanager.GetRandomPassword(s.ctx, &secretsmanager.GetRandomPasswordArgs{
			PasswordLength: pulumi.IntRef(seal.ValueLength), ExcludePunctuation: pulumi.BoolRef(true),
		})
		if err != nil {
			return fmt.Errorf("making link key %d: %w", generation, err)
		}
		_, err = cloudfront.NewKeyvaluestoreKey(s.ctx, fmt.Sprintf("key-%d", generation), &cloudfront.KeyvaluestoreKeyArgs{
			KeyValueStoreArn: store.Arn,
			Key:              pulumi.String(seal.KeyEntry(generation)),
			Value:            pulumi.ToSecret(pulumi.String(made.RandomPassword)).(pulumi.StringOutput),
		}, pulumi.IgnoreChanges([]string{"value"}))
		if err != nil {
			return fmt.Errorf("link key %d: %w", generation, err)
		}
	}
	return nil
}
