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
	goFunction = "go"       // our edge zip, started as Lambda@Edge starts it
	goBinary   = "goBinary" // the same binary without Python before it
	node       = "node"     // the same job in Node.js
	goNull     = "goNull"   // a Go function that answers at once
	nodeNull   = "nodeNull" // a Node.js function that answers at once
	bare       = "floor"    // no function: a bare GetItem
)

// The defaults of edgeMemoryMb and imageMemoryMb, by which AWS sizes Node.js's
// heap.
const (
	edgeMemoryMB  = 256
	imageMemoryMB = 1769
)

// importLauncher is what AWS's Python runtime client does at init.
const importLauncher = "import os, sys; sys.path.insert(0, os.environ['LAMBDA_TASK_ROOT']); import launcher"

// prepareLookups builds the sides that look links up, below build/bench of the
// module in root.
func prepareLookups(root, endpoint string) (map[string]side, error) {
	build := filepath.Join(root, "build", "bench")
	edgeZip, err := bundle.Edge.ForHost().Build(root)
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
	dir, dist := filepath.Join(build, "node"), filepath.Join(build, "node", "dist")
	if err := install(filepath.Join(root, "bench", "node"), dir, "index.mjs"); err != nil {
		return nil, err
	}
	if _, err := output(dir, "npm", "run", "--silent", "bundle"); err != nil {
		return nil, err
	}
	nodeZip := filepath.Join(build, "node.zip")
	if err := pack(dist, nodeZip); err != nil {
		return nil, err
	}
	inNode, err := nodeCommand(root, edgeMemoryMB, filepath.Join(dist, "index.js"))
	if err != nil {
		return nil, err
	}
	nullInNode, err := nodeCommand(root, edgeMemoryMB, filepath.Join(root, "bench", "node", "null.js"))
	if err != nil {
		return nil, err
	}
	return equip(build, map[string]side{
		// -S: a developer's machine may run anything in its site packages.
		goFunction: {command: []string{python, "-B", "-S", "-c", importLauncher}, dir: edgeDir, zip: edgeZip},
		goBinary:   {command: []string{filepath.Join(edgeDir, "edge")}, dir: edgeDir},
		node:       {command: inNode, dir: dist, zip: nodeZip},
		goNull:     {command: []string{null}, dir: build},
		nodeNull:   {command: nullInNode, dir: dist},
	}, "AWS_ENDPOINT_URL_DYNAMODB="+endpoint)
}

// nodeCommand runs a function in Node.js, with the heap limits that AWS's
// runtime derives from the function's memory.
func nodeCommand(root string, memoryMB int, script string) ([]string, error) {
	program, err := output(root, "node", "-p", "process.execPath")
	return []string{
		program,
		fmt.Sprintf("--max-semi-space-size=%d", memoryMB*5/100), fmt.Sprintf("--max-old-space-size=%d", memoryMB*90/100),
		filepath.Join(root, "bench", "node", "runtime.js"), script,
	}, err
}

// equip gives the sides their names, their environments and their logs.
func equip(build string, sides map[string]side, variables ...string) (map[string]side, error) {
	for name, s := range sides {
		s.name = name
		s.env = append([]string{
			"AWS_ACCESS_KEY_ID=" + accessKeyID, "AWS_SECRET_ACCESS_KEY=" + secretAccessKey, "AWS_REGION=" + region,
			"LANG=en_US.UTF-8", "TZ=:UTC", "PATH=/usr/local/bin:/usr/bin:/bin",
		}, variables...)
		log := filepath.Join(build, "log", name+".log")
		if err := write(log, nil); err != nil {
			return nil, err
		}
		// Appending, since many processes share the file.
		var err error
		if s.log, err = os.OpenFile(log, os.O_WRONLY|os.O_APPEND, 0); err != nil {
			return nil, err
		}
		sides[name] = s
	}
	return sides, nil
}

// install copies a function's source to dir and installs its locked packages
// there, unless they are there already.
func install(source, dir string, script string) error {
	lock := func(dir string) []byte { data, _ := os.ReadFile(filepath.Join(dir, "package-lock.json")); return data }
	installed := lock(dir)
	for _, name := range []string{"package.json", "package-lock.json", ".npmrc", script} {
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
	if err == nil && bytes.Equal(installed, lock(dir)) {
		return nil
	}
	_, err = output(dir, "npm", "ci", "--ignore-scripts", "--loglevel=error")
	return err
}

// pack zips a folder.
func pack(dir, archive string) error {
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	if err := errors.Join(z.AddFS(os.DirFS(dir)), z.Close()); err != nil {
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
