// Package library fetches the build of libvips that the images function ships.
//
// It is the one that the npm package sharp uses, taken as it is: one shared
// library with every decoder inside. npm only downloads the tarball, so that no
// script of the package runs; its contents are checked here against the pinned
// hash, whatever npm or a registry in between may do.
package library

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"secure-media-cdn/function/images/vips"
)

// Version is the npm packages'.
const Version = "1.3.4"

// builds are the npm packages by Go's names of processors, and the hashes of
// their tarballs as npm writes them into a lock file.
var builds = map[string]struct{ name, integrity string }{
	"amd64": {"sharp-libvips-linux-x64",
		"sha512-GJ//SSXbnwSDes02umB3nDJLFcQzw8a18V8fyhqr6tV515tOEMdImjjxj1AoafMRz56F3PHgftnj1QEKSU1zkw=="},
	"arm64": {"sharp-libvips-linux-arm64",
		"sha512-Y3dgX/6lE2QhQb+Gxy0WZxfg9MEm/JBjamZpS2IklP7xIQoKN4hzAm7KcMVGtaVDt3neE9OKBC7vAfonA/Lr1A=="},
}

// Package is what a function ships of one npm package.
type Package struct {
	Library []byte // to be stored as vips.File
	// Notice lists the parts of the library and the licences that they are under,
	// Versions their versions.
	Notice, Versions []byte
}

// Fetch returns the package for Linux on a processor that Go calls goarch. The
// tarball is kept below root, the module's folder, and fetched only once.
func Fetch(root, goarch string) (Package, error) {
	build, ok := builds[goarch]
	if !ok {
		return Package{}, fmt.Errorf("there is no libvips for Linux on %s: only for amd64 and arm64", goarch)
	}
	dir := filepath.Join(root, "build", "npm-libvips")
	path := filepath.Join(dir, "img-"+build.name+"-"+Version+".tgz")
	tarball, err := os.ReadFile(path)
	if err != nil || !matches(tarball, build.integrity) {
		if tarball, err = download(dir, path, "@img/"+build.name+"@"+Version); err != nil {
			return Package{}, fmt.Errorf("fetching libvips: %w", err)
		}
		if !matches(tarball, build.integrity) {
			return Package{}, fmt.Errorf("fetching libvips: %s is not what its pinned hash says; do not use it", path)
		}
	}
	return unpack(tarball)
}

func matches(tarball []byte, integrity string) bool {
	sum := sha512.Sum512(tarball)
	return "sha512-"+base64.StdEncoding.EncodeToString(sum[:]) == integrity
}

// download has npm put the tarball into a folder of its own first: tests of
// several packages may do so at the same time.
func download(dir, path, spec string) ([]byte, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	tmp, err := os.MkdirTemp(dir, "pack")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	cmd := exec.Command("npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", tmp, spec)
	if output, err := cmd.CombinedOutput(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return nil, errors.New("the npm command was not found: install Node.js and npm, and put them on the PATH")
		}
		return nil, fmt.Errorf("npm pack %s: %w\n%s", spec, err, bytes.TrimSpace(output))
	}
	if err := os.Rename(filepath.Join(tmp, filepath.Base(path)), path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// unpack reads the tarball, which is known to be the pinned one.
func unpack(tarball []byte) (Package, error) {
	var p Package
	unzipped, err := gzip.NewReader(bytes.NewReader(tarball))
	if err != nil {
		return Package{}, fmt.Errorf("unpacking libvips: %w", err)
	}
	wanted := map[string]*[]byte{
		"package/lib/" + vips.File: &p.Library, "package/README.md": &p.Notice, "package/versions.json": &p.Versions,
	}
	for files := tar.NewReader(unzipped); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Package{}, fmt.Errorf("unpacking libvips: %w", err)
		}
		if into := wanted[header.Name]; into != nil {
			if *into, err = io.ReadAll(files); err != nil {
				return Package{}, fmt.Errorf("unpacking libvips: %w", err)
			}
		}
	}
	for name, data := range wanted {
		if len(*data) == 0 {
			return Package{}, fmt.Errorf("unpacking libvips: its package has no %s", name)
		}
	}
	return p, nil
}

// Install puts the library for this machine below root and returns its path.
// Tests load it from there; a function finds it beside its program.
func Install(root string) (string, error) {
	if runtime.GOOS != "linux" {
		return "", fmt.Errorf("the images function runs on Linux only, not on %s", runtime.GOOS)
	}
	p, err := Fetch(root, runtime.GOARCH)
	if err != nil {
		return "", err
	}
	path, err := filepath.Abs(filepath.Join(root, "build", "lib", vips.File))
	if err != nil {
		return "", err
	}
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, p.Library) {
		return path, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	// In one step: another process may have the old file loaded.
	tmp, err := os.CreateTemp(filepath.Dir(path), vips.File+".*")
	if err != nil {
		return "", err
	}
	defer os.Remove(tmp.Name()) // gone already after the rename
	_, err = tmp.Write(p.Library)
	if err := errors.Join(err, tmp.Close()); err != nil {
		return "", err
	}
	return path, os.Rename(tmp.Name(), path)
}
