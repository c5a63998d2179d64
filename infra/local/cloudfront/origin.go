package cloudfront

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// origin is an S3 bucket behind origin access control.
type origin struct {
	id, domain, path string
	bucket, region   string
	signing          string // "always", "no-override", "never"
	custom           []customHeader
	attempts         int
	policy           *bucketPolicy // nil: nothing is granted
	endpoint         *url.URL
	keys             S3
	transport        http.RoundTripper
	arn              string // of the distribution, the source of its requests
}

type customHeader struct{ name, value string }

// bucketDomain is the regional domain name of a bucket. The global form is
// refused: it redirects or fails while DNS catches up (aws-facts 9.2).
var bucketDomain = regexp.MustCompile(`^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\.s3[.-]([a-z]{2}(?:-[a-z]+)+-[0-9])\.amazonaws\.com$`)

func (r *resolver) origin(path string, in originInputs, distributionARN string) *origin {
	o := &origin{id: in.OriginID, domain: in.DomainName, path: in.OriginPath, keys: r.options.S3, attempts: 3, signing: "never", arn: distributionARN}
	for property, set := range map[string]bool{
		"customOriginConfig":                  len(in.CustomOriginConfig) > 0,
		"vpcOriginConfig":                     len(in.VpcOriginConfig) > 0,
		"s3OriginConfig.originAccessIdentity": in.S3OriginConfig != nil && in.S3OriginConfig.OriginAccessIdentity != "",
	} {
		if set {
			r.fail("%s.%s is not implemented by the local CloudFront", path, property)
		}
	}
	m := bucketDomain.FindStringSubmatch(in.DomainName)
	if m == nil {
		r.fail("%s.domainName: %q is not the regional domain name of a bucket", path, in.DomainName)
		return o
	}
	o.bucket, o.region = m[1], m[2]
	if o.path != "" && (!strings.HasPrefix(o.path, "/") || strings.HasSuffix(o.path, "/")) {
		r.fail("%s.originPath must begin with a slash and not end with one", path)
	}
	if in.OriginShield != nil && in.OriginShield.Enabled {
		r.skip("%s.originShield: there is one cache, no tiers", path)
	}
	r.customHeaders(path, in, o)
	r.connection(path, in, o)
	r.accessControl(path, in.OriginAccessControlID, o)
	o.policy = r.bucketPolicy(o.bucket)
	return o
}

func (r *resolver) connection(path string, in originInputs, o *origin) {
	timeout := 10 // CFDG DownloadDistValuesOrigin.html: 10 s and 3 attempts by default
	if in.ConnectionTimeout != nil {
		timeout = *in.ConnectionTimeout
	}
	if in.ConnectionAttempts != nil {
		o.attempts = *in.ConnectionAttempts
	}
	if timeout < 1 || timeout > 10 || o.attempts < 1 || o.attempts > 3 {
		r.fail("%s: connectionTimeout must be 1 to 10 and connectionAttempts 1 to 3", path)
	}
	var err error
	if o.endpoint, err = url.Parse(r.options.S3.Endpoint); err != nil || o.endpoint.Host == "" {
		r.fail("the S3 endpoint %q is not a URL", r.options.S3.Endpoint)
	}
	o.transport = &http.Transport{
		DialContext:        (&net.Dialer{Timeout: time.Duration(timeout) * time.Second}).DialContext,
		DisableCompression: true, // what the origin encodes is the viewer's to decode
		MaxIdleConns:       512, MaxIdleConnsPerHost: 512, IdleConnTimeout: time.Minute,
		ResponseHeaderTimeout: originTimeout,
	}
}

func (r *resolver) accessControl(path, id string, o *origin) {
	res, ok := r.named(path+".originAccessControlId", typeAccessControl, id)
	if !ok {
		return // requests go unsigned
	}
	var in accessControlInputs
	if !r.decode(res, &in) {
		return
	}
	at := typeAccessControl + " " + res.Name
	if in.OriginType != "s3" {
		r.fail("%s: originAccessControlOriginType %q is not implemented by the local CloudFront", at, in.OriginType)
	}
	if in.SigningProtocol != "sigv4" {
		r.fail("%s: signingProtocol %q is not implemented by the local CloudFront", at, in.SigningProtocol)
	}
	if !slices.Contains([]string{"always", "never", "no-override"}, in.SigningBehavior) {
		r.fail("%s: signingBehavior %q is not one of always, never, no-override", at, in.SigningBehavior)
	}
	o.signing = in.SigningBehavior
}

// notCustom are the headers that CloudFront refuses as origin custom headers;
// those that end with "-" are prefixes.
// CFDG add-origin-custom-headers.html
var notCustom = []string{
	"Accept-Encoding", "Cache-Control", "Connection", "Content-Length", "Cookie", "Host", "If-Match", "If-Modified-Since", "If-None-Match",
	"If-Range", "If-Unmodified-Since", "Max-Forwards", "Pragma", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Range",
	"Request-Range", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Via", "X-Real-Ip", "X-Amz-", "X-Edge-",
}

// customHeaders applies the rules and quotas of origin custom headers.
// CFDG cloudfront-limits.html, aws-facts 1.5
func (r *resolver) customHeaders(path string, in originInputs, o *origin) {
	total := 0
	for i, h := range in.CustomHeaders {
		at := fmt.Sprintf("%s.customHeaders[%d]", path, i)
		if isListed(h.Name, notCustom) {
			r.fail("%s.name: CloudFront does not take %s as a custom header", at, h.Name)
		}
		if h.Name == "" || len(h.Name) > 256 || len(h.Value) > 1783 {
			r.fail("%s: a name has 1 to 256 characters, a value at most 1783", at)
		}
		if slices.ContainsFunc(o.custom, func(c customHeader) bool { return strings.EqualFold(c.name, h.Name) }) {
			r.fail("%s.name: %s is there twice", at, h.Name)
		}
		total += len(h.Name) + len(h.Value)
		o.custom = append(o.custom, customHeader{h.Name, h.Value})
	}
	if len(o.custom) > 30 || total > 10240 {
		r.fail("%s.customHeaders: at most 30 headers of 10240 characters in all", path)
	}
}
