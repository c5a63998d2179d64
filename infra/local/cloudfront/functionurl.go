package cloudfront

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"secure-media-cdn/infra/local/cloudfront/distribution"
)

// Functions says how the URLs of Lambda functions are reached.
type Functions struct {
	// URLs are where they are served, by the domain name that the distribution knows.
	URLs map[string]string
	// Credentials sign as the service principal of CloudFront.
	Credentials aws.Credentials
}

// HeaderSourceARN names the distribution in a signed request for a function's URL.
const HeaderSourceARN = "X-Amz-Source-Arn"

// functionURL is an origin at a Lambda function's URL.
type functionURL struct {
	*distribution.Origin
	endpoint  *url.URL
	keys      aws.Credentials
	arn       string // of the distribution, the source of its requests
	transport http.RoundTripper
}

func newFunctionURL(o *distribution.Origin, arn string, f Functions) (*functionURL, error) {
	endpoint, err := url.Parse(f.URLs[o.Domain])
	if err != nil || endpoint.Host == "" {
		return nil, fmt.Errorf("nothing serves the function's URL %s", o.Domain)
	}
	return &functionURL{Origin: o, endpoint: endpoint, keys: f.Credentials, arn: arn,
		transport: newTransport(o.URL.ReadTimeout)}, nil
}

// get sends a request to the function's URL, signed as origin access control signs it. The payload's hash is the
// viewer's to send, since Lambda takes no unsigned payload:
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-lambda.html
//
// A GET or HEAD is tried again when a connection fails, and when no answer comes in time:
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesOrigin.html
func (u *functionURL) get(ctx context.Context, in originRequest, now time.Time) (*http.Response, error) {
	for attempt := 1; ; attempt++ {
		resp, err := u.send(ctx, in, now)
		var timeout net.Error
		late := errors.As(err, &timeout) && timeout.Timeout() || dialFailed(err)
		if late && attempt < connectAttempts && in.body == nil {
			continue
		}
		return resp, err
	}
}

func (u *functionURL) send(ctx context.Context, in originRequest, now time.Time) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, in.method, u.endpoint.String(), in.body)
	if err != nil {
		return nil, fmt.Errorf("asking the function: %w", err)
	}
	path, err := url.PathUnescape(in.uri)
	if err != nil {
		return nil, fmt.Errorf("asking the function: %w", err)
	}
	req.URL.Path, req.URL.RawPath, req.URL.RawQuery, req.ContentLength = path, in.uri, in.query, in.length
	req.Header = in.header.Clone()
	for _, h := range u.CustomHeaders {
		req.Header.Set(h.Name, h.Value)
	}
	if u.Signed {
		hash := req.Header.Get("X-Amz-Content-Sha256")
		if in.body == nil {
			hash = emptyHash
		}
		req.Header.Set("X-Amz-Content-Sha256", hash)
		req.Header.Set(HeaderSourceARN, u.arn)
		if err := v4.NewSigner().SignHTTP(ctx, u.keys, req, hash, "lambda", u.Region, now); err != nil {
			return nil, fmt.Errorf("signing the request to the function: %w", err)
		}
	}
	resp, err := u.transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	keepVary(resp.Header, append([]string{"Accept-Encoding", "Cookie"}, in.selected...))
	return resp, nil
}

var emptyHash = hex.EncodeToString(sha256.New().Sum(nil))

// keepVary leaves in Vary what CloudFront passes on. A "*" stays, too: nothing is kept then.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html
func keepVary(h http.Header, forwarded []string) {
	values := h["Vary"]
	h.Del("Vary")
	for name := range listed(values) {
		for _, kept := range append(forwarded, "*") {
			if http.CanonicalHeaderKey(name) == kept {
				addVary(h, name)
			}
		}
	}
}

// newTransport connects as CloudFront does, and gives up when the next piece of an answer takes too long.
func newTransport(patience time.Duration) *http.Transport {
	dialer := net.Dialer{Timeout: connectTimeout}
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dialer.DialContext(ctx, network, address)
			return impatient{c, patience}, err
		},
		DisableCompression:  true, // what the origin encodes is the viewer's to decode
		MaxIdleConnsPerHost: 64,
	}
}

// dialFailed reports whether there was no connection.
func dialFailed(err error) bool {
	var dial *net.OpError
	return errors.As(err, &dial) && dial.Op == "dial"
}

// impatient is a connection that fails when the next piece takes too long.
type impatient struct {
	net.Conn
	patience time.Duration
}

// Read reads, against the clock.
func (c impatient) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.patience)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

// origin is where a behaviour's requests go.
type origin interface {
	// get sends a request at the given time. One that cannot be reached is an error.
	get(ctx context.Context, in originRequest, now time.Time) (*http.Response, error)
}

// originRequest is what goes to an origin, after the origin-request function.
type originRequest struct {
	method, uri, query string
	header             http.Header
	body               io.Reader // nil for none
	length             int64     // of the body
	selected           []string  // the viewer's headers that the policies select
}
