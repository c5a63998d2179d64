// Package account is the bootstrap program: what an AWS account must have
// before a stack of the media CDN can be deployed into it from GitHub.
//
// That is GitHub as an identity provider, and for each environment a bucket for
// its Pulumi state, a key for the secrets in it, a permissions boundary, and a
// deploying and a previewing role. Deploy exports the commands that tell
// GitHub and Pulumi of them.
//
// Names are fixed, so that policies can name what they protect, and so that an
// administrator finds things without this program's state.
package account

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"secure-media-cdn/infra/policies"
)

// secretsKeyRecoveryDays is how long a deleted secrets key can be brought back.
// Without it no secret in its environment's state can be read again.
const secretsKeyRecoveryDays = 30

// Deploy registers everything and exports the commands. config is the stack's
// configuration by full key. It fails before registering anything if the
// configuration is not valid.
func Deploy(ctx *pulumi.Context, config map[string]string) error {
	cfg, err := load(ctx.Project(), config)
	if err != nil {
		return fmt.Errorf("configuration of stack %s: %w", ctx.Stack(), err)
	}
	caller, err := aws.GetCallerIdentity(ctx, &aws.GetCallerIdentityArgs{})
	if err != nil {
		return fmt.Errorf("finding the account: %w", err)
	}
	scopes, err := cfg.scopes(caller.AccountId)
	if err != nil {
		return fmt.Errorf("configuration of stack %s: %w", ctx.Stack(), err)
	}
	p := &program{ctx: ctx, cfg: cfg, account: caller.AccountId}
	if err := p.newProvider(); err != nil {
		return err
	}
	var commands pulumi.StringArray
	for i, scope := range scopes {
		made, err := p.newEnvironment(cfg.environments[i], scope)
		if err != nil {
			return fmt.Errorf("environment %s: %w", scope.Environment, err)
		}
		commands = append(commands, made)
	}
	ctx.Export("commands", join(commands))
	return nil
}

// program is what every piece is registered with.
type program struct {
	ctx     *pulumi.Context
	cfg     settings
	account string
}

// tags mark what belongs to the bootstrap.
func (p *program) tags() pulumi.StringMap {
	return pulumi.StringMap{"project": pulumi.String(p.ctx.Project()), "stack": pulumi.String(p.ctx.Stack())}
}

// scopes returns what each environment's policies are for.
func (s settings) scopes(account string) ([]policies.Scope, error) {
	var scopes []policies.Scope
	for _, e := range s.environments {
		scope := policies.Scope{
			Project: s.project, Environment: e.Name, Account: account, ContentKeys: e.KMSKeyARNs,
			Zones: e.HostedZoneIDs, ExistingBuckets: e.ExistingBuckets, ManagedBuckets: e.ManagedBuckets,
			ExistingKeys: e.ExistingKMSKeyARNs,
		}
		for _, other := range s.environments {
			if other.Name != e.Name {
				stranger := policies.Scope{Project: s.project, Environment: other.Name, Account: account}
				scope.Foreign = append(append(scope.Foreign, other.UnnamedARNs...), stranger.StoresByName())
			}
		}
		if err := scope.Validate(); err != nil {
			return nil, err
		}
		scopes = append(scopes, scope)
	}
	return scopes, nil
}

// newProvider registers GitHub as an identity provider, unless the account has
// it already. AWS trusts GitHub's certificate by its authority, so a thumbprint
// need not be given.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
func (p *program) newProvider() error {
	if !p.cfg.oidcProvider {
		return nil
	}
	_, err := iam.NewOpenIdConnectProvider(p.ctx, "github", &iam.OpenIdConnectProviderArgs{
		Url:           pulumi.String(policies.ProviderURL),
		ClientIdLists: pulumi.ToStringArray([]string{policies.Audience}),
		Tags:          p.tags(),
	}, pulumi.Protect(true))
	if err != nil {
		return fmt.Errorf("identity provider: %w", err)
	}
	return nil
}

// newSecretsKey registers the key that encrypts the secrets in an environment's
// state. Its policy leaves the rest to the account's IAM policies, which is
// AWS's default; the roles are let in by theirs.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
func (p *program) newSecretsKey(scope policies.Scope) (*kms.Key, error) {
	key, err := kms.NewKey(p.ctx, scope.Environment, &kms.KeyArgs{
		Description:          pulumi.String("Secrets in the state of " + scope.Project + " " + scope.Environment),
		EnableKeyRotation:    pulumi.Bool(true),
		DeletionWindowInDays: pulumi.Int(secretsKeyRecoveryDays), Tags: p.tags(),
	}, pulumi.Protect(true))
	if err != nil {
		return nil, fmt.Errorf("secrets key: %w", err)
	}
	return key, nil
}
