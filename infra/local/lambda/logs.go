package lambda

import (
	"bytes"
	"io"
	"sync"

	"secure-media-cdn/infra/local/locked"
)

// maxLine bounds a log line in memory; Lambda cuts events at 256 KB too.
const maxLine = 256 << 10

// lineWriter passes on whole lines only, each after the prefix, so that environments do not cut into each other's
// lines, and remembers the last few kilobytes. A write never fails: a broken log must not break the function.
type lineWriter struct {
	out    io.Writer
	prefix string

	last locked.Tail

	mu   sync.Mutex
	line []byte // begun and not ended
}

func (l *lineWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.last.Write(p)
	l.line = append(l.line, p...)
	for {
		i := bytes.IndexByte(l.line, '\n')
		if i < 0 && len(l.line) < maxLine {
			return len(p), nil
		}
		if i < 0 {
			i = len(l.line)
			l.line = append(l.line, '\n')
		}
		l.emit(l.line[:i+1])
		l.line = append(l.line[:0], l.line[i+1:]...)
	}
}

// flush passes on the line that the end of the process cut off.
func (l *lineWriter) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.line) > 0 {
		l.emit(append(l.line, '\n'))
		l.line = nil
	}
}

func (l *lineWriter) emit(line []byte) {
	_, _ = l.out.Write(append([]byte(l.prefix), line...))
}
