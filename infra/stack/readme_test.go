package stack_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/plan/recorder"
)

func readme(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	return string(data)
}

// rows returns the cells of the README's tables by their first cell.
func rows(t *testing.T) map[string][]string {
	found := map[string][]string{}
	for line := range strings.Lines(readme(t)) {
		if cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|"); len(cells) > 1 {
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			found[cells[0]] = cells
		}
	}
	return found
}

func TestTheReadmeDescribesEveryConfigurationKey(t *testing.T) {
	keys, err := recorder.Declared("../..")
	require.NoError(t, err)
	table := rows(t)
	for _, key := range keys {
		name := "`" + key.Name + "`"
		if key.Secret {
			name += " (secret)"
		}
		if assert.Contains(t, table, name) {
			assert.Equal(t, key.Description, table[name][2], key.Name)
		}
		if key.Type == "integer" || key.Type == "boolean" || key.Type == "string" {
			assert.Equal(t, key.Default, table[name][1], "default of %s", key.Name)
		}
	}
}

func TestTheReadmeSaysWhatToDoForEveryAlarm(t *testing.T) {
	table := rows(t)
	for _, alarm := range planOf(t, "everything", nil).ByType("aws:cloudwatch/metricAlarm:MetricAlarm") {
		name, _, _ := strings.Cut(alarm.Name, "-")
		why, what, ok := strings.Cut(alarm.Inputs["alarmDescription"].(string), " What to do: ")
		require.True(t, ok, alarm.Name)
		if assert.Contains(t, table, name) {
			assert.Equal(t, []string{why, what}, table[name][2:], name)
		}
	}
}

func TestTheReadmeNamesEveryTargetOfTheMakefile(t *testing.T) {
	text := readme(t)
	makefile, err := os.ReadFile("../../Makefile")
	require.NoError(t, err)
	for _, target := range []string{"run", "test", "plan", "preview", "up", "outputs", "destroy", "sweep", "smoke", "bench", "load", "lint", "golden", "link-key", "rotate-key"} {
		assert.Contains(t, text, "make "+target)
		assert.Regexp(t, `(?m)^([a-z -]+ )?`+target+`( [a-z -]+)?:`, string(makefile))
	}
}
