package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/seal"
)

// maxBody is enough for a hundred keys of the greatest length, with every byte escaped.
const maxBody = 1 << 20

// withBody returns a serve that reads the call's body first.
func withBody(next serve) serve {
	return func(c *call) (int, any) {
		raw, err := io.ReadAll(http.MaxBytesReader(nil, c.Body, maxBody))
		var large *http.MaxBytesError
		switch {
		case errors.As(err, &large):
			return failure(c, issue.Problem(issue.CodeTooLarge, "", "a body has at most %d bytes", maxBody))
		case err != nil:
			return failure(c, issue.Problem(issue.CodeBadRequest, "", "the body could not be read"))
		}
		if problem := CheckText(raw); problem != nil {
			return failure(c, problem)
		}
		c.body = raw
		return next(c)
	}
}

// parseIssue reads the body of POST /links. longest is the longest life.
func parseIssue(raw []byte, longest time.Duration) (objects []string, terms issue.Terms, problem *issue.Error) {
	fields, problem := object(raw, "objects", "ttlSeconds", "audience")
	if problem != nil {
		return nil, terms, problem
	}
	if objects, problem = texts("objects", fields["objects"], issue.MaxObjects); problem != nil {
		return nil, terms, problem
	}
	if len(objects) == 0 {
		return nil, terms, issue.Problem(issue.CodeBadRequest, "objects", "name at least one object")
	}
	if terms.TTL, problem = life(fields["ttlSeconds"], "a link", 1, longest); problem != nil {
		return nil, terms, problem
	}
	if given := fields["audience"]; !missing(given) {
		if terms.Audience, problem = text("audience", given); problem != nil {
			return nil, terms, problem
		}
		if terms.Audience == "" {
			return nil, terms, issue.Problem(issue.CodeBadAudience, "audience",
				"name an audience, or leave the field out to bind each link to the object's service")
		}
	}
	return objects, terms, nil
}

// parseTicket reads the body of POST /viewers. longest is the longest life.
func parseTicket(raw []byte, longest time.Duration) (viewer string, audiences []string, ttl time.Duration,
	problem *issue.Error) {
	fields, problem := object(raw, "viewer", "audiences", "ttlSeconds")
	if problem != nil {
		return "", nil, 0, problem
	}
	if viewer, problem = text("viewer", fields["viewer"]); problem != nil {
		return "", nil, 0, problem
	}
	if audiences, problem = texts("audiences", fields["audiences"], seal.MaxAudiences); problem != nil {
		return "", nil, 0, problem
	}
	ttl, problem = life(fields["ttlSeconds"], "a ticket", int64(seal.MinTicketLife/time.Second), longest)
	return viewer, audiences, ttl, problem
}

// missing reports whether an optional field is not there.
func missing(raw json.RawMessage) bool { return raw == nil || string(raw) == "null" }

// life reads the field ttlSeconds, which says how long something lives; 0 is that nobody said.
func life(raw json.RawMessage, what string, least int64, longest time.Duration) (time.Duration, *issue.Error) {
	if missing(raw) {
		return 0, nil
	}
	var seconds int64
	if err := json.Unmarshal(raw, &seconds); err != nil {
		return 0, issue.Problem(issue.CodeBadRequest, "ttlSeconds", "ttlSeconds must be a whole number of seconds")
	}
	// Compared as seconds: as a Duration a large number would wrap around.
	if most := int64(longest / time.Second); seconds < least || seconds > most {
		return 0, issue.Problem(issue.CodeBadTTL, "ttlSeconds", "%s lives for %d to %d seconds", what, least, most)
	}
	return time.Duration(seconds) * time.Second, nil
}

// text reads a field that is a string.
func text(field string, raw json.RawMessage) (s string, problem *issue.Error) {
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", issue.Problem(issue.CodeBadRequest, field, "%s must be a string", field)
	}
	return s, nil
}

// parseRevoke reads the body of POST /revocations.
func parseRevoke(raw []byte) (objects, hashes []string, problem *issue.Error) {
	fields, problem := object(raw, "objects", "hashes")
	if problem != nil {
		return nil, nil, problem
	}
	if objects, problem = texts("objects", fields["objects"], issue.MaxObjects); problem != nil {
		return nil, nil, problem
	}
	if hashes, problem = texts("hashes", fields["hashes"], issue.MaxObjects); problem != nil {
		return nil, nil, problem
	}
	if len(objects)+len(hashes) == 0 {
		return nil, nil, issue.Problem(issue.CodeBadRequest, "objects", "name at least one object or hash")
	}
	return objects, hashes, nil
}

// object reads a JSON object with none but the known fields.
func object(raw []byte, known ...string) (map[string]json.RawMessage, *issue.Error) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil || fields == nil {
		return nil, issue.Problem(issue.CodeBadRequest, "",
			"the body must be one JSON object with the fields %s", strings.Join(known, " and "))
	}
	for name := range fields {
		if !slices.Contains(known, name) {
			return nil, issue.Problem(issue.CodeBadRequest, cut(name),
				"there is no such field; the fields are %s", strings.Join(known, " and "))
		}
	}
	return fields, nil
}

// texts reads a field that is a list of at most so many strings, or missing.
func texts(field string, raw json.RawMessage, most int) ([]string, *issue.Error) {
	if raw == nil {
		return nil, nil
	}
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil || items == nil {
		return nil, issue.Problem(issue.CodeBadRequest, field, "%s must be a list of strings", field)
	}
	if len(items) > most {
		return nil, issue.Problem(issue.CodeTooMany, field, "one call takes at most %d of them, not %d", most, len(items))
	}
	list := make([]string, len(items))
	for n, item := range items {
		if item[0] != '"' || json.Unmarshal(item, &list[n]) != nil {
			return nil, issue.Problem(issue.CodeBadRequest, at(field, n), "%s must be a list of strings", field)
		}
	}
	return list, nil
}

// at names a place in a list.
func at(field string, n int) string { return fmt.Sprintf("%s[%d]", field, n) }

// cut shortens text of the caller.
func cut(name string) string {
	const most = 64
	if len(name) <= most {
		return name
	}
	return strings.ToValidUTF8(name[:most], "") + "..."
}
