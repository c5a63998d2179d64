package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"secure-media-cdn/function/issue"
)

// CheckText refuses JSON whose text encoding/json would change silently: invalid UTF-8, half of a surrogate pair
// (\ud800) and a name that is there twice. A key that was changed would name another object. The error names the
// field. Everything else that is wrong with raw is left to the parser.
// https://www.rfc-editor.org/rfc/rfc8259#section-8
func CheckText(raw []byte) *issue.Error {
	decoder := jsontext.NewDecoder(bytes.NewReader(raw))
	var err error
	for err == nil {
		_, err = decoder.ReadToken()
	}
	var wrong *jsontext.SyntacticError
	switch {
	case !errors.As(err, &wrong) || !json.Valid(raw):
		return nil
	case errors.Is(err, jsontext.ErrDuplicateName):
		return issue.Problem(issue.CodeBadRequest, fieldAt(wrong.JSONPointer), "the name is there twice")
	default:
		return issue.Problem(issue.CodeBadRequest, fieldAt(wrong.JSONPointer),
			"the text must be UTF-8, and an escaped surrogate (\\ud800 to \\udfff) must have its other half")
	}
}

// fieldAt writes the place as other problems do: objects[3].
func fieldAt(pointer jsontext.Pointer) string {
	var b strings.Builder
	for token := range pointer.Tokens() {
		switch {
		case token != "" && strings.Trim(token, "0123456789") == "":
			b.WriteString("[" + token + "]")
		case b.Len() > 0:
			b.WriteString("." + token)
		default:
			b.WriteString(token)
		}
	}
	return cut(b.String())
}
