package recorder

import (
	"encoding/json"
	"fmt"
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

// loadConfig reads the project's and the stack's files the way the Pulumi
// command line does: defaults of Pulumi.yaml, then the stack's file, then the
// overrides of opts. A key of the project that Pulumi.yaml does not declare is
// an error, for a misspelt key would otherwise be ignored.
func loadConfig(opts Options) (stackConfig, error) {
	project, err := workspace.LoadProject(filepath.Join(opts.Root, "Pulumi.yaml"))
	if err != nil {
		return stackConfig{}, err
	}
	cfg := stackConfig{project: project.Name.String(), values: map[string]string{}}
	secret := map[string]bool{}
	for key, declared := range project.Config {
		value := declared.Default
		if value == nil {
			value = declared.Value
		}
		if full := cfg.fullKey(key); value != nil && !strings.HasPrefix(full, "pulumi:") {
			if cfg.values[full], err = text(value); err != nil {
				return stackConfig{}, fmt.Errorf("default of config %s: %w", key, err)
			}
		}
	}
	stack, err := loadStack(opts, project)
	if err != nil {
		return stackConfig{}, err
	}
	for key, value := range stack {
		full := key.String()
		secret[full] = value.Secure()
		cfg.values[full], err = value.Value(standIn{full, opts.StandIns[key.Name()]})
		if _, overridden := opts.Config[key.Name()]; err != nil && !overridden {
			return stackConfig{}, err
		}
	}
	for key, value := range opts.Config {
		full := cfg.fullKey(key)
		if cfg.values[full] = value; value == "" {
			delete(cfg.values, full)
		}
	}
	for full := range cfg.values {
		namespace, key, _ := strings.Cut(full, ":")
		declared, ok := project.Config[key]
		if namespace == cfg.project && !ok {
			return stackConfig{}, fmt.Errorf("config %s is not declared in Pulumi.yaml", key)
		}
		if secret[full] || declared.Secret && opts.overrides(key) {
			cfg.secrets = append(cfg.secrets, full)
		}
	}
	slices.Sort(cfg.secrets)
	return cfg, nil
}

// overrides reports whether opts set the project's key. Its value counts as
// encrypted if Pulumi.yaml declares the key a secret.
func (o Options) overrides(key string) bool {
	_, ok := o.Config[key]
	return ok
}

func (c stackConfig) fullKey(key string) string {
	if strings.Contains(key, ":") {
		return key
	}
	return c.project + ":" + key
}

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
	for key, declared := range project.Config {
		if declared.Type == nil {
			continue
		}
		k, err := config.ParseKey(project.Name.String() + ":" + key)
		if err != nil {
			return nil, err
		}
		value, ok := stack.Config[k]
		if !ok || value.Secure() {
			continue
		}
		plain, err := value.ToObject()
		if err != nil {
			return nil, fmt.Errorf("config %s: %w", key, err)
		}
		if !workspace.ValidateConfigValue(*declared.Type, declared.Items, plain) {
			return nil, fmt.Errorf("config %s must be of type %s", key, workspace.InferFullTypeName(*declared.Type, declared.Items))
		}
	}
	return stack.Config, nil
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
