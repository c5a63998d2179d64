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
func parseIssue(raw []byte, longest time.Duration) (objects []string, ttl time.Duration, problem *issue.Error) {
	fields, problem := object(raw, "objects", "ttlSeconds")
	if problem != nil {
		return nil, 0, problem
	}
	if objects, problem = texts("objects", fields["objects"]); problem != nil {
		return nil, 0, problem
	}
	if len(objects) == 0 {
		return nil, 0, issue.Problem(issue.CodeBadRequest, "objects", "name at least one object")
	}
	given := fields["ttlSeconds"]
	if given == nil || string(given) == "null" {
		return objects, 0, nil
	}
	var seconds int64
	if err := json.Unmarshal(given, &seconds); err != nil {
		return nil, 0, issue.Problem(issue.CodeBadRequest, "ttlSeconds", "ttlSeconds must be a whole number of seconds")
	}
	// Compared as seconds: as a Duration a large number would wrap around.
	if most := int64(longest / time.Second); seconds < 1 || seconds > most {
		return nil, 0, issue.Problem(issue.CodeBadTTL, "ttlSeconds", "a link lives for 1 to %d seconds", most)
	}
	return objects, time.Duration(seconds) * time.Second, nil
}

// parseRevoke reads the body of POST /revocations.
func parseRevoke(raw []byte) (objects, hashes []string, problem *issue.Error) {
	fields, problem := object(raw, "objects", "hashes")
	if problem != nil {
		return nil, nil, problem
	}
	if objects, problem = texts("objects", fields["objects"]); problem != nil {
		return nil, nil, problem
	}
	if hashes, problem = texts("hashes", fields["hashes"]); problem != nil {
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

// texts reads a field that is a list of strings, or missing.
func texts(field string, raw json.RawMessage) ([]string, *issue.Error) {
	if raw == nil {
		return nil, nil
	}
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil || items == nil {
		return nil, issue.Problem(issue.CodeBadRequest, field, "%s must be a list of strings", field)
	}
	if len(items) > issue.MaxObjects {
		return nil, issue.Problem(issue.CodeTooMany, field,
			"one call takes at most %d objects and hashes, not %d", issue.MaxObjects, len(items))
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
