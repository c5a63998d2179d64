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

// memoryMB is the default of edgeMemoryMb, for Node.js to size its heap by.
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
	if err := run(root, "go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags", "-s -w", "-o", null, "./bench/cmd/null"); err != nil {
		return nil, err
	}
	python, err := output(root, "python3", "-c", "import sys; print(sys.executable)")
	if err != nil {
		return nil, err // python3 itself may be a wrapper that chooses a version
	}
	nodeSide, err := prepareNode(root, build)
	if err != nil {
		return nil, err
	}
	nullJS := nodeSide
	nullJS.command = append(nodeSide.command[:len(nodeSide.command)-1:len(nodeSide.command)-1], filepath.Join(root, "bench", "node", "null.js"))
	nullJS.zip = ""
	sides := map[string]side{
		// -S: a developer's machine may run anything in its site packages.
		goEdge:   {command: []string{python, "-B", "-S", "-c", importLauncher}, dir: edgeDir, zip: edgeZip},
		goBinary: {command: []string{filepath.Join(edgeDir, "edge")}, dir: edgeDir},
		node:     nodeSide,
		goNull:   {command: []string{null}, dir: build},
		nodeNull: nullJS,
	}
	for name, s := range sides {
		s.name = name
		s.env = []string{
			"AWS_ACCESS_KEY_ID=" + accessKeyID, "AWS_SECRET_ACCESS_KEY=" + secretAccessKey,
			"AWS_REGION=" + region, "AWS_ENDPOINT_URL_DYNAMODB=" + endpoint,
			"LANG=en_US.UTF-8", "TZ=:UTC", "PATH=/usr/local/bin:/usr/bin:/bin",
		}
		if s.log, err = createLog(build, name); err != nil {
			return nil, err
		}
		sides[name] = s
	}
	return sides, nil
}

func createLog(build, name string) (*os.File, error) {
	dir := filepath.Join(build, "log")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	// Appending, since many processes share the file.
	return os.OpenFile(filepath.Join(dir, name+".log"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC|os.O_APPEND, 0o644)
}

// prepareNode installs the locked packages, bundles the function and zips it.
func prepareNode(root, build string) (side, error) {
	program, err := output(root, "node", "-p", "process.execPath")
	if err != nil {
		return side{}, err
	}
	source, dir := filepath.Join(root, "bench", "node"), filepath.Join(build, "node")
	installed, _ := os.ReadFile(filepath.Join(dir, "package-lock.json"))
	for _, name := range []string{"package.json", "package-lock.json", ".npmrc", "index.mjs"} {
		data, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			return side{}, err
		}
		if err := write(filepath.Join(dir, name), data); err != nil {
			return side{}, err
		}
		_, missing := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json"))
		if name == "package-lock.json" && (missing != nil || !bytes.Equal(data, installed)) {
			if err := os.RemoveAll(filepath.Join(dir, "node_modules")); err != nil {
				return side{}, err
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
		if err := run(dir, "npm", "ci", "--silent"); err != nil {
			return side{}, err
		}
	}
	if err := run(dir, "npm", "run", "--silent", "bundle"); err != nil {
		return side{}, err
	}
	dist := filepath.Join(dir, "dist")
	archive := filepath.Join(build, "node.zip")
	if err := zipFile(archive, filepath.Join(dist, "index.js")); err != nil {
		return side{}, err
	}
	return side{
		command: []string{
			program,
			// As AWS's runtime starts it: the heap follows the function's memory.
			fmt.Sprintf("--max-semi-space-size=%d", memoryMB*5/100), fmt.Sprintf("--max-old-space-size=%d", memoryMB*90/100),
			filepath.Join(source, "runtime.js"), filepath.Join(dist, "index.js"),
		},
		dir: dist, zip: archive,
	}, nil
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
	for _, f := range archive.File {
		in, err := f.Open()
		if err != nil {
			return err
		}
		data, err := io.ReadAll(in)
		if err := errors.Join(err, in.Close()); err != nil {
			return err
		}
		name := filepath.Join(dir, filepath.Base(f.Name)) // our bundles are flat
		if err := write(name, data); err != nil {
			return err
		}
		if err := os.Chmod(name, f.Mode().Perm()); err != nil {
			return err
		}
	}
	return nil
}

func zipFile(archive, path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	w, err := z.Create(filepath.Base(path))
	if err != nil {
		return err
	}
	if _, err := w.Write(data); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return write(archive, buf.Bytes())
}

func write(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

func run(dir, name string, args ...string) error {
	_, err := output(dir, name, args...)
	return err
}

func output(dir, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return "", fmt.Errorf("the bench needs %s, which was not found", name)
	}
	if err != nil {
		return "", fmt.Errorf("running %s %s: %w\n%s%s", name, strings.Join(args, " "), err, out, stderr.Bytes())
	}
	return strings.TrimSpace(string(out)), nil
}
