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
	"slices"
	"strings"
	"time"
)

// launcher is what Lambda@Edge's Python imports; see the file.
//
//go:embed launcher.py
var launcher []byte

// Bundle is a Go program for one kind of machine, and what lies beside it in the
// zip.
type Bundle struct {
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
	// Edge is the edge function. Lambda@Edge runs x86_64 only.
	// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-at-edge-function-restrictions.html
	Edge = Bundle{
		pkg: "./function/cmd/edge", binary: "edge", goos: "linux", goarch: "amd64",
		beside: []file{{name: "launcher.py", mode: 0o644, data: launcher}},
		zip:    "build/edge.zip",
	}
	// Issuer is the issuing function. The runtime provided.al2023 starts the file called bootstrap.
	// https://docs.aws.amazon.com/lambda/latest/dg/golang-package.html
	Issuer = Bundle{
		pkg: "./function/cmd/issuer", binary: "bootstrap", goos: "linux", goarch: "arm64",
		zip: "build/issuer.zip",
	}
	// Images is the function that makes variants, a program for the machine's own
	// dynamic linker. libvips lies beside it, as a file that whoever gets the zip may
	// replace by a build of their own. The first build fetches it with npm.
	Images = Bundle{
		pkg: "./function/cmd/images", binary: "bootstrap", goos: "linux", goarch: "arm64",
		tags:  ",nethttpomithttp2", // neither the Runtime API nor S3 speaks HTTP/2
		fetch: libvips,
		zip:   "build/images.zip",
	}
	// Session is the function that exchanges tokens for tickets.
	Session = Bundle{
		pkg: "./function/cmd/session", binary: "bootstrap", goos: "linux", goarch: "arm64",
		zip: "build/session.zip",
	}
)

// All returns the bundles that the stack ships.
func All() []Bundle { return []Bundle{Edge, Issuer, Images, Session} }

// Path returns where the zip is, or will be. root is the module's folder.
func (b Bundle) Path(root string) string { return filepath.Join(root, filepath.FromSlash(b.zip)) }

// ForHost returns the bundle for the machine this runs on: the very same one
// where that ships, and otherwise one that only a local run can use.
func (b Bundle) ForHost() Bundle {
	if b.goos == runtime.GOOS && b.goarch == runtime.GOARCH {
		return b
	}
	b.goos, b.goarch = runtime.GOOS, runtime.GOARCH
	b.zip = strings.Replace(b.zip, "build/", "build/local/", 1)
	return b
}

// Build compiles the program, writes the zip and returns its path. A zip that
// holds the same already stays as it is, with its time, for tools that look at it.
func (b Bundle) Build(root string) (string, error) {
	fail := func(err error) (string, error) { return "", fmt.Errorf("building %s: %w", b.zip, err) }
	binary, err := b.compile(root)
	if err != nil {
		return fail(err)
	}
	files := append([]file{{name: b.binary, mode: 0o755, data: binary}}, b.beside...)
	if b.fetch != nil {
		fetched, err := b.fetch(root, b.goos, b.goarch)
		if err != nil {
			return fail(err)
		}
		files = append(files, fetched...)
	}
	path := b.Path(root)
	if holds(path, files) {
		return path, nil
	}
	data, err := pack(files)
	if err != nil {
		return fail(err)
	}
	if err := replace(path, data); err != nil {
		return fail(err)
	}
	return path, nil
}

// compile returns the static binary. Go's own cache makes this quick when
// nothing changed.
func (b Bundle) compile(root string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "bundle")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, b.binary)
	cmd := exec.Command("go", "build", "-o", out,
		"-trimpath", "-buildvcs=false", // no path and no commit in the binary
		"-tags", "lambda.norpc"+b.tags, // the go1.x runtime's protocol is of no use here
		"-ldflags", "-s -w -buildid=",
		b.pkg)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+b.goos, "GOARCH="+b.goarch,
		// What a developer's own settings may hold must not change the bytes.
		"GOFLAGS=", "GOAMD64=v1", "GOARM64=v8.0", "GOEXPERIMENT=", "GOWORK=off")
	if output, err := cmd.CombinedOutput(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return nil, errors.New("the go command was not found: install Go and put it on the PATH")
		}
		return nil, fmt.Errorf("go build %s: %w\n%s", b.pkg, err, bytes.TrimSpace(output))
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

// holds reports whether the zip at path is what pack makes of the files. It
// unpacks, which takes a tenth of the time of packing.
func holds(path string, files []file) bool {
	z, err := zip.OpenReader(path)
	if err != nil {
		return false
	}
	defer z.Close()
	return slices.EqualFunc(z.File, files, func(in *zip.File, want file) bool {
		if in.Name != want.name || in.Mode() != want.mode || !in.Modified.Equal(epoch) {
			return false
		}
		r, err := in.Open()
		if err != nil {
			return false
		}
		defer r.Close()
		data, err := io.ReadAll(r)
		return err == nil && bytes.Equal(data, want.data)
	})
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
