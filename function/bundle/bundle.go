// Package bundle builds the zips that Lambda runs.
//
// A bundle is a function of the source alone: two builds of the same source
// with the same Go version are the same bytes, on any day and any machine, so
// an unchanged function is an unchanged deployment. We write the zips ourselves
// because Pulumi's own archives lose the execute bit.
package bundle

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// launcher is what Lambda@Edge's Python imports; see the file.
//
//go:embed launcher.py
var launcher []byte

// spec is one bundle: a Go program for one kind of machine, and what lies
// beside it in the zip.
type spec struct {
	pkg    string // the program's package, relative to the module
	binary string // its name in the zip
	goos   string
	goarch string
	tags   string // more build tags, each after a comma
	beside []file
	fetch  func(root, goos, goarch string) ([]file, error) // what else lies beside it; may be nil
	zip    string                                          // where it goes, relative to the module, with slashes
}

type file struct {
	name string
	mode fs.FileMode
	data []byte
}

var (
	// Lambda@Edge runs x86_64 only.
	// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-at-edge-function-restrictions.html
	edge = spec{
		pkg: "./function/cmd/edge", binary: "edge", goos: "linux", goarch: "amd64",
		beside: []file{{name: "launcher.py", mode: 0o644, data: launcher}},
		zip:    "build/edge.zip",
	}
	// The runtime provided.al2023 starts the file called bootstrap.
	// https://docs.aws.amazon.com/lambda/latest/dg/golang-package.html
	issuer = spec{
		pkg: "./function/cmd/issuer", binary: "bootstrap", goos: "linux", goarch: "arm64",
		zip: "build/issuer.zip",
	}
)

// Edge builds the edge function's zip and returns its path. root is the
// module's folder.
func Edge(root string) (string, error) { return edge.build(root) }

// Issuer builds the issuing Lambda's zip and returns its path.
func Issuer(root string) (string, error) { return issuer.build(root) }

// EdgeForHost is Edge for the machine it runs on: the very same zip where that
// is Linux on x86-64, and otherwise one that only a local run can use.
func EdgeForHost(root string) (string, error) { return edge.forHost().build(root) }

// IssuerForHost is Issuer for the machine it runs on.
func IssuerForHost(root string) (string, error) { return issuer.forHost().build(root) }

func (s spec) forHost() spec {
	if s.goos == runtime.GOOS && s.goarch == runtime.GOARCH {
		return s
	}
	s.goos, s.goarch = runtime.GOOS, runtime.GOARCH
	s.zip = strings.Replace(s.zip, "build/", "build/local/", 1)
	return s
}

// build compiles the program and writes the zip, unless the one that is there
// is already the same: then its time stays, for tools that look at it.
func (s spec) build(root string) (string, error) {
	binary, err := s.compile(root)
	if err != nil {
		return "", fmt.Errorf("building %s: %w", s.zip, err)
	}
	files := append([]file{{name: s.binary, mode: 0o755, data: binary}}, s.beside...)
	if s.fetch != nil {
		fetched, err := s.fetch(root, s.goos, s.goarch)
		if err != nil {
			return "", fmt.Errorf("building %s: %w", s.zip, err)
		}
		files = append(files, fetched...)
	}
	data, err := pack(files)
	if err != nil {
		return "", fmt.Errorf("building %s: %w", s.zip, err)
	}
	path := filepath.Join(root, filepath.FromSlash(s.zip))
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, data) {
		return path, nil
	}
	if err := replace(path, data); err != nil {
		return "", fmt.Errorf("building %s: %w", s.zip, err)
	}
	return path, nil
}

// compile returns the static binary. Go's own cache makes this quick when
// nothing changed.
func (s spec) compile(root string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "bundle")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, s.binary)
	cmd := exec.Command("go", "build", "-o", out,
		"-trimpath", "-buildvcs=false", // no path and no commit in the binary
		"-tags", "lambda.norpc"+s.tags, // the go1.x runtime's protocol is of no use here
		"-ldflags", "-s -w -buildid=",
		s.pkg)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+s.goos, "GOARCH="+s.goarch,
		// What a developer's own settings may hold must not change the bytes.
		"GOFLAGS=", "GOAMD64=v1", "GOARM64=v8.0", "GOEXPERIMENT=", "GOWORK=off")
	if output, err := cmd.CombinedOutput(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return nil, errors.New("the go command was not found: install Go and put it on the PATH")
		}
		return nil, fmt.Errorf("go build %s: %w\n%s", s.pkg, err, bytes.TrimSpace(output))
	}
	return os.ReadFile(out)
}

// epoch is the time of every file in a bundle: the first that zip can hold.
var epoch = time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC)

func pack(files []file) ([]byte, error) {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(out, flate.BestCompression)
	})
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: epoch}
		h.SetMode(f.mode)
		out, err := w.CreateHeader(h)
		if err != nil {
			return nil, err
		}
		if _, err := out.Write(f.data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// replace writes the file in one step, so that whoever reads it at the same
// time sees the old bundle or the new one.
func replace(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone already after the rename
	if _, err := tmp.Write(data); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Chmod(0o644); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
