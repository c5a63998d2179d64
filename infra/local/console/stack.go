package console

import (
	"maps"
	"net/http"
	"slices"
	"sort"
	"strings"

	"secure-media-cdn/infra/plan"
)

// group is the resources of one concern.
type group struct {
	Name      string     `json:"name"`
	Resources []resource `json:"resources"`
}

// resource is what the page tells of a resource. Inputs may hold keys, so only those of facts are shown.
type resource struct {
	Type   string `json:"type"` // its last word, such as BucketV2
	Name   string `json:"name"`
	Region string `json:"region"`
	Facts  []fact `json:"facts"`
}

type fact struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
}

// groups orders the modules of the AWS provider by concern.
var groups = []struct {
	name    string
	modules []string
}{
	{"Delivery", []string{"cloudfront", "acm", "route53"}},
	{"Functions", []string{"lambda"}},
	{"Media", []string{"s3"}},
	{"Links", []string{"dynamodb"}},
	{"Alarms and logs", []string{"cloudwatch", "sns"}},
	{"Permissions", []string{"iam", "kms"}},
	{"Others", nil},
}

// facts are the inputs worth a word; none of them is ever a secret.
var facts = []string{
	"bucket", "domainName", "hashKey", "billingMode", "runtime", "handler", "memorySize", "timeout",
	"architectures", "priceClass", "httpVersion",
	"defaultTtl", "maxTtl", "signingBehavior", "authorizationType", "retentionInDays", "metricName", "threshold",
}

func groupOf(r plan.Resource) string {
	parts := strings.Split(r.Type, ":")
	if len(parts) == 3 && parts[0] == "aws" {
		module, _, _ := strings.Cut(parts[1], "/")
		for _, g := range groups {
			if slices.Contains(g.modules, module) {
				return g.name
			}
		}
	}
	return groups[len(groups)-1].name
}

// deployed groups the plan's resources.
func deployed(doc *plan.Document, home string) []group {
	by := map[string][]resource{}
	for _, r := range doc.Resources {
		if strings.HasPrefix(r.Type, "pulumi:") {
			continue
		}
		shown := resource{Type: r.Type[strings.LastIndexByte(r.Type, ':')+1:], Name: r.Name, Region: r.Region,
			Facts: []fact{}}
		if shown.Region == "" {
			shown.Region = home
		}
		for _, name := range facts {
			switch value := r.Inputs[name].(type) {
			case string, float64, bool, []any: // no object, which may be a secret's
				shown.Facts = append(shown.Facts, fact{name, value})
			}
		}
		by[groupOf(r)] = append(by[groupOf(r)], shown)
	}
	var all []group
	for _, g := range groups {
		if resources := by[g.name]; len(resources) > 0 {
			sort.Slice(resources, func(i, j int) bool {
				a, b := resources[i], resources[j]
				return a.Type < b.Type || a.Type == b.Type && a.Name < b.Name
			})
			all = append(all, group{g.name, resources})
		}
	}
	return all
}

func (c *Console) serveStack(w http.ResponseWriter, _ *http.Request) {
	outputs := []fact{}
	for _, name := range slices.Sorted(maps.Keys(c.options.Outputs)) {
		outputs = append(outputs, fact{name, c.options.Outputs[name]})
	}
	folders := []service{{Name: "", Access: "private"}}
	if len(c.outputs.Services) > 0 {
		folders = c.outputs.Services
	}
	reply(w, http.StatusOK, map[string]any{
		"groups": deployed(c.options.Document, c.outputs.Regions[0]), "outputs": outputs,
		"unsupported": c.options.Unsupported,
		"folders":     folders, "linkTtlSeconds": c.outputs.LinkTTL, "maxUpload": MaxUpload,
		"variants": c.shownVariants(),
	})
}
