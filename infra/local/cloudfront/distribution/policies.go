package distribution

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// CachePolicy says what tells cached objects apart and how long they live. Query strings and cookies are never part of
// the key, since the program's policies leave them out there.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cache-key-understand-cache-policy.html
type CachePolicy struct {
	Min, Default, Max time.Duration
	Gzip, Brotli      bool
	Headers           []string // canonical names of those in the key
}

// cachingDisabled is the ID of AWS's own policy of that name, the only one of theirs that is known here. Nothing is
// part of its key, and all its times are 0.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html#managed-cache-policy-caching-disabled
const cachingDisabled = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"

// Disabled reports whether nothing is cached under the policy, whatever the origin says.
func (p CachePolicy) Disabled() bool { return p.Max == 0 }

type items struct{ Items []string }

type selectionInputs struct {
	QueryStringsConfig struct{ QueryStringBehavior string }
	CookiesConfig      struct {
		CookieBehavior string
		Cookies        items
	}
	HeadersConfig struct {
		HeaderBehavior string
		Headers        items
	}
}

// policies looks up the policies that a behaviour names.
func (r *reader) policies(path string, in behaviourInputs, b *Behaviour) {
	switch in.CachePolicyID {
	case "":
		r.fail("%s.cachePolicyId is missing", path)
	case cachingDisabled:
		b.Cache = CachePolicy{}
	default:
		r.cachePolicy(path, in.CachePolicyID, &b.Cache)
	}
	var forward struct {
		Name, Comment   string
		selectionInputs `json:",squash"`
	}
	if at, found := r.find(path+".originRequestPolicyId", typeRequestPolicy, in.OriginRequestPolicyID, &forward); found {
		b.Forward = r.selection(at, forward.selectionInputs)
		if len(b.Forward.Cookies) > 0 && !b.Cache.Disabled() {
			r.fail("%s: cookieBehavior: cookies are forwarded on one machine only where nothing is cached", at)
		}
	}
	var headers headersPolicyInputs
	if at, found := r.find(path+".responseHeadersPolicyId", typeResponsePolicy, in.ResponseHeadersPolicyID,
		&headers); found {
		b.Headers = r.headersPolicy(at, headers)
	}
}

// cachePolicy reads the cache policy with an ID.
func (r *reader) cachePolicy(path, id string, p *CachePolicy) {
	var cache struct {
		Name, Comment              string
		DefaultTTL, MinTTL, MaxTTL *int
		Parameters                 struct {
			EnableAcceptEncodingGzip, EnableAcceptEncodingBrotli bool
			selectionInputs                                      `json:",squash"`
		} `json:"parametersInCacheKeyAndForwardedToOrigin"`
	}
	if at, found := r.find(path+".cachePolicyId", typeCachePolicy, id, &cache); found {
		p.Gzip, p.Brotli = cache.Parameters.EnableAcceptEncodingGzip, cache.Parameters.EnableAcceptEncodingBrotli
		selected := r.selection(at, cache.Parameters.selectionInputs)
		p.Headers = selected.Headers
		if len(selected.Cookies) > 0 {
			r.fail("%s: cookieBehavior: cookies that are part of the cache key are not supported on one machine", at)
		}
		if (p.Gzip || p.Brotli) && slices.Contains(p.Headers, "Accept-Encoding") {
			r.fail("%s: Accept-Encoding cannot be listed while gzip or brotli is enabled", at)
		}
		// The API's defaults: 0, a day, a year, raised to keep min <= default <= max.
		// https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CachePolicyConfig.html
		p.Min = seconds(cache.MinTTL, 0)
		p.Default = seconds(cache.DefaultTTL, max(24*time.Hour, p.Min))
		p.Max = seconds(cache.MaxTTL, max(365*24*time.Hour, p.Default))
		if p.Min < 0 || p.Min > p.Default || p.Default > p.Max {
			r.fail("%s: minTtl %s, defaultTtl %s and maxTtl %s are out of order", at, p.Min, p.Default, p.Max)
		}
	}
}

func seconds(given *int, otherwise time.Duration) time.Duration {
	if given == nil {
		return otherwise
	}
	return time.Duration(*given) * time.Second
}

// Selection is what a policy selects of a viewer's request. Query strings are left out: none may reach an origin.
type Selection struct {
	Headers []string // canonical names
	Cookies []string // names
}

func (r *reader) selection(at string, in selectionInputs) Selection {
	if mode := in.QueryStringsConfig.QueryStringBehavior; mode != "none" {
		r.fail("%s: queryStringBehavior: %q is not supported on one machine", at, mode)
	}
	// allViewer would send the viewer's Host header to the origin, which then looks for another host; allExcept needs
	// the same care.
	names := r.names(at, "header", in.HeadersConfig.HeaderBehavior, in.HeadersConfig.Headers.Items)
	for i, name := range names {
		names[i] = http.CanonicalHeaderKey(name)
		if strings.HasPrefix(names[i], "Cloudfront-") {
			r.fail("%s: headers: %s, which CloudFront would add, is not supported on one machine", at, name)
		}
	}
	return Selection{Headers: names,
		Cookies: r.names(at, "cookie", in.CookiesConfig.CookieBehavior, in.CookiesConfig.Cookies.Items)}
}

// names are those of one kind that a policy lists.
func (r *reader) names(at, kind, mode string, listed []string) []string {
	if mode != "none" && mode != "whitelist" {
		r.fail("%s: %sBehavior: %q is not supported on one machine", at, kind, mode)
	} else if (mode == "whitelist") != (len(listed) > 0) {
		r.fail("%s: %sBehavior: %q with %d names", at, kind, mode, len(listed))
	}
	return slices.Clone(listed)
}
