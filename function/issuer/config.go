package issuer

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/seal"
	"secure-media-cdn/function/variant"
)

// The function's environment variables. Whoever starts the function sets them; none holds a secret.
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
	// EnvTicketServices: names of the private services that ask for a viewer's ticket, comma separated; may be empty.
	EnvTicketServices = "MEDIA_TICKET_SERVICES"
	// EnvTicketSeconds: longest life of a viewer's ticket, in seconds; also its life when none is asked for.
	EnvTicketSeconds = "MEDIA_VIEWER_TICKET_SECONDS"
	// EnvCookieDomain: domain of the cookie that carries a ticket, such as example.com; empty for no cookie.
	EnvCookieDomain = "MEDIA_VIEWER_COOKIE_DOMAIN"
	// EnvVariants: names of the pictures' variants, comma separated; may be empty.
	EnvVariants = "MEDIA_VARIANTS"
	// EnvCallers: who may call, for which services; see EncodeCallers.
	EnvCallers = "MEDIA_CALLERS"
	// EnvCheckObjects: true or false: whether links are refused for objects that the bucket does not have.
	EnvCheckObjects = "MEDIA_CHECK_OBJECTS"
	// EnvKeyGeneration: generation of the link key that seals, 1 to 255.
	EnvKeyGeneration = "MEDIA_LINK_KEY_GENERATION"
	// EnvKeyValueStore: ARN of the gate's KeyValueStore, with the link keys and the revoked links.
	EnvKeyValueStore = "MEDIA_KEY_VALUE_STORE"
)

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
	r := reader{getenv: getenv}
	c := config{
		table:        r.text(EnvTable),
		regions:      r.list(EnvRegions),
		bucket:       r.text(EnvBucket),
		bucketRegion: r.text(EnvBucketRegion),
		baseURL:      r.address(EnvBaseURL),
		distribution: r.text(EnvDistribution),
		linkTTL:      r.seconds(EnvLinkTTL, 1),
		renewBefore:  r.seconds(EnvRenewBefore, 0),
		services:     r.services(EnvPrivateServices, EnvTicketServices, EnvPublicServices),
		ticketLife: time.Duration(r.number(EnvTicketSeconds, int64(seal.MinTicketLife/time.Second),
			int64(seal.MaxTicketLife/time.Second))) * time.Second,
		cookieDomain: r.domain(EnvCookieDomain),
		variants:     r.variants(EnvVariants),
		checkObjects: r.flag(EnvCheckObjects),
		generation:   int(r.number(EnvKeyGeneration, 1, seal.MaxGeneration)),
		store:        r.arn(EnvKeyValueStore),
	}
	c.callers = r.callers(EnvCallers, slices.Collect(maps.Keys(c.services)))
	if getenv(EnvRegions) == "" {
		r.wrong(EnvRegions, "must list the table's regions, the home region first")
	}
	if err := errors.Join(r.problems...); err != nil {
		return config{}, fmt.Errorf("the configuration is wrong:\n%w", err)
	}
	return c, nil
}

// reader reads settings and collects what is wrong with them.
type reader struct {
	getenv   func(string) string
	problems []error
}

func (r *reader) wrong(name, format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf("%s %s", name, fmt.Sprintf(format, args...)))
}

func (r *reader) text(name string) string {
	value := r.getenv(name)
	if value == "" {
		r.wrong(name, "is missing")
	}
	return value
}

// list reads names separated by commas; none is an empty list.
func (r *reader) list(name string) []string {
	value := r.getenv(name)
	if value == "" {
		return nil
	}
	seen := map[string]bool{}
	names := strings.Split(value, ",")
	for _, n := range names {
		if n == "" || strings.TrimSpace(n) != n || seen[n] {
			r.wrong(name, "must be distinct names separated by commas, without spaces, not %q", value)
			return nil
		}
		seen[n] = true
	}
	return names
}

func (r *reader) number(name string, least, most int64) int64 {
	n, err := strconv.ParseInt(r.getenv(name), 10, 64)
	if err != nil || n < least || n > most {
		r.wrong(name, "must be a whole number from %d to %d, not %q", least, most, r.getenv(name))
		return 0
	}
	return n
}

// seconds reads a time of at most a year.
func (r *reader) seconds(name string, least int64) time.Duration {
	return time.Duration(r.number(name, least, 366*24*3600)) * time.Second
}

func (r *reader) flag(name string) bool {
	switch value := r.getenv(name); value {
	case "true":
		return true
	case "false":
	default:
		r.wrong(name, "must be true or false, not %q", value)
	}
	return false
}

// address reads the CDN's address. Links are its paths.
func (r *reader) address(name string) string {
	value := r.getenv(name)
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || value != u.Scheme+"://"+u.Host {
		r.wrong(name, "must be an address like https://media.example.com, without a path, not %q", value)
		return ""
	}
	return value
}

func (r *reader) arn(name string) string {
	value := r.getenv(name)
	if !arn.IsARN(value) {
		r.wrong(name, "must be an ARN, not %q", value)
	}
	return value
}

// services reads the three lists of services. Those that ask for a ticket are among the private ones.
func (r *reader) services(private, ticket, public string) issue.Services {
	services := issue.Services{}
	for _, name := range r.list(private) {
		services[name] = issue.ByLink
	}
	for _, name := range r.list(ticket) {
		if _, known := services[name]; !known {
			r.wrong(ticket, "names %s, which is not private", name)
		}
		services[name] = issue.ByTicket
	}
	for _, name := range r.list(public) {
		if _, both := services[name]; both {
			r.wrong(public, "names %s, which is private, too", name)
		}
		services[name] = issue.Public
	}
	for name := range services {
		if strings.Contains(name, "/") {
			r.wrong(private+" and "+public, "must not hold a slash, as %q does", name)
		}
	}
	return services
}

var domainName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$`)

// domain reads a domain name, or nothing.
func (r *reader) domain(name string) string {
	value := r.getenv(name)
	if value != "" && !domainName.MatchString(value) {
		r.wrong(name, "must be a domain such as example.com, or empty, not %q", value)
	}
	return value
}

func (r *reader) variants(name string) []string {
	names := r.list(name)
	for _, n := range names {
		if err := variant.CheckName(n); err != nil {
			r.wrong(name, "is wrong: %v", err)
		}
	}
	return names
}

func (r *reader) callers(name string, services []string) []Caller {
	callers, err := DecodeCallers(r.text(name))
	if err != nil && r.getenv(name) != "" {
		r.wrong(name, "is wrong: %v", err)
	}
	for _, problem := range CheckCallers(callers, services) {
		r.wrong(name, "is wrong: %v", problem)
	}
	return callers
}
