package bundle

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const root = "../.."

// maxEdgeZip is our own bound, far below Lambda@Edge's 50 MB: what is smaller
// loads faster at each of the many places where it starts cold.
const maxEdgeZip = 3_500_000

func TestTheEdgeBundleIsWhatLambdaAtEdgeTakes(t *testing.T) {
	path, err := Edge.Build(root)
	require.NoError(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.LessOrEqual(t, info.Size(), int64(maxEdgeZip))
	t.Logf("edge zip: %d bytes", info.Size())

	files := open(t, path)
	require.Len(t, files, 2)
	assert.Equal(t, "edge", files[0].Name)
	assert.Equal(t, fs.FileMode(0o755), files[0].Mode(), "the launcher must be able to start it")
	assert.Equal(t, "launcher.py", files[1].Name)
	assert.Equal(t, fs.FileMode(0o644), files[1].Mode())
	for _, f := range files {
		assert.True(t, f.Modified.Equal(epoch), "%s has no time of its own", f.Name)
	}
	assert.Equal(t, launcher, read(t, files[1]))
	assertStatic(t, read(t, files[0]), elf.EM_X86_64)
}

func TestTheIssuerBundleIsWhatTheOSOnlyRuntimeTakes(t *testing.T) {
	path, err := Issuer.Build(root)
	require.NoError(t, err)
	files := open(t, path)
	require.Len(t, files, 1)
	assert.Equal(t, "bootstrap", files[0].Name)
	assert.Equal(t, fs.FileMode(0o755), files[0].Mode())
	assertStatic(t, read(t, files[0]), elf.EM_AARCH64)
}

// assertStatic checks for a Linux program that needs no other file to run: the
// managed runtime's libraries are not to be relied upon.
func assertStatic(t *testing.T, program []byte, machine elf.Machine) {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(program))
	require.NoError(t, err)
	defer f.Close()
	assert.Equal(t, machine, f.Machine)
	assert.Equal(t, elf.ELFCLASS64, f.Class)
	assert.Equal(t, elf.ET_EXEC, f.Type)
	for _, p := range f.Progs {
		assert.NotEqual(t, elf.PT_INTERP, p.Type, "it asks for a dynamic linker")
	}
	libraries, err := f.ImportedLibraries()
	require.NoError(t, err)
	assert.Empty(t, libraries)
}

func TestTheSameSourceIsTheSameBytesWhereverAndWhenever(t *testing.T) {
	path := must(Edge.Build(root))
	first, err := os.ReadFile(path)
	require.NoError(t, err)
	_, firstBill := billOf(t, path)

	// Another folder, another umask-like mode, another time, other settings.
	copied := filepath.Join(t.TempDir(), "elsewhere")
	copySource(t, copied)
	t.Setenv("GOFLAGS", "-tags=other")
	t.Setenv("GOAMD64", "v3")
	t.Setenv("TZ", "Pacific/Auckland")
	path = must(Edge.Build(copied))
	second, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(first, second), "%d bytes and %d bytes differ", len(first), len(second))
	_, secondBill := billOf(t, path)
	assert.Equal(t, string(firstBill), string(secondBill))
}

// copySource copies what the edge bundle is built from.
func copySource(t *testing.T, to string) {
	t.Helper()
	for _, name := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(to, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(to, name), data, 0o644))
	}
	require.NoError(t, os.CopyFS(filepath.Join(to, "function"), os.DirFS(filepath.Join(root, "function"))))
	old := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	require.NoError(t, os.Chtimes(filepath.Join(to, "function", "cmd", "edge", "main.go"), old, old))
}

func TestABundleThatIsCurrentIsNotWrittenAgain(t *testing.T) {
	path := must(Edge.Build(root))
	before, err := os.Stat(path)
	require.NoError(t, err)
	must(Edge.Build(root))
	after, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, before.ModTime(), after.ModTime())
	leftovers, err := filepath.Glob(path + ".*")
	require.NoError(t, err)
	assert.Empty(t, leftovers)
}

func TestAZipThatDiffersInAnythingIsWrittenAnew(t *testing.T) {
	files := []file{{name: "bootstrap", mode: 0o755, data: []byte("program")}, {name: "beside", mode: 0o644}}
	packed, err := pack(files)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "x.zip")
	require.NoError(t, os.WriteFile(path, packed, 0o600))
	assert.True(t, holds(path, files))
	for name, change := range map[string]func(now []file) []file{
		"a byte":         func(now []file) []file { now[0].data = []byte("pr0gram"); return now },
		"a byte more":    func(now []file) []file { now[1].data = []byte("x"); return now },
		"a mode":         func(now []file) []file { now[0].mode = 0o644; return now },
		"a name":         func(now []file) []file { now[1].name = "other"; return now },
		"the order":      func(now []file) []file { slices.Reverse(now); return now },
		"one file more":  func(now []file) []file { return append(now, file{name: "more", mode: 0o644}) },
		"one file fewer": func(now []file) []file { return now[:1] },
	} {
		assert.False(t, holds(path, change(slices.Clone(files))), name)
	}
	require.NoError(t, os.WriteFile(path, packed[:len(packed)-10], 0o600))
	assert.False(t, holds(path, files), "a zip cut short")
	assert.False(t, holds(path+".gone", files))
}

func TestAFailedBuildSaysWhyAndLeavesTheOldBundle(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module x\n\ngo 1.26\n"), 0o644))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "function", "cmd", "edge"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "function", "cmd", "edge", "main.go"),
		[]byte("package main\nfunc main() { broken }\n"), 0o644))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "build"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "build", "edge.zip"), []byte("old"), 0o644))
	_, err := Edge.Build(dir)
	require.Error(t, err)
	assert.Contains(t, err.Error(), "undefined: broken")
	old, err := os.ReadFile(filepath.Join(dir, "build", "edge.zip"))
	require.NoError(t, err)
	assert.Equal(t, "old", string(old))

	t.Setenv("PATH", t.TempDir())
	_, err = Edge.Build(dir)
	assert.ErrorContains(t, err, "install Go")
}

func TestTheLauncherHandsTheProcessOver(t *testing.T) {
	// A program in the binary's place that says which process it is and what
	// files it has open.
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "launcher.py"), launcher, 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "edge"),
		[]byte("#!/bin/sh\necho pid $$ args $0 $#\nls /proc/self/fd | wc -l\n"), 0o755))
	cmd := exec.Command("python3", "-c",
		"import os; f = os.dup(1); os.set_inheritable(f, True); import launcher; print('still Python')")
	cmd.Dir = dir
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Run(), out.String())
	assert.Contains(t, out.String(), "args "+filepath.Join(dir, "edge")+" 0")
	assert.NotContains(t, out.String(), "still Python")
	assert.Contains(t, out.String(), "\n4\n", "stdin, stdout, stderr and ls's own; nothing inherited")
}

func open(t *testing.T, path string) []*zip.File {
	t.Helper()
	r, err := zip.OpenReader(path)
	require.NoError(t, err)
	t.Cleanup(func() { r.Close() })
	return r.File
}

func read(t *testing.T, f *zip.File) []byte {
	t.Helper()
	r, err := f.Open()
	require.NoError(t, err)
	defer r.Close()
	data, err := io.ReadAll(r)
	require.NoError(t, err)
	return data
}

func must(path string, err error) string {
	if err != nil {
		panic(err)
	}
	return path
}
