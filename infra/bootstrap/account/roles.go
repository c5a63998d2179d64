package account

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"secure-media-cdn/infra/policies"
)

// newEnvironment registers an environment's state, key, boundary and roles, and
// returns the commands that put them to use.
func (p *program) newEnvironment(e environment, scope policies.Scope) (pulumi.StringOutput, error) {
	if err := p.newState(scope); err != nil {
		return pulumi.StringOutput{}, err
	}
	key, err := p.newSecretsKey(scope)
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	boundary := pulumi.String(policies.Boundary(scope).JSON())
	if _, err := p.newPolicy(scope.BoundaryName(), boundary, "What no role of "+e.Name+" can go beyond"); err != nil {
		return pulumi.StringOutput{}, err
	}
	deploy, err := p.newRole(scope, "deploy", e.Name, key.Arn, policies.Deploy)
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	preview, err := p.newRole(scope, "preview", previewOf(e.Name), key.Arn, policies.Preview)
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	return p.commands(e, scope, made{key: key.KeyId, deploy: deploy.Arn, preview: preview.Arn}), nil
}

// previewOf returns the GitHub environment that an environment is previewed in.
func previewOf(environment string) string { return environment + "-preview" }

// newRole registers a role that jobs of one GitHub environment may take, with
// one policy for each document. A document names the secrets key, whose ARN is
// known once it exists.
func (p *program) newRole(
	scope policies.Scope, purpose, gitHubEnvironment string, key pulumi.StringOutput,
	documents func(policies.Scope) []policies.Document,
) (*iam.Role, error) {
	role, err := iam.NewRole(p.ctx, scope.Environment+"-"+purpose, &iam.RoleArgs{
		Name:             pulumi.String(scope.RoleName(purpose)),
		Description:      pulumi.String("GitHub environment " + gitHubEnvironment + " of " + p.cfg.repository),
		AssumeRolePolicy: pulumi.String(policies.Trust(p.account, p.cfg.subjectPrefix, gitHubEnvironment).JSON()),
		Tags:             p.tags(),
	})
	if err != nil {
		return nil, fmt.Errorf("%s role: %w", purpose, err)
	}
	for i, document := range documents(scope) {
		body := key.ApplyT(func(arn string) string {
			withKey := scope
			withKey.SecretsKey = arn
			return documents(withKey)[i].JSON()
		}).(pulumi.StringOutput)
		name := scope.RoleName(purpose) + "-" + document.Name
		policy, err := p.newPolicy(name, body, "")
		if err != nil {
			return nil, err
		}
		attachment := &iam.RolePolicyAttachmentArgs{Role: role.Name, PolicyArn: policy.Arn}
		if _, err := iam.NewRolePolicyAttachment(p.ctx, name, attachment); err != nil {
			return nil, fmt.Errorf("attaching %s: %w", name, err)
		}
	}
	return role, nil
}

func (p *program) newPolicy(name string, body pulumi.StringInput, description string) (*iam.Policy, error) {
	args := &iam.PolicyArgs{Name: pulumi.String(name), Policy: body, Tags: p.tags()}
	if description != "" {
		args.Description = pulumi.String(description)
	}
	policy, err := iam.NewPolicy(p.ctx, name, args)
	if err != nil {
		return nil, fmt.Errorf("policy %s: %w", name, err)
	}
	return policy, nil
}
