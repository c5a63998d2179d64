package stack

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Values of a service's access.
const (
	// AccessPrivate means that objects are reached by link only.
	AccessPrivate = "private"
	// AccessPublic means that objects lie open below /<name>/.
	AccessPublic = "public"
)

// Config is a stack's configuration. Each field is the key of the same name,
// described and defaulted in Pulumi.yaml, which is the only place of defaults.
type Config struct {
	// Project and Stage name the stack, as in bucket names. They come from
	// Pulumi.yaml and the stack's name, not from configuration.
	Project, Stage string
	// Region is the home region (aws:region): the bucket, the table and the
	// issuer live there.
	Region string

	Delivery            string
	LinkTTLDays         int
	RenewBeforeSeconds  int
	SignatureTTLSeconds int
	DefaultTTLSeconds   int
	MaxTTLSeconds       int
	CORSAllowedOrigins  []string
	Services            []Service
	ReplicaRegions      []string
	OriginShieldRegion  string
	Aliases             []string
	CertificateARN      string
	HostedZoneID        string
	PriceClass          string
	GeoRestriction      GeoRestriction
	WebACLARN           string
	KMSKeyARN           string
	AccessLogs          bool
	LogRetentionDays    int
	EdgeMemoryMB        int
	AlarmRegions        []string
	AlarmEmails         []string

	ErrorRatePercent       int
	ClientErrorRatePercent int
	LatencyMilliseconds    int

	IssuerPrincipals []string
	ObjectCheck      bool
	LinkKey          Secret
	PreviousLinkKey  Secret
	Protect          bool
}

// Service stores media here. Its objects' keys start with Name and a slash.
type Service struct {
	Name   string `json:"name"`
	Access string `json:"access"`
}

// GeoRestriction lists countries by ISO 3166-1 code, either those served or
// those refused. Both empty means no restriction.
type GeoRestriction struct {
	Allow []string `json:"allow"`
	Deny  []string `json:"deny"`
}

// name returns the stack's name in the account, which prefixes the physical
// names that are chosen here.
func (c Config) name() string { return c.Project + "-" + c.Stage }

// linkTTLSeconds returns the life of a link in seconds.
func (c Config) linkTTLSeconds() int { return c.LinkTTLDays * secondsPerDay }

// regions returns the regions that hold the mapping table, home first.
func (c Config) tableRegions() []string { return append([]string{c.Region}, c.ReplicaRegions...) }

// sealed reports whether links are sealed and the gate is attached.
func (c Config) sealed() bool { return c.LinkKey != "" }

// servicesWith returns the names of the services with the given access.
func (c Config) servicesWith(access string) []string {
	var names []string
	for _, s := range c.Services {
		if s.Access == access {
			names = append(names, s.Name)
		}
	}
	return names
}

// loadConfig reads and validates the configuration of ctx's stack. The error
// lists every problem, not only the first.
func loadConfig(ctx *pulumi.Context) (Config, error) {
	r := reader{ctx: ctx}
	c := Config{
		Project: ctx.Project(), Stage: ctx.Stack(), Region: r.region(),

		Delivery:            r.text("delivery"),
		LinkTTLDays:         r.number("linkTtlDays"),
		RenewBeforeSeconds:  r.number("renewBeforeSeconds"),
		SignatureTTLSeconds: r.number("signatureTtlSeconds"),
		DefaultTTLSeconds:   r.number("defaultTtlSeconds"),
		MaxTTLSeconds:       r.number("maxTtlSeconds"),
		OriginShieldRegion:  r.optional("originShieldRegion"),
		CertificateARN:      r.optional("certificateArn"),
		HostedZoneID:        r.optional("hostedZoneId"),
		PriceClass:          r.text("priceClass"),
		WebACLARN:           r.optional("webAclArn"),
		KMSKeyARN:           r.optional("kmsKeyArn"),
		AccessLogs:          r.boolean("accessLogs"),
		LogRetentionDays:    r.number("logRetentionDays"),
		EdgeMemoryMB:        r.number("edgeMemoryMb"),

		ErrorRatePercent:       r.number("errorRatePercent"),
		ClientErrorRatePercent: r.number("clientErrorRatePercent"),
		LatencyMilliseconds:    r.number("latencyMilliseconds"),

		ObjectCheck:     r.boolean("objectCheck"),
		LinkKey:         r.secret("linkKey"),
		PreviousLinkKey: r.secret("previousLinkKey"),
		Protect:         r.boolean("protect"),
	}
	r.structure("corsAllowedOrigins", &c.CORSAllowedOrigins)
	r.structure("services", &c.Services)
	r.structure("replicaRegions", &c.ReplicaRegions)
	r.structure("aliases", &c.Aliases)
	r.structure("geoRestriction", &c.GeoRestriction)
	r.structure("alarmRegions", &c.AlarmRegions)
	r.structure("alarmEmails", &c.AlarmEmails)
	r.structure("issuerPrincipals", &c.IssuerPrincipals)
	if len(r.problems) > 0 {
		// What could not be read would only make Validate repeat it.
		return Config{}, errors.Join(r.problems...)
	}
	return c, c.Validate()
}

// reader reads configuration values and collects what is wrong with them.
type reader struct {
	ctx      *pulumi.Context
	problems []error
}

func (r *reader) problem(key, format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf("config %s "+format, append([]any{key}, args...)...))
}

// region returns the region of the default provider.
func (r *reader) region() string {
	region, ok := r.ctx.GetConfig("aws:region")
	if !ok {
		r.problem("aws:region", "is missing: set the stack's home region")
	}
	return region
}

func (r *reader) optional(key string) string {
	value, _ := r.ctx.GetConfig(r.ctx.Project() + ":" + key)
	return value
}

func (r *reader) text(key string) string {
	value, ok := r.ctx.GetConfig(r.ctx.Project() + ":" + key)
	if !ok {
		r.problem(key, "is missing: its default stands in Pulumi.yaml")
	}
	return value
}

func (r *reader) number(key string) int {
	value := r.text(key)
	n, err := strconv.Atoi(value)
	if err != nil && value != "" {
		r.problem(key, "is %q: it must be a whole number", value)
	}
	return n
}

func (r *reader) boolean(key string) bool {
	value := r.text(key)
	b, err := strconv.ParseBool(value)
	if err != nil && value != "" {
		r.problem(key, "is %q: it must be true or false", value)
	}
	return b
}

// secret returns an optional value that must be encrypted in the stack's file.
func (r *reader) secret(key string) Secret {
	value := r.optional(key)
	if value != "" && !r.ctx.IsConfigSecret(r.ctx.Project()+":"+key) {
		r.problem(key, "is in plain text: set it with `pulumi config set --secret`")
	}
	return Secret(value)
}

// structure reads a list or an object. A misspelt field of an object is an
// error.
func (r *reader) structure(key string, into any) {
	value := r.optional(key)
	if value == "" {
		return
	}
	if err := strictJSON([]byte(value), into); err != nil {
		r.problem(key, "is %s: %v", value, err)
	}
}
