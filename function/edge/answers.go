package edge

import (
	"net/http"
	"strconv"
)

// The answers that do not depend on the mapping. None may be cached: a link
// that is unknown now may be issued in a second, and a broken store may heal.
var (
	notFound    = refuse(http.StatusNotFound, "Not found.\n")
	expired     = refuse(http.StatusForbidden, "This link has expired.\n")
	broken      = refuse(http.StatusInternalServerError, "Something went wrong.\n")
	unavailable = retryLater(refuse(http.StatusServiceUnavailable, "Try again later.\n"))
	// preflight answers OPTIONS; the response headers policy of the behaviour
	// adds the CORS fields. It is the same for every link, so no lookup.
	preflight = generate(http.StatusNoContent, Headers{"cache-control": noStore}, "")
)

var noStore = []Header{{Key: "Cache-Control", Value: "no-store"}}

func refuse(status int, body string) Response {
	return generate(status, Headers{
		"cache-control": noStore,
		"content-type":  {{Key: "Content-Type", Value: "text/plain; charset=utf-8"}},
	}, body)
}

// retryAfter is how many seconds a viewer should wait when no table answered.
const retryAfter = "2"

func retryLater(r Response) Response {
	r.Headers["retry-after"] = []Header{{Key: "Retry-After", Value: retryAfter}}
	return r
}

// redirect sends the viewer to a signed URL. Nothing may cache it: the URL expires
// in minutes and is for one viewer.
func redirect(url string) Response {
	return generate(http.StatusFound, Headers{
		"cache-control": {{Key: "Cache-Control", Value: "private, no-store"}},
		"location":      {{Key: "Location", Value: url}},
	}, "")
}

func generate(status int, headers Headers, body string) Response {
	return Response{
		Status:            strconv.Itoa(status),
		StatusDescription: http.StatusText(status),
		Headers:           headers,
		Body:              body,
	}
}
