package cloudfront

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

var rangeForm = regexp.MustCompile(`^(?:(\d{1,18})-(\d{1,18})?|-(0*[1-9]\d{0,17}))$`)

// rangeCounts reports whether a Range header counts for a body of the given size. The whole object is served if the
// header is malformed, or its ranges are out of order or overlap.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RangeGETs.html
func rangeCounts(header string, size int64) bool {
	list, ok := strings.CutPrefix(header, "bytes=")
	previous := int64(-1)
	for part := range strings.SplitSeq(list, ",") {
		m := rangeForm.FindStringSubmatch(strings.TrimSpace(part))
		if m == nil {
			return false
		}
		first, _ := strconv.ParseInt(m[1], 10, 64)
		last, err := strconv.ParseInt(m[2], 10, 64)
		if err != nil { // open
			last = max(size-1, first)
		}
		if suffix, err := strconv.ParseInt(m[3], 10, 64); err == nil {
			first, last = max(size-suffix, 0), size
		}
		if first <= previous || last < first {
			return false
		}
		if first < size {
			previous = min(last, size-1)
		}
	}
	return ok
}

// forwardableRange is the Range header that a miss takes to the origin: one range, without a condition. S3 reads no
// more than one and ignores If-Range, so in the other cases the whole object is fetched and cut here.
func (x *exchange) forwardableRange() string {
	given := x.header["Range"]
	if x.method != http.MethodGet || len(given) != 1 || len(x.header["If-Range"]) > 0 ||
		strings.Contains(given[0], ",") || !rangeCounts(given[0], 1<<62) {
		return ""
	}
	return given[0]
}
