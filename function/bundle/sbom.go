package bundle

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// BillOfMaterials writes beside a bundle which files it holds, and what its
// programs and libraries are made of, and returns the list's path. The list is
// read from the zip itself. Like the zip it has no time and no number of its
// own: the list of the same zip is the same bytes. It is in the form of CycloneDX
// 1.5, the version that Amazon Inspector takes:
// https://docs.aws.amazon.com/inspector/v2/APIReference/API_scan_ScanSbom.html.
func BillOfMaterials(archive string) (string, error) {
	path := strings.TrimSuffix(archive, ".zip") + ".cdx.json"
	fail := func(err error) (string, error) { return "", fmt.Errorf("writing %s: %w", path, err) }
	data, err := os.ReadFile(archive)
	if err != nil {
		return fail(err)
	}
	bom, err := bill(filepath.Base(archive), data)
	if err != nil {
		return fail(err)
	}
	var out bytes.Buffer
	encoder := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON).SetPretty(true)
	if err := encoder.EncodeVersion(bom, cdx.SpecVersion1_5); err != nil {
		return fail(err)
	}
	if err := replace(path, out.Bytes()); err != nil {
		return fail(err)
	}
	return path, nil
}

// bill lists the files of a zip, and after each what it is made of.
func bill(name string, archive []byte) (*cdx.BOM, error) {
	files, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, err
	}
	whole := fileComponent(cdx.ComponentTypeApplication, name, archive)
	var components, inZip []cdx.Component
	var dependencies []cdx.Dependency
	for _, f := range files.File {
		data, err := fs.ReadFile(files, f.Name)
		if err != nil {
			return nil, err
		}
		file := fileComponent(cdx.ComponentTypeFile, f.Name, data)
		var parts []cdx.Component
		if info, err := buildinfo.Read(bytes.NewReader(data)); err == nil { // it is a Go program
			file.Type = cdx.ComponentTypeApplication
			parts = moduleComponents(info)
		}
		if f.Name == libvipsFile {
			file.Type = cdx.ComponentTypeLibrary
			if parts, err = libvipsComponents(files); err != nil {
				return nil, err
			}
		}
		inZip = append(inZip, file)
		components = append(append(components, file), parts...)
		if len(parts) > 0 {
			dependencies = append(dependencies, dependency(file, parts))
		}
	}
	dependencies = append(dependencies, dependency(whole, inZip))
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{Component: &whole}
	bom.Components, bom.Dependencies = &components, &dependencies
	return bom, nil
}

func dependency(whole cdx.Component, parts []cdx.Component) cdx.Dependency {
	var refs []string
	for _, part := range parts {
		refs = append(refs, part.BOMRef)
	}
	return cdx.Dependency{Ref: whole.BOMRef, Dependencies: &refs}
}

func fileComponent(kind cdx.ComponentType, name string, data []byte) cdx.Component {
	sum := sha256.Sum256(data)
	return cdx.Component{
		BOMRef: "file:" + name, Type: kind, Name: name,
		Hashes: &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(sum[:])}},
	}
}

// moduleComponents returns what a program was built from: Go's standard
// library, by the name that Go's vulnerability database has for it
// (https://go.dev/doc/security/vuln/database), and the modules.
func moduleComponents(info *debug.BuildInfo) []cdx.Component {
	components := []cdx.Component{moduleComponent("stdlib", strings.TrimPrefix(info.GoVersion, "go"), "")}
	for _, module := range info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		components = append(components, moduleComponent(module.Path, module.Version, module.Sum))
	}
	return components
}

// moduleComponent names a module by its package URL, in lower case:
// https://github.com/package-url/purl-spec/blob/main/types/golang-definition.json.
// sum is its line in go.sum. It goes into a property, since it is no hash of any
// one file: https://go.dev/ref/mod#go-sum-files.
func moduleComponent(path, version, sum string) cdx.Component {
	purl := "pkg:golang/" + strings.ToLower(path)
	if version != "" {
		purl += "@" + url.QueryEscape(version)
	}
	c := cdx.Component{BOMRef: purl, Type: cdx.ComponentTypeLibrary, Name: path, Version: version, PackageURL: purl}
	if sum != "" {
		c.Properties = &[]cdx.Property{{Name: "go.sum", Value: sum}}
	}
	return c
}

// libvipsComponents returns what the library is made of, in the order of the
// names: itself and other projects, by the versions that its package lists.
func libvipsComponents(files fs.FS) ([]cdx.Component, error) {
	data, err := fs.ReadFile(files, libvipsVersions)
	if err != nil {
		return nil, err
	}
	var versions map[string]string
	if err := json.Unmarshal(data, &versions); err != nil {
		return nil, fmt.Errorf("%s: %w", libvipsVersions, err)
	}
	var components []cdx.Component
	for _, name := range slices.Sorted(maps.Keys(versions)) {
		purl := "pkg:generic/" + name + "@" + url.QueryEscape(versions[name])
		components = append(components, cdx.Component{
			BOMRef: purl, Type: cdx.ComponentTypeLibrary, Name: name, Version: versions[name], PackageURL: purl,
		})
	}
	return components, nil
}
