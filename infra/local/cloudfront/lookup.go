package cloudfront

import (
	"context"
	"maps"
	"net/http"

	"secure-media-cdn/infra/local/cloudfront/distribution"
)

// lookup answers from the cache, by waiting for another viewer's fetch, or by a fetch of its own.
func (s *Server) lookup(ctx context.Context, x *exchange) answer {
	if x.method != http.MethodGet && x.method != http.MethodHead {
		return s.judge(x, s.fetch(ctx, x, nil, ""), nil)
	}
	key := x.key()
	whole := key
	if x.method == http.MethodHead {
		// A cached GET answers HEAD too; a HEAD answer has no body for a GET.
		if o := s.cache.get(key); o != nil && o.fresh(s.now()) {
			return fromCache(o)
		}
		key = "HEAD " + key
		whole = key
	}
	byteRange := x.forwardableRange()
	if byteRange != "" {
		if o := s.cache.get(key); o != nil {
			byteRange = "" // fresh, it serves the range; expired, it is revalidated
		} else {
			key += cacheKey("\nRange: " + byteRange)
		}
	}
	for alone := false; ; alone = true {
		f, join, o := s.cache.begin(key, x.uri, s.now(), alone)
		switch {
		case f == nil:
			return fromCache(o)
		case !join:
			return s.lead(ctx, x, f, whole, o, byteRange)
		}
		// Those who wait count as hits, and what may not be cached is not shared.
		// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html
		// "Simultaneous requests for the same object (request collapsing)"
		<-f.done
		if f.shared != nil {
			return fromCache(f.shared)
		}
	}
}

func fromCache(o *object) answer {
	a := answer{object: o, result: hit, cached: true}
	if o.status >= 400 {
		a.result = failed
	}
	return a
}

// lead fetches for this viewer and for those who wait for f. A viewer who goes away does not take the fetch with
// him.
func (s *Server) lead(ctx context.Context, x *exchange, f *flight, whole cacheKey, expired *object,
	byteRange string) answer {
	var keep, shared *object
	key := f.key
	defer func() { s.cache.end(f, key, keep, shared) }()
	if byteRange != "" {
		expired = nil // an expired fragment is fetched anew
	}
	ctx = context.WithoutCancel(ctx)
	a := s.judge(x, s.fetch(ctx, x, expired, byteRange), expired)
	a.name = x.uri
	if byteRange != "" && a.status != http.StatusPartialContent {
		key = whole
	}
	if a.stream != nil || !a.kept(x.Cache) {
		return a
	}
	keep = a.object
	if a.fresh(s.now()) {
		shared = a.object
	}
	return a
}

// judge decides over the lifetime of what was fetched, and whether the expired object is served after all.
func (s *Server) judge(x *exchange, a answer, expired *object) answer {
	said := readDirectives(a.header, a.requested)
	switch {
	case a.status == http.StatusNotModified && expired != nil:
		return s.refreshed(x, a, expired)
	case a.status < 400:
		life := lifetime(x.Cache, a.status, said)
		if a.status == http.StatusPartialContent && said.explicit() == nil {
			life = 0 // see the package comment
		}
		a.expires = a.requested.Add(life)
		a.stale = a.expires.Add(staleFor(x.Cache, said))
		return a
	}
	minimum := s.ErrorMinimum(a.status)
	if now := s.now(); a.status >= 500 && expired != nil && now.Before(expired.stale) {
		// The old object, and no question to the origin for the error caching minimum.
		// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html
		o := *expired
		o.retry = a.requested.Add(minimum)
		o.note = a.note
		return answer{object: &o, result: refreshHit, cached: true}
	}
	a.expires = a.requested.Add(errorLifetime(x.Cache, a.status, said, minimum, a.source == x.source()))
	if a.result == miss {
		a.result = failed
	}
	return a
}

// kept reports whether the answer goes into the cache: while it is fresh, and after that if the origin can be asked
// whether it changed.
func (a answer) kept(p distribution.CachePolicy) bool {
	if a.expires.After(a.requested) || a.cached {
		return true
	}
	said := readDirectives(a.header, a.requested)
	return a.status == http.StatusOK && !p.Disabled() && !said.noStore && !said.private && a.header.Get("Etag") != ""
}

// refreshed renews an expired object after a 304. The headers of the 304 replace those stored, and the lifetime
// counts anew from what then stands there (https://www.rfc-editor.org/rfc/rfc9111#section-4.3.4). S3 promises the
// overridden Cache-Control on 200 only (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html), so
// after a 304 the object lives once more for as long as its first answer said.
func (s *Server) refreshed(x *exchange, a answer, expired *object) answer {
	o := *expired
	o.header = maps.Clone(expired.header)
	for name, values := range a.header {
		if name != "Content-Encoding" && name != "Content-Type" && name != "Etag" {
			o.header[name] = values
		}
	}
	o.requested, o.retry = a.requested, a.requested
	said := readDirectives(o.header, o.requested)
	o.expires = o.requested.Add(lifetime(x.Cache, o.status, said))
	o.stale = o.expires.Add(staleFor(x.Cache, said))
	return answer{object: &o, result: refreshHit, cached: true}
}
