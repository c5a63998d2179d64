package account

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"secure-media-cdn/infra/policies"
)

// unnamedQuery prints the unnamedArns of a deployed stack.
const unnamedQuery = `pulumi stack export --stack %s | jq -c '[.deployment.resources[].outputs.arn? // empty ` +
	`| select(test("^arn:aws:cloudfront::[0-9]+:(` + unnamedKinds + `)/"))]'`

// made is what the commands tell of: the key's id and the roles' ARNs.
type made struct{ key, deploy, preview pulumi.StringInput }

// commands returns what an administrator runs for an environment, line by line
// for a shell in the repository's folder.
func (p *program) commands(e environment, scope policies.Scope, m made) pulumi.StringOutput {
	backend := fmt.Sprintf("s3://%s?region=%s", scope.StateBucket(), p.cfg.region)
	lines := pulumi.StringArray{pulumi.Sprintf(
		"# %s: only the branch %s is deployed; in %s add reviewers if previews may not be open to every branch",
		e.Name, e.Branch, previewOf(e.Name))}
	lines = append(lines, p.gitHub(e, e.Name, m.deploy, backend)...)
	lines = append(lines, p.gitHub(e, previewOf(e.Name), m.preview, backend)...)
	lines = append(lines,
		pulumi.Sprintf("pulumi login '%s'", backend),
		pulumi.Sprintf("pulumi stack init %s --secrets-provider 'awskms://%s?region=%s'", e.Name, m.key, p.cfg.region),
		pulumi.Sprintf("pulumi config set permissionsBoundaryArn %s --stack %s", scope.BoundaryARN(), e.Name),
	)
	if len(p.cfg.environments) > 1 && len(e.UnnamedARNs) == 0 {
		lines = append(lines, pulumi.Sprintf(
			"# after the first deployment, into unnamedArns of %s here, then pulumi up again: %s",
			e.Name, fmt.Sprintf(unnamedQuery, e.Name)))
	}
	return join(lines)
}

// gitHub returns the commands that make a GitHub environment and set its
// variables. The one that deploys is for one branch alone: the role's trust
// names the environment, and only GitHub knows the branch.
// https://docs.github.com/en/rest/deployments/environments
func (p *program) gitHub(e environment, name string, role pulumi.StringInput, backend string) pulumi.StringArray {
	path := "repos/" + p.cfg.repository + "/environments/" + name
	put := "gh api --silent --method PUT " + path
	var lines pulumi.StringArray
	if name == e.Name {
		lines = append(lines,
			pulumi.String(put+" -F 'deployment_branch_policy[protected_branches]=false'"+
				" -F 'deployment_branch_policy[custom_branch_policies]=true'"),
			pulumi.String("gh api --silent --method POST "+path+"/deployment-branch-policies -f name="+e.Branch))
	} else {
		lines = append(lines, pulumi.String(put))
	}
	set := func(variable string, value pulumi.StringInput) {
		lines = append(lines, pulumi.Sprintf("gh variable set %s --repo %s --env %s --body '%s'",
			variable, p.cfg.repository, name, value))
	}
	set("AWS_ROLE_ARN", role)
	set("AWS_REGION", pulumi.String(p.cfg.region))
	set("PULUMI_BACKEND_URL", pulumi.String(backend))
	return lines
}

// join returns the lines as one text.
func join(lines pulumi.StringArray) pulumi.StringOutput {
	text := lines.ToStringArrayOutput().ApplyT(func(all []string) string { return strings.Join(all, "\n") })
	return text.(pulumi.StringOutput)
}
