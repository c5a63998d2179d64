package lambda_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/local/lambda"
)

const launcher = `import os
root = os.environ["LAMBDA_TASK_ROOT"]
os.execv(os.path.join(root, "edge"), ["edge"])
`

func python(t *testing.T, launcher string) *lambda.Function {
	t.Helper()
	return start(t, func(c *lambda.Config) {
		c.Bundle = writeZip(t, file{"edge", "self", 0o755}, file{"launcher.py", launcher, 0o644})
		c.Runtime, c.Handler = lambda.Python, "launcher.handler"
	})
}

func TestThePythonLauncherBecomesTheFunction(t *testing.T) {
	t.Parallel()
	f := python(t, launcher)
	got, err := invoke(f, request{Do: "environ", Value: "hello"})
	require.NoError(t, err)
	assert.Equal(t, "hello", got.Value)
	assert.Contains(t, got.Env, "AWS_EXECUTION_ENV=AWS_Lambda_python3.13")
	assert.Contains(t, got.Env, "_HANDLER=launcher.handler")
	require.NoError(t, f.Close())
	assert.False(t, running(got.PID))
}

func TestALauncherThatFailsIsReported(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ launcher, wantType, wantMessage string }{
		"an exception":             {"raise ValueError('no binary')", "ValueError", "no binary"},
		"a module that is missing": {"import nothing_of_that_name", "Runtime.ImportModuleError", "nothing_of_that_name"},
		"a syntax error":           {"import", "Runtime.UserCodeSyntaxError", "launcher"},
		"no exec":                  {"handler = print", "Runtime.ProcessNotReplaced", "did not replace its process"},
		"an exit":                  {"import os; os._exit(4)", "Runtime.ExitError", "exit status 4"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := invoke(python(t, tt.launcher), request{})
			var failure *lambda.Error
			require.ErrorAs(t, err, &failure)
			assert.Equal(t, tt.wantType, failure.Type)
			assert.Contains(t, failure.Message, tt.wantMessage)
		})
	}
}

func TestABundleWhoseProgramLostItsModeFailsAsInAWS(t *testing.T) {
	t.Parallel()
	f := start(t, func(c *lambda.Config) { c.Bundle = writeZip(t, file{"bootstrap", "self", 0o666}) })
	_, err := invoke(f, request{})
	require.ErrorContains(t, err, "permission denied")
}

func TestWhatCannotBeRunIsRefused(t *testing.T) {
	t.Parallel()
	good := writeZip(t, file{"bootstrap", "#!/bin/sh\n", 0o755})
	for name, tt := range map[string]struct {
		change func(*lambda.Config)
		want   string
	}{
		"a runtime that is not implemented": {func(c *lambda.Config) { c.Runtime = "nodejs22.x" },
			`runtime "nodejs22.x" is not implemented`},
		"a bundle that is not there": {func(c *lambda.Config) { c.Bundle = "missing.zip" },
			"opening bundle missing.zip"},
		"a variable that is Lambda's": {func(c *lambda.Config) { c.Environment = map[string]string{"AWS_REGION": "x"} },
			"environment variable AWS_REGION is Lambda's own"},
		"no environments": {func(c *lambda.Config) { c.Concurrency = 0 }, "must be positive"},
		"no time":         {func(c *lambda.Config) { c.Timeout = 0 }, "must be positive"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config(good)
			tt.change(&cfg)
			_, err := lambda.New(cfg)
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestABundleCannotWriteOutsideItsFolder(t *testing.T) {
	for name, f := range map[string]file{
		"a parent folder":  {"../evil", "x", 0o644},
		"an inner detour":  {"a/../../evil", "x", 0o644},
		"an absolute path": {"/tmp/lambda-evil", "x", 0o644},
		"a symbolic link":  {"link", "/etc", os.ModeSymlink | 0o777},
		"a named pipe":     {"pipe", "", os.ModeNamedPipe | 0o644},
	} {
		t.Run(name, func(t *testing.T) {
			tmp := t.TempDir()
			t.Setenv("TMPDIR", tmp)
			_, err := lambda.New(config(writeZip(t, f)))
			require.ErrorContains(t, err, "unzipping")
			left, err := filepath.Glob(filepath.Join(tmp, "*"))
			require.NoError(t, err)
			assert.Empty(t, left, "nothing is left behind")
		})
	}
	_, err := lambda.New(config(writeZip(t, file{"bootstrap", "x", 0o755}, file{"bootstrap", "y", 0o755})))
	require.ErrorContains(t, err, "exists", "a name that comes twice")
}

func TestFoldersInABundleAreKept(t *testing.T) {
	t.Parallel()
	f := start(t, func(c *lambda.Config) {
		c.Bundle = writeZip(t, file{"bin/", "", os.ModeDir | 0o755}, file{"bin/edge", "self", 0o755},
			file{"launcher/start.py", launcher2, 0o644})
		c.Runtime, c.Handler = lambda.Python, "launcher/start.handler"
	})
	_, err := invoke(f, request{})
	require.NoError(t, err)
}

const launcher2 = `import os
os.execv(os.path.join(os.environ["LAMBDA_TASK_ROOT"], "bin", "edge"), ["edge"])
`
