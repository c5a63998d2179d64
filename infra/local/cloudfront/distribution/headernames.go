package distribution

import (
	"net/textproto"
	"slices"
	"strings"
)

// HeaderNames is a list of header names in their canonical form; an entry that ends with "-" stands for every name
// that begins with it.
type HeaderNames []string

// Has reports whether the name is in the list.
func (l HeaderNames) Has(name string) bool {
	name = textproto.CanonicalMIMEHeaderKey(name)
	return slices.ContainsFunc(l, func(entry string) bool {
		return name == entry || strings.HasSuffix(entry, "-") && strings.HasPrefix(name, entry)
	})
}

// Disallowed headers cannot be added by a function.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html
var Disallowed = HeaderNames{
	"Connection", "Expect", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Trailer",
	"Upgrade", "X-Accel-Buffering", "X-Accel-Charset", "X-Accel-Limit-Rate", "X-Accel-Redirect", "X-Amz-Cf-",
	"X-Amzn-Auth", "X-Amzn-Cf-Billing", "X-Amzn-Cf-Id", "X-Amzn-Cf-Xff", "X-Amzn-Errortype", "X-Amzn-Fle-Profile",
	"X-Amzn-Header-Count", "X-Amzn-Header-Order", "X-Amzn-Lambda-Integration-Tag", "X-Amzn-Requestid", "X-Cache",
	"X-Edge-", "X-Forwarded-Proto", "X-Real-Ip",
}

// NotCustom are the headers that CloudFront refuses as origin custom headers.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/add-origin-custom-headers.html
var NotCustom = HeaderNames{
	"Accept-Encoding", "Cache-Control", "Connection", "Content-Length", "Cookie", "Host", "If-Match",
	"If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Max-Forwards", "Pragma",
	"Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Range", "Request-Range", "Te", "Trailer",
	"Transfer-Encoding", "Upgrade", "Via", "X-Real-Ip", "X-Amz-", "X-Edge-",
}

// notRemovable are the headers that a response headers policy cannot remove.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/understanding-response-headers-policies.html
// "Headers that you can't remove"
var notRemovable = append(HeaderNames{
	"Content-Encoding", "Content-Length", "Host", "Transfer-Encoding", "Via", "Warning",
}, Disallowed...)
