package stack

import (
	"cmp"
	"errors"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	source "secure-media-cdn/function/gate"
	issuerfn "secure-media-cdn/function/issuer"
	"secure-media-cdn/function/variant"
	"secure-media-cdn/infra/stack/outputs"
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

	// ExistingBucket is the bucket of media if it was there before the stack.
	ExistingBucket string
	// ManageBucketPolicy and ManageBucketEvents say whether the stack writes the policy
	// and the notifications of an existing bucket.
	ManageBucketPolicy, ManageBucketEvents bool

	Delivery            string
	LinkTTLDays         int
	RenewBeforeSeconds  int
	SignatureTTLSeconds int
	BrowserCacheSeconds int
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
	LinkKeyGeneration   int
	AlarmRegions        []string
	AlarmEmails         []string

	ErrorRatePercent       int
	ClientErrorRatePercent int
	LatencyMilliseconds    int

	// ImageVariants are the pictures that can be asked for, by name; none of them
	// means that there is no images function.
	ImageVariants map[string]variant.Variant
	// ImageFormats are those that a variant may have beside JPEG and PNG, best first.
	ImageFormats       []variant.Format
	ImageMaxMegapixels int
	ImageMaxBytesMB    int
	ImageMaxFrames     int
	ImageMemoryMB      int
	ImageConcurrency   int

	// ViewerCarriers are the ways in which tickets may come.
	ViewerCarriers      []source.Carrier
	ViewerCookieDomain  string
	ViewerTicketSeconds int
	ViewerCacheSeconds  int
	ViewerIdentity      Identity

	IssuerPrincipals []issuerfn.Caller
	// PermissionsBoundaryARN is the policy that limits every role of the stack.
	PermissionsBoundaryARN string
	ObjectCheck            bool
	Protect                bool
}

// Service stores media here. Its objects' keys start with Name and a slash.
type Service struct {
	Name   string `json:"name"`
	Access string `json:"access"`
	// Viewers is what a viewer of a private service needs beside a link's hash.
	Viewers string `json:"viewers"`
}

// fillServices gives private services the default of what is optional.
func (c *Config) fillServices() {
	for n := range c.Services {
		if s := &c.Services[n]; s.Access == outputs.AccessPrivate {
			s.Viewers = cmp.Or(s.Viewers, outputs.ViewersLink)
		}
	}
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

// tableRegions returns the regions that hold the mapping table, home first.
func (c Config) tableRegions() []string { return append([]string{c.Region}, c.ReplicaRegions...) }

// runRegions returns the regions in which CloudFront runs the edge function. With
// Origin Shield that is the shield's alone.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/origin-shield.html#origin-shield-and-lambda-at-edge
func (c Config) runRegions() []string {
	if c.OriginShieldRegion != "" {
		return []string{c.OriginShieldRegion}
	}
	return replicaRegionsOfEdge
}

// watchedRegions returns the regions whose runs of the edge function have alarms.
func (c Config) watchedRegions() []string {
	if len(c.AlarmRegions) > 0 {
		return c.AlarmRegions
	}
	return c.runRegions()
}

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
func loadConfig(ctx *pulumi.Context, config map[string]string) (Config, error) {
	r := reader{ctx: ctx, config: config, known: map[string]bool{}}
	c := Config{
		Project: ctx.Project(), Stage: ctx.Stack(), Region: r.region(),

		ExistingBucket:     r.text("existingBucket"),
		ManageBucketPolicy: r.boolean("manageBucketPolicy"),
		ManageBucketEvents: r.boolean("manageBucketEvents"),

		Delivery:            r.text("delivery"),
		LinkTTLDays:         r.number("linkTtlDays"),
		RenewBeforeSeconds:  r.number("renewBeforeSeconds"),
		SignatureTTLSeconds: r.number("signatureTtlSeconds"),
		BrowserCacheSeconds: r.number("browserCacheSeconds"),
		DefaultTTLSeconds:   r.number("defaultTtlSeconds"),
		MaxTTLSeconds:       r.number("maxTtlSeconds"),
		OriginShieldRegion:  r.text("originShieldRegion"),
		CertificateARN:      r.text("certificateArn"),
		HostedZoneID:        r.text("hostedZoneId"),
		PriceClass:          r.text("priceClass"),
		WebACLARN:           r.text("webAclArn"),
		KMSKeyARN:           r.text("kmsKeyArn"),
		AccessLogs:          r.boolean("accessLogs"),
		LogRetentionDays:    r.number("logRetentionDays"),
		EdgeMemoryMB:        r.number("edgeMemoryMb"),
		LinkKeyGeneration:   r.number("linkKeyGeneration"),

		ErrorRatePercent:       r.number("errorRatePercent"),
		ClientErrorRatePercent: r.number("clientErrorRatePercent"),
		LatencyMilliseconds:    r.number("latencyMilliseconds"),

		ImageMaxMegapixels: r.number("imageMaxMegapixels"),
		ImageMaxBytesMB:    r.number("imageMaxBytesMb"),
		ImageMaxFrames:     r.number("imageMaxFrames"),
		ImageMemoryMB:      r.number("imageMemoryMb"),
		ImageConcurrency:   r.number("imageConcurrency"),

		ViewerCookieDomain:  r.text("viewerCookieDomain"),
		ViewerTicketSeconds: r.number("viewerTicketSeconds"),
		ViewerCacheSeconds:  r.number("viewerCacheSeconds"),

		PermissionsBoundaryARN: r.text("permissionsBoundaryArn"),

		ObjectCheck: r.boolean("objectCheck"),
		Protect:     r.boolean("protect"),
	}
	r.structure("corsAllowedOrigins", &c.CORSAllowedOrigins)
	r.structure("services", &c.Services)
	r.structure("replicaRegions", &c.ReplicaRegions)
	r.structure("aliases", &c.Aliases)
	r.structure("geoRestriction", &c.GeoRestriction)
	r.structure("alarmRegions", &c.AlarmRegions)
	r.structure("alarmEmails", &c.AlarmEmails)
	r.structure("issuerPrincipals", &c.IssuerPrincipals)
	r.structure("viewerCarriers", &c.ViewerCarriers)
	r.structure("viewerIdentity", &c.ViewerIdentity)
	r.structure("imageVariants", &c.ImageVariants)
	r.structure("imageFormats", &c.ImageFormats)
	c.fillServices()
	unreadable := len(r.problems) > 0
	r.refuseUnknown()
	if unreadable {
		// Validate would only repeat what could not be read.
		return Config{}, errors.Join(r.problems...)
	}
	return c, errors.Join(append(r.problems, c.Validate())...)
}
