package distribution

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Origin is an S3 bucket, or a Lambda function at its URL, behind origin access control.
type Origin struct {
	Domain        string
	Region        string
	Signed        bool // by origin access control
	CustomHeaders []Header
	// Bucket and its Policy, which grants nothing if it is nil. The name is empty for a function's URL.
	Bucket string
	Policy *BucketPolicy
	// URL is nil for a bucket.
	URL *FunctionURL
}

// FunctionURL holds the settings of an origin that is a function's URL.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesOrigin.html
type FunctionURL struct {
	ReadTimeout, KeepaliveTimeout time.Duration
	SSLProtocols                  []string
}

// Header is one origin custom header.
type Header struct{ Name, Value string }

// bucketDomain is the regional domain name of a bucket. The global form is refused: it redirects, or fails while DNS
// catches up. https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
var bucketDomain = regexp.MustCompile(`^([a-z0-9][a-z0-9.-]{1,` +
	`61}[a-z0-9])\.s3[.-]([a-z]{2}(?:-[a-z]+)+-[0-9])\.amazonaws\.com$`)

// functionDomain is the domain name of a function's URL.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
var functionDomain = regexp.MustCompile(`^[a-z0-9-]+\.lambda-url\.([a-z]{2}(?:-[a-z]+)+-[0-9])\.on\.aws$`)

type originInputs struct {
	OriginID, DomainName, OriginAccessControlID string
	CustomHeaders                               []Header
	CustomOriginConfig                          *customOriginInputs
	OriginShield                                struct {
		Enabled            bool
		OriginShieldRegion string
	}
}

type customOriginInputs struct {
	HTTPPort, HTTPSPort                       int
	OriginKeepaliveTimeout, OriginReadTimeout *int
	OriginProtocolPolicy                      string
	OriginSslProtocols                        []string
}

func (r *reader) origin(path string, in originInputs) *Origin {
	o := &Origin{Domain: in.DomainName}
	switch bucket, function := bucketDomain.FindStringSubmatch(in.DomainName),
		functionDomain.FindStringSubmatch(in.DomainName); {
	case bucket != nil:
		o.Bucket, o.Region = bucket[1], bucket[2]
		if in.CustomOriginConfig != nil {
			r.fail("%s.customOriginConfig is not supported on one machine for a bucket", path)
		}
	case function != nil:
		o.Region, o.URL = function[1], r.functionURL(path+".customOriginConfig", in.CustomOriginConfig)
	default:
		r.fail("%s.domainName: %q is neither the regional domain name of a bucket nor that of a function's URL", path,
			in.DomainName)
	}
	if in.OriginShield.Enabled {
		r.skip(path+".originShield", "there is one cache")
	}
	r.customHeaders(path, in, o)
	r.accessControl(path, in.OriginAccessControlID, o)
	if o.Bucket != "" {
		o.Policy = r.bucketPolicy(o.Bucket)
	}
	return o
}

// functionURL reads the settings of a function's URL, which takes nothing but TLS 1.2 and later.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesOrigin.html
func (r *reader) functionURL(path string, in *customOriginInputs) *FunctionURL {
	if in == nil {
		r.fail("%s is missing: a function's URL is a custom origin", path)
		return nil
	}
	if in.OriginProtocolPolicy != "https-only" || in.HTTPSPort != 443 ||
		!slices.Contains(in.OriginSslProtocols, "TLSv1.2") {
		r.fail("%s: a function's URL needs originProtocolPolicy https-only, httpsPort 443 and TLSv1.2 in originSslProtocols",
			path)
	}
	u := &FunctionURL{
		ReadTimeout:      seconds(in.OriginReadTimeout, 30*time.Second),
		KeepaliveTimeout: seconds(in.OriginKeepaliveTimeout, 5*time.Second), SSLProtocols: in.OriginSslProtocols,
	}
	if u.ReadTimeout < time.Second || u.ReadTimeout > 60*time.Second {
		r.fail("%s.originReadTimeout: %s is not one of 1 to 60 seconds", path, u.ReadTimeout)
	}
	if u.KeepaliveTimeout < time.Second || u.KeepaliveTimeout > 60*time.Second {
		r.fail("%s.originKeepaliveTimeout: %s is not one of 1 to 60 seconds", path, u.KeepaliveTimeout)
	}
	return u
}

func (r *reader) accessControl(path, id string, o *Origin) {
	var in struct{ Name, Description, OriginAccessControlOriginType, SigningBehavior, SigningProtocol string }
	at, found := r.find(path+".originAccessControlId", typeAccessControl, id, &in)
	if !found {
		return // requests go unsigned
	}
	want := "s3"
	if o.URL != nil {
		want = "lambda"
	}
	if in.OriginAccessControlOriginType != want {
		r.fail("%s: originAccessControlOriginType %q is not %q, as the origin is", at, in.OriginAccessControlOriginType, want)
	}
	if in.SigningProtocol != "sigv4" {
		r.fail("%s: signingProtocol %q is not supported on one machine", at, in.SigningProtocol)
	}
	if in.SigningBehavior != "always" {
		r.fail("%s: signingBehavior %q is not supported on one machine", at, in.SigningBehavior)
	}
	o.Signed = true
}

// customHeaders applies the rules and quotas of origin custom headers.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
func (r *reader) customHeaders(path string, in originInputs, o *Origin) {
	total := 0
	for i, h := range in.CustomHeaders {
		at := fmt.Sprintf("%s.customHeaders[%d]", path, i)
		if NotCustom.Has(h.Name) {
			r.fail("%s.name: CloudFront does not take %s as a custom header", at, h.Name)
		}
		if h.Name == "" || len(h.Name) > 256 || len(h.Value) > 1783 {
			r.fail("%s: a name has 1 to 256 characters, a value at most 1783", at)
		}
		if slices.ContainsFunc(o.CustomHeaders, func(c Header) bool { return strings.EqualFold(c.Name, h.Name) }) {
			r.fail("%s.name: %s is there twice", at, h.Name)
		}
		total += len(h.Name) + len(h.Value)
		o.CustomHeaders = append(o.CustomHeaders, h)
	}
	if len(o.CustomHeaders) > 30 || total > 10240 {
		r.fail("%s.customHeaders: at most 30 headers of 10240 characters in all", path)
	}
}
