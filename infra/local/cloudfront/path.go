package cloudfront

import (
	"path"
	"regexp"
	"strconv"
	"strings"

	"secure-media-cdn/infra/local/cloudfront/distribution"
)

// match returns the behaviour for a path: the first pattern that matches the normalised path, else the default. The
// path itself goes on unchanged.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesCacheBehavior.html "Path pattern"
func (s *Server) match(uri string) *behaviour {
	last := len(s.behaviours) - 1
	normal := strings.TrimPrefix(normalise(uri), "/")
	for _, b := range s.behaviours[:last] {
		if distribution.Matches(strings.TrimPrefix(b.Pattern, "/"), normal) {
			return b
		}
	}
	return s.behaviours[last]
}

// normalise brings a path into the form that path patterns are matched with: unreserved characters decoded, dot
// segments resolved, slashes merged. https://www.rfc-editor.org/rfc/rfc3986#section-6.2.2
func normalise(uri string) string {
	uri = decodeUnreserved(uri)
	normal := path.Clean("/" + uri)
	folder := strings.HasSuffix(uri, "/") || strings.HasSuffix(uri, "/.") || strings.HasSuffix(uri, "/..")
	if folder && normal != "/" {
		normal += "/"
	}
	return normal
}

var (
	escaped    = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
	unreserved = regexp.MustCompile(`^[A-Za-z0-9._~-]$`)
)

// decodeUnreserved decodes %XX where it stands for a letter, digit, "-", ".", "_" or "~", and leaves all other
// escapes, in capitals.
func decodeUnreserved(uri string) string {
	return escaped.ReplaceAllStringFunc(uri, func(escape string) string {
		if c, _ := strconv.ParseUint(escape[1:], 16, 8); unreserved.MatchString(string(rune(c))) {
			return string(rune(c))
		}
		return strings.ToUpper(escape)
	})
}
