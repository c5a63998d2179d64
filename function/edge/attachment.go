package edge

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxName is the longest file name in bytes that common file systems take. It
	// also keeps path and query string below CloudFront's 8,192 characters, whatever
	// the key: each byte of a name may take five characters there.
	// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html
	maxName = 255
	// unnamed is the name of an object whose key has none.
	unnamed = "download"

	// bareInName are the characters of a name that mean themselves wherever they
	// stand. https://www.rfc-editor.org/rfc/rfc8187#section-3.2.1
	bareInName = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&+-.^_`|~"
)

// attachment returns the Content-Disposition that has a browser save an object
// under its name. The plain parameter, for software that does not read the
// extended one, has an underscore for every character that some would misread.
// https://www.rfc-editor.org/rfc/rfc6266#appendix-D
func attachment(key string) string {
	name := fileName(key)
	var plain, extended strings.Builder
	for _, c := range name {
		if c == ' ' || c < utf8.RuneSelf && strings.ContainsRune(bareInName, c) {
			plain.WriteRune(c)
		} else {
			plain.WriteByte('_')
		}
	}
	const hex = "0123456789ABCDEF"
	for _, c := range []byte(name) {
		if strings.IndexByte(bareInName, c) >= 0 {
			extended.WriteByte(c)
		} else {
			extended.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return `attachment; filename="` + plain.String() + `"; filename*=UTF-8''` + extended.String()
}

// fileName returns the name under which to save an object: the last segment of
// its key, without what a file system or the eye would take for something else,
// and cut before its extension if it is too long.
func fileName(key string) string {
	name := strings.Map(func(c rune) rune {
		// A name that is shown from right to left could hide its extension.
		if unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c) || c == '\\' {
			return '_'
		}
		return c
	}, key[strings.LastIndexByte(key, '/')+1:])
	if strings.Trim(name, ". ") == "" {
		return unnamed
	}
	if len(name) <= maxName {
		return name
	}
	extension := name[strings.LastIndexByte(name, '.')+1:]
	if len(extension) > 16 {
		return cut(name, maxName)
	}
	return cut(name, maxName-1-len(extension)) + "." + extension
}

// cut returns as many whole characters of s as fit into so many bytes.
func cut(s string, most int) string {
	for !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}
