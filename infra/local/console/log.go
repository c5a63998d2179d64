package console

import (
	"maps"
	"strings"
	"sync"
	"time"

	"secure-media-cdn/infra/local/cloudfront"
)

const (
	// logLength is how many requests are kept for a page that opens, or falls behind.
	logLength = 500
	// shownPath bounds a path in the log, in bytes.
	shownPath = 300
)

// entry is one request as the page shows it.
type entry struct {
	Number       int64     `json:"number"` // from 1, without gaps
	Time         time.Time `json:"time"`
	Method       string    `json:"method"`
	Path         string    `json:"path"`
	Status       int       `json:"status"`
	Bytes        int64     `json:"bytes"`
	Result       string    `json:"result"`
	Source       string    `json:"source"`
	Behaviour    string    `json:"behaviour"`
	Milliseconds float64   `json:"milliseconds"`
	Note         string    `json:"note,omitempty"`
}

// requestLog keeps the last requests in a ring. A page reads at its own pace, and misses what it is too slow for.
type requestLog struct {
	mu      sync.Mutex
	ring    [logLength]entry
	count   int64 // of all requests ever
	sources map[string]int64
}

func newRequestLog() *requestLog {
	return &requestLog{sources: map[string]int64{}}
}

func (l *requestLog) add(r cloudfront.Record) {
	e := entry{
		Time: r.Time, Method: r.Method, Path: short(r.Path), Status: r.Status, Bytes: r.Bytes, Result: r.Result,
		Source: string(r.Source), Behaviour: r.Behaviour, Milliseconds: milliseconds(r.Duration), Note: r.Note,
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
	e.Number = l.count
	l.ring[(l.count-1)%logLength] = e
	l.sources[e.Source]++
}

// since returns the kept requests after number, and how many of them are gone.
func (l *requestLog) since(number int64) (entries []entry, missed int64) {
	entries = []entry{}
	l.mu.Lock()
	defer l.mu.Unlock()
	if number > l.count || number < 0 { // counted by a console before this one
		number = 0
	}
	first := max(number, l.count-logLength)
	for n := first; n < l.count; n++ {
		entries = append(entries, l.ring[n%logLength])
	}
	return entries, first - number
}

// counts returns how many answers came from each source.
func (l *requestLog) counts() map[string]int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.sources)
}

func short(path string) string {
	if len(path) <= shownPath {
		return path
	}
	return strings.ToValidUTF8(path[:shownPath], "") + "…"
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
