package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/issue/client"
	"secure-media-cdn/infra/local/machine"
)

const (
	// hitBytes and missBytes are the sizes of the objects that are uploaded.
	hitBytes  = 64 << 10
	missBytes = 16 << 10
	// linkLife is the life of their links: longer than any run.
	linkLife = maxLimit + 10*time.Minute
	// maxBody bounds a picture given by -url.
	maxBody = 64 << 20
	// removalTime bounds what is done after the run.
	removalTime = 2 * time.Minute
)

// picture is a link and what it must show.
type picture struct {
	url  string
	body []byte
}

// target is what the requests go to.
type target struct {
	base   string // scheme and host
	warm   []picture
	fresh  []picture // one for each miss
	remove func() error
}

// loopbackAddress refuses every address but this machine's own.
func loopbackAddress(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" || u.Hostname() == "" {
		return fmt.Errorf("%q is no address like http://127.0.0.1:8080/images/…", address)
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && !ip.IsLoopback() {
		return fmt.Errorf("%s is not on this machine: a load test asks 127.0.0.1 only", u.Hostname())
	}
	return nil
}

// newClient keeps up to n connections, to this machine only, whatever a name
// such as localhost stands for.
func newClient(n int) *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		host, _, err := net.SplitHostPort(address)
		if err == nil && !net.ParseIP(host).IsLoopback() {
			err = fmt.Errorf("%s is not on this machine", host)
		}
		return err
	}}
	return &http.Client{
		Timeout:       30 * time.Second,
		Transport:     &http.Transport{DialContext: dialer.DialContext, MaxConnsPerHost: n, MaxIdleConnsPerHost: n, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// prepare readies what the run asks for: n links that nobody fetched, and
// others whose pictures are cached.
func prepare(ctx context.Context, f flags, n int, out io.Writer) (*target, error) {
	client := newClient(1)
	defer client.CloseIdleConnections()
	t := &target{remove: func() error { return nil }}
	if len(f.urls) > 0 {
		for _, u := range f.urls {
			t.warm = append(t.warm, picture{url: u})
		}
	} else {
		fmt.Fprintf(out, "uploading %d objects, and having their links made\n", n+1)
		if err := t.upload(ctx, f.outputs, n); err != nil {
			return nil, errors.Join(err, t.remove())
		}
	}
	first, err := url.Parse(t.warm[0].url)
	if err != nil {
		return nil, errors.Join(err, t.remove())
	}
	t.base = first.Scheme + "://" + first.Host
	for i := range t.warm {
		if err := warm(ctx, client, &t.warm[i]); err != nil {
			return nil, errors.Join(err, t.remove())
		}
	}
	return t, nil
}

// warm fetches a picture twice, after which it must come from the cache.
func warm(ctx context.Context, client *http.Client, p *picture) error {
	for _, cached := range []bool{false, true} {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url, nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return fmt.Errorf("the CDN does not answer; does `make run` still run? %w", err)
		}
		body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
		response.Body.Close()
		switch {
		case err != nil:
			return err
		case response.StatusCode != http.StatusOK || len(body) == 0:
			return fmt.Errorf("%s answers %s, so there is nothing to measure", p.url, response.Status)
		case p.body != nil && !bytes.Equal(body, p.body):
			return fmt.Errorf("%s shows another picture than its own", p.url)
		case cached && !isHit(response):
			return fmt.Errorf("%s is not cached: X-Cache is %q", p.url, response.Header.Get("X-Cache"))
		}
		p.body = body
	}
	return nil
}

func isHit(r *http.Response) bool {
	said := r.Header.Get("X-Cache")
	return strings.HasPrefix(said, "Hit ") || strings.HasPrefix(said, "RefreshHit ")
}

// local is the stack that `make run` runs.
type local struct {
	CdnBaseURL        string
	IssuerURL         string
	MediaBucket       string
	MediaBucketRegion string
	Services          []struct{ Name, Access string }
	s3Endpoint        string
}

func readLocal(outputs string) (local, error) {
	var l local
	var endpoints map[string]string
	for _, file := range []struct {
		path string
		into any
	}{{outputs, &l}, {filepath.Join(filepath.Dir(outputs), "endpoints.json"), &endpoints}} {
		text, err := os.ReadFile(file.path)
		if errors.Is(err, fs.ErrNotExist) {
			return l, fmt.Errorf("there is no %s: start `make run` first, in another window", file.path)
		}
		if err == nil {
			err = json.Unmarshal(text, file.into)
		}
		if err != nil {
			return l, fmt.Errorf("reading %s: %w", file.path, err)
		}
	}
	l.s3Endpoint = endpoints["AWS_ENDPOINT_URL_S3"]
	for _, address := range []string{l.CdnBaseURL, l.IssuerURL, l.s3Endpoint} {
		if err := loopbackAddress(address); err != nil {
			return l, err
		}
	}
	return l, nil
}

// folder is where the objects go: below a private service, if there are any.
func (l local) folder() string {
	const ours = "load-test/"
	for _, s := range l.Services {
		if s.Access == "private" {
			return s.Name + "/" + ours
		}
	}
	return ours
}

// upload puts one object to be cached and n to be missed into the bucket, and
// has their links made. remove takes all of it back, also what was only begun.
func (t *target) upload(ctx context.Context, outputs string, n int) error {
	l, err := readLocal(outputs)
	if err != nil {
		return err
	}
	keys := credentials.StaticCredentialsProvider{Value: machine.Local}
	requests := newClient(issueAtOnce)
	bucket := s3.New(s3.Options{BaseEndpoint: aws.String(l.s3Endpoint), Region: l.MediaBucketRegion, UsePathStyle: true, Credentials: keys, HTTPClient: requests})
	issuer := &client.Client{URL: l.IssuerURL, Region: l.MediaBucketRegion, Credentials: keys, HTTP: requests}

	random := rand.NewChaCha8([32]byte{1})
	objects := make([]string, n+1)
	pictures := make([]picture, n+1)
	folder := fmt.Sprintf("%s%d/", l.folder(), time.Now().UnixNano())
	t.remove = func() error { return remove(bucket, issuer, l.MediaBucket, objects) }
	for i := range pictures {
		size := missBytes
		if i == 0 {
			size = hitBytes
		}
		pictures[i].body = make([]byte, size)
		_, _ = random.Read(pictures[i].body) // never fails
		key := fmt.Sprintf("%s%04d.bin", folder, i)
		_, err := bucket.PutObject(ctx, &s3.PutObjectInput{Bucket: &l.MediaBucket, Key: &key, Body: bytes.NewReader(pictures[i].body)})
		if err != nil {
			return fmt.Errorf("uploading: %w", err)
		}
		objects[i] = "s3://" + l.MediaBucket + "/" + key
	}
	links := 0
	for chunk := range slices.Chunk(objects, issue.MaxObjects) {
		issued, err := issuer.Issue(ctx, chunk, linkLife)
		if err != nil {
			return err
		}
		for _, link := range issued {
			if link.Error != nil {
				return fmt.Errorf("issuing: %s", link.Error.Message)
			}
			if err := loopbackAddress(link.URL); err != nil {
				return err
			}
			pictures[links].url = link.URL
			links++
		}
	}
	if links != len(pictures) {
		return fmt.Errorf("the issuer made %d links for %d objects", links, len(pictures))
	}
	t.warm, t.fresh = pictures[:1], pictures[1:]
	return nil
}

// issueAtOnce is how many calls and deletions run at a time.
const issueAtOnce = 4

// remove revokes the links first, so that the deletions find nothing to revoke.
// It has a time of its own: the run's may be over.
func remove(bucket *s3.Client, issuer *client.Client, name string, objects []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), removalTime)
	defer cancel()
	uploaded := slices.DeleteFunc(slices.Clone(objects), func(o string) bool { return o == "" })
	var problems []error
	for chunk := range slices.Chunk(uploaded, issue.MaxObjects) {
		if _, err := issuer.Revoke(ctx, chunk, nil); err != nil {
			problems = append(problems, err)
		}
		var keys []s3types.ObjectIdentifier
		for _, o := range chunk {
			keys = append(keys, s3types.ObjectIdentifier{Key: aws.String(strings.TrimPrefix(o, "s3://"+name+"/"))})
		}
		if _, err := bucket.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &name, Delete: &s3types.Delete{Objects: keys, Quiet: aws.Bool(true)}}); err != nil {
			problems = append(problems, fmt.Errorf("removing what was uploaded: %w", err))
		}
	}
	return errors.Join(problems...)
}
