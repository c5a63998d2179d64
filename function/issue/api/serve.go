package api

import (
	"log/slog"
	"net/http"
	"time"

	"secure-media-cdn/function/issue"
)

func issueLinks(c *call) (int, any) {
	objects, terms, problem := parseIssue(c.body, c.issuer.TTL)
	if problem != nil {
		return failure(c, problem)
	}
	links, err := c.issuer.Issue(c.Context(), objects, terms)
	if err != nil {
		return failure(c, issue.AsError(err))
	}
	answer := IssueAnswer{Links: make([]Link, len(links))}
	var failed []*issue.Error
	fresh := 0
	for n, l := range links {
		answer.Links[n] = Link{
			Object: l.Object, URL: l.URL, Download: l.Download, Variants: l.Variants,
			Hash: l.Hash, ExpiresAt: moment(l.ExpiresAt),
			Service: l.Service, Audience: l.Audience, Error: wire(l.Err, at("objects", n)),
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
	c.note(issue.LogAttrs(failed)...)
	return status, answer
}

func showLink(c *call) (int, any) {
	shown, err := c.issuer.Show(c.Context(), c.hash)
	if err != nil {
		return failure(c, issue.AsError(err).At("hash"))
	}
	c.note(slog.String("state", string(shown.State)))
	m := shown.Mapping
	return http.StatusOK, Shown{
		Hash: m.Hash, URL: shown.URL, Download: shown.Download, Variants: shown.Variants,
		Object: m.Object.String(), State: string(shown.State), Service: m.Service, Audience: m.Audience,
		CreatedAt: moment(m.CreatedAt), ExpiresAt: m.ExpiresAt.UTC(), RevokedAt: moment(shown.RevokedAt),
	}
}

func revokeLink(c *call) (int, any) {
	outcomes, err := c.issuer.Revoke(c.Context(), nil, []string{c.hash})
	if err != nil {
		return failure(c, issue.AsError(err))
	}
	if outcomes[0].Err != nil {
		return failure(c, outcomes[0].Err.At("hash"))
	}
	return http.StatusOK, revocation(outcomes[0], "")
}

func revoke(c *call) (int, any) {
	objects, hashes, problem := parseRevoke(c.body)
	if problem != nil {
		return failure(c, problem)
	}
	outcomes, err := c.issuer.Revoke(c.Context(), objects, hashes)
	if err != nil {
		return failure(c, issue.AsError(err))
	}
	c.issuer.Withdraw(c.Context(), outcomes)
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
	c.note(slog.Int("objects", len(objects)), slog.Int("hashes", len(hashes)),
		slog.Int("revoked", revoked), slog.Int("failed", len(failed)))
	c.note(issue.LogAttrs(failed)...)
	return status, answer
}

func revocation(o issue.Outcome, field string) Revocation {
	r := Revocation{Object: o.Object, Hash: o.Hash, Revoked: o.Hashes, Withdrawn: o.Withdrawn, Error: wire(o.Err, field)}
	if r.Revoked == nil {
		r.Revoked = []string{}
	}
	return r
}

// makeTicket answers POST /viewers. The log has neither the ticket nor who the viewer is: a pseudonym tells one
// viewer's calls from another's.
func makeTicket(c *call) (int, any) {
	viewer, audiences, ttl, problem := parseTicket(c.body, c.issuer.TicketTTL)
	if problem != nil {
		return failure(c, problem)
	}
	t, err := c.issuer.Ticket(c.Context(), viewer, audiences, ttl)
	if err != nil {
		return failure(c, issue.AsError(err))
	}
	c.note(slog.String("viewer", t.Viewer), slog.String("session", shortSession(t.Session)),
		slog.Int("audiences", len(audiences)), slog.Time("expires", t.ExpiresAt.UTC()))
	return http.StatusOK, Ticket{Ticket: t.Ticket, Cookie: t.Cookie, Session: t.Session, ExpiresAt: t.ExpiresAt.UTC()}
}

func endSession(c *call) (int, any) {
	if err := c.issuer.EndSession(c.Context(), c.session); err != nil {
		return failure(c, issue.AsError(err).At("session"))
	}
	return http.StatusNoContent, nil
}

// moment returns the time for JSON, nil for none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
