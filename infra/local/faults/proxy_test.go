// Package faults fails DynamoDB region by region, at real sockets.
//
// A [Proxy] stands before one engine and poses as DynamoDB in every region: it reads the region out of a request's
// signature, as the function under test has only one endpoint to send to, and does to it what was set for that
// region. The tests run the zip that ships against it and write what its viewers got to README.md.
package faults

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Proxy is DynamoDB in many regions before one engine. It is safe for concurrent use.
type Proxy struct {
	// URL is what to set AWS_ENDPOINT_URL_DYNAMODB to.
	URL string

	engine *url.URL
	server *http.Server
	closed chan struct{}

	mu     sync.Mutex
	faults map[string]Fault
	delays map[string]time.Duration
	counts map[string]int
}

// New starts a proxy on a free port of 127.0.0.1 before the engine. The caller closes it.
func New(engine string) (*Proxy, error) {
	u, err := url.Parse(engine)
	if err != nil {
		return nil, fmt.Errorf("starting the proxy: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting the proxy: %w", err)
	}
	p := &Proxy{
		URL: "http://" + listener.Addr().String(), engine: u, closed: make(chan struct{}),
		faults: map[string]Fault{}, delays: map[string]time.Duration{}, counts: map[string]int{},
	}
	p.server = &http.Server{Handler: p}
	go func() { _ = p.server.Serve(listener) }()
	return p, nil
}

// Close ends the proxy and every connection to it.
func (p *Proxy) Close() {
	close(p.closed)
	_ = p.server.Close()
}

// Set gives a region a fault, or none if f is nil.
func (p *Proxy) Set(region string, f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults[region] = f
}

// Delay sets how far away a region is: how long each of its answers takes on the way.
func (p *Proxy) Delay(region string, d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delays[region] = d
}

// Requests returns how many requests each region has had.
func (p *Proxy) Requests() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.counts)
}

// ServeHTTP answers for the region that the request was signed for.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	region, err := signedFor(r.Header.Get("Authorization"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	p.mu.Lock()
	fault, delay := p.faults[region], p.delays[region]
	p.counts[region]++
	p.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	c := &call{w: w, r: r, proxy: p}
	if !c.wait(delay) {
		return
	}
	if fault == nil {
		fault = Healthy
	}
	fault(c)
}

// signedFor returns the region in the credential scope of a signature.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html
func signedFor(authorization string) (string, error) {
	_, scope, _ := strings.Cut(authorization, "Credential=")
	scope, _, _ = strings.Cut(scope, ",")
	parts := strings.Split(scope, "/")
	if len(parts) != 5 || parts[3] != "dynamodb" || parts[4] != "aws4_request" {
		return "", fmt.Errorf("the request is not signed for DynamoDB")
	}
	return parts[2], nil
}

// call is one request that a fault is to answer.
type call struct {
	w     http.ResponseWriter
	r     *http.Request
	proxy *Proxy
}

// wait returns true after d, or false if nobody waits for the answer any more.
func (c *call) wait(d time.Duration) bool {
	if d == 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.r.Context().Done():
	case <-c.proxy.closed:
	}
	return false
}

// forward passes the request to the engine and its answer back.
func (c *call) forward() {
	(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(c.proxy.engine) }}).ServeHTTP(c.w, c.r)
}

// fetch returns the engine's answer without passing it on.
func (c *call) fetch() ([]byte, bool) {
	ctx, cancel := context.WithTimeout(c.r.Context(), 10*time.Second)
	defer cancel()
	req := c.r.Clone(ctx)
	req.RequestURI, req.URL.Scheme, req.URL.Host = "", c.proxy.engine.Scheme, c.proxy.engine.Host
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, false
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return body, err == nil
}

// write answers with whatever content as if it was whole.
func (c *call) write(status int, body []byte) {
	c.w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	c.w.WriteHeader(status)
	_, _ = c.w.Write(body)
}

// reset sends what there is and then a TCP reset, without a goodbye.
func (c *call) reset(sent string) {
	conn, _, err := http.NewResponseController(c.w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, sent)
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}
