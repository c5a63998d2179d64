package resources

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/plan"
)

// goldens are the plans of all stacks, as they are printed.
func goldens(t *testing.T) map[string]*plan.Document {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", "..", "stack", "testdata", "*.golden.json"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(paths), 3)
	docs := map[string]*plan.Document{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		var d plan.Document
		require.NoError(t, json.Unmarshal(data, &d))
		docs[strings.TrimSuffix(filepath.Base(path), ".golden.json")] = &d
	}
	return docs
}

func TestEveryPropertyOfEveryStackIsSupportedOrListed(t *testing.T) {
	for name, d := range goldens(t) {
		t.Run(name, func(t *testing.T) {
			reasons, err := check(d)
			require.NoError(t, err)
			assert.Contains(t, reasons, noRoles)
			assert.Contains(t, reasons, noAlarms)
			assert.IsIncreasing(t, reasons, "each reason once, in order")
		})
	}
}

func TestWhatNobodyDecidedUponStopsTheStart(t *testing.T) {
	d := goldens(t)["everything"]
	d.Resources = append(d.Resources, plan.Resource{Type: "aws:batch/jobQueue:JobQueue", Name: "jobs"})
	for i, r := range d.Resources {
		if r.Type == typeTable {
			d.Resources[i].Inputs["globalSecondaryIndexes"] = []any{}
		}
	}
	_, err := check(d)
	assert.ErrorContains(t, err, "aws:batch/jobQueue:JobQueue jobs is not implemented")
	assert.ErrorContains(t, err, "aws:dynamodb/table:Table mappings: property globalSecondaryIndexes is not implemented",
		"all problems at once")
}

// Below the top level the structs that the inputs are read into decide: each
// object inside the inputs of a resource that is made real gets a property that
// nobody knows, one at a time, and each must be noticed.
func TestAnUnknownPropertyInsideAPropertyIsNoticed(t *testing.T) {
	ctx := context.Background()
	read := map[string]func(m *Stack, r plan.Resource) error{
		typeTable:    func(_ *Stack, r plan.Resource) error { return makeTable(ctx, nil, r) },
		typeCORS:     func(_ *Stack, r plan.Resource) error { return makeCORS(ctx, nil, new(string), r) },
		typeFunction: func(m *Stack, r plan.Resource) error { _, err := m.newFunction(r, false); return err },
		typeNotification: func(m *Stack, _ plan.Resource) error {
			_, err := m.rulesFor(map[string]any{})
			return err
		},
	}
	read[typeReader] = func(m *Stack, r plan.Resource) error { _, _, err := m.newReader(r); return err }
	tried := 0
	for i, r := range goldens(t)["everything"].Resources {
		if read[r.Type] == nil {
			continue
		}
		for n := range len(objects(r.Inputs, "")) {
			d := goldens(t)["everything"]
			changed := d.Resources[i]
			inside := objects(changed.Inputs, "")[n]
			if _, not := kinds[r.Type].not[strings.FieldsFunc(inside.path,
				func(c rune) bool { return c == '.' || c == '[' })[0]]; not {
				continue
			}
			if inside.path == "environment.variables" { // any name is a variable's
				continue
			}
			inside.at["surprise"] = true
			t.Run(fmt.Sprintf("%s %s %s", r.Type, r.Name, inside.path), func(t *testing.T) {
				err := read[r.Type](&Stack{o: Options{Document: d}}, changed)
				require.ErrorContains(t, err, "surprise")
				assert.ErrorContains(t, err, r.Name)
			})
			tried++
		}
	}
	assert.GreaterOrEqual(t, tried, 6,
		"attributes, ttl, corsRules, code and environment of two functions, queues, scalingConfig")
}

type object struct {
	path string
	at   map[string]any
}

// objects returns every object inside v, with its property path, in a fixed order.
func objects(v any, path string) (found []object) {
	switch v := v.(type) {
	case map[string]any:
		if path != "" {
			found = append(found, object{path, v})
		}
		for _, key := range sortedKeys(v) {
			found = append(found, objects(v[key], strings.TrimPrefix(path+"."+key, "."))...)
		}
	case []any:
		for i, inner := range v {
			found = append(found, objects(inner, fmt.Sprintf("%s[%d]", path, i))...)
		}
	}
	return found
}
