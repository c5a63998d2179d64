package images

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"secure-media-cdn/function/variant"
)

// Handler answers the calls of the function's URL, which only CloudFront may
// make; see variant.Task for what they carry.
type Handler struct {
	Engine *Engine
	Source *Source
	Now    func() time.Time
	Log    *slog.Logger
}

// The outcomes of a request, as the log names them.
const (
	outcomeMade        = "made"
	outcomeInspected   = "inspected"
	outcomeUnchanged   = "unchanged"
	outcomePhoto       = "photo itself"
	outcomeBroken      = "broken source"
	outcomeGone        = "gone"
	outcomeExpired     = "expired"
	outcomeUnavailable = "unavailable"
	outcomeMalformed   = "malformed request"
	outcomePanic       = "panic"
)

// record is what the log says of one request: never a URL, and nothing by which
// a photo could be found.
type record struct {
	outcome           string
	variant           string
	format            string
	bytesIn, bytesOut int
	err               error
}

// Handle answers one call. It has an answer for everything, so that no error
// and no panic becomes one of Lambda's own answers.
func (h *Handler) Handle(ctx context.Context, r request) (answer response, _ error) {
	start, note := h.Now(), record{}
	defer func() {
		if p := recover(); p != nil {
			note.outcome, note.err = outcomePanic, fmt.Errorf("%v\n%s", p, debug.Stack())
			answer = failed
		}
		h.log(ctx, note, h.Now().Sub(start))
	}()
	task, err := variant.ParseTask(r.Headers)
	method := r.RequestContext.HTTP.Method
	switch {
	case err != nil:
		note.outcome, note.err = outcomeMalformed, err
		return failed, nil
	case method != http.MethodGet && method != http.MethodHead:
		note.outcome, note.err = outcomeMalformed, fmt.Errorf("the method %.20q is neither GET nor HEAD", method)
		return failed, nil
	}
	note.variant, note.format = task.Variant.String(), string(task.Format)
	if h.alive(task) {
		answer = h.answer(ctx, task, method == http.MethodHead, r.Headers["if-none-match"], &note)
	}
	// Reading and transforming takes time, in which the link may have ended.
	if answer.StatusCode < 400 && !h.alive(task) {
		note.outcome = outcomeExpired
		return expired, nil
	}
	return answer, nil
}

func (h *Handler) alive(task variant.Task) bool { return h.Now().Before(task.Expires) }

func (h *Handler) answer(ctx context.Context, task variant.Task, head bool, ifNoneMatch string, note *record) response {
	source, err := h.Source.open(ctx, task.Source)
	if err != nil {
		return h.sorry(task, err, note)
	}
	defer source.body.Close()
	tag := entityTag(source.etag, task, h.Engine.Version())
	if matches(ifNoneMatch, tag) {
		note.outcome = outcomeUnchanged
		return unchanged(task, h.Now(), tag)
	}
	picture, err := h.picture(source, task, head, note)
	if err != nil {
		return h.sorry(task, err, note)
	}
	note.bytesOut = len(picture.Bytes)
	return show(task, h.Now(), tag, picture)
}

// picture makes the variant. For HEAD it only says of which type that would be,
// from the source's header; that may turn out to be broken, or too large.
func (h *Handler) picture(source object, task variant.Task, head bool, note *record) (Picture, error) {
	data, err := source.read(task.Limits.Megabytes * 1_000_000)
	note.bytesIn = len(data)
	if err != nil {
		return Picture{}, err
	}
	if head {
		note.outcome = outcomeInspected
		return h.Engine.Announce(data, task.Format, task.Limits)
	}
	note.outcome = outcomeMade
	picture, err := h.Engine.Transform(data, task.Variant, task.Format, task.Limits)
	if err == nil && len(picture.Bytes) > maxPayload {
		return Picture{}, fmt.Errorf("%w: the result has %d bytes", ErrTooLarge, len(picture.Bytes))
	}
	return picture, err
}

// sorry answers for a picture that there is not.
func (h *Handler) sorry(task variant.Task, err error, note *record) response {
	note.err = err
	switch {
	case errors.Is(err, ErrUnsupported), errors.Is(err, ErrTooLarge):
		note.outcome = outcomePhoto
		return photo(task, h.Now())
	case errors.Is(err, ErrBroken):
		note.outcome = outcomeBroken
		return damaged
	case errors.Is(err, errGone):
		note.outcome = outcomeGone
		return notFound
	case errors.Is(err, errUnavailable):
		note.outcome = outcomeUnavailable
		return unavailable
	}
	note.outcome = outcomeMalformed
	return failed
}

func (h *Handler) log(ctx context.Context, r record, took time.Duration) {
	level := slog.LevelInfo
	switch r.outcome {
	case outcomeUnavailable, outcomeMalformed, outcomePanic:
		level = slog.LevelError
	}
	attributes := []slog.Attr{
		slog.String("outcome", r.outcome), slog.String("variant", r.variant), slog.String("format", r.format),
		slog.Int("bytesIn", r.bytesIn), slog.Int("bytesOut", r.bytesOut),
		slog.Float64("ms", float64(took.Microseconds())/1000), slog.String("engine", h.Engine.Version()),
	}
	if r.err != nil {
		attributes = append(attributes, slog.String("error", r.err.Error()))
	}
	h.Log.LogAttrs(ctx, level, "variant", attributes...)
}
