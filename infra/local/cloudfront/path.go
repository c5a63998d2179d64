package cloudfront

import "strings"

// normalise brings a path into the form that path patterns are matched with:
// unreserved characters decoded, dot segments resolved, slashes merged.
// RFC 3986 section 6.2.2, and CFDG DownloadDistValuesCacheBehavior.html
func normalise(path string) string {
	if !strings.Contains(path, "%") && !strings.Contains(path, "//") && !strings.Contains(path, "/.") {
		return path
	}
	path = decodeUnreserved(path)
	var kept []string
	for segment := range strings.SplitSeq(path, "/") {
		switch segment {
		case "", ".":
		case "..":
			kept = kept[:max(len(kept)-1, 0)]
		default:
			kept = append(kept, segment)
		}
	}
	normal := "/" + strings.Join(kept, "/")
	if len(kept) > 0 && (strings.HasSuffix(path, "/") || strings.HasSuffix(path, "/.") || strings.HasSuffix(path, "/..")) {
		normal += "/"
	}
	return normal
}

// decodeUnreserved decodes %XX where it stands for a letter, digit, "-", ".",
// "_" or "~", and leaves all other escapes, in capitals.
func decodeUnreserved(path string) string {
	var out strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] == '%' && i+2 < len(path) {
			if c, ok := unhex(path[i+1], path[i+2]); ok {
				if unreserved(c) {
					out.WriteByte(c)
				} else {
					out.WriteString(strings.ToUpper(path[i : i+3]))
				}
				i += 2
				continue
			}
		}
		out.WriteByte(path[i])
	}
	return out.String()
}

func unhex(a, b byte) (byte, bool) {
	const digits = "0123456789abcdef"
	hi, lo := strings.IndexByte(digits, a|0x20), strings.IndexByte(digits, b|0x20)
	if a < '0' || b < '0' || hi < 0 || lo < 0 {
		return 0, false
	}
	return byte(hi<<4 | lo), true
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}

// matches reports whether s has the form of the pattern, in which * stands for
// any number of characters and ? for exactly one. Case counts.
func matches(pattern, s string) bool {
	star, from := -1, 0 // after the last *, and where its rest was last tried
	p, i := 0, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			from++
			p, i = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
