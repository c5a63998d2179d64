package local

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhatCannotStartSaysWhyInOneSentence(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	elsewhere := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(elsewhere, "go.mod"), []byte("module elsewhere\n"), 0o644))
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	inUse := t.TempDir()
	lock, err := os.Create(filepath.Join(inUse, "lock"))
	require.NoError(t, err)
	defer lock.Close()
	require.NoError(t, syscall.Flock(int(lock.Fd()), syscall.LOCK_EX))
	goOnly := t.TempDir()
	goTool, err := exec.LookPath("go")
	require.NoError(t, err)
	require.NoError(t, os.Symlink(goTool, filepath.Join(goOnly, "go")))
	for _, tt := range []struct {
		name string
		cwd  string
		path string
		args []string
		want []string
	}{
		{name: "a port in use", args: []string{"--port", strconv.Itoa(taken.Addr().(*net.TCPAddr).Port)},
			want: []string{"port", "is in use: choose another with PORT="}},
		{name: "a port in use, before anything is built", path: elsewhere,
			args: []string{"--port", strconv.Itoa(taken.Addr().(*net.TCPAddr).Port)},
			want: []string{"is in use: choose another with PORT="}},
		{name: "a port that is none", args: []string{"--port", "99999"},
			want: []string{"port 99999 cannot be had: choose another with PORT="}},
		{name: "a missing engine", cwd: elsewhere, want: []string{"dynoxide is not installed: run `make tools`"}},
		{name: "a missing Python", path: goOnly, want: []string{"python3 is not installed"}},
		{name: "a missing Go", path: elsewhere, want: []string{"the go command was not found"}},
		{name: "a broken value", args: []string{"--config", "delivery=pigeon"},
			want: []string{"delivery", "pigeon", "origin"}},
		{name: "several broken values", args: []string{"--config", "delivery=pigeon", "--config", "priceClass=cheap"},
			want: []string{"pigeon", "; config priceClass"}},
		{name: "a key that does not exist", args: []string{"--config", "delivrey=origin"}, want: []string{"delivrey"}},
		{name: "an override without a value", args: []string{"--config", "delivery"}, want: []string{"--config"}},
		{name: "a stack that does not exist", args: []string{"--stack", "nowhere"}, want: []string{"nowhere"}},
		{name: "state in use", args: []string{"--dir", inUse}, want: []string{"in use by another run"}},
		{name: "state in use, to be deleted", args: []string{"--dir", inUse, "--clean"},
			want: []string{"in use by another run"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cmd := command(append([]string{"--port", "0", "--root", root, "--dir", t.TempDir()}, tt.args...)...)
			cmd.Dir = tt.cwd
			if tt.path != "" {
				cmd.Env = append(cmd.Env, "PATH="+tt.path)
			}
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			require.Error(t, err)
			assert.Equal(t, 1, cmd.ProcessState.ExitCode())
			for _, want := range tt.want {
				assert.Contains(t, stderr.String(), want)
			}
			assert.Equal(t, 1, strings.Count(stderr.String(), "\n"), "one sentence: %s", stderr.String())
			assert.NotContains(t, string(out), "ready:")
		})
	}
}
