package local

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")
	startLine  = regexp.MustCompile(`(?m)^    go run \./infra/cmd/local (.*)$`)
)

// TestThePageAboutPresignedURLsDoesWhatItSays runs its commands, as somebody would who follows it.
func TestThePageAboutPresignedURLsDoesWhatItSays(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../stack/migrating.md")
	require.NoError(t, err)
	home := t.TempDir()
	args, err := exec.Command("bash", "-c", "printf '%s\\n' "+startLine.FindStringSubmatch(string(page))[1]).Output()
	require.NoError(t, err)
	startProgram(t, filepath.Join(home, "build", "local"), strings.Split(strings.TrimSpace(string(args)), "\n")...)

	links := filepath.Join(home, "links-command")
	out, err := exec.Command("go", "build", "-o", links, "../../function/cmd/links").CombinedOutput()
	require.NoError(t, err, string(out))
	// The repository's own state folder may be in use, so the commands that it is for are put in their place here.
	script := strings.NewReplacer("PROGRAM", program, "LINKS", links).Replace(`set -euo pipefail
make() { test "$*" = "-s env"; PROGRAM --root . --env; }
go() { test "$1 $2" = "run ./function/cmd/links"; shift 2; LINKS "$@"; }
`)
	blocks := shellBlock.FindAllStringSubmatch(string(page), -1)
	require.Len(t, blocks, 5)
	for _, block := range blocks {
		script += block[1]
	}
	cmd := exec.Command("bash", "-c", script+"echo all done\n")
	cmd.Dir = home
	python, err := filepath.Abs("../../build/python/bin")
	require.NoError(t, err)
	cmd.Env = []string{"PATH=" + python + ":" + os.Getenv("PATH"), "HOME=" + home}
	var said, wrong bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &wrong
	assert.NoError(t, cmd.Run(), "%s\n%s", said.String(), wrong.String())
	assert.True(t, strings.HasSuffix(said.String(), "all done\n"))
	assert.Equal(t, 3, strings.Count(said.String(), "photo 1\n"), said.String())
}
