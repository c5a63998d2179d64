package account

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"secure-media-cdn/infra/policies"
)

// unnamedQuery prints the unnamedArns of a deployed stack.
const unnamedQuery = `pulumi stack export --stack %s | jq -c '[.deployment.resources[].outputs.arn? // empty ` +
	`| select(test("^arn:aws:cloudfront::[0-9]+:(cache-policy|key-value-store|origin-access-control|origin-request-policy|response-headers-policy)/"))]'`

// commands returns what an administrator runs for an environment, line by line
// for a shell in the repository's folder.
func (p *program) commands(e environment, scope policies.Scope, key pulumi.StringInput, deploy,
	preview pulumi.StringInput) pulumi.StringOutput {
	backend := fmt.Sprintf("s3://%s?region=%s", scope.StateBucket(), p.cfg.region)
	provider := pulumi.Sprintf("awskms://%s?region=%s", key, p.cfg.region)
	lines := pulumi.StringArray{pulumi.Sprintf("# %s: only the branch %s is deployed; in %s add reviewers if previews "+
		"may not be open to every branch", e.Name, e.Branch, previewOf(e.Name))}
	for _, gh := range []struct {
		environment string
		role        pulumi.StringInput
	}{{e.Name, deploy}, {previewOf(e.Name), preview}} {
		lines = append(lines, p.gitHubEnvironment(gh.environment, e)...)
		for _, variable := range []struct {
			name  string
			value pulumi.StringInput
		}{{"AWS_ROLE_ARN", gh.role}, {"AWS_REGION", pulumi.String(p.cfg.region)}, {"PULUMI_BACKEND_URL",
			pulumi.String(backend)}} {
			lines = append(lines, pulumi.Sprintf("gh variable set %s --repo %s --env %s --body '%s'", variable.name,
				p.cfg.repository, gh.environment, variable.value))
		}
	}
	lines = append(lines,
		pulumi.Sprintf("pulumi login '%s'", backend),
		pulumi.Sprintf("pulumi stack init %s --secrets-provider '%s'", e.Name, provider),
		pulumi.Sprintf("pulumi config set permissionsBoundaryArn %s --stack %s", scope.BoundaryARN(), e.Name),
	)
	if len(p.cfg.environments) > 1 && len(e.UnnamedARNs) == 0 {
		lines = append(lines,
			pulumi.Sprintf("# after the first deployment, into unnamedArns of %s here, then pulumi up again: %s", e.Name,
				fmt.Sprintf(unnamedQuery, e.Name)))
	}
	return join(lines)
}

// gitHubEnvironment returns the commands that make an environment. The one that
// deploys is for one branch alone: the role's trust names the environment, and
// only GitHub knows the branch.
// https://docs.github.com/en/rest/deployments/environments
func (p *program) gitHubEnvironment(name string, e environment) pulumi.StringArray {
	path := "repos/" + p.cfg.repository + "/environments/" + name
	if name != e.Name {
		return pulumi.StringArray{pulumi.String("gh api --silent --method PUT " + path)}
	}
	return pulumi.StringArray{
		pulumi.String("gh api --silent --method PUT " + path +
			" -F 'deployment_branch_policy[protected_branches]=false' -F " +
			"'deployment_branch_policy[custom_branch_policies]=true'"),
		pulumi.String("gh api --silent --method POST " + path + "/deployment-branch-policies -f name=" + e.Branch),
	}
}

// join returns the lines as one text.
func join(lines pulumi.StringArray) pulumi.StringOutput {
	return lines.ToStringArrayOutput().ApplyT(func(all []string) string {
		return strings.Join(all,
			"\n")
	}).(pulumi.StringOutput)
}
