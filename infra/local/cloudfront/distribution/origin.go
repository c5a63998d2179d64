package distribution

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Origin is an S3 bucket behind origin access control.
type Origin struct {
	Domain         string
	Bucket, Region string
	Signed         bool // by origin access control
	CustomHeaders  []Header
	Policy         *BucketPolicy // nil grants nothing
}

// Header is one origin custom header.
type Header struct{ Name, Value string }

// bucketDomain is the regional domain name of a bucket. The global form is refused: it redirects, or fails while DNS
// catches up. https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
var bucketDomain = regexp.MustCompile(`^([a-z0-9][a-z0-9.-]{1,` +
	`61}[a-z0-9])\.s3[.-]([a-z]{2}(?:-[a-z]+)+-[0-9])\.amazonaws\.com$`)

type originInputs struct {
	OriginID, DomainName, OriginAccessControlID string
	CustomHeaders                               []Header
	OriginShield                                struct {
		Enabled            bool
		OriginShieldRegion string
	}
}

func (r *reader) origin(path string, in originInputs) *Origin {
	o := &Origin{Domain: in.DomainName}
	if m := bucketDomain.FindStringSubmatch(in.DomainName); m != nil {
		o.Bucket, o.Region = m[1], m[2]
	} else {
		r.fail("%s.domainName: %q is not the regional domain name of a bucket", path, in.DomainName)
	}
	if in.OriginShield.Enabled {
		r.skip(path+".originShield", "there is one cache")
	}
	r.customHeaders(path, in, o)
	r.accessControl(path, in.OriginAccessControlID, o)
	o.Policy = r.bucketPolicy(o.Bucket)
	return o
}

func (r *reader) accessControl(path, id string, o *Origin) {
	var in struct{ Name, Description, OriginAccessControlOriginType, SigningBehavior, SigningProtocol string }
	at, found := r.find(path+".originAccessControlId", typeAccessControl, id, &in)
	if !found {
		return // requests go unsigned
	}
	if in.OriginAccessControlOriginType != "s3" {
		r.fail("%s: originAccessControlOriginType %q is not supported on one machine", at, in.OriginAccessControlOriginType)
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
