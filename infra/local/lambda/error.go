package lambda

import "strings"

// Error is a failure of a function: one that its code reported, or the end of its process (types
// "Runtime.ExitError", "Sandbox.Timedout").
type Error struct {
	Function string
	Type     string // errorType
	Message  string // errorMessage
	// LastWords is the end of what the environment printed.
	LastWords string
}

// Error returns the type, the message and the last line that was printed.
func (e *Error) Error() string {
	text := "function " + e.Function + " failed: " + e.Type
	if e.Message != "" {
		text += ": " + e.Message
	}
	if words := strings.TrimSpace(e.LastWords); words != "" {
		text += "; its last words: " + words[strings.LastIndexByte(words, '\n')+1:]
	}
	return text
}
