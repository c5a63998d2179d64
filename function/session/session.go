// Package session is the Lambda function behind the CDN's path /session: it exchanges a token of the team's OpenID
// provider for the cookie that the gate asks for, and takes the cookie away again.
//
//	POST /session    with the token in the header x-viewer-token, and no body
//	DELETE /session
//
// The token comes in a header of its own, because CloudFront signs what it sends on, and puts its signature into
// Authorization. Without a body a request's signature needs no hash that clients would have to send; see
// function/gate/session.js.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-lambda.html
//
// The function has no rights but to read the keys that seal and to write its log. So it cannot end a session for others
// than the browser that asks; the issuer can.
//
// A page of another site can neither sign a viewer in, as himself or as somebody else, nor sign him out: both need an
// Origin that is allowed, and a header or a method for which a browser asks first.
package session

import (
	"crypto/rand"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudfrontkeyvaluestore"

	"secure-media-cdn/function/keyring"
)

const (
	// Path is where the CDN serves the function.
	Path = "/session"
	// HeaderToken carries the provider's ID token.
	HeaderToken = "x-viewer-token"
)

// RequestHeaders are those that CloudFront must send on to the function.
func RequestHeaders() []string { return []string{"origin", HeaderToken, "x-amz-content-sha256"} }

// New returns the function as the environment configures it. Its error lists everything that is wrong with the
// configuration.
func New(getenv func(string) string, log *slog.Logger) (*Handler, error) {
	c, err := loadConfig(getenv)
	if err != nil {
		return nil, err
	}
	// Lambda passes credentials of the role by the environment, for as long as this process lives.
	role := credentials.NewStaticCredentialsProvider(getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY"),
		getenv("AWS_SESSION_TOKEN"))
	base := aws.Config{Region: keyring.Region, HTTPClient: newClient(), Credentials: role}
	var options []func(*cloudfrontkeyvaluestore.Options)
	if endpoint := getenv("AWS_ENDPOINT_URL_CLOUDFRONT_KEYVALUESTORE"); endpoint != "" {
		options = append(options, keyring.AtEndpoint(endpoint))
	}
	return &Handler{
		config: c, random: rand.Reader, now: time.Now, log: log,
		keys: &keyring.Ring{
			Client: cloudfrontkeyvaluestore.NewFromConfig(base, options...), Store: c.store, Generation: c.generation,
		},
		provider: &provider{issuer: c.issuer, client: newClient(), now: time.Now},
	}, nil
}

// newClient returns a client that gives up early enough for an answer, and goes nowhere but where it was sent.
func newClient() *http.Client {
	return &http.Client{
		Timeout: 3 * time.Second,
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: time.Second, KeepAlive: 15 * time.Second}).DialContext,
			TLSHandshakeTimeout: 2 * time.Second,
			IdleConnTimeout:     10 * time.Minute,
			ForceAttemptHTTP2:   true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
