package conformance

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Remote is a real distribution, or anything else at a URL.
type Remote struct {
	// Base is its HTTPS URL, without a path.
	Base *url.URL
	// Client must not follow redirects.
	Client *http.Client
}

// NewRemote is the target at the given URL.
func NewRemote(base string) (*Remote, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("%q is not a URL", base)
	}
	return &Remote{Base: u, Client: &http.Client{
		Timeout:       time.Minute,
		Transport:     &http.Transport{DisableCompression: true, ForceAttemptHTTP2: true, Proxy: http.ProxyFromEnvironment},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Do implements Target. A base of plain HTTP is the local run, which is told by a header what the connection stands
// for.
func (r *Remote) Do(method, path string, header http.Header, body string, plain bool) (*http.Response, error) {
	u := &url.URL{Scheme: r.Base.Scheme, Host: r.Base.Host}
	if plain && r.Base.Scheme == "https" {
		u.Scheme = "http"
	} else if plain {
		header.Set("CloudFront-Forwarded-Proto", "http")
	}
	req, err := http.NewRequest(method, u.String(), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.URL.Opaque = path // as it is, dots and escapes included
	if strings.HasPrefix(path, "//") {
		req.URL.Opaque = "//" + u.Host + path // or it would be taken for a host
	}
	req.Header = header
	return r.Client.Do(req)
}

// Step implements Target. What only looks behind the scenes is passed over; a scene cannot be set in a distribution
// that is there.
func (r *Remote) Step(s Step) error {
	switch s.Verb {
	case "calls", "sent":
		return nil
	}
	return fmt.Errorf("a real distribution cannot do this: the script should be local-only")
}

// Wait implements Target.
func (r *Remote) Wait(d time.Duration) { time.Sleep(d) }
