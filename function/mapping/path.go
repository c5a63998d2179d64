package mapping

import "strings"

const (
	alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	// bareForS3 are the characters that Signature Version 4 leaves bare in a path.
	// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
	bareForS3 = alphanumeric + "-._~/"
	// bareForViewers are the printable ASCII characters but for those that RFC 1738
	// calls unsafe, the question mark, which would begin a query, and the plus
	// sign, which S3 reads as a space.
	// https://www.rfc-editor.org/rfc/rfc1738#section-2.2
	bareForViewers = alphanumeric + "-._/!$&'()*,:;=@"
)

// S3Path returns the path of the object in a request to S3: every byte but the
// unreserved characters and the slash is percent-encoded. This is what
// Signature Version 4 signs, so what is signed and what is sent cannot differ.
func (o Object) S3Path() string { return "/" + escape(o.Key, bareForS3) }

// PublicPath returns the one path at which viewers reach the object of a public
// service. CloudFront caches each spelling of a path on its own and forgets a
// copy only under the spelling that viewers used, and CreateInvalidation takes
// a path with nothing encoded but non-ASCII and unsafe characters; so this is
// the spelling for links, caches and invalidations. The plus sign is the one
// exception: S3 would read it as a space.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/invalidation-specifying-objects.html
func (o Object) PublicPath() string { return "/" + escape(o.Key, bareForViewers) }

// InvalidationPath returns the path by which CloudFront forgets its copies of a
// public object. That is PublicPath, unless the key has a plus sign, which
// CloudFront does not want encoded, or an asterisk, which is a wildcard at the
// end and not allowed elsewhere: then it is a wildcard for everything that begins
// as the path does up to there.
func (o Object) InvalidationPath() string {
	if i := strings.IndexAny(o.Key, "+*"); i >= 0 {
		return "/" + escape(o.Key[:i], bareForViewers) + "*"
	}
	return o.PublicPath()
}

// escape percent-encodes every byte of s that is not in bare.
func escape(s, bare string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	b.Grow(len(s))
	for i := range len(s) {
		if c := s[i]; strings.IndexByte(bare, c) >= 0 {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}
