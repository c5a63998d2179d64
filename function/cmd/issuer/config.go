package main

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"secure-media-cdn/function/issue"
)

// settleMilliseconds is how long after the end of a mapping the caches are
// emptied, unless MEDIA_SETTLE_MILLISECONDS says otherwise: see cloud.Edge.
const settleMilliseconds = 1000

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
	checkObjects bool
	keySecret    string // ARN; empty for links without a seal
	revocations  string // the key value store's ARN; empty without a gate
	settle       time.Duration
}

// loadConfig reads the environment. Its error lists all that is wrong at once.
func loadConfig(getenv func(string) string) (config, error) {
	r := reader{getenv: getenv}
	c := config{
		table:        r.text("MEDIA_TABLE"),
		regions:      r.list("MEDIA_REGIONS"),
		bucket:       r.text("MEDIA_BUCKET"),
		bucketRegion: r.text("MEDIA_BUCKET_REGION"),
		baseURL:      r.address("MEDIA_CDN_BASE_URL"),
		distribution: r.text("MEDIA_DISTRIBUTION_ID"),
		linkTTL:      r.seconds("MEDIA_LINK_TTL_SECONDS", 1),
		renewBefore:  r.seconds("MEDIA_RENEW_BEFORE_SECONDS", 0),
		services:     r.services("MEDIA_PRIVATE_SERVICES", "MEDIA_PUBLIC_SERVICES"),
		checkObjects: r.flag("MEDIA_CHECK_OBJECTS"),
		keySecret:    r.arn("MEDIA_LINK_KEY_SECRET"),
		revocations:  r.arn("MEDIA_KEY_VALUE_STORE"),
		settle:       settleMilliseconds * time.Millisecond,
	}
	if getenv("MEDIA_REGIONS") == "" {
		r.wrong("MEDIA_REGIONS", "must list the table's regions, the home region first")
	}
	if getenv("MEDIA_SETTLE_MILLISECONDS") != "" {
		c.settle = time.Duration(r.number("MEDIA_SETTLE_MILLISECONDS", 0, 10_000)) * time.Millisecond
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
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
		r.wrong(name, "must be an address like https://media.example.com, without a path, not %q", value)
		return ""
	}
	return value
}

func (r *reader) arn(name string) string {
	value := r.getenv(name)
	if value != "" && !arn.IsARN(value) {
		r.wrong(name, "must be an ARN or empty, not %q", value)
	}
	return value
}

func (r *reader) services(private, public string) issue.Services {
	services := issue.Services{}
	for _, name := range r.list(private) {
		services[name] = false
	}
	for _, name := range r.list(public) {
		if _, both := services[name]; both {
			r.wrong(public, "names %s, which is private, too", name)
		}
		services[name] = true
	}
	for name := range services {
		if strings.Contains(name, "/") {
			r.wrong(private+" and "+public, "must not hold a slash, as %q does", name)
		}
	}
	return services
}
