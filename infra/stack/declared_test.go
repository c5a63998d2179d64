package stack_test

import (
	"cmp"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// declaredKey is one configuration key that Pulumi.yaml declares for stacks.
type declaredKey struct {
	Name        string
	Type        string // string, integer, boolean, array<…> or object; empty if it may be any
	Default     string // as a program reads it; empty if there is none
	Secret      bool
	Description string
}

// declared returns the configuration keys of the project in root, by name.
// Documentation is checked against them.
func declared(root string) ([]declaredKey, error) {
	project, err := workspace.LoadProject(filepath.Join(root, "Pulumi.yaml"))
	if err != nil {
		return nil, err
	}
	var keys []declaredKey
	for name, declared := range project.Config {
		if strings.Contains(name, ":") {
			continue // another namespace's value, not a key of ours
		}
		key := declaredKey{Name: name, Type: workspace.InferFullTypeName(declared.TypeName(), declared.Items),
			Secret: declared.Secret, Description: declared.Description}
		if declared.Default != nil {
			value, err := workspace.SimplifyMarshalledValue(declared.Default)
			if err != nil {
				return nil, err
			}
			text, isText := value.(string)
			if !isText {
				encoded, err := json.Marshal(value)
				if err != nil {
					return nil, err
				}
				text = string(encoded)
			}
			key.Default = text
		}
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b declaredKey) int { return cmp.Compare(a.Name, b.Name) })
	return keys, nil
}

func TestDeclaredKeysAreListedForDocumentation(t *testing.T) {
	keys, err := declared("../plan/recorder/testdata/project")
	require.NoError(t, err)
	assert.Equal(t, []declaredKey{
		{Name: "count", Type: "integer", Default: "3", Description: "How often."},
		{Name: "greeting", Type: "string", Default: "hello", Description: "What to say."},
		{Name: "loud", Type: "boolean", Default: "false", Description: "Whether to shout."},
		{Name: "names", Type: "array<string>", Default: "[]", Description: "To whom."},
		{Name: "password", Secret: true, Description: "Unset by default."},
		{Name: "people", Type: "array<object>", Default: `[{"name":"ann"}]`, Description: "Who they are."},
	}, keys)
}
