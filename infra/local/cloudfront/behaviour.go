package cloudfront

import (
	"net/http"
	"slices"
	"strings"

	"secure-media-cdn/infra/plan"
)

// behaviour is one cache behaviour with all that it refers to.
type behaviour struct {
	pattern       string // "*" for the default
	origin        *origin
	allowed       []string
	cached        []string
	protocol      string
	compress      bool
	policy        cachePolicy
	forward       forwarding
	response      *headersPolicy // nil: none
	viewerRequest Function       // nil: none
	originRequest Lambda         // nil: none
}

func (r *resolver) behaviour(path string, in behaviourInputs) *behaviour {
	b := &behaviour{
		pattern: in.PathPattern, origin: r.origins[in.TargetOriginID],
		allowed: in.AllowedMethods, cached: in.CachedMethods, protocol: in.ViewerProtocolPolicy, compress: in.Compress,
	}
	if b.pattern == "" {
		b.pattern = "*"
	}
	if b.origin == nil {
		r.fail("%s.targetOriginId: there is no origin %q", path, in.TargetOriginID)
	}
	for _, m := range in.AllowedMethods {
		if m != http.MethodGet && m != http.MethodHead && m != http.MethodOptions {
			r.fail("%s.allowedMethods: %s is not implemented by the local CloudFront", path, m)
		}
	}
	for _, m := range in.CachedMethods {
		if !slices.Contains(in.AllowedMethods, m) {
			r.fail("%s.cachedMethods: %s is not among the allowed methods", path, m)
		}
	}
	if !slices.Contains(in.CachedMethods, http.MethodGet) || !slices.Contains(in.CachedMethods, http.MethodHead) {
		r.fail("%s.cachedMethods must hold GET and HEAD", path)
	}
	if !slices.Contains([]string{"allow-all", "https-only", "redirect-to-https"}, in.ViewerProtocolPolicy) {
		r.fail("%s.viewerProtocolPolicy: %q is not one of allow-all, https-only, redirect-to-https", path, in.ViewerProtocolPolicy)
	}
	r.refuseInBehaviour(path, in)
	r.policies(path, in, b)
	r.functions(path, in, b)
	return b
}

func (r *resolver) refuseInBehaviour(path string, in behaviourInputs) {
	for property, set := range map[string]bool{
		"fieldLevelEncryptionId": in.FieldLevelEncryptionID != "",
		"grpcConfig":             in.GrpcConfig.Enabled,
		"realtimeLogConfigArn":   in.RealtimeLogConfigARN != "",
		"smoothStreaming":        in.SmoothStreaming,
		"trustedKeyGroups":       len(in.TrustedKeyGroups) > 0,
		"trustedSigners":         len(in.TrustedSigners) > 0,
		"forwardedValues":        len(in.ForwardedValues) > 0,
		// With a cache policy CloudFront takes the TTLs from it alone.
		"defaultTtl": in.DefaultTTL != nil && *in.DefaultTTL != 0,
		"minTtl":     in.MinTTL != nil && *in.MinTTL != 0,
		"maxTtl":     in.MaxTTL != nil && *in.MaxTTL != 0,
	} {
		if set {
			r.fail("%s.%s is not implemented by the local CloudFront", path, property)
		}
	}
}

// policies looks up the policies that a behaviour names.
func (r *resolver) policies(path string, in behaviourInputs, b *behaviour) {
	if res, ok := r.named(path+".cachePolicyId", typeCachePolicy, in.CachePolicyID); ok {
		var p cachePolicyInputs
		if r.decode(res, &p) {
			var err error
			if b.policy, err = newCachePolicy(p); err != nil {
				r.fail("%s %s: %w", typeCachePolicy, res.Name, err)
			}
		}
	} else if in.CachePolicyID == "" {
		r.fail("%s.cachePolicyId is missing", path)
	}
	if res, ok := r.named(path+".originRequestPolicyId", typeRequestPolicy, in.OriginRequestPolicyID); ok {
		var p originRequestPolicyInputs
		if r.decode(res, &p) {
			var err error
			if b.forward, err = newForwarding(p); err != nil {
				r.fail("%s %s: %w", typeRequestPolicy, res.Name, err)
			}
		}
	}
	if res, ok := r.named(path+".responseHeadersPolicyId", typeResponsePolicy, in.ResponseHeadersPolicyID); ok {
		var p responsePolicyInputs
		if r.decode(res, &p) {
			var err error
			if b.response, err = newHeadersPolicy(p); err != nil {
				r.fail("%s %s: %w", typeResponsePolicy, res.Name, err)
			}
		}
	}
}

// named finds the resource that a property refers to by identifier; an empty
// identifier refers to nothing.
func (r *resolver) named(path, typ, id string) (plan.Resource, bool) {
	if id == "" {
		return plan.Resource{}, false
	}
	res, ok := r.options.Document.ByID(typ, id)
	if !ok {
		r.fail("%s: the document has no %s with the ID %q", path, typ, id)
	}
	return res, ok
}

// functions looks up the functions of a behaviour's events.
func (r *resolver) functions(path string, in behaviourInputs, b *behaviour) {
	for _, a := range in.LambdaAssociations {
		at := path + ".lambdaFunctionAssociations"
		switch {
		case a.EventType != eventOriginRequest:
			r.fail("%s: the event %q is not implemented by the local CloudFront", at, a.EventType)
		case a.IncludeBody:
			r.fail("%s: includeBody is not implemented by the local CloudFront", at)
		case !numbered(a.LambdaARN):
			// aws-facts 1.3
			r.fail("%s: %q is not the ARN of a numbered version", at, a.LambdaARN)
		case b.originRequest != nil:
			r.fail("%s: two functions for %s", at, a.EventType)
		default:
			if b.originRequest = r.options.Lambdas[a.LambdaARN]; b.originRequest == nil {
				r.fail("%s: no function runs for %s", at, a.LambdaARN)
			}
		}
	}
	for _, a := range in.FunctionAssociations {
		at := path + ".functionAssociations"
		switch {
		case a.EventType != eventViewerRequest:
			r.fail("%s: the event %q is not implemented by the local CloudFront", at, a.EventType)
		case b.viewerRequest != nil:
			r.fail("%s: two functions for %s", at, a.EventType)
		default:
			r.checkFunction(at, a.FunctionARN)
			if b.viewerRequest = r.options.Functions[a.FunctionARN]; b.viewerRequest == nil {
				r.fail("%s: no function runs for %s", at, a.FunctionARN)
			}
		}
	}
}

// checkFunction applies CloudFront's own rules to the resource of a function.
// CFDG cloudfront-limits.html, associate-function.html
func (r *resolver) checkFunction(at, arn string) {
	for _, res := range r.options.Document.ByType(typeFunction) {
		if res.Outputs["arn"] != arn {
			continue
		}
		var in functionInputs
		if !r.decode(res, &in) {
			return
		}
		if in.Runtime != "cloudfront-js-2.0" {
			r.fail("%s %s: runtime %q is not implemented by the local CloudFront", typeFunction, res.Name, in.Runtime)
		}
		if in.Publish != nil && !*in.Publish {
			r.fail("%s %s: publish: an unpublished function cannot be associated", typeFunction, res.Name)
		}
		if len(in.Code) > maxFunctionCode {
			r.fail("%s %s: code has %d bytes, at most %d are allowed", typeFunction, res.Name, len(in.Code), maxFunctionCode)
		}
		return
	}
	r.fail("%s: the document has no CloudFront Function with the ARN %q", at, arn)
}

// numbered reports whether a Lambda ARN ends with a version number.
func numbered(arn string) bool {
	_, version, ok := strings.Cut(arn, ":function:")
	if !ok {
		return false
	}
	_, version, ok = strings.Cut(version, ":")
	return ok && version != "" && strings.Trim(version, "0123456789") == ""
}

// match returns the behaviour for a path: the first pattern that matches the
// normalised path, else the default. The path itself goes on unchanged.
// CFDG DownloadDistValuesCacheBehavior.html, "Path pattern"
func (d *distribution) match(path string) *behaviour {
	last := len(d.behaviours) - 1
	normal := normalise(path)
	for _, b := range d.behaviours[:last] {
		if matches(strings.TrimPrefix(b.pattern, "/"), strings.TrimPrefix(normal, "/")) {
			return b
		}
	}
	return d.behaviours[last]
}
