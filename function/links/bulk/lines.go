package bulk

import (
	"bufio"
	"errors"
	"io"
)

// maxLine bounds a line in bytes: an item of DynamoDB's has at most 400 KB.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const maxLine = 1 << 20

// line is one line of the input, without its end.
type line struct {
	number int64 // from 1
	text   string
	long   bool // it is longer than maxLine, and text is its beginning
}

// lines reads line by line. Lines may be put back.
type lines struct {
	in   *bufio.Reader
	read int64
	back []line // the next ones, last first
}

// next returns the next line, or io.EOF.
func (l *lines) next() (line, error) {
	if n := len(l.back); n > 0 {
		next := l.back[n-1]
		l.back = l.back[:n-1]
		return next, nil
	}
	var text []byte
	long := false
	for {
		part, err := l.in.ReadSlice('\n')
		if room := maxLine - len(text); len(part) > room {
			text, long = append(text, part[:room]...), true
		} else {
			text = append(text, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(text) > 0, err == nil:
			l.read++
			return line{l.read, trimEnd(string(text)), long}, nil
		default:
			return line{}, err
		}
	}
}

// putBack makes the lines the next ones.
func (l *lines) putBack(taken []line) {
	for n := len(taken) - 1; n >= 0; n-- {
		l.back = append(l.back, taken[n])
	}
}

// trimEnd removes the line's end, also that of Windows.
func trimEnd(s string) string {
	if n := len(s); n > 0 && s[n-1] == '\n' {
		s = s[:n-1]
	}
	if n := len(s); n > 0 && s[n-1] == '\r' {
		s = s[:n-1]
	}
	return s
}
