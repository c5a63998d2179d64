package console

import (
	"net/http"
	"strconv"
	"time"

	"secure-media-cdn/infra/local/cloudfront"
)

// news is what the page asks for again and again.
type news struct {
	// Requests are those after the one that the page knows, the oldest first.
	Requests []entry `json:"requests"`
	// Missed counts those before them that the page was too slow for.
	Missed int64 `json:"missed"`
	pulse
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

// serveNews answers with the requests after the number "after", and how things stand.
func (c *Console) serveNews(w http.ResponseWriter, r *http.Request) {
	after, _ := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	requests, missed := c.log.since(after)
	reply(w, http.StatusOK, news{requests, missed, c.pulse()})
}
