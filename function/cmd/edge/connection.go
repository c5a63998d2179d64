package main

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"time"
)

// transport keeps its connections: opening one to another region takes three
// round trips, using one takes one. It speaks HTTP/1.1, as DynamoDB does.
var transport = &http.Transport{
	// Dialling goes on after the lookup that wanted the connection has ended, so
	// that the next one finds it; these bound it. By then another region has
	// been asked, and a packet that was lost would be sent again only now.
	DialContext:         (&net.Dialer{Timeout: time.Second}).DialContext,
	TLSHandshakeTimeout: time.Second,
	TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
	// AWS's own network forgets a silent connection after 350 seconds, and tells
	// neither side. net/http counts by the wall clock, so the time for which
	// Lambda had the process frozen counts as well.
	// https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html
	IdleConnTimeout:    5 * time.Minute,
	DisableCompression: true, // an item is smaller than its gzip header is worth
}

// loadRoots reads the machine's root certificates, all hundred and fifty, which
// the first TLS handshake would do otherwise, and which takes 18 ms on an idle
// processor. This way it happens while the first event and the first connection
// are on their way. BenchmarkStart: the first answer after 27 ms instead of 38.
//
// Nothing else is warmed. Which regions hold the table is known only from the
// first event, and in a cold start that event waits already; a handshake with
// the region we run in would help only if the table had a replica there, and
// one that nobody needs costs as much as one that is. A dry run of the handler
// gained 1 ms, which is within the noise.
func loadRoots() { _, _ = x509.SystemCertPool() }
