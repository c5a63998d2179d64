package resources

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"secure-media-cdn/function/bundle"
	"secure-media-cdn/infra/plan"
)

// BuildBundles builds the functions of the document and returns, for each archive that ships, the one to run here. It
// says so on out where that is another. root is the module's folder.
func BuildBundles(doc *plan.Document, root string, out io.Writer) (map[string]string, error) {
	bundles := map[string]string{}
	for _, r := range doc.ByType(typeFunction) {
		code, _ := r.Inputs["code"].(map[string]any)
		path, _ := code["archive"].(string)
		all := bundle.All()
		n := slices.IndexFunc(all, func(b bundle.Bundle) bool { return filepath.ToSlash(b.Path("")) == path })
		if n < 0 {
			return nil, fmt.Errorf("function %s: nothing here builds the archive %s", r.Name, path)
		}
		here := all[n].ForHost()
		built, err := here.Build(root)
		if err != nil {
			return nil, err
		}
		bundles[path] = built
		if from := filepath.ToSlash(here.Path("")); from != path {
			fmt.Fprintf(out, "%s ships for another processor; running the same source as %s\n", path, from)
		}
	}
	return bundles, nil
}
