package stack_test

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/plan"
	"secure-media-cdn/infra/plan/recorder"
	"secure-media-cdn/infra/stack"
)

const root = "../.."

// config overrides configuration values.
type config = map[string]string

// evaluate returns what the program registers for a stack, or its error. The
// stacks everything and existing are those in testdata.
func evaluate(name string, overrides config, options ...func(*recorder.Options)) (*plan.Document, error) {
	opts := recorder.Options{Program: stack.Deploy, Root: root, Stack: name, Config: overrides}
	if name == "everything" || name == "existing" {
		opts.ConfigFile = "testdata/Pulumi." + name + ".yaml"
	}
	for _, set := range options {
		set(&opts)
	}
	return recorder.Evaluate(opts)
}

// configured is a configuration, and what the error says of it; empty if it is valid.
type configured struct {
	name   string
	config config
	want   string
}

// configures checks what the dev stack says of configurations.
func configures(t *testing.T, all []configured) {
	t.Helper()
	for _, tt := range all {
		t.Run(tt.name, func(t *testing.T) {
			_, err := evaluate("dev", tt.config)
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.want)
			assert.NotContains(t, err.Error(), "%!", "every verb of the sentence has its value")
		})
	}
}

// stacks are the three that every rule is checked on. The fourth, existing, has no
// bucket of its own.
var stacks = []string{"dev", "prod", "everything"}

var memo sync.Map // documents by stack and overrides

// planOf is evaluate for a configuration that must be valid. Documents are shared
// between tests and must not be changed.
func planOf(t *testing.T, name string, overrides config) *plan.Document {
	t.Helper()
	keys := make([]string, 0, len(overrides))
	for key, value := range overrides {
		keys = append(keys, key+"="+value)
	}
	sort.Strings(keys)
	id := name + " " + strings.Join(keys, " ")
	if doc, ok := memo.Load(id); ok {
		return doc.(*plan.Document)
	}
	doc, err := evaluate(name, overrides)
	require.NoError(t, err)
	memo.Store(id, doc)
	return doc
}

// everyStack runs test on the plan of each stack, and of variants that change
// what may be registered.
func everyStack(t *testing.T, test func(t *testing.T, doc *plan.Document)) {
	t.Helper()
	for _, name := range stacks {
		t.Run(name, func(t *testing.T) { test(t, planOf(t, name, nil)) })
	}
	t.Run("everything with redirect", func(t *testing.T) {
		test(t,
			planOf(t, "everything", config{"delivery": "redirect"}))
	})
	t.Run("dev without an Origin Shield", func(t *testing.T) {
		test(t,
			planOf(t, "dev", config{"originShieldRegion": ""}))
	})
	t.Run("dev with variants", func(t *testing.T) { test(t, planOf(t, "dev", pictured)) })
	t.Run("dev with a provider", func(t *testing.T) { test(t, planOf(t, "dev", identified)) })
	t.Run("dev at home in us-east-1", func(t *testing.T) { test(t, planOf(t, "dev", config{"aws:region": "us-east-1"})) })
}

// find returns the resource of the given type, by the type's last part, and
// name.
func find(t *testing.T, doc *plan.Document, kind, name string) plan.Resource {
	t.Helper()
	for _, r := range kinds(doc, kind) {
		if r.Name == name {
			return r
		}
	}
	require.Failf(t, "not registered", "%s %q", kind, name)
	return plan.Resource{}
}

// kinds returns all resources whose type token ends in the given type.
func kinds(doc *plan.Document, kind string) []plan.Resource {
	var found []plan.Resource
	for _, r := range doc.Resources {
		if strings.HasSuffix(r.Type, ":"+kind) {
			found = append(found, r)
		}
	}
	return found
}

// at returns the value at a path such as "origins[0].domainName", or nil if
// there is none.
func at(value any, path string) any {
	for _, step := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		switch v := value.(type) {
		case map[string]any:
			value = v[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(v) {
				return nil
			}
			value = v[i]
		default:
			return nil
		}
	}
	return value
}

// walk calls visit with every value inside v and its path.
func walk(path string, v any, visit func(path string, v any)) {
	visit(path, v)
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			walk(path+"."+key, value, visit)
		}
	case []any:
		for i, value := range v {
			walk(fmt.Sprintf("%s[%d]", path, i), value, visit)
		}
	}
}
