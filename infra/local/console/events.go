package console

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"secure-media-cdn/infra/local/cloudfront"
)

const (
	// maxStreams bounds how many pages watch at a time.
	maxStreams = 16
	// streamPause lets requests gather, so that a load of thousands a second reaches the page in a few messages.
	streamPause = 150 * time.Millisecond
	// pulseEvery is how often the page gets the figures and the alarms.
	pulseEvery = 2 * time.Second
)

// requestsEvent brings new requests, the oldest first.
type requestsEvent struct {
	Requests []entry `json:"requests"`
	// Missed counts those before them that the page was too slow for.
	Missed int64 `json:"missed"`
}

// pulse is how things stand.
type pulse struct {
	Now     time.Time        `json:"now"`
	Stats   cloudfront.Stats `json:"stats"`
	Sources map[string]int64 `json:"sources"`
	Alarms  []alarmState     `json:"alarms"`
}

func (c *Console) pulse() pulse {
	now := c.now()
	p := pulse{Now: now, Stats: c.options.Stats(), Sources: c.log.counts(), Alarms: make([]alarmState, len(c.alarms))}
	for n, a := range c.alarms {
		p.Alarms[n] = c.metrics.judge(a, now)
	}
	return p
}

// serveEvents streams requests and pulses as Server-Sent Events.
// https://html.spec.whatwg.org/multipage/server-sent-events.html
func (c *Console) serveEvents(w http.ResponseWriter, r *http.Request) {
	news, end, ok := c.log.watch()
	if !ok {
		fail(w, http.StatusServiceUnavailable, "too many pages watch already: close one")
		return
	}
	defer end()
	w.Header().Set("Content-Type", "text/event-stream")
	seen, _ := strconv.ParseInt(r.Header.Get("Last-Event-ID"), 10, 64)
	ticker := time.NewTicker(pulseEvery)
	defer ticker.Stop()
	send := &stream{w: w, flush: http.NewResponseController(w).Flush}
	send.event(0, "pulse", c.pulse())
	for seen = c.sendRequests(send, seen); send.err == nil; {
		select {
		case <-r.Context().Done():
			return
		case <-c.closed:
			return
		case <-ticker.C:
			send.event(0, "pulse", c.pulse())
		case <-news:
			pause(r, streamPause)
			seen = c.sendRequests(send, seen)
			send.event(0, "pulse", c.pulse())
		}
	}
}

// sendRequests sends what came after seen, and returns the last number sent.
func (c *Console) sendRequests(s *stream, seen int64) int64 {
	entries, missed := c.log.since(seen)
	if len(entries) == 0 {
		return seen
	}
	seen = entries[len(entries)-1].Number
	s.event(seen, "requests", requestsEvent{entries, missed})
	return seen
}

func pause(r *http.Request, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-r.Context().Done():
	case <-timer.C:
	}
}

// stream writes events until one fails.
type stream struct {
	w     http.ResponseWriter
	flush func() error
	err   error
}

// event sends one; an id of 0 is none. JSON has no line ends, so one data line holds it.
func (s *stream) event(id int64, name string, value any) {
	data, err := json.Marshal(value)
	if s.err != nil || err != nil {
		return
	}
	if id != 0 {
		fmt.Fprintf(s.w, "id: %d\n", id)
	}
	_, s.err = fmt.Fprintf(s.w, "event: %s\ndata: %s\n\n", name, data)
	if err := s.flush(); err != nil {
		s.err = err
	}
}
