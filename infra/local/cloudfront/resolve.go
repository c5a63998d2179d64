package cloudfront

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"secure-media-cdn/infra/plan"
)

// Type tokens of the resources that a distribution refers to.
const (
	typeDistribution    = "aws:cloudfront/distribution:Distribution"
	typeCachePolicy     = "aws:cloudfront/cachePolicy:CachePolicy"
	typeRequestPolicy   = "aws:cloudfront/originRequestPolicy:OriginRequestPolicy"
	typeResponsePolicy  = "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy"
	typeAccessControl   = "aws:cloudfront/originAccessControl:OriginAccessControl"
	typeFunction        = "aws:cloudfront/function:Function"
	typeBucketPolicy    = "aws:s3/bucketPolicy:BucketPolicy"
	eventOriginRequest  = "origin-request"
	eventViewerRequest  = "viewer-request"
	maxFunctionCode     = 10 << 10 // CFDG cloudfront-limits.html
	defaultErrorMinimum = 10 * time.Second
)

// distribution is what the inputs come to.
type distribution struct {
	id, arn, domain string
	via             []string     // the Via header, towards viewer and origin alike
	root            string       // default root object
	behaviours      []*behaviour // in order of precedence, the default last
	errors          map[int]errorRule
	unsupported     []string
}

// errorRule is one custom error response.
// CFDG GeneratingCustomErrorResponses.html
type errorRule struct {
	minimum time.Duration
	status  int    // 0: the origin's own
	page    string // empty: the origin's own body
}

// resolver turns the plan document into a distribution, and collects what it
// cannot make of it.
type resolver struct {
	options     Options
	problems    []error
	unsupported []string
	origins     map[string]*origin
}

func (r *resolver) fail(format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf(format, args...))
}

func (r *resolver) skip(format string, args ...any) {
	r.unsupported = append(r.unsupported, fmt.Sprintf(format, args...))
}

// decode reads a resource's inputs; a problem is kept, and false returned.
func (r *resolver) decode(res plan.Resource, out any) bool {
	if err := decode(res.Type+" "+res.Name, res.Inputs, out); err != nil {
		r.problems = append(r.problems, err)
		return false
	}
	return true
}

func (r *resolver) find() (plan.Resource, bool) {
	doc := r.options.Document
	if doc == nil {
		r.fail("there is no plan document")
		return plan.Resource{}, false
	}
	if name := r.options.Distribution; name != "" {
		res, ok := doc.Find(typeDistribution, name)
		if !ok {
			r.fail("the document has no distribution named %q", name)
		}
		return res, ok
	}
	all := doc.ByType(typeDistribution)
	if len(all) != 1 {
		r.fail("the document has %d distributions, so one must be named", len(all))
		return plan.Resource{}, false
	}
	return all[0], true
}

func (r *resolver) distribution() *distribution {
	res, ok := r.find()
	if !ok {
		return nil
	}
	var in distributionInputs
	if !r.decode(res, &in) {
		return nil
	}
	d := &distribution{id: res.ID, errors: map[int]errorRule{}, root: strings.TrimPrefix(in.DefaultRootObject, "/")}
	d.arn, _ = res.Outputs["arn"].(string)
	d.domain, _ = res.Outputs["domainName"].(string)
	if d.arn == "" || d.domain == "" {
		r.fail("%s: the outputs arn and domainName are missing", res.Name)
	}
	host, _, _ := strings.Cut(d.domain, ".")
	d.via = []string{"1.1 " + host + ".cloudfront.net (CloudFront)"}
	r.listUnsupported(&in)
	r.refuse(&in)
	r.origins = map[string]*origin{}
	for i, o := range in.Origins {
		r.origins[o.OriginID] = r.origin(fmt.Sprintf("origins[%d]", i), o, d.arn)
	}
	for i, b := range in.OrderedCacheBehaviors {
		path := fmt.Sprintf("orderedCacheBehaviors[%d]", i)
		if b.PathPattern == "" {
			r.fail("%s.pathPattern is missing", path)
		}
		d.behaviours = append(d.behaviours, r.behaviour(path, b))
	}
	d.behaviours = append(d.behaviours, r.behaviour("defaultCacheBehavior", in.DefaultCacheBehavior))
	for i, c := range in.CustomErrorResponses {
		r.errorResponse(d, fmt.Sprintf("customErrorResponses[%d]", i), c)
	}
	d.unsupported = r.unsupported
	return d
}

// listUnsupported lists what only CloudFront itself can do.
func (r *resolver) listUnsupported(in *distributionInputs) {
	if len(in.Aliases) > 0 {
		r.skip("aliases %s: the local CloudFront has no DNS; it answers to every Host", strings.Join(in.Aliases, ", "))
	}
	if len(in.ViewerCertificate) > 0 {
		r.skip("viewerCertificate: the local CloudFront speaks plain HTTP and takes it for HTTPS")
	}
	if in.HTTPVersion != "" {
		r.skip("httpVersion %s: the local CloudFront speaks HTTP/1.1", in.HTTPVersion)
	}
	if in.IsIPv6Enabled {
		r.skip("isIpv6Enabled: the local CloudFront listens where it is told to")
	}
	if in.PriceClass != "" {
		r.skip("priceClass %s: there is one edge location", in.PriceClass)
	}
	if in.WebACLID != "" {
		r.skip("webAclId: no web application firewall runs locally")
	}
	if in.Restrictions != nil && in.Restrictions.GeoRestriction.RestrictionType != "none" {
		r.skip("restrictions.geoRestriction: the country of a local viewer is not known")
	}
	if len(in.LoggingConfig) > 0 {
		r.skip("loggingConfig: requests are reported to the console, not written to a bucket")
	}
	if in.Comment != "" {
		r.skip("comment: a description, without effect on requests")
	}
	if len(in.Tags) > 0 {
		r.skip("tags: without effect on requests")
	}
	if in.WaitForDeployment != nil {
		r.skip("waitForDeployment: nothing is deployed")
	}
	if in.RetainOnDelete {
		r.skip("retainOnDelete: nothing is deployed")
	}
}

// refuse stops on what would change answers and is not implemented.
func (r *resolver) refuse(in *distributionInputs) {
	const not = "%s is not implemented by the local CloudFront"
	if !in.Enabled {
		r.fail("enabled: a disabled distribution answers nothing")
	}
	if len(in.OriginGroups) > 0 {
		r.fail(not, "originGroups")
	}
	if in.ContinuousDeploymentPolicyID != "" {
		r.fail(not, "continuousDeploymentPolicyId")
	}
	if in.Staging {
		r.fail(not, "staging")
	}
}

// errorCodes are those that a custom error response can be made for.
// CFDG GeneratingCustomErrorResponses.html
var errorCodes = []int{400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504}

func (r *resolver) errorResponse(d *distribution, path string, in errorInputs) {
	if !slices.Contains(errorCodes, in.ErrorCode) {
		r.fail("%s.errorCode: CloudFront has no custom response for %d", path, in.ErrorCode)
	}
	if (in.ResponsePagePath == "") != (in.ResponseCode == 0) {
		r.fail("%s: responsePagePath and responseCode come together", path)
	}
	if in.ResponsePagePath != "" && !strings.HasPrefix(in.ResponsePagePath, "/") {
		r.fail("%s.responsePagePath must begin with a slash", path)
	}
	if _, twice := d.errors[in.ErrorCode]; twice {
		r.fail("%s.errorCode: %d is there twice", path, in.ErrorCode)
	}
	rule := errorRule{minimum: defaultErrorMinimum, status: in.ResponseCode, page: in.ResponsePagePath}
	if in.ErrorCachingMinTTL != nil {
		rule.minimum = time.Duration(*in.ErrorCachingMinTTL) * time.Second
	}
	d.errors[in.ErrorCode] = rule
}

// errorRule returns the rule for an error of the given status.
func (d *distribution) errorRule(status int) errorRule {
	if rule, ok := d.errors[status]; ok {
		return rule
	}
	return errorRule{minimum: defaultErrorMinimum}
}
