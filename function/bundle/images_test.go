package bundle

import (
	"bytes"
	"debug/elf"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// maxImagesZip is our own bound. 8.6 MB are the library, and 2.5 the program,
// most of which is TLS and HTTP. The bench's page says what less would cost.
const maxImagesZip = 11_200_000

func TestTheImagesBundleIsAProgramAndItsLibrary(t *testing.T) {
	path, err := Images.Build(root)
	require.NoError(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.LessOrEqual(t, info.Size(), int64(maxImagesZip))
	t.Logf("images zip: %d bytes", info.Size())

	var names []string
	for _, f := range open(t, path) {
		names = append(names, f.Name)
		assert.True(t, f.Modified.Equal(epoch), "%s has no time of its own", f.Name)
		want := fs.FileMode(0o644)
		if f.Name == "bootstrap" {
			want = 0o755
		}
		assert.Equal(t, want, f.Mode(), f.Name)
		switch f.Name {
		case "bootstrap":
			assert.Equal(t, elf.EM_AARCH64, machine(t, read(t, f)))
		case "lib/libvips-cpp.so.8.18.7":
			library := read(t, f)
			assert.Equal(t, elf.EM_AARCH64, machine(t, library))
			assertRunsOnAmazonLinux(t, library)
		case "licences/libvips.md":
			assert.Contains(t, string(read(t, f)), "| libvips       | LGPLv3")
		}
	}
	assert.Equal(t, []string{
		"bootstrap", "lib/libvips-cpp.so.8.18.7", "licences/libvips.md", "licences/libvips.json",
		"licences/Apache-2.0.txt", "licences/GPL-3.0.txt", "licences/Go-BSD-3-Clause.txt", "licences/LGPL-3.0.txt",
	}, names)
}

func machine(t *testing.T, program []byte) elf.Machine {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(program))
	require.NoError(t, err)
	defer f.Close()
	return f.Machine
}

// assertRunsOnAmazonLinux holds that a library asks for nothing but what Amazon
// Linux 2023 has: glibc 2.34, and the C++ library of GCC 11.
// https://docs.aws.amazon.com/linux/al2023/ug/compare-with-al2.html
func assertRunsOnAmazonLinux(t *testing.T, library []byte) {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(library))
	require.NoError(t, err)
	defer f.Close()
	needed, err := f.ImportedLibraries()
	require.NoError(t, err)
	assert.Subset(t, []string{
		"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "libresolv.so.2", "libstdc++.so.6", "libgcc_s.so.1",
		"ld-linux-aarch64.so.1", "ld-linux-x86-64.so.2",
	}, needed)
}

func TestTheImagesBundleIsTheSameBytesEveryTime(t *testing.T) {
	first, err := os.ReadFile(must(Images.Build(root)))
	require.NoError(t, err)
	copied := filepath.Join(t.TempDir(), "elsewhere")
	copySource(t, copied)
	// What npm fetched is taken along, since it is pinned.
	fetched := filepath.Join("build", "npm-libvips")
	require.NoError(t, os.CopyFS(filepath.Join(copied, fetched), os.DirFS(filepath.Join(root, fetched))))
	second, err := os.ReadFile(must(Images.Build(copied)))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(first, second))
}
