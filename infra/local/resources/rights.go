package resources

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"secure-media-cdn/infra/plan"
)

const typeRolePolicy = "aws:iam/rolePolicy:RolePolicy"

// nobody are the credentials of a function that may do nothing but write its log: nothing here takes them.
var nobody = aws.Credentials{AccessKeyID: "nobody", SecretAccessKey: rand.Text()}

// rights returns the services of which a role's policies name an action, as actions begin with them: s3, dynamodb and
// so on. What they may do there, to which resource, is for package policies to say.
func rights(doc *plan.Document, roleARN string) (map[string]bool, error) {
	services := map[string]bool{}
	for _, r := range doc.ByType(typeRolePolicy) {
		if text(r, "role") != path.Base(roleARN) {
			continue
		}
		var policy struct {
			Statement []struct{ Action []string }
		}
		if err := json.Unmarshal([]byte(text(r, "policy")), &policy); err != nil {
			return nil, fmt.Errorf("the policy %s: %w", r.Name, err)
		}
		for _, s := range policy.Statement {
			for _, action := range s.Action {
				service, _, _ := strings.Cut(action, ":")
				services[service] = true
			}
		}
	}
	delete(services, "logs") // what a function writes is shown here, whatever it may do
	return services, nil
}
