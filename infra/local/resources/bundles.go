package resources

import (
	"fmt"
	"io"
	"path/filepath"

	"secure-media-cdn/function/bundle"
	"secure-media-cdn/infra/plan"
)

// hostBundles build what ships as these archives for the machine that they run on.
var hostBundles = map[string]func(root string) (string, error){
	"build/edge.zip": bundle.EdgeForHost, "build/issuer.zip": bundle.IssuerForHost,
	"build/images.zip": bundle.ImagesForHost, "build/session.zip": bundle.SessionForHost,
}

// BuildBundles builds the functions of the document and returns, for each archive that ships, the one to run here. It
// says so on out where that is another. root is the module's folder.
func BuildBundles(doc *plan.Document, root string, out io.Writer) (map[string]string, error) {
	bundles := map[string]string{}
	for _, r := range doc.ByType(typeFunction) {
		code, _ := r.Inputs["code"].(map[string]any)
		path, _ := code["archive"].(string)
		relative, err := filepath.Rel(root, path)
		if err != nil || !filepath.IsAbs(path) {
			relative = path
		}
		build, known := hostBundles[filepath.ToSlash(relative)]
		if !known {
			return nil, fmt.Errorf("function %s: nothing here builds the archive %s", r.Name, path)
		}
		built, err := build(root)
		if err != nil {
			return nil, err
		}
		bundles[path] = built
		if from, err := filepath.Rel(root, built); err == nil && from != relative {
			fmt.Fprintf(out, "%s ships for another processor; running the same source as %s\n", relative, from)
		}
	}
	return bundles, nil
}
