package cloudfront

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"secure-media-cdn/infra/local/cloudfront/distribution"
)

// directives are what an answer says about its own caching.
type directives struct {
	noStore, noCache, private bool
	maxAge, sMaxAge, expires  *time.Duration // expires: from the request to the origin on
	staleIfError              *time.Duration
}

// readDirectives reads Cache-Control and Expires of an answer to a request that was sent at the given time.
func readDirectives(h http.Header, requested time.Time) directives {
	var d directives
	for _, line := range h["Cache-Control"] {
		for part := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			switch strings.ToLower(name) {
			case "no-store":
				d.noStore = true
			case "no-cache":
				d.noCache = true
			case "private":
				d.private = true
			case "max-age":
				d.maxAge = seconds(value)
			case "s-maxage":
				d.sMaxAge = seconds(value)
			case "stale-if-error":
				d.staleIfError = seconds(value)
			}
		}
	}
	// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html
	// "Content negotiation"
	for name := range listed(h["Vary"]) {
		d.noStore = d.noStore || name == "*"
	}
	if v := h.Get("Expires"); v != "" {
		left := time.Duration(0) // an invalid date is in the past: https://www.rfc-editor.org/rfc/rfc9111#section-5.3
		if at, err := http.ParseTime(v); err == nil {
			left = max(at.Sub(requested), 0)
		}
		d.expires = &left
	}
	return d
}

func seconds(value string) *time.Duration {
	n, err := strconv.ParseInt(strings.Trim(value, `"`), 10, 64)
	if err != nil || n < 0 {
		return nil
	}
	// At most 100 years: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Expiration.html
	d := time.Duration(min(n, 100*365*24*3600)) * time.Second
	return &d
}

// explicit is the lifetime that the answer asks for, if any: s-maxage before max-age before Expires.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Expiration.html
func (d directives) explicit() *time.Duration {
	for _, given := range []*time.Duration{d.sMaxAge, d.maxAge, d.expires} {
		if given != nil {
			return given
		}
	}
	return nil
}

func (d directives) refuses() bool { return d.noStore || d.noCache || d.private }

// lifetime says how long an answer below 400 is fresh.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Expiration.html
func lifetime(p distribution.CachePolicy, status int, d directives) time.Duration {
	if d.refuses() {
		return p.Min // 0 follows the origin's wish
	}
	if given := d.explicit(); given != nil {
		return min(max(*given, p.Min), p.Max)
	}
	// These only with a header:
	// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-3xx-status-codes.html
	if status == http.StatusTemporaryRedirect || status == http.StatusPermanentRedirect {
		return 0
	}
	return max(p.Min, p.Default)
}

// errorLifetime says how long an error is kept. fromOrigin tells an error of the origin from one of a function at an
// event or of CloudFront itself.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/custom-error-pages-expiration.html
func errorLifetime(p distribution.CachePolicy, status int, d directives, minimum time.Duration,
	fromOrigin bool) time.Duration {
	if p.Disabled() {
		return 0
	}
	switch status {
	case 404, 410, 414, 500, 501, 502, 503, 504:
		if (status == 404 || status == 410 || status == 414 || status == 501) && d.noStore {
			return 0
		}
		if fromOrigin {
			minimum = max(minimum, time.Second)
		}
	case 400, 403, 405, 412, 415:
		if d.maxAge == nil && d.sMaxAge == nil {
			return 0
		}
	default:
		return 0
	}
	if given := d.explicit(); given != nil {
		return max(minimum, min(*given, p.Max))
	}
	return minimum
}

// staleFor says for how long after its expiry an object may stand in for an origin that answers 5xx: stale-if-error,
// if the object has it, and the maximum TTL in any case.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/custom-error-pages-expiration.html
func staleFor(p distribution.CachePolicy, d directives) time.Duration {
	if d.refuses() {
		return 0
	}
	if d.staleIfError != nil {
		return min(*d.staleIfError, p.Max)
	}
	return p.Max
}
