package cloudfront

import (
	"net/http"
	"strings"
	"time"
)

// precondition evaluates the viewer's conditions on a 200: it returns 0 if the
// object is to be sent, 304 or 412 otherwise.
// RFC 9110 section 13.2.2
func precondition(request, stored http.Header) int {
	if len(request["If-None-Match"]) == 0 && len(request["If-Modified-Since"]) == 0 && len(request["If-Match"]) == 0 && len(request["If-Unmodified-Since"]) == 0 {
		return 0 // most requests
	}
	tag, modified := stored.Get("Etag"), stored.Get("Last-Modified")
	if match := request["If-Match"]; len(match) > 0 {
		if !matchesTag(match, tag, false) {
			return http.StatusPreconditionFailed
		}
	} else if since := request.Get("If-Unmodified-Since"); since != "" && later(modified, since) {
		return http.StatusPreconditionFailed
	}
	if none := request["If-None-Match"]; len(none) > 0 {
		if matchesTag(none, tag, true) {
			return http.StatusNotModified
		}
	} else if since := request.Get("If-Modified-Since"); since != "" && modified != "" {
		if _, err := http.ParseTime(since); err == nil && !later(modified, since) {
			return http.StatusNotModified
		}
	}
	return 0
}

// matchesTag compares an entity tag with a list. A weak comparison takes W/"x"
// for "x"; a strong one finds weak tags equal to nothing.
func matchesTag(lists []string, tag string, weak bool) bool {
	for _, list := range lists {
		for candidate := range strings.SplitSeq(list, ",") {
			candidate = strings.TrimSpace(candidate)
			switch {
			case candidate == "*":
				return true
			case weak && tag != "" && strings.TrimPrefix(candidate, "W/") == strings.TrimPrefix(tag, "W/"):
				return true
			case !weak && candidate == tag && strings.HasPrefix(tag, `"`):
				return true
			}
		}
	}
	return false
}

// later reports whether the first date is after the second; dates that cannot
// be read are not.
func later(a, b string) bool {
	first, err1 := http.ParseTime(a)
	second, err2 := http.ParseTime(b)
	return err1 == nil && err2 == nil && first.Truncate(time.Second).After(second)
}

// rangeHolds evaluates If-Range: only for the very object that the viewer has a
// part of does its Range count.
// RFC 9110 section 13.1.5
func rangeHolds(request, stored http.Header) bool {
	condition := request.Get("If-Range")
	if condition == "" {
		return true
	}
	if strings.HasPrefix(condition, `"`) {
		return condition == stored.Get("Etag")
	}
	when, err1 := http.ParseTime(condition)
	modified, err2 := http.ParseTime(stored.Get("Last-Modified"))
	return err1 == nil && err2 == nil && when.Equal(modified)
}
