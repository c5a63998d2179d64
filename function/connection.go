package main

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// client keeps its connections: opening one to another region takes three
// round trips, using one takes one.
var client = &http.Client{Transport: &http.Transport{
	DialContext: (&net.Dialer{
		Timeout:   time.Second, // a host that does not answer costs no more than that
		KeepAlive: 15 * time.Second,
	}).DialContext,
	TLSHandshakeTimeout: time.Second,
	TLSClientConfig: &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ClientSessionCache: tls.NewLRUClientSessionCache(16),
	},
	// One environment serves one request at a time; a hedged one makes two.
	MaxIdleConnsPerHost: 4,
	IdleConnTimeout:     10 * time.Minute,
	DisableCompression:  true, // an item is smaller than its gzip header is worth
}}
