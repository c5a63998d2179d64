package distribution

import "regexp"

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
		of := map[string]*string{"viewer-request": &b.ViewerRequest, "viewer-response": &b.ViewerResponse}[a.EventType]
		switch {
		case of == nil:
			r.fail("%s: the event %q is not supported on one machine", at, a.EventType)
			continue
		case *of != "":
			r.fail("%s: two functions for %s", at, a.EventType)
		}
		*of = a.FunctionARN
	}
}
