package stack

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudfront"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/secretsmanager"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	source "secure-media-cdn/function/gate"
)

const (
	gateRuntime   = "cloudfront-js-2.0"
	viewerRequest = "viewer-request"
	// secretRecoveryDays is how long a deleted link key can be brought back.
	secretRecoveryDays = 30
)

// gate checks every request before the cache does, once links are sealed.
type gate struct {
	function *cloudfront.Function
	store    *cloudfront.KeyValueStore
	secret   *secretsmanager.Secret
	// logs is the function's log group, to be there before the first request.
	logs pulumi.Resource
}

// newGate registers the gate, or returns nil if links are not sealed.
//
// When keys rotate, the store learns the previous key before it forgets it as
// the current one, and the issuer seals with the new key only after the gate
// knows it: at no moment is a good link refused.
func (s *builder) newGate() (*gate, error) {
	if !s.cfg.sealed() {
		return nil, nil
	}
	store, err := cloudfront.NewKeyValueStore(s.ctx, "gate", &cloudfront.KeyValueStoreArgs{
		Comment: pulumi.String("Link keys and revoked links"),
	})
	if err != nil {
		return nil, fmt.Errorf("gate store: %w", err)
	}
	current, err := s.newKeys(store)
	if err != nil {
		return nil, err
	}
	function, err := cloudfront.NewFunction(s.ctx, "gate", &cloudfront.FunctionArgs{
		Comment:                   pulumi.String("Refuses forged, expired and revoked links"),
		Runtime:                   pulumi.String(gateRuntime),
		Code:                      pulumi.String(source.Source),
		Publish:                   pulumi.Bool(true),
		KeyValueStoreAssociations: pulumi.StringArray{store.Arn},
	}, pulumi.DependsOn([]pulumi.Resource{current})) // without a key it refuses everything
	if err != nil {
		return nil, fmt.Errorf("gate function: %w", err)
	}
	g := &gate{function: function, store: store}
	// CloudFront gives the name, and logs in us-east-1.
	// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-functions-logs.html
	g.logs, err = s.newLogGroup("gate", pulumi.Sprintf("/aws/cloudfront/function/%s", function.Name), edgeRegion)
	if err != nil {
		return nil, err
	}
	g.secret, err = s.newSeal(current)
	return g, err
}

// newSeal registers the secret that the issuer reads the link key from, once
// the gate knows that key.
func (s *builder) newSeal(known pulumi.Resource) (*secretsmanager.Secret, error) {
	recovery := 0
	if s.cfg.Protect {
		recovery = secretRecoveryDays
	}
	secret, err := secretsmanager.NewSecret(s.ctx, "seal", &secretsmanager.SecretArgs{
		Description: pulumi.String("Key that the issuer seals links with"), RecoveryWindowInDays: pulumi.Int(recovery), Tags: s.tags(),
	})
	if err != nil {
		return nil, fmt.Errorf("seal secret: %w", err)
	}
	_, err = secretsmanager.NewSecretVersion(s.ctx, "seal", &secretsmanager.SecretVersionArgs{
		SecretId: secret.ID(), SecretString: sealSecret(s.cfg.LinkKey, s.cfg.PreviousLinkKey).input(),
	}, pulumi.DependsOn([]pulumi.Resource{known}))
	if err != nil {
		return nil, fmt.Errorf("seal secret value: %w", err)
	}
	return secret, nil
}

// sealSecret is what the issuer reads. It seals with the current key; the
// previous one tells it which links are still good, and need no new one.
func sealSecret(current, previous Secret) Secret {
	value := fmt.Sprintf(`{"current":%q}`, string(current))
	if previous != "" {
		value = fmt.Sprintf(`{"current":%q,"previous":%q}`, string(current), string(previous))
	}
	return Secret(value)
}

// newKeys registers the link keys in the store, entry by entry: the issuer keeps
// its revocations among them. It returns the current key's entry.
func (s *builder) newKeys(store *cloudfront.KeyValueStore) (pulumi.Resource, error) {
	var before []pulumi.Resource
	if s.cfg.PreviousLinkKey != "" {
		previous, err := cloudfront.NewKeyvaluestoreKey(s.ctx, "previous", &cloudfront.KeyvaluestoreKeyArgs{
			KeyValueStoreArn: store.Arn, Key: pulumi.String(source.PreviousKey), Value: s.cfg.PreviousLinkKey.input(),
		})
		if err != nil {
			return nil, fmt.Errorf("previous link key: %w", err)
		}
		before = append(before, previous)
	}
	current, err := cloudfront.NewKeyvaluestoreKey(s.ctx, "current", &cloudfront.KeyvaluestoreKeyArgs{
		KeyValueStoreArn: store.Arn, Key: pulumi.String(source.CurrentKey), Value: s.cfg.LinkKey.input(),
	}, pulumi.DependsOn(before))
	if err != nil {
		return nil, fmt.Errorf("current link key: %w", err)
	}
	return current, nil
}
