// Package distribution reads a CloudFront distribution, and the policies, access control, functions and bucket
// policy that it refers to, out of a plan document.
//
// Every input is supported, or is listed in [Distribution.Unsupported] with the reason why it has no effect on one
// machine, or is part of [Read]'s error with its property path.
package distribution

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"secure-media-cdn/infra/local/inputs"
	"secure-media-cdn/infra/plan"
)

// Type tokens of the resources that a distribution refers to.
const (
	typeDistribution   = "aws:cloudfront/distribution:Distribution"
	typeCachePolicy    = "aws:cloudfront/cachePolicy:CachePolicy"
	typeRequestPolicy  = "aws:cloudfront/originRequestPolicy:OriginRequestPolicy"
	typeResponsePolicy = "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy"
	typeAccessControl  = "aws:cloudfront/originAccessControl:OriginAccessControl"
	typeBucket         = "aws:s3/bucketV2:BucketV2"
	typeBucketPolicy   = "aws:s3/bucketPolicy:BucketPolicy"
)

// Distribution is what its inputs come to.
type Distribution struct {
	ID, ARN, Domain string
	Aliases         []string
	Behaviours      []*Behaviour // in order of precedence, the default last
	// ErrorMinimums are how long errors are cached at the least, by status.
	ErrorMinimums map[int]time.Duration
	// Unsupported holds a line for each input that has no effect here, with the reason.
	Unsupported []string
}

// Behaviour is one cache behaviour with all that it refers to.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesCacheBehavior.html
type Behaviour struct {
	Pattern        string // "*" for the default
	Origin         *Origin
	Allowed        []string // methods; GET and HEAD are cached
	ViewerProtocol string   // allow-all, https-only or redirect-to-https
	Compress       bool
	Cache          CachePolicy
	Forward        Selection      // what of the viewer's request reaches the origin without being part of the cache key
	Headers        *HeadersPolicy // nil for none
	// ARNs of the functions at these events, empty for none.
	ViewerRequest, ViewerResponse, OriginRequest string
}

const defaultErrorMinimum = 10 * time.Second

// ErrorMinimum is how long an error of the given status is cached at the least.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/custom-error-pages-expiration.html
func (d *Distribution) ErrorMinimum(status int) time.Duration {
	if minimum, ok := d.ErrorMinimums[status]; ok {
		return minimum
	}
	return defaultErrorMinimum
}

// listed are the properties that only CloudFront itself can follow, and why nothing here does.
var listed = map[string]string{
	"aliases":           "there is no DNS: only a name below localhost leads here, and the address",
	"comment":           "a description, without effect on requests",
	"httpVersion":       "the local CloudFront speaks HTTP/1.1",
	"isIpv6Enabled":     "the local CloudFront listens on 127.0.0.1",
	"loggingConfig":     "requests are shown by the console, not written to a bucket",
	"priceClass":        "there is one edge location",
	"retainOnDelete":    "nothing is deployed",
	"tags":              "without effect on requests",
	"viewerCertificate": "the local CloudFront speaks plain HTTP and takes it for HTTPS",
	"waitForDeployment": "nothing is deployed",
	"webAclId":          "no web application firewall runs here",
}

// Read reads the one distribution of the document. Its error names every property that is not supported.
func Read(doc *plan.Document) (*Distribution, error) {
	r := reader{doc: doc}
	d := r.distribution()
	if err := errors.Join(r.problems...); err != nil {
		return nil, fmt.Errorf("the distribution cannot be run on one machine: %w", err)
	}
	return d, nil
}

// reader collects what it cannot make sense of.
type reader struct {
	doc         *plan.Document
	problems    []error
	unsupported []string
	origins     map[string]*Origin
}

func (r *reader) fail(format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf(format, args...))
}

func (r *reader) skip(property, why string) {
	r.unsupported = append(r.unsupported, property+": "+why)
}

// decode reads a resource's inputs, as far as they can be read.
func (r *reader) decode(res plan.Resource, into any, listed map[string]string) {
	if err := inputs.Decode(res, into, listed); err != nil {
		r.problems = append(r.problems, err)
	}
}

// find decodes the resource that a property refers to by identifier. An empty identifier refers to nothing.
func (r *reader) find(path, typ, id string, into any) (at string, found bool) {
	if id == "" {
		return "", false
	}
	res, ok := r.doc.ByID(typ, id)
	if !ok {
		r.fail("%s: the document has no %s with the ID %q", path, typ, id)
		return "", false
	}
	r.decode(res, into, nil)
	return typ + " " + res.Name, true
}

type behaviourInputs struct {
	PathPattern, TargetOriginID, ViewerProtocolPolicy             string
	AllowedMethods, CachedMethods                                 []string
	Compress                                                      bool
	CachePolicyID, OriginRequestPolicyID, ResponseHeadersPolicyID string
	FunctionAssociations                                          []struct{ EventType, FunctionARN string }
	LambdaFunctionAssociations                                    []struct {
		EventType, LambdaARN string
		IncludeBody          bool
	}
}

func (r *reader) distribution() *Distribution {
	all := r.doc.ByType(typeDistribution)
	if len(all) != 1 {
		r.fail("the document has %d distributions, and one can be run", len(all))
		return nil
	}
	var in struct {
		CustomErrorResponses  []errorInputs
		DefaultCacheBehavior  behaviourInputs
		Enabled               bool
		OrderedCacheBehaviors []behaviourInputs
		Origins               []originInputs
		Restrictions          struct {
			GeoRestriction struct {
				Locations       []string
				RestrictionType string
			}
		}
	}
	r.decode(all[0], &in, listed)
	d := &Distribution{ID: all[0].ID, ErrorMinimums: map[int]time.Duration{}}
	d.ARN, _ = all[0].Outputs["arn"].(string)
	d.Domain, _ = all[0].Outputs["domainName"].(string)
	aliases, _ := all[0].Inputs["aliases"].([]any)
	for _, alias := range aliases {
		d.Aliases = append(d.Aliases, fmt.Sprint(alias))
	}
	if d.ARN == "" || d.Domain == "" {
		r.fail("%s: the outputs arn and domainName are missing", all[0].Name)
	}
	if !in.Enabled {
		r.fail("enabled: a disabled distribution answers nothing")
	}
	for property, why := range listed {
		if _, there := all[0].Inputs[property]; there {
			r.skip(property, why)
		}
	}
	if kind := in.Restrictions.GeoRestriction.RestrictionType; kind != "" && kind != "none" {
		r.skip("restrictions.geoRestriction", "the country of a local viewer is not known")
	}
	r.origins = map[string]*Origin{}
	for i, o := range in.Origins {
		r.origins[o.OriginID] = r.origin(fmt.Sprintf("origins[%d]", i), o)
	}
	for i, b := range in.OrderedCacheBehaviors {
		path := fmt.Sprintf("orderedCacheBehaviors[%d]", i)
		if b.PathPattern == "" {
			r.fail("%s.pathPattern is missing", path)
		}
		d.Behaviours = append(d.Behaviours, r.behaviour(path, b))
	}
	d.Behaviours = append(d.Behaviours, r.behaviour("defaultCacheBehavior", in.DefaultCacheBehavior))
	for i, c := range in.CustomErrorResponses {
		r.errorResponse(d, fmt.Sprintf("customErrorResponses[%d]", i), c)
	}
	slices.Sort(r.unsupported)
	d.Unsupported = r.unsupported
	return d
}

// methodSets are CloudFront's three choices, sorted.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesCacheBehavior.html
var methodSets = [][]string{
	{http.MethodGet, http.MethodHead},
	{http.MethodGet, http.MethodHead, http.MethodOptions},
	{http.MethodDelete, http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPatch, http.MethodPost,
		http.MethodPut},
}

type errorInputs struct {
	ErrorCachingMinTTL *int
	ErrorCode          int
}

// errorCodes are those that a custom error response can be made for.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/GeneratingCustomErrorResponses.html
var errorCodes = []int{400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504}

func (r *reader) errorResponse(d *Distribution, path string, in errorInputs) {
	if !slices.Contains(errorCodes, in.ErrorCode) {
		r.fail("%s.errorCode: CloudFront has no custom response for %d", path, in.ErrorCode)
	}
	if _, twice := d.ErrorMinimums[in.ErrorCode]; twice {
		r.fail("%s.errorCode: %d is there twice", path, in.ErrorCode)
	}
	d.ErrorMinimums[in.ErrorCode] = seconds(in.ErrorCachingMinTTL, defaultErrorMinimum)
}

func (r *reader) behaviour(path string, in behaviourInputs) *Behaviour {
	b := &Behaviour{
		Pattern: in.PathPattern, Origin: r.origins[in.TargetOriginID], Allowed: in.AllowedMethods,
		ViewerProtocol: in.ViewerProtocolPolicy, Compress: in.Compress,
	}
	if b.Pattern == "" {
		b.Pattern = "*"
	}
	if b.Origin == nil {
		r.fail("%s.targetOriginId: there is no origin %q", path, in.TargetOriginID)
	}
	allowed := slices.Sorted(slices.Values(in.AllowedMethods))
	if !slices.ContainsFunc(methodSets, func(set []string) bool { return slices.Equal(allowed, set) }) {
		r.fail("%s.allowedMethods: %v is none of CloudFront's choices", path, in.AllowedMethods)
	}
	if b.Origin != nil && b.Origin.URL == nil && len(allowed) == len(methodSets[2]) {
		r.fail("%s.allowedMethods: methods that write to a bucket are not supported on one machine", path)
	}
	if cached := slices.Sorted(slices.Values(in.CachedMethods)); !slices.Equal(cached, []string{"GET", "HEAD"}) {
		r.fail("%s.cachedMethods: only GET and HEAD together are supported on one machine", path)
	}
	if !slices.Contains([]string{"allow-all", "https-only", "redirect-to-https"}, in.ViewerProtocolPolicy) {
		r.fail("%s.viewerProtocolPolicy: %q is not one of allow-all, https-only, redirect-to-https", path,
			in.ViewerProtocolPolicy)
	}
	r.policies(path, in, b)
	r.functions(path, in, b)
	return b
}
