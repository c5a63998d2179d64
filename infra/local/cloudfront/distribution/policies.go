package distribution

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// CachePolicy says what tells cached objects apart and how long they live.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cache-key-understand-cache-policy.html
type CachePolicy struct {
	Min, Default, Max             time.Duration
	Gzip, Brotli                  bool
	Query, Cookies, HeadersPicked Selection
}

// Forwarding says what goes to the origin without being part of the cache key.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/origin-request-understand-origin-request-policy.html
type Forwarding struct{ Query, Cookies, HeadersPicked Selection }

// Disabled reports whether nothing is cached under the policy, whatever the origin says: the managed CachingDisabled
// policy is min, default and max 0.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
func (p CachePolicy) Disabled() bool { return p.Max == 0 }

// Selection picks query strings, cookies or headers by name.
type Selection struct {
	Mode  string // none, whitelist, allExcept, all
	Names []string
}

// Selects reports whether the name is picked.
func (s Selection) Selects(name string) bool {
	switch s.Mode {
	case "all":
		return true
	case "whitelist":
		return slices.Contains(s.Names, name)
	case "allExcept":
		return !slices.Contains(s.Names, name)
	}
	return false
}

type items struct{ Items []string }

type selectionInputs struct {
	QueryStringsConfig struct {
		QueryStringBehavior string
		QueryStrings        items
	}
	CookiesConfig struct {
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
	if in.CachePolicyID == "" {
		r.fail("%s.cachePolicyId is missing", path)
	}
	var cache struct {
		Name, Comment              string
		DefaultTTL, MinTTL, MaxTTL *int
		Parameters                 struct {
			EnableAcceptEncodingGzip, EnableAcceptEncodingBrotli bool
			selectionInputs                                      `json:",squash"`
		} `json:"parametersInCacheKeyAndForwardedToOrigin"`
	}
	if at, found := r.find(path+".cachePolicyId", typeCachePolicy, in.CachePolicyID, &cache); found {
		p := &b.Cache
		p.Gzip, p.Brotli = cache.Parameters.EnableAcceptEncodingGzip, cache.Parameters.EnableAcceptEncodingBrotli
		p.Query, p.Cookies, p.HeadersPicked = r.selections(at, cache.Parameters.selectionInputs)
		if (p.Gzip || p.Brotli) && p.HeadersPicked.Selects("Accept-Encoding") {
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
	var forward struct {
		Name, Comment   string
		selectionInputs `json:",squash"`
	}
	if at, found := r.find(path+".originRequestPolicyId", typeRequestPolicy, in.OriginRequestPolicyID, &forward); found {
		b.Forward.Query, b.Forward.Cookies, b.Forward.HeadersPicked = r.selections(at, forward.selectionInputs)
	}
	var headers headersPolicyInputs
	if at, found := r.find(path+".responseHeadersPolicyId", typeResponsePolicy, in.ResponseHeadersPolicyID, &headers); found {
		b.Headers = r.headersPolicy(at, headers)
	}
}

func seconds(given *int, otherwise time.Duration) time.Duration {
	if given == nil {
		return otherwise
	}
	return time.Duration(*given) * time.Second
}

func (r *reader) selections(at string, in selectionInputs) (query, cookies, headers Selection) {
	every := []string{"none", "whitelist", "allExcept", "all"}
	query = r.selection(at+": queryStringBehavior", in.QueryStringsConfig.QueryStringBehavior, in.QueryStringsConfig.QueryStrings, every)
	cookies = r.selection(at+": cookieBehavior", in.CookiesConfig.CookieBehavior, in.CookiesConfig.Cookies, every)
	// allViewer would send the viewer's Host header to S3, which then looks for a bucket of that name; allExcept
	// needs the same care.
	headers = r.selection(at+": headerBehavior", in.HeadersConfig.HeaderBehavior, in.HeadersConfig.Headers, []string{"none", "whitelist"})
	for i, name := range headers.Names {
		headers.Names[i] = http.CanonicalHeaderKey(name)
		if strings.HasPrefix(headers.Names[i], "Cloudfront-") {
			r.fail("%s: headers: %s, which CloudFront would add, is not supported on one machine", at, name)
		}
	}
	return query, cookies, headers
}

func (r *reader) selection(at, mode string, names items, supported []string) Selection {
	if mode == "" {
		mode = "none"
	}
	if !slices.Contains(supported, mode) {
		r.fail("%s: %q is not supported on one machine", at, mode)
	} else if named := mode == "whitelist" || mode == "allExcept"; named != (len(names.Items) > 0) {
		r.fail("%s: %q with %d names", at, mode, len(names.Items))
	}
	return Selection{mode, slices.Clone(names.Items)}
}
