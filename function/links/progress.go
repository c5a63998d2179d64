package links

import (
	"fmt"
	"io"
	"strings"
)

// progress is a bar on the last line of a terminal.
type progress struct {
	total, done int
	out         io.Writer
	shown       bool
}

const barWidth = 30

func (p *progress) draw() {
	if !p.shown {
		return
	}
	full := barWidth * p.done / p.total
	fmt.Fprintf(p.out, "\r[%s%s] %d of %d", strings.Repeat("=", full), strings.Repeat(" ", barWidth-full), p.done, p.total)
}

// clear makes room for what is printed between two drawings.
func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
