// What the repository takes in from outside is pinned, and no package's script
// runs.
package repository_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// npmFolders lists the folders that have packages from npm.
func npmFolders(t *testing.T) (folders []string) {
	t.Helper()
	for name := range sources(t) {
		if path.Base(name) == "package.json" {
			folders = append(folders, path.Dir(name))
		}
	}
	require.Subset(t, folders, []string{".ci/browser", "bench/node", "infra/local/engine"})
	return folders
}

func TestEveryNpmPackageIsPinnedByItsHash(t *testing.T) {
	integrity := regexp.MustCompile(`^sha512-[A-Za-z0-9+/]{86}==$`)
	for _, folder := range npmFolders(t) {
		var lock struct {
			LockfileVersion int
			Packages        map[string]struct {
				Integrity, Resolved string
				Link                bool
				HasInstallScript    bool
			}
		}
		require.NoError(t, json.Unmarshal([]byte(sources(t)[folder+"/package-lock.json"]), &lock), folder)
		assert.Equal(t, 3, lock.LockfileVersion, folder)
		delete(lock.Packages, "") // the folder itself
		assert.NotEmpty(t, lock.Packages, folder)
		for name, pkg := range lock.Packages {
			assert.Regexp(t, integrity, pkg.Integrity, "%s: %s", folder, name)
			assert.Empty(t, pkg.Resolved, "%s: %s names a registry", folder, name)
			assert.False(t, pkg.HasInstallScript, "%s: %s wants to run a script", folder, name)
			assert.False(t, pkg.Link, "%s: %s comes from elsewhere on this machine", folder, name)
		}
		settings := sources(t)[folder+"/.npmrc"]
		assert.Contains(t, settings, "\nignore-scripts=true\n", folder)
		assert.NotRegexp(t, `(?m)^\S*registry\s*=`, settings, folder)
	}
}

func TestEveryNpmPackageIsAskedForAtOneVersion(t *testing.T) {
	exact := regexp.MustCompile(`^\d+\.\d+\.\d+$`)
	for _, folder := range npmFolders(t) {
		var manifest struct {
			Dependencies, DevDependencies, OptionalDependencies map[string]string
		}
		require.NoError(t, json.Unmarshal([]byte(sources(t)[folder+"/package.json"]), &manifest), folder)
		for _, wanted := range []map[string]string{
			manifest.Dependencies, manifest.DevDependencies, manifest.OptionalDependencies,
		} {
			for name, version := range wanted {
				assert.Regexp(t, exact, version, "%s: %s", folder, name)
			}
		}
	}
}

var (
	// npmCommand is a use of npm in the Makefile and in scripts, and npmCall is one
	// in Go.
	npmCommand = regexp.MustCompile(`(?m)^[^#\n]*\b(?:npm|npx) (\S+ \S+)`)
	npmCall    = regexp.MustCompile(`"(?:npm|npx)", ("[^)\n]*)`)
)

func TestNpmOnlyInstallsWhatIsLockedAndRunsNoScript(t *testing.T) {
	uses := 0
	for name, text := range sources(t) {
		switch {
		case name == "Makefile", strings.HasPrefix(name, ".ci/"), strings.HasPrefix(name, ".github/"):
			if strings.HasPrefix(path.Base(name), "package") || path.Base(name) == ".npmrc" {
				continue
			}
			for _, use := range npmCommand.FindAllStringSubmatch(text, -1) {
				uses++
				assert.Equal(t, "ci --ignore-scripts", use[1], name)
			}
		case strings.HasSuffix(name, ".go"):
			for _, use := range npmCall.FindAllStringSubmatch(text, -1) {
				uses++
				if strings.HasPrefix(use[1], `"run", `) { // a script of the repository itself
					continue
				}
				assert.Contains(t, use[1], `"--ignore-scripts"`, "%s: npm %s", name, use[1])
				if !strings.HasPrefix(use[1], `"ci", `) {
					// What is for another kind of machine than this one.
					assert.Regexp(t, `^"pack", `, use[1], name)
					assert.Contains(t, text, `"sha512-`, "%s checks the hash itself", name)
				}
			}
		}
	}
	assert.GreaterOrEqual(t, uses, 3, "the Makefile's and the bench's are found")
}

func TestEveryPythonPackageIsPinnedByItsHash(t *testing.T) {
	pinned := regexp.MustCompile(`^[a-z0-9-]+==[0-9][0-9a-z.]* --hash=sha256:[0-9a-f]{64}$`)
	found := 0
	for name, text := range sources(t) {
		if path.Base(name) == "requirements.txt" {
			for line := range strings.Lines(text) {
				if !strings.HasPrefix(line, "#") {
					found++
					assert.Regexp(t, pinned, strings.TrimSpace(line), name)
				}
			}
		}
	}
	assert.Positive(t, found)
	install := regexp.MustCompile(`(?m)^[^#\n]*\bpip install (.*)$`).FindAllStringSubmatch(sources(t)["Makefile"], -1)
	require.Len(t, install, 1)
	assert.Contains(t, install[0][1], "--require-hashes")
}

func TestEveryActionIsPinnedByItsCommit(t *testing.T) {
	step := regexp.MustCompile(`(?m)\buses:.*$`)
	pinned := regexp.MustCompile(`^uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	versions := map[string]string{}
	for name, text := range sources(t) {
		if !strings.HasPrefix(name, ".github/") {
			continue
		}
		for _, use := range step.FindAllString(text, -1) {
			if !assert.Regexp(t, pinned, use, name) {
				continue
			}
			action, version, _ := strings.Cut(use, "@")
			if versions[action] == "" {
				versions[action] = version
			}
			assert.Equal(t, versions[action], version, "%s has one version everywhere", action)
		}
	}
	assert.NotEmpty(t, versions)
}

// goTool is a program that the go command fetches by itself.
var goTool = regexp.MustCompile(`\bgo\)? (?:run|install|get)\b[^\n]*?@(\S+)`)

func TestEveryGoToolIsPinned(t *testing.T) {
	makefile := sources(t)["Makefile"]
	version := regexp.MustCompile(`^v\d+\.\d+\.\d+$`)
	tools := 0
	for name, text := range sources(t) {
		if strings.HasSuffix(name, ".md") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, moving := range []string{"latest", "main", "master", "upgrade"} {
			assert.NotRegexp(t, `(?i)\S@`+moving+`\b`, text, "%s: a version must be a number", name)
		}
		for _, tool := range goTool.FindAllStringSubmatch(strings.ReplaceAll(text, "$(GO)", "go"), -1) {
			tools++
			wanted := tool[1]
			if variable, ok := strings.CutPrefix(wanted, "$("); ok {
				named := regexp.MustCompile(`(?m)^` + strings.TrimSuffix(variable, ")") + ` := (\S+)$`)
				found := named.FindAllStringSubmatch(makefile, -1)
				require.Len(t, found, 1, "%s is set once", wanted)
				wanted = found[0][1]
			}
			assert.Regexp(t, version, wanted, name)
		}
	}
	assert.Equal(t, 4, tools, "versitygw, golangci-lint, actionlint and govulncheck")
}

// sources returns the text of every file that people write, by its path.
func sources(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	root := os.DirFS("../..")
	require.NoError(t, fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (name == "build" || name == ".git" || d.Name() == "node_modules"):
			return fs.SkipDir
		case !d.Type().IsRegular() || name == ".git": // the latter is a file in a worktree
			return nil
		}
		data, err := fs.ReadFile(root, name)
		found[name] = string(data)
		return err
	}))
	return found
}
