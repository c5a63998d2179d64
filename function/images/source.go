package images

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// What can be wrong with reaching a source.
var (
	// errForeign says that a URL does not lead to S3: the edge function would not
	// have made it.
	errForeign = errors.New("the source is not an object of S3")
	// errGone says that there is no such object any more.
	errGone = errors.New("the object is gone")
	// errUnavailable says that S3 did not answer as it should.
	errUnavailable = errors.New("S3 did not answer as it should")
)

// Source reads objects from the URLs that the edge function signs.
type Source struct {
	Client *http.Client
	// Endpoint is the S3 server to read from, where that is not AWS's own.
	Endpoint string
}

// NewSource returns a Source that gives up early enough for an answer: S3 sends
// 50 MB to a function of its region in about a second.
func NewSource(endpoint string) *Source {
	return &Source{Endpoint: endpoint, Client: &http.Client{
		Timeout: 10 * time.Second,
		Transport: &http.Transport{
			DialContext:           (&net.Dialer{Timeout: time.Second}).DialContext,
			TLSHandshakeTimeout:   2 * time.Second,
			ResponseHeaderTimeout: 5 * time.Second,
			IdleConnTimeout:       5 * time.Minute,
			DisableCompression:    true, // a file is taken as it is stored
		},
		// S3 redirects a request for a bucket that is elsewhere. Ours is not.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// s3Host is a bucket's own host in its region, which is how the edge function
// names one.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
var s3Host = regexp.MustCompile(`\A[a-z0-9][a-z0-9.-]*\.s3\.[a-z0-9-]+\.amazonaws\.com\z`)

func (s *Source) allows(u *url.URL) bool {
	if u.User != nil {
		return false
	}
	if s.Endpoint != "" {
		return u.Scheme+"://"+u.Host == strings.TrimSuffix(s.Endpoint, "/")
	}
	return u.Scheme == "https" && s3Host.MatchString(u.Host)
}

// object is one that is about to be read.
type object struct {
	etag string
	body io.ReadCloser
	size int64 // -1 if S3 did not say
}

// open asks for the object. Its errors are the ones above, and hold no URL.
func (s *Source) open(ctx context.Context, signed string) (object, error) {
	u, err := url.Parse(signed)
	if err != nil || !s.allows(u) {
		return object{}, errForeign
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, signed, nil)
	if err != nil {
		return object{}, errForeign
	}
	response, err := s.Client.Do(request)
	if err != nil {
		return object{}, fmt.Errorf("%w: %w", errUnavailable, withoutURL(err))
	}
	if response.StatusCode != http.StatusOK {
		defer response.Body.Close()
		return object{}, refusal(response)
	}
	return object{response.Header.Get("ETag"), response.Body, response.ContentLength}, nil
}

// withoutURL returns the cause of a request's failure, without its URL.
func withoutURL(err error) error {
	if e := new(url.Error); errors.As(err, &e) {
		return e.Err
	}
	return err
}

// s3Code finds the code in S3's account of an error, which is XML.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
var s3Code = regexp.MustCompile(`<Code>([A-Za-z]{1,40})</Code>`)

// refusal reads what S3 says to a request that it does not serve.
func refusal(response *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(response.Body, 16<<10)) // of what there is
	code, dated := s3Code.FindSubmatch(text), bytes.Contains(text, []byte("<Expires>"))
	if code == nil {
		code = [][]byte{nil, nil}
	}
	switch {
	case response.StatusCode == http.StatusNotFound:
		return errGone
	// To a caller that may not list a bucket, S3 does not say which object is not
	// there. A signature that has expired comes with the time when it did.
	// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
	case response.StatusCode == http.StatusForbidden && string(code[1]) == "AccessDenied" && !dated:
		return errGone
	}
	return fmt.Errorf("%w: status %d %s", errUnavailable, response.StatusCode, code[1])
}

// read returns the object's bytes, if there are at most limit.
func (o object) read(limit int) ([]byte, error) {
	if o.size > int64(limit) {
		return nil, fmt.Errorf("%w: %d bytes", ErrTooLarge, o.size)
	}
	// With the size known, the bytes are stored once; otherwise there is a byte
	// of room to see that there are too many.
	data := make([]byte, 0, max(o.size, 0)+1)
	for {
		n, err := o.body.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		switch {
		case len(data) > limit:
			return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limit)
		case errors.Is(err, io.EOF):
			return data, nil
		case err != nil:
			return nil, fmt.Errorf("%w: %w", errUnavailable, withoutURL(err))
		case len(data) == cap(data):
			data = append(data, 0)[:len(data)]
		}
	}
}
