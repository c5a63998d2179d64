package links

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"secure-media-cdn/function/links/bulk"
)

// counter counts the bytes that are read.
type counter struct {
	io.Reader
	bytes atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.bytes.Add(int64(n))
	return n, err
}

// progress tells on standard error how far a run over many objects is.
type progress struct {
	terminal terminal
	count    bulk.Count
	read     *counter
	size     int64 // of the input in bytes, 0 if nobody knows
	started  time.Time
}

// every prints a line now and then until stop is called.
func (p *progress) every(interval time.Duration) (stop func()) {
	ticker := time.NewTicker(interval)
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-ticker.C:
				fmt.Fprintln(p.terminal.err, "links:", p.line(time.Since(p.started)))
			case <-end:
				return
			}
		}
	}()
	return func() {
		ticker.Stop()
		close(end)
		<-ended
	}
}

// line says how far the run is after some time.
func (p *progress) line(after time.Duration) string {
	text := fmt.Sprintf("%d done, %d without a link, %.0f a second", p.count.Done(), p.count.Failed.Load(), p.rate(after))
	if p.size > 0 {
		text += fmt.Sprintf(", %d %% of the input", 100*p.read.bytes.Load()/p.size)
	}
	return text
}

// rate is how many results a second this run has made.
func (p *progress) rate(after time.Duration) float64 {
	return float64(p.count.Done()-p.count.Earlier.Load()) / max(after.Seconds(), 0.001)
}

// summary prints the last line.
func (p *progress) summary() {
	after := time.Since(p.started)
	fmt.Fprintf(p.terminal.err, "links: %d links, %d without one (%d of all by an earlier run) in %s, %.0f a second\n",
		p.count.Links.Load(), p.count.Failed.Load(), p.count.Earlier.Load(), after.Round(time.Second), p.rate(after))
}
