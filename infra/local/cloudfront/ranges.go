package cloudfront

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// span is a range of bytes, the last one included.
type span struct{ first, last int64 }

func (s span) contentRange(size int64) string {
	return fmt.Sprintf("bytes %d-%d/%d", s.first, s.last, size)
}

// parseRanges reads a Range header for a body of the given size. ok is false if
// the header is to be ignored and the whole object served: it is malformed, or
// its ranges are out of order or overlap. No span and ok means 416.
// CFDG RangeGETs.html, RFC 9110 section 14.2
func parseRanges(header string, size int64) (spans []span, ok bool) {
	list, found := strings.CutPrefix(header, "bytes=")
	if !found {
		return nil, false
	}
	previous := int64(-1)
	for part := range strings.SplitSeq(list, ",") {
		s, satisfiable, valid := parseSpan(strings.TrimSpace(part), size)
		if !valid {
			return nil, false
		}
		if !satisfiable {
			continue
		}
		if s.first <= previous {
			return nil, false
		}
		previous = s.last
		spans = append(spans, s)
	}
	return spans, true
}

func parseSpan(part string, size int64) (s span, satisfiable, valid bool) {
	first, last, dash := strings.Cut(part, "-")
	if !dash || !digits(first) || !digits(last) || first == "" && last == "" {
		return s, false, false
	}
	if first == "" { // the last n bytes
		n, err := strconv.ParseInt(last, 10, 64)
		return span{max(size-n, 0), size - 1}, n > 0 && size > 0, err == nil
	}
	from, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return s, false, false
	}
	to := size - 1
	if last != "" {
		if to, err = strconv.ParseInt(last, 10, 64); err != nil || to < from {
			return s, false, false
		}
		to = min(to, size-1)
	}
	return span{from, to}, from < size, true
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// forwardableRange is the Range header that a miss takes to the origin: one
// range, without a condition. S3 reads no more than one, and ignores If-Range,
// so in the other cases the whole object is fetched and cut here.
func (x *exchange) forwardableRange() string {
	given := x.header["Range"]
	if x.method != http.MethodGet || len(given) != 1 || len(x.header["If-Range"]) > 0 {
		return ""
	}
	list, found := strings.CutPrefix(given[0], "bytes=")
	if !found || strings.Contains(list, ",") {
		return ""
	}
	if _, _, valid := parseSpan(list, 1<<62); !valid {
		return ""
	}
	return given[0]
}

// multipartBody puts several ranges into one body.
// RFC 9110 section 14.6
func multipartBody(body []byte, spans []span, contentType string) (typ string, out []byte) {
	var buffer bytes.Buffer
	w := multipart.NewWriter(&buffer)
	for _, s := range spans {
		part, err := w.CreatePart(textproto.MIMEHeader{"Content-Type": {contentType}, "Content-Range": {s.contentRange(int64(len(body)))}})
		if err == nil {
			_, _ = part.Write(body[s.first : s.last+1])
		}
	}
	_ = w.Close()
	return "multipart/byteranges; boundary=" + w.Boundary(), buffer.Bytes()
}
