package cloudfront

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNormalPaths(t *testing.T) {
	for path, want := range map[string]string{
		"/a/b":            "/a/b",
		"/a//b":           "/a/b",
		"//a":             "/a",
		"/a/./b":          "/a/b",
		"/a/../b":         "/b",
		"/../../b":        "/b",
		"/a/..":           "/",
		"/a/b/..":         "/a/",
		"/a/b/.":          "/a/b/",
		"/a/":             "/a/",
		"/%61%2fb":        "/a%2Fb",
		"/%2e%2e/a":       "/a",
		"/a%zz":           "/a%zz",
		"/a%":             "/a%",
		"/...":            "/...",
		"/.well-known/..": "/",
		"/":               "/",
	} {
		assert.Equal(t, want, normalise(path), path)
	}
}

func FuzzNormalise(f *testing.F) {
	f.Add("a/../%2e/b")
	f.Fuzz(func(t *testing.T, s string) {
		normal := normalise("/" + s)
		if again := normalise(normal); again != normal && decodeUnreserved(normal) == normal {
			t.Errorf("%q is not normal: it becomes %q", normal, again)
		}
	})
}
