package bench

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"secure-media-cdn/function/bundle"
)

// side is one function, and how its process is started.
type side struct {
	name    string
	command []string
	dir     string // the unzipped bundle
	env     []string
	log     *os.File // what its processes print
	zip     string   // the bundle's path, for those that ship
}

// The sides, by their names in the figures.
const (
	goEdge   = "go"       // our edge zip, started as Lambda@Edge starts it
	goBinary = "goBinary" // the same binary without Python before it
	node     = "node"     // the same job in Node.js
	goNull   = "goNull"   // a Go function that answers at once
	nodeNull = "nodeNull" // a Node.js function that answers at once
	bare     = "floor"    // no function: a bare GetItem
)

// memoryMB is the default of edgeMemoryMb, by which AWS sizes Node.js's heap.
const memoryMB = 256

// importLauncher is what AWS's Python runtime client does at init.
const importLauncher = "import os, sys; sys.path.insert(0, os.environ['LAMBDA_TASK_ROOT']); import launcher"

// prepare builds all sides below build/bench of the module in root.
func prepare(root, endpoint string) (map[string]side, error) {
	build := filepath.Join(root, "build", "bench")
	edgeZip, err := bundle.EdgeForHost(root)
	if err != nil {
		return nil, err
	}
	edgeDir := filepath.Join(build, "edge")
	if err := unzip(edgeZip, edgeDir); err != nil {
		return nil, err
	}
	null := filepath.Join(build, "null")
	_, err = output(root, "go", "build", "-o", null, "-tags", "lambda.norpc", "-trimpath", "-ldflags", "-s -w",
		"./bench/cmd/null")
	if err != nil {
		return nil, err
	}
	// python3 and node themselves may be wrappers that choose a version.
	python, err := output(root, "python3", "-c", "import sys; print(sys.executable)")
	if err != nil {
		return nil, err
	}
	program, err := output(root, "node", "-p", "process.execPath")
	if err != nil {
		return nil, err
	}
	source, dist := filepath.Join(root, "bench", "node"), filepath.Join(build, "node", "dist")
	nodeZip := filepath.Join(build, "node.zip")
	if err := bundleNode(source, filepath.Join(build, "node"), nodeZip); err != nil {
		return nil, err
	}
	nodeCommand := func(script string) []string {
		return []string{
			program, // with the heap limits that AWS's runtime derives from the function's memory
			fmt.Sprintf("--max-semi-space-size=%d", memoryMB*5/100), fmt.Sprintf("--max-old-space-size=%d", memoryMB*90/100),
			filepath.Join(source, "runtime.js"), script,
		}
	}
	sides := map[string]side{
		// -S: a developer's machine may run anything in its site packages.
		goEdge:   {command: []string{python, "-B", "-S", "-c", importLauncher}, dir: edgeDir, zip: edgeZip},
		goBinary: {command: []string{filepath.Join(edgeDir, "edge")}, dir: edgeDir},
		node:     {command: nodeCommand(filepath.Join(dist, "index.js")), dir: dist, zip: nodeZip},
		goNull:   {command: []string{null}, dir: build},
		nodeNull: {command: nodeCommand(filepath.Join(source, "null.js")), dir: dist},
	}
	for name, s := range sides {
		s.name = name
		s.env = []string{
			"AWS_ACCESS_KEY_ID=" + accessKeyID, "AWS_SECRET_ACCESS_KEY=" + secretAccessKey,
			"AWS_REGION=" + region, "AWS_ENDPOINT_URL_DYNAMODB=" + endpoint,
			"LANG=en_US.UTF-8", "TZ=:UTC", "PATH=/usr/local/bin:/usr/bin:/bin",
		}
		log := filepath.Join(build, "log", name+".log")
		if err := write(log, nil); err != nil {
			return nil, err
		}
		// Appending, since many processes share the file.
		if s.log, err = os.OpenFile(log, os.O_WRONLY|os.O_APPEND, 0); err != nil {
			return nil, err
		}
		sides[name] = s
	}
	return sides, nil
}

// bundleNode installs the locked packages in dir, bundles the function and zips
// it.
func bundleNode(source, dir, archive string) error {
	lock := func(dir string) []byte { data, _ := os.ReadFile(filepath.Join(dir, "package-lock.json")); return data }
	installed := lock(dir)
	for _, name := range []string{"package.json", "package-lock.json", ".npmrc", "index.mjs"} {
		data, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			return err
		}
		if err := write(filepath.Join(dir, name), data); err != nil {
			return err
		}
	}
	// npm writes this file when it has installed everything.
	_, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json"))
	if err != nil || !bytes.Equal(installed, lock(dir)) {
		if _, err := output(dir, "npm", "ci", "--ignore-scripts", "--loglevel=error"); err != nil {
			return err
		}
	}
	if _, err := output(dir, "npm", "run", "--silent", "bundle"); err != nil {
		return err
	}
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	if err := errors.Join(z.AddFS(os.DirFS(filepath.Join(dir, "dist"))), z.Close()); err != nil {
		return err
	}
	return write(archive, buf.Bytes())
}

func unzip(path, dir string) error {
	archive, err := zip.OpenReader(path)
	if err != nil {
		return err
	}
	defer archive.Close()
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.CopyFS(dir, archive)
}

func write(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

// output runs a command and returns what it printed.
func output(dir, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return "", fmt.Errorf("the bench needs %s: install it and put it on the PATH", name)
	}
	if err != nil {
		return "", fmt.Errorf("running %s %s: %w\n%s%s", name, strings.Join(args, " "), err, out, stderr.Bytes())
	}
	return strings.TrimSpace(string(out)), nil
}
