package stack

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	edgefn "secure-media-cdn/function/edge"
	issuerfn "secure-media-cdn/function/issuer"
	"secure-media-cdn/function/seal"
	"secure-media-cdn/infra/stack/outputs"
)

const secondsPerDay = 24 * 60 * 60

// maxTTLSeconds is the longest that anything is kept at the edge: 30 days.
const maxTTLSeconds = 30 * secondsPerDay

// maxBehaviors are the cache behaviours that a distribution has without asking AWS
// for more.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html#limits-web-distributions
const maxBehaviors = 25

// logRetentions are the days that CloudWatch Logs accepts.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
var logRetentions = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
	3288, 3653}

var (
	stageForm       = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	serviceForm     = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	domainForm      = regexp.MustCompile(`^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$`)
	countryForm     = regexp.MustCompile(`^[A-Z]{2}$`)
	zoneForm        = regexp.MustCompile(`^Z[A-Z0-9]{1,31}$`)
	certificateForm = regexp.MustCompile(`^arn:aws:acm:us-east-1:\d{12}:certificate/[0-9a-zA-Z-]+$`)
	webACLForm      = regexp.MustCompile(`^arn:aws:wafv2:us-east-1:\d{12}:global/webacl/[^/*]+/[^/*]+$`)
	boundaryForm    = regexp.MustCompile(`^arn:aws:iam::(\d{12}|aws):policy/[\w+=,.@/-]+$`)
)

// reservedServices are path segments that a service may not be named after:
// links live below images.
var reservedServices = []string{"images"}

// Validate returns every problem of the configuration at once, each naming the
// key, its value and the rule, or nil.
func (c Config) Validate() error {
	v := &validation{}
	v.naming(c)
	v.existing(c)
	v.links(c)
	v.services(c)
	v.places(c)
	v.domain(c)
	v.security(c)
	v.operation(c)
	v.images(c)
	v.viewers(c)
	v.identity(c)
	return errors.Join(v.problems...)
}

type validation struct{ problems []error }

// refuse records a problem with key.
func (v *validation) refuse(key, format string, args ...any) {
	v.problems = append(v.problems, fmt.Errorf("config "+key+" is "+format, args...))
}

// want records a problem with key's value unless ok.
func (v *validation) want(ok bool, key string, value any, rule string, args ...any) {
	if !ok {
		v.refuse(key, "%v: %s", value, fmt.Sprintf(rule, args...))
	}
}

func (v *validation) between(n, low, high int, key, unit string) {
	v.want(low <= n && n <= high, key, n, "it must be %d to %d %s", low, high, unit)
}

func (v *validation) oneOf(value string, allowed []string, key string) {
	v.want(slices.Contains(allowed, value), key, strconv.Quote(value), "it must be one of %s", strings.Join(allowed, ", "))
}

// each applies check to every element, and refuses repeated ones.
func (v *validation) each(values []string, key string, check func(string)) {
	seen := map[string]bool{}
	for _, value := range values {
		v.want(!seen[value], key, strconv.Quote(value), "it is listed twice")
		seen[value] = true
		check(value)
	}
}

func (v *validation) naming(c Config) {
	v.want(stageForm.MatchString(c.Stage), "stack name", strconv.Quote(c.Stage),
		"it becomes part of bucket names, so it must be lower-case letters, digits and single hyphens")
	// Names get a hyphen, twelve digits of account and "-logs"; S3 allows 63 characters.
	const longest = 63 - len("-123456789012-logs")
	v.want(len(c.name()) <= longest, "stack name", strconv.Quote(c.Stage),
		"%q must have at most %d characters to fit into bucket names", c.name(), longest)
	v.oneOf(c.Region, awsRegions, "aws:region")
}

func (v *validation) links(c Config) {
	v.oneOf(c.Delivery, []string{string(edgefn.DeliverOrigin), string(edgefn.DeliverRedirect)}, "delivery")
	v.between(c.LinkTTLDays, 1, 30, "linkTtlDays", "days, the longest that CloudFront keeps an object here")
	v.between(c.SignatureTTLSeconds, 1, int(edgefn.MaxSignatureTTL.Seconds()), "signatureTtlSeconds",
		"seconds: a signed address dies with the credentials that signed it")
	v.want(0 <= c.BrowserCacheSeconds && c.BrowserCacheSeconds <= c.linkTTLSeconds(), "browserCacheSeconds",
		c.BrowserCacheSeconds, "it must be 0 to linkTtlDays (%d seconds)", c.linkTTLSeconds())
	v.between(c.MaxTTLSeconds, 1, maxTTLSeconds, "maxTtlSeconds", "seconds (30 days)")
	// Beyond MaxTTL CloudFront asks S3 again, and S3's 304 would renew the
	// cached copy for another full life, past the link's end.
	v.want(c.MaxTTLSeconds >= c.linkTTLSeconds(), "maxTtlSeconds", c.MaxTTLSeconds,
		"it must be at least linkTtlDays (%d seconds), or a cached object would be renewed past the end of its link",
		c.linkTTLSeconds())
	v.want(0 <= c.DefaultTTLSeconds && c.DefaultTTLSeconds <= c.MaxTTLSeconds, "defaultTtlSeconds", c.DefaultTTLSeconds,
		"it must be 0 to maxTtlSeconds (%d)", c.MaxTTLSeconds)
	v.want(0 <= c.RenewBeforeSeconds && c.RenewBeforeSeconds < c.linkTTLSeconds(), "renewBeforeSeconds",
		c.RenewBeforeSeconds, "it must be 0 or more and less than linkTtlDays (%d seconds), or no link would ever be reused",
		c.linkTTLSeconds())
	v.each(c.CORSAllowedOrigins, "corsAllowedOrigins", func(origin string) {
		u, err := url.Parse(origin)
		ok := err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && origin == u.Scheme+"://"+u.Host &&
			!strings.ContainsAny(u.Host, "*@ ")
		v.want(ok, "corsAllowedOrigins", strconv.Quote(origin),
			"it must be an origin such as https://app.example.com, with no path and no wildcard")
	})
}

func (v *validation) services(c Config) {
	names := make([]string, 0, len(c.Services))
	for _, s := range c.Services {
		names = append(names, s.Name)
		v.want(s.Access == outputs.AccessPrivate || s.Access == outputs.AccessPublic, "services",
			s.Name+": "+strconv.Quote(s.Access),
			"access must be private or public")
	}
	v.each(names, "services", func(name string) {
		// A name is a path pattern of CloudFront, where * and ? match anything,
		// and a prefix of S3 keys, where a slash would reach into another's.
		v.want(len(name) <= 63 && serviceForm.MatchString(name), "services", strconv.Quote(name),
			"a name must be at most 63 lower-case letters, digits and single hyphens")
		v.want(!slices.Contains(reservedServices, name), "services", strconv.Quote(name),
			"the name would shadow the path of links")
	})
	public := len(c.servicesWith(outputs.AccessPublic))
	room := maxBehaviors - 1 // for the default
	if len(c.ImageVariants) > 0 {
		room -= 2
	}
	if c.ViewerIdentity != (Identity{}) {
		room--
	}
	v.want(public <= room, "services", fmt.Sprintf("%d public services", public), "a distribution has room for %d", room)
}

func (v *validation) places(c Config) {
	v.each(c.ReplicaRegions, "replicaRegions", func(region string) {
		v.oneOf(region, awsRegions, "replicaRegions")
		v.want(region != c.Region, "replicaRegions", strconv.Quote(region), "the home region holds the table already")
	})
	if c.OriginShieldRegion != "" {
		v.oneOf(c.OriginShieldRegion, originShieldRegions, "originShieldRegion")
	}
	v.oneOf(c.PriceClass, []string{"PriceClass_100", "PriceClass_200", "PriceClass_All"}, "priceClass")
	v.each(c.AlarmRegions, "alarmRegions", func(region string) {
		v.want(slices.Contains(c.runRegions(), region), "alarmRegions", strconv.Quote(region),
			"no edge function runs there; it must be one of %s", strings.Join(c.runRegions(), ", "))
	})
	allow, deny := c.GeoRestriction.Allow, c.GeoRestriction.Deny
	v.want(len(allow) == 0 || len(deny) == 0, "geoRestriction", "both allow and deny", "it must be one of them")
	v.each(append(slices.Clone(allow), deny...), "geoRestriction", func(country string) {
		v.want(countryForm.MatchString(country), "geoRestriction", strconv.Quote(country),
			"it must be a country code of two capital letters")
	})
}

func (v *validation) domain(c Config) {
	v.each(c.Aliases, "aliases", func(name string) {
		v.want(domainForm.MatchString(name), "aliases", strconv.Quote(name), "it must be a domain name in lower case")
	})
	if len(c.Aliases) == 0 {
		v.want(c.CertificateARN == "", "certificateArn", strconv.Quote(c.CertificateARN), "without aliases it has no use")
		v.want(c.HostedZoneID == "", "hostedZoneId", strconv.Quote(c.HostedZoneID), "without aliases it has no use")
		return
	}
	v.want(!strings.HasPrefix(c.Aliases[0], "*"), "aliases", strconv.Quote(c.Aliases[0]),
		"the first one is the name in links, so it cannot be a wildcard")
	v.want(c.CertificateARN != "" || c.HostedZoneID != "", "aliases", strings.Join(c.Aliases, ", "),
		"they need certificateArn, or hostedZoneId to make a certificate in")
	v.want(c.CertificateARN == "" || certificateForm.MatchString(c.CertificateARN), "certificateArn",
		strconv.Quote(c.CertificateARN),
		"it must be the ARN of an ACM certificate in us-east-1, the only region that CloudFront takes them from")
	v.want(c.HostedZoneID == "" || zoneForm.MatchString(c.HostedZoneID), "hostedZoneId", strconv.Quote(c.HostedZoneID),
		"it must be a Route 53 zone ID such as Z2FDTNDATAQYW2")
}

func (v *validation) security(c Config) {
	v.want(c.WebACLARN == "" || webACLForm.MatchString(c.WebACLARN), "webAclArn", strconv.Quote(c.WebACLARN),
		"it must be the ARN of a WAFv2 web ACL with scope CLOUDFRONT, which is global in us-east-1")
	key := regexp.MustCompile(`^arn:aws:kms:` + regexp.QuoteMeta(c.Region) + `:\d{12}:key/[0-9a-z-]+$`)
	v.want(c.KMSKeyARN == "" || key.MatchString(c.KMSKeyARN), "kmsKeyArn", strconv.Quote(c.KMSKeyARN),
		"it must be the ARN of a key, not an alias, in %s", c.Region)
	v.want(c.PermissionsBoundaryARN == "" || boundaryForm.MatchString(c.PermissionsBoundaryARN), "permissionsBoundaryArn",
		strconv.Quote(c.PermissionsBoundaryARN), "it must be the ARN of an IAM policy")
	services := make([]string, len(c.Services))
	for n, service := range c.Services {
		services[n] = service.Name
	}
	for _, problem := range issuerfn.CheckCallers(c.IssuerPrincipals, services) {
		v.refuse("issuerPrincipals", "%w", problem)
	}
	if err := issuerfn.CheckSize(c.IssuerPrincipals, services, c.ticketServices(), c.variantNames()); err != nil {
		v.refuse("issuerPrincipals", "%w", err)
	}
	v.between(c.LinkKeyGeneration, 1, seal.MaxGeneration, "linkKeyGeneration", "and be raised by one at a time")
}

func (v *validation) operation(c Config) {
	v.want(slices.Contains(logRetentions, c.LogRetentionDays), "logRetentionDays", c.LogRetentionDays,
		"CloudWatch accepts only %v", logRetentions)
	v.between(c.EdgeMemoryMB, 128, 10240, "edgeMemoryMb", "MB")
	v.between(c.ErrorRatePercent, 1, 100, "errorRatePercent", "percent")
	v.between(c.ClientErrorRatePercent, 1, 100, "clientErrorRatePercent", "percent")
	v.between(c.LatencyMilliseconds, 1, 30000, "latencyMilliseconds",
		"milliseconds, the longest that an edge function may run")
	v.each(c.AlarmEmails, "alarmEmails", func(address string) {
		parsed, err := mail.ParseAddress(address)
		v.want(err == nil && parsed.Address == address, "alarmEmails", strconv.Quote(address), "it must be an e-mail address")
	})
}

// strictJSON decodes data into v and refuses fields that v does not have.
func strictJSON(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	return dec.Decode(v)
}
