// Package recorder evaluates the Pulumi program in-process, with no cloud, no
// engine and no Pulumi command line, and returns what it registered.
//
// It is the one double for Pulumi's resource monitor: the tests, the plan and
// the local run all use it. It therefore refuses what it has no model of. A
// resource type without declared outputs is an error rather than a resource
// whose outputs are silently empty, a lookup without an answer is an error, and
// so is a second resource of the same type and name.
package recorder

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sort"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/internals"

	"secure-media-cdn/infra/plan"
)

// Options say what to evaluate, and for which stack.
type Options struct {
	// Program is the program to run. It is handed the stack's configuration by
	// full key, as a pulumi.RunOption can see it: a Context lists no keys.
	Program func(ctx *pulumi.Context, config map[string]string) error
	// Root is the folder that holds Pulumi.yaml.
	Root string
	// Stack is the stack's name. Its configuration is Pulumi.<Stack>.yaml in
	// Root unless ConfigFile is set.
	Stack string
	// ConfigFile is another stack configuration file to read.
	ConfigFile string
	// Config overrides configuration values by key. A key without a namespace
	// is the project's. The empty string unsets a value, so that its default
	// counts. Lists and objects are JSON.
	Config map[string]string
	// Accounts are the accounts that explicit providers work in, by name. Others
	// work in AccountID.
	Accounts map[string]string
	// Password makes the passwords that the program asks AWS for, each of a number
	// of letters and digits. Without it each is FakePassword.
	Password func(length int) string
	// Existing are properties, by ID, of resources that the program reads and does not
	// make, beside those that all of their kind have.
	Existing map[string]map[string]any
	// Missing are the IDs of what the program reads and is not there.
	Missing []string
	// DryRun evaluates as a preview of a stack that does not exist yet does:
	// computed properties are unknown, and inputs made of them are left out.
	DryRun bool
	// RevealSecrets puts secret values into the document in plain text. Without
	// it they read {"secret":true}.
	RevealSecrets bool
}

// Evaluate runs the program and returns the resources it registered, sorted by
// type and name, and its outputs. Every run of the same program with the same
// options returns the same document.
func Evaluate(opts Options) (*plan.Document, error) {
	root, err := filepath.Abs(opts.Root)
	if err != nil {
		return nil, fmt.Errorf("evaluating stack %s: %w", opts.Stack, err)
	}
	opts.Root = root
	cfg, err := loadConfig(opts)
	if err != nil {
		return nil, fmt.Errorf("evaluating stack %s: %w", opts.Stack, err)
	}
	m := newMonitor(cfg, opts)
	var exports pulumi.Output
	run := func(ctx *pulumi.Context) error {
		if err := opts.Program(ctx, cfg.values); err != nil {
			return err
		}
		exports = pulumi.ToOutput(pulumi.Map(ctx.GetCurrentExportMap()))
		return nil
	}
	err = pulumi.RunErr(run, pulumi.WithMocks(cfg.project, opts.Stack, m), func(info *pulumi.RunInfo) {
		info.Config, info.ConfigSecretKeys = cfg.values, cfg.secrets
		info.RootDirectory, info.DryRun = root, opts.DryRun
	})
	if err != nil {
		return nil, fmt.Errorf("evaluating stack %s: %w", opts.Stack, err)
	}
	outputs, err := m.await(exports)
	if err != nil {
		return nil, fmt.Errorf("evaluating stack %s: outputs: %w", opts.Stack, err)
	}
	return &plan.Document{Resources: m.sorted(), Outputs: outputs}, nil
}

// await returns the program's outputs as plain values, after the run.
func (m *monitor) await(exports pulumi.Output) (map[string]any, error) {
	if exports == nil {
		return nil, errors.New("the program ended before exporting any")
	}
	all, err := internals.UnsafeAwaitOutput(context.Background(), exports)
	if err != nil {
		return nil, err
	}
	if !all.Known {
		return map[string]any{}, nil
	}
	values, ok := all.Value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("unexpected type %T", all.Value)
	}
	if all.Secret && !m.opts.RevealSecrets {
		return nil, errors.New("a secret is among them: they are read by applications and must be plain")
	}
	return viaJSON(values)
}

// sorted returns the recorded resources by type and name.
func (m *monitor) sorted() []plan.Resource {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]plan.Resource, 0, len(m.resources))
	for _, r := range m.resources {
		all = append(all, r)
	}
	sort.Slice(all, func(i, j int) bool {
		if all[i].Type != all[j].Type {
			return all[i].Type < all[j].Type
		}
		return all[i].Name < all[j].Name
	})
	return all
}
