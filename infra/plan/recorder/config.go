package recorder

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
)

// stackConfig is a stack's configuration as Pulumi hands it to a program:
// every value is text, lists and objects as JSON.
type stackConfig struct {
	project string
	values  map[string]string // by "namespace:key"
	secrets []string          // the keys whose values are secret, sorted
}

// loadConfig reads the project's and the stack's files by the rules of the
// Pulumi command line: a declared key without a default is required, a typed
// value has its type, a typed secret is encrypted, and keys that Pulumi.yaml
// does not declare pass. The overrides of opts take the place of the stack
// file's values. The recorder has no passphrase and asks for none, so that a plan
// works for a fork's pull request: encrypted values read "[secret]".
// https://www.pulumi.com/docs/iac/concepts/config/#project-level-configuration
func loadConfig(opts Options) (stackConfig, error) {
	project, err := workspace.LoadProject(filepath.Join(opts.Root, "Pulumi.yaml"))
	if err != nil {
		return stackConfig{}, err
	}
	given, err := loadStack(opts, project)
	if err != nil {
		return stackConfig{}, err
	}
	cfg := stackConfig{project: project.Name.String(), values: map[string]string{}}
	if err := applyProject(opts, project, given); err != nil {
		return stackConfig{}, err
	}
	for key, value := range given {
		full := key.String()
		if key.Namespace() == "pulumi" {
			continue // the engine's own settings
		}
		if value.Secure() {
			cfg.secrets = append(cfg.secrets, full)
		}
		if cfg.values[full], err = value.Value(config.NewBlindingDecrypter()); err != nil {
			return stackConfig{}, err
		}
	}
	slices.Sort(cfg.secrets)
	return cfg, nil
}

// loadStack returns the values of the stack's file and of the overrides.
func loadStack(opts Options, project *workspace.Project) (config.Map, error) {
	path := opts.ConfigFile
	if path == "" {
		path = filepath.Join(opts.Root, "Pulumi."+opts.Stack+".yaml")
	}
	// The SDK takes a missing file for an empty one; here it is a typing error.
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("no configuration for stack %q: %w", opts.Stack, err)
	}
	stack, err := workspace.LoadProjectStack(nil, project, path)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	given := config.Map{}
	maps.Copy(given, stack.Config)
	for name, value := range opts.Config {
		key, err := keyOf(project, name)
		if err != nil {
			return nil, err
		}
		declared := project.Config[name]
		switch {
		case value == "":
			delete(given, key)
		case declared.TypeName() == "array" || declared.TypeName() == "object":
			given[key] = config.NewObjectValue(value)
		default:
			given[key] = config.NewValue(value)
		}
	}
	return given, nil
}

// applyProject adds the defaults of Pulumi.yaml to given and checks the values
// that it declares. The errors read like Pulumi's.
func applyProject(opts Options, project *workspace.Project, given config.Map) error {
	var missing []string
	for _, name := range slices.Sorted(maps.Keys(project.Config)) {
		declared := project.Config[name]
		key, err := keyOf(project, name)
		if err != nil {
			return err
		}
		fallback := declared.Default
		if fallback == nil {
			fallback = declared.Value
		}
		if _, ok := given[key]; !ok && fallback == nil {
			missing = append(missing, "'"+name+"'")
			continue
		} else if !ok {
			if given[key], err = plainValueOf(fallback); err != nil {
				return fmt.Errorf("default of config %s: %w", name, err)
			}
		}
		if declared.Type == nil {
			continue
		}
		value := given[key]
		if declared.Secret && !value.Secure() {
			return fmt.Errorf("Stack '%s' with configuration key '%s' must be encrypted as it's secret", opts.Stack, name)
		}
		if value.Secure() {
			continue // nobody here can see its type
		}
		plain, err := value.ToObject()
		if err != nil || !workspace.ValidateConfigValue(*declared.Type, declared.Items, plain) {
			return fmt.Errorf("Stack '%s' with configuration key '%s' must be of type '%s'", opts.Stack, name,
				workspace.InferFullTypeName(*declared.Type, declared.Items))
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("Stack '%s' is missing configuration values %s", opts.Stack, strings.Join(missing, ", "))
	}
	return nil
}

// keyOf returns the full key of a name, which is the project's unless it says
// otherwise.
func keyOf(project *workspace.Project, name string) (config.Key, error) {
	if strings.Contains(name, ":") {
		return config.ParseKey(name)
	}
	return config.MustMakeKey(project.Name.String(), name), nil
}

// plainValueOf returns a value of YAML as one of a stack's file.
func plainValueOf(value any) (config.Value, error) {
	rendered, err := text(value)
	if err != nil {
		return config.Value{}, err
	}
	switch value.(type) {
	case []any, map[string]any, map[any]any:
		return config.NewObjectValue(rendered), nil
	}
	return config.NewValue(rendered), nil
}

// text renders a YAML value as Pulumi does for programs.
func text(value any) (string, error) {
	if s, ok := value.(string); ok {
		return s, nil
	}
	value, err := workspace.SimplifyMarshalledValue(value)
	if err != nil {
		return "", err
	}
	out, err := json.Marshal(value)
	return string(out), err
}
