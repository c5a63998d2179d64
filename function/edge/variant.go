package edge

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/seal"
	"secure-media-cdn/function/variant"
)

// sourceLife is how long the images function may read the one object that it is
// handed. It does so at once.
const sourceLife = time.Minute

// handOn returns the request that has the images function make a variant of the
// object: at the path of its URL, with the task in headers. The method stays, but
// the function always reads the object with GET.
func (h *Handler) handOn(ctx context.Context, c Config, l link, m mapping.Mapping, now time.Time) (Request, error) {
	r := l.request
	headers, err := r.headers()
	if err != nil {
		return Request{}, err
	}
	format, ok := variant.FormatOf(headers.get("accept"))
	if !ok {
		return Request{}, fmt.Errorf("the Accept header is %.50q, which the gate has not reduced", headers.get("accept"))
	}
	source, err := h.Sign(ctx, http.MethodGet, m.Object, c.BucketRegion, "", signatureLife(sourceLife, m, now))
	if err != nil {
		return Request{}, err
	}
	task := variant.Task{
		Variant: c.Variants[l.name], Format: format, Expires: m.ExpiresAt, Browser: c.browserCache(l.hash),
		Source: source, Photo: seal.LinkPath(l.hash),
	}
	for name, value := range task.Headers() {
		headers[name] = []Header{{Key: name, Value: value}}
	}
	r.URI = "/" // and no query, whatever the event has
	return r, r.setHeaders(headers)
}
