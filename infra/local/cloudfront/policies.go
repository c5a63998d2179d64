package cloudfront

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

type items struct {
	Items []string `mapstructure:"items"`
}

type queryStringsInputs struct {
	Behavior string `mapstructure:"queryStringBehavior"`
	Names    items  `mapstructure:"queryStrings"`
}

type cookiesInputs struct {
	Behavior string `mapstructure:"cookieBehavior"`
	Names    items  `mapstructure:"cookies"`
}

type headersInputs struct {
	Behavior string `mapstructure:"headerBehavior"`
	Names    items  `mapstructure:"headers"`
}

type cachePolicyInputs struct {
	Name       string `mapstructure:"name"`
	Comment    string `mapstructure:"comment"`
	DefaultTTL *int   `mapstructure:"defaultTtl"`
	MinTTL     *int   `mapstructure:"minTtl"`
	MaxTTL     *int   `mapstructure:"maxTtl"`
	Parameters struct {
		Gzip         bool               `mapstructure:"enableAcceptEncodingGzip"`
		Brotli       bool               `mapstructure:"enableAcceptEncodingBrotli"`
		QueryStrings queryStringsInputs `mapstructure:"queryStringsConfig"`
		Cookies      cookiesInputs      `mapstructure:"cookiesConfig"`
		Headers      headersInputs      `mapstructure:"headersConfig"`
	} `mapstructure:"parametersInCacheKeyAndForwardedToOrigin"`
}

type originRequestPolicyInputs struct {
	Name         string             `mapstructure:"name"`
	Comment      string             `mapstructure:"comment"`
	QueryStrings queryStringsInputs `mapstructure:"queryStringsConfig"`
	Cookies      cookiesInputs      `mapstructure:"cookiesConfig"`
	Headers      headersInputs      `mapstructure:"headersConfig"`
}

// cachePolicy says what tells cached objects apart and how long they live.
// CFDG cache-key-understand-cache-policy.html
type cachePolicy struct {
	min, byDefault, max   time.Duration
	gzip, brotli          bool
	query, cookies, heads selection
}

// forwarding says what goes to the origin without being part of the cache key.
// CFDG origin-request-understand-origin-request-policy.html
type forwarding struct{ query, cookies, heads selection }

// disabled reports whether nothing is cached under the policy, whatever the
// origin says: the managed CachingDisabled policy is min, default and max 0.
func (p cachePolicy) disabled() bool { return p.max == 0 }

func newCachePolicy(in cachePolicyInputs) (cachePolicy, error) {
	// The API's defaults: 0, a day, a year, raised to keep min <= default <= max.
	// CloudFront API CachePolicyConfig
	seconds := func(given *int, otherwise int) int {
		if given != nil {
			return *given
		}
		return otherwise
	}
	least := seconds(in.MinTTL, 0)
	usual := seconds(in.DefaultTTL, max(86400, least))
	most := seconds(in.MaxTTL, max(31536000, usual))
	p := cachePolicy{
		min: time.Duration(least) * time.Second, byDefault: time.Duration(usual) * time.Second, max: time.Duration(most) * time.Second,
		gzip: in.Parameters.Gzip, brotli: in.Parameters.Brotli,
	}
	if least < 0 || least > usual || usual > most {
		return p, fmt.Errorf("minTtl %d, defaultTtl %d and maxTtl %d are out of order", least, usual, most)
	}
	const at = "parametersInCacheKeyAndForwardedToOrigin."
	var err error
	if p.query, err = newSelection(at+"queryStringsConfig.queryStringBehavior", in.Parameters.QueryStrings.Behavior, in.Parameters.QueryStrings.Names, "none", "whitelist", "allExcept", "all"); err != nil {
		return p, err
	}
	if p.cookies, err = newSelection(at+"cookiesConfig.cookieBehavior", in.Parameters.Cookies.Behavior, in.Parameters.Cookies.Names, "none", "whitelist", "allExcept", "all"); err != nil {
		return p, err
	}
	p.heads, err = newHeaderSelection(at+"headersConfig", in.Parameters.Headers, "none", "whitelist")
	if (p.gzip || p.brotli) && p.heads.mode == "whitelist" && p.heads.selects("Accept-Encoding") {
		return p, fmt.Errorf("%sheadersConfig.headers: Accept-Encoding cannot be listed while gzip or brotli is enabled", at)
	}
	return p, err
}

func newForwarding(in originRequestPolicyInputs) (forwarding, error) {
	var p forwarding
	var err error
	if p.query, err = newSelection("queryStringsConfig.queryStringBehavior", in.QueryStrings.Behavior, in.QueryStrings.Names, "none", "whitelist", "allExcept", "all"); err != nil {
		return p, err
	}
	if p.cookies, err = newSelection("cookiesConfig.cookieBehavior", in.Cookies.Behavior, in.Cookies.Names, "none", "whitelist", "allExcept", "all"); err != nil {
		return p, err
	}
	// allViewer would send the viewer's Host header to S3, which then looks for
	// a bucket of that name; allExcept needs the same care.
	p.heads, err = newHeaderSelection("headersConfig", in.Headers, "none", "whitelist")
	return p, err
}

// selection picks query strings, cookies or headers by name.
type selection struct {
	mode  string // none, whitelist, allExcept, all
	names []string
}

func newSelection(path, mode string, names items, implemented ...string) (selection, error) {
	if mode == "" {
		mode = "none"
	}
	if !slices.Contains(implemented, mode) {
		return selection{}, fmt.Errorf("%s: %q is not implemented by the local CloudFront", path, mode)
	}
	if named := mode == "whitelist" || mode == "allExcept"; named != (len(names.Items) > 0) {
		return selection{}, fmt.Errorf("%s: %q with %d names", path, mode, len(names.Items))
	}
	return selection{mode: mode, names: names.Items}, nil
}

func newHeaderSelection(path string, in headersInputs, implemented ...string) (selection, error) {
	s, err := newSelection(path+".headerBehavior", in.Behavior, in.Names, implemented...)
	if err != nil {
		return s, err
	}
	for i, name := range s.names {
		s.names[i] = http.CanonicalHeaderKey(name)
		if strings.HasPrefix(s.names[i], "Cloudfront-") {
			return s, fmt.Errorf("%s.headers: %s, which CloudFront would add, is not implemented by the local CloudFront", path, name)
		}
	}
	return s, nil
}

func (s selection) selects(name string) bool {
	switch s.mode {
	case "all":
		return true
	case "whitelist":
		return slices.Contains(s.names, name)
	case "allExcept":
		return !slices.Contains(s.names, name)
	}
	return false
}
