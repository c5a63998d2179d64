package bundle

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/images/vips"
)

// bom is what the tests read of a bill of materials.
type bom struct {
	BOMFormat, SpecVersion string
	Metadata               struct{ Component component }
	Components             []component
	Dependencies           []struct {
		Ref       string
		DependsOn []string
	}
}

type component struct {
	Type, Name, Version, Purl string
	BOMRef                    string `json:"bom-ref"`
	Hashes                    []struct{ Alg, Content string }
	Properties                []struct{ Name, Value string }
}

// specs are the bundles, and archives their zips, each built once.
var (
	specs    = map[string]Bundle{"edge": Edge, "issuer": Issuer, "images": Images, "session": Session}
	archives = sync.OnceValue(func() map[string]string {
		paths := map[string]string{}
		for name, s := range specs {
			paths[name] = must(s.Build(root))
		}
		return paths
	})
)

func TestTheBillListsEveryFileOfTheBundleByItsHash(t *testing.T) {
	for name, archive := range archives() {
		t.Run(name, func(t *testing.T) {
			list, _ := billOf(t, archive)
			assert.Equal(t, "CycloneDX", list.BOMFormat)
			assert.Equal(t, "1.5", list.SpecVersion)

			whole, err := os.ReadFile(archive)
			require.NoError(t, err)
			assert.Equal(t, filepath.Base(archive), list.Metadata.Component.Name)
			assertHash(t, whole, list.Metadata.Component)

			files := map[string]component{}
			for _, c := range list.Components {
				if strings.HasPrefix(c.BOMRef, "file:") {
					files[c.Name] = c
				}
			}
			packed := open(t, archive)
			assert.Len(t, files, len(packed))
			for _, f := range packed {
				assertHash(t, read(t, f), files[f.Name])
			}
			for file, c := range files {
				want := "file"
				switch file {
				case specs[name].binary:
					want = "application"
				case libvipsFile:
					want = "library"
				}
				assert.Equal(t, want, c.Type, file)
			}
		})
	}
}

func assertHash(t *testing.T, data []byte, c component) {
	t.Helper()
	sum := sha256.Sum256(data)
	require.Len(t, c.Hashes, 1, c.Name)
	assert.Equal(t, "SHA-256", c.Hashes[0].Alg)
	assert.Equal(t, hex.EncodeToString(sum[:]), c.Hashes[0].Content, c.Name)
}

// TestTheBillListsTheModulesOfTheProgram asks the go command which modules the
// packages are from, and go.sum for their hashes.
func TestTheBillListsTheModulesOfTheProgram(t *testing.T) {
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	require.NoError(t, err)
	for name, archive := range archives() {
		t.Run(name, func(t *testing.T) {
			s := specs[name]
			cmd := exec.Command("go", "list", "-deps", "-tags", "lambda.norpc",
				"-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}", s.pkg)
			cmd.Dir = root
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+s.goos, "GOARCH="+s.goarch)
			out, err := cmd.Output()
			require.NoError(t, err)
			want := map[string]bool{}
			for line := range strings.Lines(string(out)) {
				want[strings.TrimSpace(line)] = true
			}
			delete(want, "")

			list, _ := billOf(t, archive)
			listed := map[string]bool{}
			refs := []string{}
			standard := 0
			for _, c := range list.Components {
				if !strings.HasPrefix(c.BOMRef, "pkg:golang/") {
					continue
				}
				refs = append(refs, c.BOMRef)
				if c.Name == "stdlib" {
					standard++
					assert.Regexp(t, `^1\.\d+(\.\d+)?$`, c.Version, "the vulnerability database counts so")
					assert.Equal(t, "pkg:golang/stdlib@"+c.Version, c.Purl)
					assert.Empty(t, c.Properties)
					continue
				}
				listed[c.Name+" "+c.Version] = true
				require.Len(t, c.Properties, 1, c.Name)
				assert.Equal(t, "go.sum", c.Properties[0].Name)
				assert.Contains(t, string(sums), c.Name+" "+c.Version+" "+c.Properties[0].Value+"\n")
			}
			assert.Equal(t, want, listed)
			assert.Equal(t, 1, standard)

			depends := map[string][]string{}
			for _, d := range list.Dependencies {
				depends[d.Ref] = d.DependsOn
			}
			assert.Contains(t, depends[list.Metadata.Component.BOMRef], "file:"+s.binary)
			assert.ElementsMatch(t, refs, depends["file:"+s.binary])
		})
	}
}

func TestTheBillListsWhatLibvipsIsMadeOf(t *testing.T) {
	list, _ := billOf(t, archives()["images"])
	parts := map[string]component{}
	var refs []string
	for _, c := range list.Components {
		if strings.HasPrefix(c.BOMRef, "pkg:generic/") {
			parts[c.Name] = c
			refs = append(refs, c.BOMRef)
			assert.Equal(t, "pkg:generic/"+c.Name+"@"+c.Version, c.Purl)
		}
	}
	assert.Len(t, parts, 28)
	assert.Contains(t, vips.File, ".so."+parts["vips"].Version)
	for _, decoder := range []string{"png", "mozjpeg", "webp", "heif", "tiff", "rsvg", "cgif"} {
		assert.NotEmpty(t, parts[decoder].Version, decoder)
	}
	for _, d := range list.Dependencies {
		if d.Ref == "file:"+libvipsFile {
			assert.ElementsMatch(t, refs, d.DependsOn)
			refs = nil
		}
	}
	assert.Empty(t, refs, "they are the library's")
}

func TestPackageURLsAreSpelledAsTheirSpecificationSays(t *testing.T) {
	for _, test := range []struct{ name, path, version, want string }{
		{"a version", "example.com/a/b", "v1.2.3", "pkg:golang/example.com/a/b@v1.2.3"},
		{"capital letters", "github.com/Some/Thing", "v1.0.0", "pkg:golang/github.com/some/thing@v1.0.0"},
		{"a plus sign", "example.com/a", "v2.0.0+incompatible", "pkg:golang/example.com/a@v2.0.0%2Bincompatible"},
		{"no version", "example.com/a", "", "pkg:golang/example.com/a"},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, moduleComponent(test.path, test.version, "").PackageURL)
		})
	}
}

func TestTheBillNamesAReplacementInsteadOfTheModule(t *testing.T) {
	components := moduleComponents(&debug.BuildInfo{GoVersion: "go1.26.6", Deps: []*debug.Module{{
		Path: "example.com/a", Version: "v1.0.0", Replace: &debug.Module{Path: "example.com/fork", Version: "v1.0.1"},
	}}})
	require.Len(t, components, 2)
	assert.Equal(t, "example.com/fork", components[1].Name)
	assert.Equal(t, "v1.0.1", components[1].Version)
}

func TestTheBillIsValidCycloneDX(t *testing.T) {
	schema := cycloneDX(t)
	for name, archive := range archives() {
		_, text := billOf(t, archive)
		assert.NoError(t, validate(t, schema, text), name)
		// The check can fail.
		assert.Error(t, validate(t, schema, bytes.Replace(text, []byte(`"SHA-256"`), []byte(`"SHA-257"`), 1)))
		assert.Error(t, validate(t, schema, bytes.Replace(text, []byte(`"name"`), []byte(`"title"`), 1)))
	}
}

// cycloneDX returns the specification's own schema, which comes with the module.
func cycloneDX(t *testing.T) *jsonschema.Schema {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	for file, id := range map[string]string{
		"bom-1.5.schema.json":   "bom-1.5.schema.json",
		"spdx.schema.json":      "spdx.schema.json",
		"jsf-0.82.schemax.json": "jsf-0.82.schema.json",
	} {
		data, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "schema", file))
		require.NoError(t, err)
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		require.NoError(t, err)
		require.NoError(t, c.AddResource("http://cyclonedx.org/schema/"+id, doc))
	}
	schema, err := c.Compile("http://cyclonedx.org/schema/bom-1.5.schema.json")
	require.NoError(t, err)
	return schema
}

func validate(t *testing.T, schema *jsonschema.Schema, text []byte) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	return schema.Validate(doc)
}

func TestTheBillSaysNothingOfWhenAndWhereItWasMade(t *testing.T) {
	_, text := billOf(t, archives()["edge"])
	here, err := filepath.Abs(root)
	require.NoError(t, err)
	home, err := os.UserHomeDir()
	require.NoError(t, err)
	for _, absent := range []string{"serialNumber", "timestamp", here, home + "/", os.TempDir() + "/"} {
		assert.NotContains(t, string(text), absent)
	}
}

func TestABillOfWhatIsNoBundleIsRefused(t *testing.T) {
	dir := t.TempDir()
	_, err := BillOfMaterials(filepath.Join(dir, "none.zip"))
	assert.ErrorContains(t, err, "none.cdx.json")
	broken := filepath.Join(dir, "broken.zip")
	require.NoError(t, os.WriteFile(broken, []byte("no zip"), 0o644))
	_, err = BillOfMaterials(broken)
	assert.ErrorIs(t, err, zip.ErrFormat)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, left, 1, "no half-made list")
}

// billOf writes the bill of a bundle and reads it.
func billOf(t *testing.T, archive string) (bom, []byte) {
	t.Helper()
	path, err := BillOfMaterials(archive)
	require.NoError(t, err)
	assert.Equal(t, strings.TrimSuffix(archive, ".zip")+".cdx.json", path)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var list bom
	require.NoError(t, json.Unmarshal(text, &list))
	return list, text
}
