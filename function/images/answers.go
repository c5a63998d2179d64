package images

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"secure-media-cdn/function/variant"
)

type (
	request  = events.LambdaFunctionURLRequest
	response = events.LambdaFunctionURLResponse
)

// maxPayload is how many bytes of a picture fit into an answer. Lambda takes 6
// MB, in which bytes are base64 and the headers count as well.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const maxPayload = 4_400_000

// The answers that show nothing. None may be cached: a broken service may heal,
// and a photo may be replaced by a good one.
var (
	notFound    = refuse(http.StatusNotFound, "Not found.\n")
	expired     = refuse(http.StatusForbidden, "This link has expired.\n")
	damaged     = refuse(http.StatusUnprocessableEntity, "This picture is damaged.\n")
	failed      = refuse(http.StatusInternalServerError, "Something went wrong.\n")
	unavailable = refuse(http.StatusServiceUnavailable, "Try again later.\n")
)

func refuse(status int, text string) response {
	headers := map[string]string{"Cache-Control": "no-store", "Content-Type": "text/plain; charset=utf-8"}
	if status == http.StatusServiceUnavailable {
		headers["Retry-After"] = "2"
	}
	return response{StatusCode: status, Headers: headers, Body: text}
}

// cacheable returns the headers of an answer that caches keep until the link's
// end. It depends on what the viewer can show.
func cacheable(task variant.Task, now time.Time) map[string]string {
	return map[string]string{
		"Cache-Control": variant.CacheControl(task.Expires.Sub(now), task.Browser),
		"Vary":          "Accept",
	}
}

// photo sends the viewer to the photo itself.
func photo(task variant.Task, now time.Time) response {
	headers := cacheable(task, now)
	headers["Location"] = task.Photo
	return response{StatusCode: http.StatusFound, Headers: headers}
}

func unchanged(task variant.Task, now time.Time, tag string) response {
	headers := cacheable(task, now)
	headers["ETag"] = tag
	return response{StatusCode: http.StatusNotModified, Headers: headers}
}

// show answers with a picture; one without bytes answers HEAD.
func show(task variant.Task, now time.Time, tag string, p Picture) response {
	headers := cacheable(task, now)
	headers["Content-Type"] = p.Type
	if tag != "" {
		headers["ETag"] = tag
	}
	return response{
		StatusCode: http.StatusOK, Headers: headers,
		Body: base64.StdEncoding.EncodeToString(p.Bytes), IsBase64Encoded: true,
	}
}

// entityTag names a picture by all that it is made of.
func entityTag(source string, task variant.Task, engine string) string {
	if source == "" {
		return ""
	}
	of := []string{source, task.Variant.String(), string(task.Format), task.Limits.String(), engine}
	sum := sha256.Sum256([]byte(strings.Join(of, "\n")))
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
}

// matches reports whether a request's If-None-Match names the tag.
// https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2
func matches(ifNoneMatch, tag string) bool {
	for candidate := range strings.SplitSeq(ifNoneMatch, ",") {
		candidate = strings.TrimPrefix(strings.TrimSpace(candidate), "W/")
		if tag != "" && (candidate == tag || candidate == "*") {
			return true
		}
	}
	return false
}
