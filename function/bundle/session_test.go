package bundle

import (
	"debug/elf"
	"io/fs"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// maxSessionZip is our own bound: what is smaller starts faster.
const maxSessionZip = 3_500_000

func TestTheSessionBundleIsWhatTheOSOnlyRuntimeTakes(t *testing.T) {
	path, err := Session.Build(root)
	require.NoError(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.LessOrEqual(t, info.Size(), int64(maxSessionZip))
	t.Logf("session zip: %d bytes", info.Size())
	files := open(t, path)
	require.Len(t, files, 1)
	assert.Equal(t, "bootstrap", files[0].Name)
	assert.Equal(t, fs.FileMode(0o755), files[0].Mode())
	assertStatic(t, read(t, files[0]), elf.EM_AARCH64)
}
