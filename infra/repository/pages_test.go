// The pages of the repository are held to each other, to the Makefile and to the
// tests that they name.
package repository_test

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	targetLine = regexp.MustCompile(`(?m)^([a-z][a-z -]*):.*## `)
	linkTo     = regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
)

// TestReadmeNamesEveryTargetOfTheMakefile and no other.
func TestReadmeNamesEveryTargetOfTheMakefile(t *testing.T) {
	readme, makefile := read(t, "../../README.md"), read(t, "../../Makefile")
	targets := map[string]bool{}
	for _, line := range targetLine.FindAllStringSubmatch(makefile, -1) {
		for target := range strings.FieldsSeq(line[1]) {
			targets[target] = true
			assert.Regexp(t, `make (\w+\|)*`+target+`\b`, readme)
		}
	}
	for _, named := range regexp.MustCompile(`(?m)^    make ([a-z]+)`).FindAllStringSubmatch(readme, -1) {
		assert.True(t, targets[named[1]], "the Makefile has no target %s", named[1])
	}
}

// TestEveryPageIsReachedFromTheReadme and every relative link leads somewhere.
func TestEveryPageIsReachedFromTheReadme(t *testing.T) {
	root := os.DirFS("../..")
	reached := map[string]bool{"README.md": true}
	for queue := []string{"README.md"}; len(queue) > 0; queue = queue[1:] {
		page := queue[0]
		for _, match := range linkTo.FindAllStringSubmatch(read(t, "../../"+page), -1) {
			target := path.Join(path.Dir(page), match[1])
			_, err := os.Stat("../../" + target)
			assert.NoError(t, err, "%s links to %s", page, match[1])
			if strings.HasSuffix(target, ".md") && !reached[target] {
				reached[target] = true
				queue = append(queue, target)
			}
		}
	}
	for _, page := range pages(t, root) {
		assert.True(t, reached[page], "no page links to %s", page)
	}
}

// TestReadmeIsShort keeps it to what a newcomer reads in two minutes.
func TestReadmeIsShort(t *testing.T) {
	assert.LessOrEqual(t, strings.Count(read(t, "../../README.md"), "\n"), 150)
}

// pages lists the Markdown files of the repository.
func pages(t *testing.T, root fs.FS) []string {
	var found []string
	require.NoError(t, fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (name == "build" || name == ".git" || d.Name() == "node_modules"):
			return fs.SkipDir
		case strings.HasSuffix(name, ".md"):
			found = append(found, name)
		}
		return nil
	}))
	return found
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(data)
}

var (
	namedTest   = regexp.MustCompile("`((?:Test|Fuzz)[A-Z]\\w+)`")
	namedScript = regexp.MustCompile("`([a-z0-9-]+)\\.txt`")
	testFunc    = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
)

// TestThePromisesNameTestsThatExist, and scripts; those that a real deployment
// is to prove must be among the ones that `make smoke` runs.
func TestThePromisesNameTestsThatExist(t *testing.T) {
	tests := map[string]bool{}
	eachFile(t, func(file, text string) {
		if strings.HasSuffix(file, "_test.go") {
			for _, match := range testFunc.FindAllStringSubmatch(text, -1) {
				tests[match[1]] = true
			}
		}
	})
	page := read(t, "../stack/promises.md")
	named := namedTest.FindAllStringSubmatch(page, -1)
	require.NotEmpty(t, named)
	for _, match := range named {
		assert.True(t, tests[match[1]], "the page names the test %s, which there is not", match[1])
	}
	scripts := namedScript.FindAllStringSubmatch(page, -1)
	require.NotEmpty(t, scripts)
	for _, match := range scripts {
		script := "../local/cloudfront/testdata/" + match[1] + ".txt"
		if _, err := os.Stat(script); err != nil {
			script = "../local/cloudfront/testdata/stack/" + match[1] + ".txt"
		}
		assert.NotContains(t, read(t, script), "local-only", "make smoke does not run %s", match[1])
	}
}
