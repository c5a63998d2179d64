package cloudfront

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPathPatterns(t *testing.T) {
	for _, row := range []struct {
		pattern, path string
		want          bool
	}{
		{"*", "", true},
		{"*", "a/b/c", true},
		{"images/*", "images/", true},
		{"images/*", "images/a/b", true},
		{"images/*", "Images/a", false},
		{"images/*", "images", false},
		{"*.jpg", "a/b.jpg", true},
		{"*.jpg", "a/b.jpg.png", false},
		{"a*b*c", "aXbXbXc", true},
		{"a*b*c", "aXcXb", false},
		{"?.jpg", "a.jpg", true},
		{"?.jpg", ".jpg", false},
		{"?.jpg", "ab.jpg", false},
		{"a?*", "a", false},
		{"a?*", "ab", true},
		{"**", "x", true},
		{"", "", true},
		{"", "a", false},
	} {
		assert.Equal(t, row.want, matches(row.pattern, row.path), "%s on %s", row.pattern, row.path)
	}
}

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

func FuzzMatches(f *testing.F) {
	f.Add("a*b?c*", "aXbYcZ")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if matches(pattern, s) && !matches("*"+pattern+"*", "x"+s+"y") {
			t.Errorf("%q matches %q, but not inside stars", pattern, s)
		}
		normal := normalise("/" + s)
		if again := normalise(normal); len(s) < 200 && again != normal && decodeUnreserved(normal) == normal {
			t.Errorf("%q is not normal: it becomes %q", normal, again)
		}
	})
}
