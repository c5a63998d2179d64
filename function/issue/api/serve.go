package api

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"secure-media-cdn/function/issue"
)

func (h *Handler) issue(ctx context.Context, c *call) (int, any) {
	objects, ttl, problem := parseIssue(c.body, h.Issuer.TTL)
	if problem != nil {
		return failure(c, problem)
	}
	links, err := h.Issuer.Issue(ctx, objects, ttl)
	if err != nil {
		return failure(c, issue.AsError(err))
	}
	answer := IssueAnswer{Links: make([]Link, len(links))}
	var failed []*issue.Error
	fresh := 0
	for n, l := range links {
		answer.Links[n] = Link{
			Object: l.Object, URL: l.URL, Hash: l.Hash, ExpiresAt: moment(l.ExpiresAt),
			Service: l.Service, Error: wire(l.Err, at("objects", n)),
		}
		if l.Err != nil {
			failed = append(failed, l.Err)
		} else if l.New {
			fresh++
		}
	}
	c.note(slog.Int("objects", len(links)), slog.Int("new", fresh), slog.Int("failed", len(failed)))
	status := http.StatusOK
	if len(failed) == len(links) {
		status, answer.Error = failed[0].Status(), answer.Links[0].Error
	}
	c.noteProblems(failed)
	return status, answer
}

func (h *Handler) show(ctx context.Context, c *call) (int, any) {
	shown, err := h.Issuer.Show(ctx, c.hash)
	if err != nil {
		return failure(c, issue.AsError(err).At("hash"))
	}
	c.note(slog.String("state", string(shown.State)))
	m := shown.Mapping
	return http.StatusOK, Shown{
		Hash: m.Hash, URL: shown.URL, Object: m.Object.String(), State: string(shown.State), Service: m.Service,
		CreatedAt: moment(m.CreatedAt), ExpiresAt: m.ExpiresAt.UTC(), RevokedAt: moment(shown.RevokedAt),
	}
}

func (h *Handler) remove(ctx context.Context, c *call) (int, any) {
	outcomes, err := h.Issuer.Revoke(ctx, nil, []string{c.hash})
	if err != nil {
		return failure(c, issue.AsError(err))
	}
	if outcomes[0].Err != nil {
		return failure(c, outcomes[0].Err.At("hash"))
	}
	return http.StatusOK, revocation(outcomes[0], "")
}

func (h *Handler) revoke(ctx context.Context, c *call) (int, any) {
	objects, hashes, problem := parseRevoke(c.body)
	if problem != nil {
		return failure(c, problem)
	}
	outcomes, err := h.Issuer.Revoke(ctx, objects, hashes)
	if err != nil {
		return failure(c, issue.AsError(err))
	}
	h.Issuer.Withdraw(ctx, outcomes)
	answer := RevokeAnswer{Revocations: make([]Revocation, len(outcomes))}
	status := http.StatusOK
	var failed []*issue.Error
	revoked := 0
	for n, o := range outcomes {
		field := at("objects", n)
		if n >= len(objects) {
			field = at("hashes", n-len(objects))
		}
		answer.Revocations[n] = revocation(o, field)
		revoked += len(o.Hashes)
		if o.Err == nil {
			continue
		}
		failed = append(failed, o.Err)
		if o.Err.Status() > status {
			status, answer.Error = o.Err.Status(), answer.Revocations[n].Error
		}
	}
	c.note(slog.Int("objects", len(objects)), slog.Int("hashes", len(hashes)), slog.Int("revoked", revoked), slog.Int("failed", len(failed)))
	c.noteProblems(failed)
	return status, answer
}

func revocation(o issue.Outcome, field string) Revocation {
	r := Revocation{Object: o.Object, Hash: o.Hash, Revoked: o.Hashes, Withdrawn: o.Withdrawn, Error: wire(o.Err, field)}
	if r.Revoked == nil {
		r.Revoked = []string{}
	}
	return r
}

// noteProblems logs the codes of the problems, and the cause of the first that
// has one: the others mostly have the same.
func (c *call) noteProblems(failed []*issue.Error) {
	if len(failed) == 0 {
		return
	}
	codes := map[string]int{}
	for _, e := range failed {
		codes[e.Code]++
	}
	c.note(slog.Any("codes", codes))
	for _, e := range failed {
		if e.Unwrap() != nil {
			c.note(slog.String("error", e.Error()))
			return
		}
	}
}

// moment returns the time for JSON, nil for none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
