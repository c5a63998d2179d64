package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/link"
)

// pulumi stands for the command line: it keeps each value in a file, and writes
// down how it was called.
const pulumi = `#!/bin/sh
echo "$@" >> "$STATE/calls"
[ "$4" = "--stack" ] || [ "$5" = "--stack" ] || exit 9
case "$2" in
get) cat "$STATE/$3" 2>/dev/null || { echo "error: configuration key '$3' not found for stack 'dev'" >&2; exit 255; } ;;
set) [ -e "$STATE/full" ] && [ "$4" = linkKey ] && { echo "error: no space" >&2; exit 1; }; cat > "$STATE/$4" ;;
esac
`

// state puts the stand-in on the path and returns where it keeps its values.
func state(t *testing.T) string {
	t.Helper()
	bin, dir := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(bin, "pulumi"), []byte(pulumi), 0o755))
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("STATE", dir)
	return dir
}

func value(t *testing.T, dir, key string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, key))
	require.NoError(t, err)
	return string(data)
}

func TestAKeyIsMadeOnceAndRotated(t *testing.T) {
	dir, c := state(t), config{stack: "dev"}
	var out strings.Builder
	assert.ErrorContains(t, run(c, true, &out), "make link-key STACK=dev", "there is nothing to rotate")
	require.NoError(t, run(c, false, &out))
	first := value(t, dir, "linkKey")
	assert.True(t, strings.HasPrefix(first, "1:"))
	assert.ErrorContains(t, run(c, false, &out), "make rotate-key STACK=dev", "a key is not lost by mistake")
	assert.Equal(t, first, value(t, dir, "linkKey"))

	require.NoError(t, run(c, true, &out))
	assert.Equal(t, first, value(t, dir, "previousLinkKey"))
	second := value(t, dir, "linkKey")
	assert.True(t, strings.HasPrefix(second, "2:"))
	_, err := link.NewKeys(second, first)
	assert.NoError(t, err, "the issuer and the gate take the pair")

	for _, secret := range []string{first, second} {
		assert.NotContains(t, out.String(), secret[2:], "a key is not printed")
		assert.NotContains(t, value(t, dir, "calls"), secret[2:], "nor given where other users of the machine see it")
	}
}

func TestARotationThatFailsHalfWayIsHealedByTheNext(t *testing.T) {
	dir, c := state(t), config{stack: "dev"}
	var out strings.Builder
	require.NoError(t, run(c, false, &out))
	first := value(t, dir, "linkKey")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "full"), nil, 0o644))
	assert.ErrorContains(t, run(c, true, &out), "no space")
	assert.Equal(t, first, value(t, dir, "linkKey"))
	require.NoError(t, os.Remove(filepath.Join(dir, "full")))
	require.NoError(t, run(c, true, &out))
	assert.Equal(t, first, value(t, dir, "previousLinkKey"))
}

func TestWithoutPulumiItSaysWhatToInstall(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	assert.ErrorContains(t, run(config{stack: "dev"}, false, &strings.Builder{}), "pulumi.com/docs/install")
}
