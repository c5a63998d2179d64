package issuer

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/seal"
	"secure-media-cdn/function/settings"
	"secure-media-cdn/function/variant"
)

// The function's own environment variables. Others it has in common, in settings.
const (
	// EnvTable: name of the mapping table.
	EnvTable = "MEDIA_TABLE"
	// EnvRegions: the table's Regions, comma separated, the home Region first.
	EnvRegions = "MEDIA_REGIONS"
	// EnvBucket: name of the media bucket.
	EnvBucket = "MEDIA_BUCKET"
	// EnvBucketRegion: the bucket's Region.
	EnvBucketRegion = "MEDIA_BUCKET_REGION"
	// EnvBaseURL: what links begin with, such as https://media.example.com.
	EnvBaseURL = "MEDIA_CDN_BASE_URL"
	// EnvDistribution: id of the CloudFront distribution.
	EnvDistribution = "MEDIA_DISTRIBUTION_ID"
	// EnvLinkTTL: longest life of a link, in seconds.
	EnvLinkTTL = "MEDIA_LINK_TTL_SECONDS"
	// EnvRenewBefore: life that a link must have left to be returned again, in seconds.
	EnvRenewBefore = "MEDIA_RENEW_BEFORE_SECONDS"
	// EnvPublicServices: names of the public services, comma separated; may be empty.
	EnvPublicServices = "MEDIA_PUBLIC_SERVICES"
	// EnvPrivateServices: names of the private services, comma separated; may be empty.
	EnvPrivateServices = "MEDIA_PRIVATE_SERVICES"
	// EnvVariants: names of the pictures' variants, comma separated; may be empty.
	EnvVariants = "MEDIA_VARIANTS"
	// EnvCallers: who may call, for which services; see EncodeCallers.
	EnvCallers = "MEDIA_CALLERS"
	// EnvCheckObjects: true or false: whether links are refused for objects that the bucket does not have.
	EnvCheckObjects = "MEDIA_CHECK_OBJECTS"
)

// aYear is longer than any link lives.
const aYear = 366 * 24 * time.Hour

// config is the function's configuration. It holds no secret.
type config struct {
	table        string
	regions      []string // the home region first
	bucket       string
	bucketRegion string
	baseURL      string
	distribution string
	linkTTL      time.Duration
	renewBefore  time.Duration
	services     issue.Services
	ticketLife   time.Duration
	cookieDomain string
	variants     []string
	callers      []Caller
	checkObjects bool
	generation   int    // of the link key that seals
	store        string // the key value store's ARN
}

// loadConfig reads the environment. Its error lists all that is wrong at once.
func loadConfig(getenv func(string) string) (config, error) {
	r := reader{settings.Reader{Getenv: getenv}}
	c := config{
		table:        r.Text(EnvTable),
		regions:      r.List(EnvRegions),
		bucket:       r.Text(EnvBucket),
		bucketRegion: r.Text(EnvBucketRegion),
		baseURL:      r.address(EnvBaseURL),
		distribution: r.Text(EnvDistribution),
		linkTTL:      r.Seconds(EnvLinkTTL, time.Second, aYear),
		renewBefore:  r.Seconds(EnvRenewBefore, 0, aYear),
		services:     r.services(EnvPrivateServices, settings.EnvTicketServices, EnvPublicServices),
		ticketLife:   r.Seconds(settings.EnvTicketSeconds, seal.MinTicketLife, seal.MaxTicketLife),
		cookieDomain: r.domain(settings.EnvCookieDomain),
		variants:     r.variants(EnvVariants),
		checkObjects: r.Flag(EnvCheckObjects),
		generation:   r.Number(settings.EnvKeyGeneration, 1, seal.MaxGeneration),
		store:        r.ARN(settings.EnvKeyValueStore),
	}
	c.callers = r.callers(EnvCallers, slices.Collect(maps.Keys(c.services)))
	if getenv(EnvRegions) == "" {
		r.Wrong(EnvRegions, "must list the table's regions, the home region first")
	}
	if err := r.Err(); err != nil {
		return config{}, err
	}
	return c, nil
}

// reader reads what only this function has.
type reader struct{ settings.Reader }

// address reads the CDN's address. Links are its paths.
func (r *reader) address(name string) string {
	value := r.Getenv(name)
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || value != u.Scheme+"://"+u.Host {
		r.Wrong(name, "must be an address like https://media.example.com, without a path, not %q", value)
		return ""
	}
	return value
}

// services reads the three lists of services. Those that ask for a ticket are among the private ones.
func (r *reader) services(private, ticket, public string) issue.Services {
	services := issue.Services{}
	for _, name := range r.List(private) {
		services[name] = issue.ByLink
	}
	for _, name := range r.List(ticket) {
		if _, known := services[name]; !known {
			r.Wrong(ticket, "names %s, which is not private", name)
		}
		services[name] = issue.ByTicket
	}
	for _, name := range r.List(public) {
		if _, both := services[name]; both {
			r.Wrong(public, "names %s, which is private, too", name)
		}
		services[name] = issue.Public
	}
	for name := range services {
		if strings.Contains(name, "/") {
			r.Wrong(private+" and "+public, "must not hold a slash, as %q does", name)
		}
	}
	return services
}

var domainName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$`)

// domain reads a domain name, or nothing.
func (r *reader) domain(name string) string {
	value := r.Getenv(name)
	if value != "" && !domainName.MatchString(value) {
		r.Wrong(name, "must be a domain such as example.com, or empty, not %q", value)
	}
	return value
}

func (r *reader) variants(name string) []string {
	names := r.List(name)
	for _, n := range names {
		if err := variant.CheckName(n); err != nil {
			r.Wrong(name, "is wrong: %v", err)
		}
	}
	return names
}

func (r *reader) callers(name string, services []string) []Caller {
	callers, err := DecodeCallers(r.Text(name))
	if err != nil && r.Getenv(name) != "" {
		r.Wrong(name, "is wrong: %v", err)
	}
	for _, problem := range CheckCallers(callers, services) {
		r.Wrong(name, "is wrong: %v", problem)
	}
	return callers
}
