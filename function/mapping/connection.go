package mapping

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// transport keeps connections open: a new one to another region costs three
// round trips, a kept one costs one. It speaks HTTP/1.1, as DynamoDB does.
var transport = &http.Transport{
	// A dial goes on after the lookup that started it has ended, so that the next
	// lookup finds the connection. These timeouts bound it.
	DialContext:         (&net.Dialer{Timeout: time.Second}).DialContext,
	TLSHandshakeTimeout: time.Second,
	TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
	// AWS's network drops an idle connection after 350 seconds without telling
	// either side. net/http counts by the wall clock, so time for which Lambda
	// had the process frozen counts as well.
	// https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html
	IdleConnTimeout:    5 * time.Minute,
	DisableCompression: true, // an item is too small to gain from it
}

// clock is the time that requests are signed with: the process's own, corrected
// by the server's when a request was refused.
type clock struct {
	read func() time.Time
	off  atomic.Int64 // nanoseconds
}

func (c *clock) now() time.Time { return c.read().Add(time.Duration(c.off.Load())) }

// correct sets the clock by the Date of an answer that refused a request.
// DynamoDB accepts five minutes of skew, so the travel time does not matter.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
func (c *clock) correct(date string) {
	if server, err := http.ParseTime(date); err == nil {
		c.off.Store(int64(server.Sub(c.read())))
	}
}
