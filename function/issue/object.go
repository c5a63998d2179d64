package issue

import (
	"strings"

	"secure-media-cdn/function/mapping"
)

// Services says of each service, by name, whether its objects are public.
// Without any, every key of the bucket is private and belongs to no service.
type Services map[string]bool

// LinkPath returns the path of the hash's link.
func LinkPath(hash string) string { return "/images/" + hash }

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
		// the edge would fetch another key than the one meant.
		if segment == "." || segment == ".." {
			return nil, problem(CodeBadObject, "a key with the segment %q cannot be served", segment)
		}
	}
	if len(i.Services) == 0 {
		return &wanted{object: object}, i.permit(object)
	}
	service, _, below := strings.Cut(object.Key, "/")
	public, known := i.Services[service]
	if !known || !below {
		return nil, problem(CodeUnknownService, "the key must begin with the name of a configured service and a slash")
	}
	return &wanted{object: object, service: service, public: public}, i.permit(object)
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

// escapeKey returns the key as a URL's path, without the leading slash: every
// byte that RFC 3986 does not call unreserved is percent-encoded, as S3 wants
// to see it in a signed request.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
func escapeKey(key string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for n := range len(key) {
		switch c := key[n]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~/", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}
