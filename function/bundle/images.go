package bundle

import (
	"embed"
	"fmt"
	"io/fs"

	"secure-media-cdn/function/images/library"
	"secure-media-cdn/function/images/vips"
)

// The names in the zip of the library and of the list of what it is made of.
const (
	libvipsFile     = "lib/" + vips.File
	libvipsVersions = "licences/libvips.json"
)

// licences are the texts that what is in the zip must come with: Go's own for
// its standard library, Apache's for the Go modules, and for libvips the GNU
// Lesser General Public License, which refers to the GNU General Public one.
//
//go:embed licences
var licences embed.FS

// libvips returns the library, and the texts of all licences. Which parts the
// library is made of, and under which terms, is in the notice of its package.
func libvips(root, goos, goarch string) ([]file, error) {
	if goos != "linux" {
		return nil, fmt.Errorf("the images function runs on Linux only, not on %s", goos)
	}
	p, err := library.Fetch(root, goarch)
	if err != nil {
		return nil, err
	}
	files := []file{
		{name: libvipsFile, mode: 0o644, data: p.Library},
		{name: "licences/libvips.md", mode: 0o644, data: p.Notice},
		{name: libvipsVersions, mode: 0o644, data: p.Versions},
	}
	return files, fs.WalkDir(licences, "licences", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := licences.ReadFile(path)
		files = append(files, file{name: path, mode: 0o644, data: text})
		return err
	})
}
