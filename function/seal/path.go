package seal

import "strings"

const (
	// Path is what the path of every link begins with; the hash follows, and after
	// a slash what is asked for in place of the photo as it was uploaded.
	Path = "/images/"
	// Download is what is asked for when the photo is to come as an attachment. No
	// variant may have its name.
	Download = "download"
	// MaxNameLength is the longest name of a variant.
	MaxNameLength = 24
)

// LinkPath returns the path of the hash's link, which shows the photo as it was
// uploaded.
func LinkPath(hash string) string { return Path + hash }

// VariantPath returns the path of a variant of the photo, or of [Download].
func VariantPath(hash, name string) string { return Path + hash + "/" + name }

// ParsePath returns the hash in a path and the name after it: that of a variant,
// [Download], or nothing for the photo itself. Any path but those of [LinkPath]
// and [VariantPath] is not ok. Whether there is such a link, and such a variant,
// is for others to say.
func ParsePath(path string) (hash, name string, ok bool) {
	rest, ok := strings.CutPrefix(path, Path)
	hash, name, named := strings.Cut(rest, "/")
	if !ok || !IsHash(hash) || named && !IsName(name) {
		return "", "", false
	}
	return hash, name, true
}

// IsName reports whether s has the form of a variant's name: a letter from a to
// z, and then up to 23 of a to z, 0 to 9 and the hyphen.
func IsName(s string) bool {
	return s != "" && len(s) <= MaxNameLength && 'a' <= s[0] && s[0] <= 'z' &&
		strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
