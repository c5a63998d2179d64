package issue

import (
	"strings"

	"secure-media-cdn/function/mapping"
)

// Access says who may see a service's objects.
type Access int

// The kinds of access.
const (
	ByLink   Access = iota // whoever holds a link
	ByTicket               // signed-in viewers who hold a link
	Public                 // everybody, at the object's plain path
)

// Services says of each service, by name, who may see its objects. Without any,
// every key of the bucket is private and belongs to no service.
type Services map[string]Access

// parse reads one object to be served as a caller wrote it, and finds its
// service.
func (i *Issuer) parse(text string) (*wanted, *Error) {
	object, err := i.inBucket(text)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(object.Key, "/") {
		return nil, problem(CodeDirectory, "a key that ends in a slash is a directory, and cannot be served")
	}
	for segment := range strings.SplitSeq(object.Key, "/") {
		// Every HTTP client resolves such segments before it sends the path, so
		// CloudFront would fetch another key than the one meant.
		if segment == "." || segment == ".." {
			return nil, problem(CodeBadObject, "a key with the segment %q cannot be served", segment)
		}
	}
	if len(i.Services) == 0 {
		return &wanted{object: object}, i.permit(object)
	}
	service, _, below := strings.Cut(object.Key, "/")
	access, known := i.Services[service]
	if !known || !below {
		return nil, problem(CodeUnknownService, "the key must begin with the name of a configured service and a slash")
	}
	return &wanted{object: object, service: service, access: access}, i.permit(object)
}

// inBucket reads one object of the media bucket.
func (i *Issuer) inBucket(text string) (mapping.Object, *Error) {
	object, err := mapping.ParseObject(text)
	if err != nil {
		return object, problem(CodeBadObject, "%s", err)
	}
	if object.Bucket != i.Bucket {
		return object, problem(CodeWrongBucket, "only objects of the bucket %s can have links", i.Bucket)
	}
	return object, nil
}
