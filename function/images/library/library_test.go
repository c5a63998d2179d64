package library

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const root = "../../.."

func TestBothProcessorsHaveTheLibraryWithItsNotice(t *testing.T) {
	var versions []byte
	for _, arch := range []string{"amd64", "arm64"} {
		p, err := Fetch(root, arch)
		require.NoError(t, err)
		assert.Equal(t, "\x7fELF", string(p.Library[:4]))
		assert.Contains(t, string(p.Notice), "Licensing")
		if versions != nil {
			assert.Equal(t, string(versions), string(p.Versions), "both are of one build")
		}
		versions = p.Versions
	}
	_, err := Fetch(root, "riscv64")
	assert.ErrorContains(t, err, "only for amd64 and arm64")
}

// What npm would fetch is not looked at here: a folder on the PATH has a npm
// that brings something else.
func TestWhatIsNotThePinnedTarballIsRefused(t *testing.T) {
	dir, bin := t.TempDir(), t.TempDir()
	fake := "#!/bin/sh\nfor last; do :; done\nwhile [ \"$1\" != --pack-destination ]; do shift; done\n" +
		"echo evil > \"$2/img-sharp-libvips-linux-x64-1.3.4.tgz\"\n"
	require.NoError(t, os.WriteFile(filepath.Join(bin, "npm"), []byte(fake), 0o755))
	t.Setenv("PATH", bin+":/bin:/usr/bin")
	_, err := Fetch(dir, "amd64")
	assert.ErrorContains(t, err, "not what its pinned hash says")

	t.Setenv("PATH", t.TempDir())
	_, err = Fetch(t.TempDir(), "amd64")
	assert.ErrorContains(t, err, "install Node.js and npm")
}

func TestATarballThatWasDamagedIsFetchedAgain(t *testing.T) {
	dir := t.TempDir()
	cache := filepath.Join(dir, "build", "npm-libvips")
	require.NoError(t, os.MkdirAll(cache, 0o755))
	path := filepath.Join(cache, "img-sharp-libvips-linux-arm64-1.3.4.tgz")
	require.NoError(t, os.WriteFile(path, []byte("half"), 0o644))
	_, err := Fetch(dir, "arm64")
	require.NoError(t, err)
	leftovers, err := filepath.Glob(filepath.Join(cache, "pack*"))
	require.NoError(t, err)
	assert.Empty(t, leftovers)
}

func TestTheLibraryForTestsIsTheOneThatShips(t *testing.T) {
	path, err := Install(root)
	require.NoError(t, err)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	p, err := Fetch(root, runtime.GOARCH)
	require.NoError(t, err)
	assert.Equal(t, p.Library, data)
}
