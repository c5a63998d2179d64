package account

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// workflow is what the rules below read of a GitHub workflow.
type workflow struct {
	Permissions map[string]string
	Concurrency any
	Jobs        map[string]struct {
		Environment string
		Permissions map[string]string
		Concurrency struct {
			Group            string
			CancelInProgress bool `yaml:"cancel-in-progress"`
		}
		Strategy struct{ Matrix struct{ Stack []string } }
		Steps    []struct {
			Uses string
			With map[string]string
		}
	}
}

func workflows(t *testing.T) (parsed map[string]workflow, text map[string]string) {
	t.Helper()
	files, err := filepath.Glob("../../../.github/workflows/*.yml")
	require.NoError(t, err)
	require.Len(t, files, 3)
	parsed, text = map[string]workflow{}, map[string]string{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		var w workflow
		require.NoError(t, yaml.Unmarshal(data, &w))
		name := strings.TrimSuffix(filepath.Base(file), ".yml")
		parsed[name], text[name] = w, string(data)
	}
	return parsed, text
}

func TestWorkflowsReadTheVariablesThatTheCommandsSet(t *testing.T) {
	commands := deployed(t, nil).Outputs["commands"].(string)
	set := regexp.MustCompile(`gh variable set (\S+) .* --env (\S+) `).FindAllStringSubmatch(commands, -1)
	known := map[string]bool{} // variable in environment
	var names []string
	for _, m := range set {
		known[m[1]+" in "+m[2]] = true
		names = append(names, m[1])
	}
	parsed, text := workflows(t)
	var read []string
	for _, body := range text {
		for _, m := range regexp.MustCompile(`vars\.([A-Z_]+)`).FindAllStringSubmatch(body, -1) {
			read = append(read, m[1])
		}
	}
	assert.Subset(t, names, read)
	assert.Subset(t, read, names, "a variable that is set is read")
	for file, w := range parsed {
		for job, j := range w.Jobs {
			if j.Permissions["id-token"] == "" {
				assert.Empty(t, j.Environment, "%s %s", file, job)
				continue
			}
			environments := []string{j.Environment}
			if stacks := j.Strategy.Matrix.Stack; len(stacks) > 0 {
				environments = nil
				for _, stack := range stacks {
					environments = append(environments, strings.ReplaceAll(j.Environment, "${{ matrix.stack }}", stack))
				}
			}
			for _, environment := range environments {
				for _, name := range names {
					assert.True(
						t, known[name+" in "+environment], "%s of job %s is not set in %q", name, job, environment,
					)
				}
			}
		}
	}
}

func TestDeploymentsQueueForEachEnvironmentAndAreNeverCutOff(t *testing.T) {
	parsed, _ := workflows(t)
	for name, w := range parsed {
		assert.Nil(t, w.Concurrency, "%s: a workflow's group is held while a job waits for approval", name)
	}
	for _, environment := range []string{"dev", "prod"} {
		job := parsed["deploy"].Jobs[environment]
		assert.Equal(t, environment, job.Environment)
		assert.Equal(t, "deploy-"+environment, job.Concurrency.Group)
		assert.False(t, job.Concurrency.CancelInProgress)
	}
}

func TestWorkflowsRunWhatIsPinned(t *testing.T) {
	module, err := os.ReadFile("../../../go.mod")
	require.NoError(t, err)
	sdk := regexp.MustCompile(`pulumi/sdk/v3 v(\S+)`).FindSubmatch(module)
	require.NotNil(t, sdk)
	parsed, _ := workflows(t)
	runs := 0
	for file, w := range parsed {
		assert.Equal(t, map[string]string{"contents": "read"}, w.Permissions, file)
		for job, j := range w.Jobs {
			for _, step := range j.Steps {
				if step.Uses == "" {
					continue
				}
				assert.Regexp(t, `@[0-9a-f]{40}$`, step.Uses, "%s %s", file, job)
				if strings.HasPrefix(step.Uses, "pulumi/actions@") {
					runs++
					assert.Equal(
						t, string(sdk[1]), step.With["pulumi-version"], "the command line is of the SDK's version",
					)
				}
			}
		}
	}
	assert.Equal(t, 3, runs)
}
