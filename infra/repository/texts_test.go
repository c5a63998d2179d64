package repository_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// eachFile calls f with every text of the repository that people write.
func eachFile(t *testing.T, f func(path, text string)) {
	t.Helper()
	require.NoError(t, filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		name := entry.Name()
		if err != nil || entry.IsDir() {
			if name == "build" || name == "node_modules" || name == ".git" || name == "fuzz" {
				return fs.SkipDir
			}
			return err
		}
		switch filepath.Ext(name) {
		case ".go", ".js", ".mjs", ".py", ".txt", ".md", ".yml", ".yaml", ".html", ".css":
			text, err := os.ReadFile(path)
			f(path, string(text))
			return err
		}
		return nil
	}))
}

// note matches what cites a text that is not in the repository: shorthands of
// AWS's guides, and numbers of paragraphs in comments and messages. A rule of
// AWS names its page by its address instead.
var note = regexp.MustCompile(`aws-` + `facts|\bCF` + `DG\b|\bL` + `DG\b|\bspec ` + `section\b|` +
	`(?m:[,{]\s+// \d{1,2}\.\d{1,2}(?:,|$)|, "\d{1,2}\.\d{1,2}"\)$)`)

func TestNothingCitesTextsOutsideTheRepository(t *testing.T) {
	for _, cited := range []string{
		"// see aws-" + "facts 2.6", "CF" + "DG p. 3", "func TestX(t *testing.T) { /" + "/ 1.5, 1.11",
		`assert.True(t, ok, ` + `"8.2")`,
	} {
		assert.Regexp(t, note, cited)
	}
	eachFile(t, func(path, text string) {
		assert.Empty(t, note.FindAllString(text, -1), path)
	})
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	said := map[string]bool{}
	eachFile(t, func(path, _ string) {
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.PackageClauseOnly)
		require.NoError(t, err)
		dir := filepath.Dir(path)
		want := "Package " + file.Name.Name + " "
		if file.Name.Name == "main" && strings.Contains(dir, "/cmd/") {
			want = "Command " + filepath.Base(dir) + " "
		}
		said[dir] = said[dir] || strings.HasPrefix(file.Doc.Text(), want)
	})
	require.Greater(t, len(said), 20)
	for dir, ok := range said {
		main := dir == "../../infra" || dir == "../../infra/bootstrap" // Pulumi's programs are named by Pulumi.yaml
		assert.True(t, ok || main, "the documentation of %s does not begin with Package or Command and its name", dir)
	}
}
