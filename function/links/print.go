package links

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// quoted returns text of a stranger, such as a key or a server's message, as it may be printed: as it is if all of it
// can be seen, or else as a Go string. What cannot be seen could be a line's end, a command to the terminal, or turn
// the direction of the text.
func quoted(s string) string {
	if !utf8.ValidString(s) || strings.HasPrefix(s, `"`) || strings.ContainsFunc(s, invisible) {
		return strconv.Quote(s)
	}
	return s
}

func invisible(r rune) bool { return !unicode.IsPrint(r) }

// jsonLine returns v as JSON without invisible characters.
func jsonLine(v any) string {
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

// tell prints a line about the error to standard error.
func (t terminal) tell(err error) { fmt.Fprintln(t.err, "links:", quoted(err.Error())) }
