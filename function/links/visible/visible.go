// Package visible prints text of strangers, such as a key or a server's message, so that all of it can be seen. What
// cannot be seen could be a line's end, a command to the terminal, or turn the direction of the text.
package visible

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Quote returns s as it is if all of it can be seen, or else as a Go string.
func Quote(s string) string {
	if !utf8.ValidString(s) || strings.HasPrefix(s, `"`) || strings.ContainsFunc(s, invisible) {
		return strconv.Quote(s)
	}
	return s
}

func invisible(r rune) bool { return !unicode.IsPrint(r) }

// JSON returns v as JSON in one line without invisible characters. It panics if v cannot be encoded.
func JSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil { // our types always encode
		panic(err)
	}
	var b strings.Builder
	for _, r := range string(text) {
		if !invisible(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}
