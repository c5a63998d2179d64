package distribution

import "regexp"

// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
const maxFunctionCode = 10 << 10

// numbered is the ARN of a numbered version of a function, the only form that an association takes.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html
var numbered = regexp.MustCompile(`:function:[^:]+:[0-9]+$`)

// functions looks up the functions of a behaviour's events.
func (r *reader) functions(path string, in behaviourInputs, b *Behaviour) {
	for _, a := range in.LambdaFunctionAssociations {
		at := path + ".lambdaFunctionAssociations"
		switch {
		case a.EventType != "origin-request":
			r.fail("%s: the event %q is not supported on one machine", at, a.EventType)
		case a.IncludeBody:
			r.fail("%s: includeBody is not supported on one machine", at)
		case !numbered.MatchString(a.LambdaARN):
			r.fail("%s: %q is not the ARN of a numbered version", at, a.LambdaARN)
		case b.OriginRequest != "":
			r.fail("%s: two functions for %s", at, a.EventType)
		}
		b.OriginRequest = a.LambdaARN
	}
	for _, a := range in.FunctionAssociations {
		at := path + ".functionAssociations"
		switch {
		case a.EventType != "viewer-request":
			r.fail("%s: the event %q is not supported on one machine", at, a.EventType)
		case b.ViewerRequest != "":
			r.fail("%s: two functions for %s", at, a.EventType)
		default:
			r.checkFunction(at, a.FunctionARN)
		}
		b.ViewerRequest = a.FunctionARN
	}
}

// checkFunction applies CloudFront's own rules to the resource of a function.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/associate-function.html
func (r *reader) checkFunction(at, arn string) {
	for _, res := range r.doc.ByType(typeFunction) {
		if res.Outputs["arn"] != arn {
			continue
		}
		var in struct {
			Name, Code, Runtime       string
			Publish                   *bool
			KeyValueStoreAssociations []string
		}
		r.decode(res, &in, map[string]string{"comment": ""})
		if in.Runtime != "cloudfront-js-2.0" {
			r.fail("%s %s: runtime %q is not supported on one machine", typeFunction, res.Name, in.Runtime)
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
