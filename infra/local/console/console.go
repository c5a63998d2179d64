// Package console is the page to look at the local run with: what is deployed, the bucket's pictures and their
// links, each request as it is answered, and the alarms.
//
// It drives the stack as an application would: it uploads to S3, asks the issuer for links, and fetches them through
// the CDN. Nothing that the CDN refuses becomes reachable by it, but for the thumbnails, which it reads from the
// bucket with the credentials that it was given.
//
// Any page in the same browser can send requests to an address of this machine. So a request must name a loopback
// host (against DNS rebinding), must not come from another site's page, and must carry the page's token if it
// changes anything (guard.go). Keys and paths are written by strangers: the page only ever shows them as text.
package console

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/issue/api"
	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/variant"
	"secure-media-cdn/infra/local/cloudfront"
	"secure-media-cdn/infra/plan"
)

// Path is where the page is; everything else of the console is below it.
const Path = "/_console"

// Issuer makes and takes back links.
type Issuer interface {
	// Issue returns a link or a problem for each object, in order.
	Issue(ctx context.Context, objects []string, terms issue.Terms) ([]api.Link, error)
	// Revoke takes back all links of the objects, and the hashes.
	Revoke(ctx context.Context, objects, hashes []string) ([]api.Revocation, error)
	// Ticket returns a ticket for a viewer who is a member of the audiences. ttl is its life, 0 for the longest.
	Ticket(ctx context.Context, viewer string, audiences []string, ttl time.Duration) (*api.Ticket, error)
	// EndSession ends the session of a ticket.
	EndSession(ctx context.Context, session string) error
}

// Records knows which links an object has. A mapping.Table does.
type Records interface {
	Records(ctx context.Context, objects []mapping.Object) ([]mapping.Record, error)
}

// Options say what the console shows and drives. All but Unsupported and Now are required.
type Options struct {
	// Document is the plan; the page shows its resources without their inputs' secrets.
	Document *plan.Document
	// Outputs are the stack's, as the local run prints them: addresses are of this machine.
	Outputs map[string]any
	S3      *s3.Client
	Records Records
	Issuer  Issuer
	// Stats are the CDN's counters.
	Stats func() cloudfront.Stats
	// Unsupported lists what one machine cannot support: see cloudfront.Server.Unsupported.
	Unsupported []string
	// Now is the clock, time.Now if nil.
	Now func() time.Time
}

// Console is the page and its API, an http.Handler. It must be served on
// 127.0.0.1 only. It is safe for concurrent use.
type Console struct {
	options Options
	outputs outputs
	token   string
	mux     *http.ServeMux
	now     func() time.Time
	log     *requestLog
	metrics *metrics
	alarms  []alarm
	names   map[string][]string // of functions in metrics
	uploads chan struct{}       // one per upload under way
	client  *http.Client        // fetches through the CDN
}

// outputs are those of the stack's outputs that the console works with.
type outputs struct {
	BaseURL  string                     `json:"cdnBaseUrl"`
	Bucket   string                     `json:"mediaBucket"`
	Regions  []string                   `json:"mappingRegions"` // the home region first
	LinkTTL  int64                      `json:"linkTtlSeconds"`
	Services []service                  `json:"services"`
	Variants map[string]variant.Variant `json:"imageVariants"`
}

type service struct {
	Name   string `json:"name"`
	Access string `json:"access"` // private or public
	// Viewers is link or ticket for a private service: what its viewers need.
	Viewers string `json:"viewers"`
}

// New makes a Console.
func New(o Options) (*Console, error) {
	if o.Document == nil || o.S3 == nil || o.Records == nil || o.Issuer == nil || o.Stats == nil {
		return nil, errors.New("the console needs a document, S3, records, an issuer and stats")
	}
	out, err := parseOutputs(o.Outputs)
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	alarms, err := readAlarms(o.Document, out.Regions[0])
	if err != nil {
		return nil, err
	}
	c := &Console{
		options: o, outputs: out, token: rand.Text(), now: o.Now, alarms: alarms,
		log: newRequestLog(), metrics: newMetrics(alarms), names: metricNames(o.Document),
		uploads: make(chan struct{}, maxUploads),
		client: &http.Client{
			Timeout: fetchTimeout, Transport: &http.Transport{DialContext: dial},
			// A link may redirect to S3; the page tells so rather than follow.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	c.routes()
	return c, nil
}

func parseOutputs(all map[string]any) (outputs, error) {
	var out outputs
	text, err := json.Marshal(all)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		return out, fmt.Errorf("the console cannot read the stack's outputs: %w", err)
	}
	if out.Bucket == "" || out.LinkTTL < 1 || len(out.Regions) == 0 {
		return out, errors.New("the console needs the outputs mediaBucket, linkTtlSeconds and mappingRegions")
	}
	address, err := url.Parse(out.BaseURL)
	if err != nil || address.Scheme != "http" || !loopback(address.Hostname()) || strings.HasSuffix(out.BaseURL, "/") {
		return out, fmt.Errorf("the console drives a CDN on this machine only, so the output cdnBaseUrl must be http://127.0.0.1:<port>, not %q", out.BaseURL)
	}
	return out, nil
}

// loopback reports whether a host, without its port, is this very machine. Names below localhost are:
// https://www.rfc-editor.org/rfc/rfc6761#section-6.3
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// dial reaches names below localhost, too, which Go's resolver leaves to the machine's.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err == nil && strings.HasSuffix(host, ".localhost") {
		address = net.JoinHostPort("127.0.0.1", port)
	}
	return new(net.Dialer).DialContext(ctx, network, address)
}
