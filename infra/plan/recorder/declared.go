package recorder

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
)

// Key is one configuration key that Pulumi.yaml declares for stacks.
type Key struct {
	Name        string
	Type        string // string, integer, boolean, array<…> or object; empty if it may be any
	Default     string // as a program reads it; empty if there is none
	Secret      bool
	Description string
}

// Declared returns the configuration keys of the project in root, by name.
// Documentation is checked against them.
func Declared(root string) ([]Key, error) {
	project, err := workspace.LoadProject(filepath.Join(root, "Pulumi.yaml"))
	if err != nil {
		return nil, err
	}
	var keys []Key
	for name, declared := range project.Config {
		if strings.Contains(name, ":") {
			continue // another namespace's value, not a key of ours
		}
		key := Key{Name: name, Type: workspace.InferFullTypeName(declared.TypeName(), declared.Items),
			Secret: declared.Secret, Description: declared.Description}
		if declared.Default != nil {
			if key.Default, err = text(declared.Default); err != nil {
				return nil, err
			}
		}
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b Key) int { return cmp.Compare(a.Name, b.Name) })
	return keys, nil
}
