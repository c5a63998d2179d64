package edge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
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
// life is over.
type Sign func(ctx context.Context, method string, object mapping.Object, region string,
	life time.Duration) (string, error)

// Handler answers origin-request events. Its fields are set before the first
// event and not changed; it may be used by many goroutines.
type Handler struct {
	// Open prepares to read the table that a configuration names. It is called
	// once for each configuration, and does no work that could fail.
	Open func(Config) Lookup
	Sign Sign
	Now  func() time.Time
	Log  *slog.Logger

	deployed atomic.Pointer[deployment]
}

// deployment is what follows from one origin, kept because each event carries
// the same one again.
type deployment struct {
	origin []byte
	config Config
	lookup Lookup
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
	if !ok || name != "" {
		return notFound // no lookup and no log line: anyone can cause these
	}
	if request.Method == http.MethodOptions {
		return preflight
	}
	d, err := h.deployment(request.origin())
	if err != nil {
		h.Log.Error("bad configuration", "error", err.Error())
		return broken
	}
	start := h.Now()
	m, region, err := d.lookup(ctx, hash)
	now := h.Now()
	outcome, a := h.decide(ctx, d.config, request, m, err, now)
	h.log(outcome, hash, region, now.Sub(start), err)
	return a
}

// The outcomes of a lookup, as the log names them.
const (
	outcomeServed      = "served"
	outcomeRedirected  = "redirected"
	outcomeExpired     = "expired"
	outcomeUnknown     = "unknown"
	outcomeCorrupt     = "corrupt"
	outcomeWrongBucket = "wrong bucket"
	outcomeUnsigned    = "unsigned"
	outcomeUnavailable = "unavailable"
)

func (h *Handler) decide(ctx context.Context, c Config, request Request, m mapping.Mapping, err error,
	now time.Time) (string, answer) {
	switch {
	case errors.Is(err, mapping.ErrNotFound):
		return outcomeUnknown, notFound
	case errors.Is(err, mapping.ErrCorrupt):
		return outcomeCorrupt, broken
	case err != nil:
		return outcomeUnavailable, unavailable
	case !m.Live(now):
		return outcomeExpired, expired
	case m.Object.Bucket != c.Bucket:
		return outcomeWrongBucket, broken
	case c.Delivery == DeliverRedirect:
		url, err := h.Sign(ctx, request.Method, m.Object, c.BucketRegion, signatureLife(c, m, now))
		if err != nil {
			h.Log.Error("signing failed", "error", err.Error())
			return outcomeUnsigned, broken
		}
		return outcomeRedirected, redirect(url)
	default:
		request.URI = m.Object.S3Path()
		request.QueryString = cacheControlOverride(c.BrowserCache, m.ExpiresAt.Sub(now))
		return outcomeServed, request
	}
}

// deployment returns what follows from the event's origin, worked out once for
// as long as the origin stays the same.
func (h *Handler) deployment(raw []byte) (*deployment, error) {
	if d := h.deployed.Load(); d != nil && bytes.Equal(d.origin, raw) {
		return d, nil
	}
	origin, err := parseOrigin(raw)
	if err != nil {
		return nil, err
	}
	config, err := parseConfig(origin.S3.CustomHeaders)
	if err != nil {
		return nil, err
	}
	d := &deployment{origin: bytes.Clone(raw), config: config, lookup: h.Open(config)}
	h.deployed.Store(d)
	return d, nil
}

// shownHash is how much of a hash a log may show: enough to find a link, too
// little to use it.
const shownHash = 8

func (h *Handler) log(outcome, hash, region string, took time.Duration, err error) {
	attrs := []any{
		"outcome", outcome, "region", region,
		"ms", float64(took.Microseconds()) / 1000, "hash", hash[:shownHash],
	}
	switch outcome {
	case outcomeServed, outcomeRedirected, outcomeExpired, outcomeUnknown:
		h.Log.Info("lookup", attrs...)
	case outcomeUnavailable, outcomeCorrupt:
		h.Log.Error("lookup", append(attrs, "error", err.Error())...)
	default:
		h.Log.Error("lookup", attrs...)
	}
}
