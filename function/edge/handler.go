package edge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/seal"
)

// Lookup returns the mapping of a hash and the region that answered. It returns
// mapping.ErrNotFound only when no region has it, mapping.ErrCorrupt for an item
// that is none, and any other error when no region could be asked. It bounds
// its own time.
type Lookup func(ctx context.Context, hash string) (m mapping.Mapping, region string, err error)

// Sign returns an S3 URL for one object that works for one method until the
// life is over. S3 answers as the overrides say, a part of the query string that
// may be empty.
type Sign func(ctx context.Context, method string, object mapping.Object, region, overrides string,
	life time.Duration) (string, error)

// Handler answers origin-request events. Its fields are set before the first
// event and not changed; it may be used by many goroutines.
type Handler struct {
	// Open prepares to read the table that a configuration names. It is called
	// once for each table, and does no work that could fail.
	Open func(Config) Lookup
	Sign Sign
	Now  func() time.Time
	Log  *slog.Logger

	deployed atomic.Pointer[[]*deployment]
}

// deployment is what follows from one origin, kept because each event carries
// one of the same few again.
type deployment struct {
	origin []byte
	images bool // the origin is the images function
	config Config
	lookup Lookup
}

// link is a request for a link.
type link struct {
	request Request
	hash    string
	// name is a variant's or seal.Download, and empty for the photo itself.
	name string
}

// answer is a Request to go on with, or a Response to end with.
type answer interface{ JSON() ([]byte, error) }

// Invoke answers one event, given and returned as JSON. It has an answer for
// everything: an error would let CloudFront answer 503 by itself, and a panic
// would end the process.
func (h *Handler) Invoke(ctx context.Context, payload []byte) (out []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			h.Log.Error("panic", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			out, err = broken.JSON()
		}
	}()
	request, err := parseEvent(payload)
	if err != nil {
		h.Log.Error("malformed event", "error", err.Error())
		return broken.JSON()
	}
	return h.answer(ctx, request).JSON()
}

func (h *Handler) answer(ctx context.Context, request Request) answer {
	// Links have one path. Any other is refused: each further way to write a link
	// would be one more cache key, and one more run for anyone who holds it.
	hash, name, ok := seal.ParsePath(request.URI)
	if !ok {
		return notFound // no lookup and no log line: anyone can cause these
	}
	d, err := h.deployment(request.origin())
	if err != nil {
		h.Log.Error("bad configuration", "error", err.Error())
		return broken
	}
	switch {
	case !d.serves(name):
		return notFound
	case request.Method == http.MethodOptions:
		return preflight
	}
	l := link{request, hash, name}
	start := h.Now()
	m, region, err := d.lookup(ctx, hash)
	now := h.Now()
	outcome, a, err := h.decide(ctx, d, l, m, err, now)
	h.log(outcome, l, region, now.Sub(start), err)
	return a
}

// serves reports whether a link of this name is fetched from the origin.
func (d *deployment) serves(name string) bool {
	if d.images {
		_, ok := d.config.Variants[name]
		return ok
	}
	return name == "" || name == seal.Download
}

// The outcomes of a lookup, as the log names them.
const (
	outcomeServed      = "served"
	outcomeRedirected  = "redirected"
	outcomeExpired     = "expired"
	outcomeUnknown     = "unknown"
	outcomeCorrupt     = "corrupt"
	outcomeWrongBucket = "wrong bucket"
	outcomeFailed      = "failed"
	outcomeUnavailable = "unavailable"
)

// decide returns the answer to what a lookup found, and what went wrong.
func (h *Handler) decide(ctx context.Context, d *deployment, l link, m mapping.Mapping, err error, now time.Time) (
	string, answer, error) {
	switch {
	case errors.Is(err, mapping.ErrNotFound):
		return outcomeUnknown, notFound, nil
	case errors.Is(err, mapping.ErrCorrupt):
		return outcomeCorrupt, broken, err
	case err != nil:
		return outcomeUnavailable, unavailable, err
	case !m.Live(now):
		return outcomeExpired, expired, nil
	case m.Object.Bucket != d.config.Bucket:
		return outcomeWrongBucket, broken, nil
	}
	outcome, a, err := h.deliver(ctx, d, l, m, now)
	if err != nil {
		return outcomeFailed, broken, err
	}
	return outcome, a, nil
}

// deliver answers for a live link.
func (h *Handler) deliver(ctx context.Context, d *deployment, l link, m mapping.Mapping, now time.Time) (
	string, answer, error) {
	c, left := d.config, m.ExpiresAt.Sub(now)
	browser := c.browserCache(l.hash)
	switch {
	case d.images:
		request, err := h.handOn(ctx, c, l, m, now)
		return outcomeServed, request, err
	case c.Delivery == DeliverRedirect:
		url, err := h.Sign(ctx, l.request.Method, m.Object, c.BucketRegion, atS3(m.Object, l.name, browser, left),
			signatureLife(c.SignatureTTL, m, now))
		return outcomeRedirected, redirect(url), err
	}
	l.request.URI, l.request.QueryString = m.Object.S3Path(), atOrigin(m.Object, l.name, browser, left)
	return outcomeServed, l.request, nil
}

// maxDeployments is how many origins are kept: that of photos and that of
// variants, twice while a change of the distribution is on its way.
const maxDeployments = 4

// deployment returns what follows from the event's origin, worked out once for
// as long as the origin stays the same.
func (h *Handler) deployment(raw []byte) (*deployment, error) {
	var kept []*deployment
	if p := h.deployed.Load(); p != nil {
		kept = *p
	}
	for _, d := range kept {
		if bytes.Equal(d.origin, raw) {
			return d, nil
		}
	}
	origin, err := parseOrigin(raw)
	if err != nil {
		return nil, err
	}
	config, err := parseConfig(origin)
	if err != nil {
		return nil, err
	}
	d := &deployment{origin: bytes.Clone(raw), images: origin.images, config: config}
	for _, other := range kept {
		// The connections, and what is known of the regions' health, are shared.
		if other.config.Table == config.Table && slices.Equal(other.config.Regions, config.Regions) {
			d.lookup = other.lookup
		}
	}
	if d.lookup == nil {
		d.lookup = h.Open(config)
	}
	kept = append([]*deployment{d}, kept[:min(len(kept), maxDeployments-1)]...)
	h.deployed.Store(&kept)
	return d, nil
}

// shownHash is how much of a hash a log may show: enough to find a link, too
// little to use it.
const shownHash = 8

func (h *Handler) log(outcome string, l link, region string, took time.Duration, err error) {
	attrs := []any{
		"outcome", outcome, "variant", l.name, "region", region,
		"ms", float64(took.Microseconds()) / 1000, "hash", l.hash[:shownHash],
	}
	if err != nil {
		attrs = append(attrs, "error", err.Error())
	}
	switch outcome {
	case outcomeServed, outcomeRedirected, outcomeExpired, outcomeUnknown:
		h.Log.Info("lookup", attrs...)
	default:
		h.Log.Error("lookup", attrs...)
	}
}
