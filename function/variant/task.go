package variant

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Limits bound the sources that are transformed at all. A larger one is
// answered with the photo itself.
type Limits struct {
	Megapixels int // of all frames together
	Megabytes  int // of the file, in millions of bytes
	Frames     int // that are kept of an animation; the rest is cut off
}

// String returns the one spelling of l, as in
// "megapixels=100,megabytes=50,frames=60".
func (l Limits) String() string {
	return fmt.Sprintf("megapixels=%d,megabytes=%d,frames=%d", l.Megapixels, l.Megabytes, l.Frames)
}

// maxLimit keeps products of limits far from an overflow.
const maxLimit = 10_000

// Validate returns an error that names everything that is wrong with l.
func (l Limits) Validate() error {
	var problems []error
	for _, c := range []struct {
		name string
		n    int
	}{{"megapixels", l.Megapixels}, {"megabytes", l.Megabytes}, {"frames", l.Frames}} {
		if c.n < 1 || c.n > maxLimit {
			problems = append(problems, fmt.Errorf("the limit of %s must be from 1 to %d, not %d", c.name, maxLimit, c.n))
		}
	}
	return errors.Join(problems...)
}

// ParseLimits reads what String writes, and nothing else.
func ParseLimits(s string) (Limits, error) {
	var l Limits
	_, err := fmt.Sscanf(s, "megapixels=%d,megabytes=%d,frames=%d", &l.Megapixels, &l.Megabytes, &l.Frames)
	if err != nil || l.String() != s {
		return Limits{}, fmt.Errorf("%q are no limits", s)
	}
	return l, l.Validate()
}

// The headers that a request to the images function carries. The distribution
// adds HeaderLimits, as a custom header of the origin; the edge function sets
// the others. CloudFront forwards none of the viewer's own headers, so nobody
// else can.
const (
	HeaderVariant = "x-media-image-variant"
	HeaderFormat  = "x-media-image-format"
	HeaderExpires = "x-media-image-expires"
	HeaderBrowser = "x-media-image-browser-seconds"
	HeaderSource  = "x-media-image-source"
	HeaderPhoto   = "x-media-image-photo"
	HeaderLimits  = "x-media-image-limits"
)

// Task is one request, as the edge function hands it on.
type Task struct {
	Variant Variant
	Format  Format
	// Expires is the end of the link, in whole seconds. It is not the time left,
	// because a transformation may take seconds, in which the cached answer must
	// not live longer than the link.
	Expires time.Time
	// Browser bounds how long a browser may keep the answer.
	Browser time.Duration
	// Source is the URL from which the one object can be had for a minute. It is
	// a secret.
	Source string
	// Photo is the path of the photo as it was uploaded, /images/<hash>.
	Photo string
	// Limits are no part of what Headers returns; see HeaderLimits.
	Limits Limits
}

// Headers returns what the edge function sets, by names in lower case.
func (t Task) Headers() map[string]string {
	return map[string]string{
		HeaderVariant: t.Variant.String(),
		HeaderFormat:  string(t.Format),
		HeaderExpires: strconv.FormatInt(t.Expires.Unix(), 10),
		HeaderBrowser: strconv.FormatInt(int64(t.Browser/time.Second), 10),
		HeaderSource:  t.Source,
		HeaderPhoto:   t.Photo,
	}
}

// photoPath is a path that cannot lead to another host, and needs no escaping.
var photoPath = regexp.MustCompile(`\A(/[A-Za-z0-9_-]+)+\z`)

// ParseTask reads a task from a request's headers, whose names are in lower
// case, as in the event of a Function URL. The error lists every header that is
// missing or malformed, and shows no part of the source's URL.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
func ParseTask(headers map[string]string) (Task, error) {
	var t Task
	var problems []error
	wrong := func(name, reason string) {
		if headers[name] == "" {
			reason = "is missing"
		}
		problems = append(problems, fmt.Errorf("header %s %s", name, reason))
	}
	seconds := func(name string) int64 {
		n, err := strconv.ParseInt(headers[name], 10, 64)
		if err != nil || n < 0 || n > 1<<40 || strconv.FormatInt(n, 10) != headers[name] {
			wrong(name, "is not a number of seconds")
			return 0
		}
		return n
	}
	var err error
	if t.Variant, err = Parse(headers[HeaderVariant]); err != nil {
		wrong(HeaderVariant, "is malformed: "+err.Error())
	}
	if t.Format = Format(headers[HeaderFormat]); !t.Format.Valid() {
		wrong(HeaderFormat, "is no format")
	}
	t.Expires = time.Unix(seconds(HeaderExpires), 0)
	// A browser's time is compared, not added up: a year is as good as for ever.
	t.Browser = time.Duration(min(seconds(HeaderBrowser), 366*24*3600)) * time.Second
	if t.Source = headers[HeaderSource]; !strings.Contains(t.Source, "://") {
		wrong(HeaderSource, "is no URL")
	}
	if t.Photo = headers[HeaderPhoto]; !photoPath.MatchString(t.Photo) {
		wrong(HeaderPhoto, "is no path of a photo")
	}
	if t.Limits, err = ParseLimits(headers[HeaderLimits]); err != nil {
		wrong(HeaderLimits, "is malformed: "+err.Error())
	}
	if err := errors.Join(problems...); err != nil {
		return Task{}, err
	}
	return t, nil
}

// CacheControl returns the Cache-Control of what a link shows that still lives
// for left: no cache outlives the link, and an outage does not stretch it. In
// browsers it is kept for at most browser.
func CacheControl(left, browser time.Duration) string {
	return fmt.Sprintf("public, max-age=%d, s-maxage=%d, stale-if-error=0",
		min(left, browser)/time.Second, left/time.Second)
}
