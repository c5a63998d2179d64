package local

import (
	"fmt"
	"strings"
)

// requestMethods are what is not GET, HEAD or a preflight.
var requestMethods = []attack{
	{tries: "to change the photo by POST, PUT, DELETE, PATCH and methods of the attacker's own", want: 403,
		each: func(*scene) (sends []string) {
			for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND", "COPY",
				"PURGE", "get", "GETX"} {
				for _, path := range []string{"{link}", "{public}", "/{key}"} {
					sends = append(sends, request(method, path, "Content-Length: 0"))
				}
			}
			return sends
		}},
	{tries: "to override the method by headers", want: 200, sees: true, edge: true, read: true,
		send: get("/images/{fresh}", "X-HTTP-Method-Override: DELETE", "X-HTTP-Method: DELETE", "X-Method-Override: PUT")},
	{tries: "to override the method by the query", send: get("{link}?_method=DELETE"), want: 200, sees: true},
	{tries: "to get the photo's bytes by HEAD", send: request("HEAD", "{link}"), want: 200},
	{tries: "a GET with a body", want: 403,
		send: request("GET", "{link}", "Content-Length: 5") + "hello"},
	// S3 says 403, the server that stands for it 204; either way a browser finds no permission.
	{tries: "a preflight of an origin that is not allowed", want: 204, edge: true, read: true,
		send:  request("OPTIONS", "{link}", "Origin: https://evil.example", "Access-Control-Request-Method: GET"),
		lacks: []string{"evil.example", "Access-Control-Allow-Origin"}},
	{tries: "OPTIONS of the whole server", send: request("OPTIONS", "*"), want: 200, lacks: []string{"Access-Control"}},
}

// requestHeaders are what a viewer adds to a good link, or to a dead one. Links that no edge has seen show that nothing
// a viewer sends ends up in the copy that others get.
var requestHeaders = []attack{
	{tries: "another host's name", want: 421,
		send: "GET {link} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"},
	{tries: "no host's name", send: "GET {link} HTTP/1.1\r\nConnection: close\r\n\r\n", want: 400},
	{tries: "two hosts' names", send: get("{link}", "Host: evil.example"), want: 400},
	{tries: "forwarding headers that name another host", want: 200, sees: true, edge: true, read: true,
		send: get("/images/{fresh}", "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: gopher",
			"X-Forwarded-For: 127.0.0.1", "Forwarded: host=evil.example", "X-Original-URL: /{key}", "X-Rewrite-URL: /{key}"),
		lacks: []string{"evil.example", "gopher"}},
	{tries: "CloudFront's own headers", want: 200, sees: true, edge: true, read: true,
		send: get("/images/{fresh}", "CloudFront-Viewer-Country: XX", "CloudFront-Is-Mobile-Viewer: true",
			"X-Amz-Cf-Id: evil", "X-Cache: evil", "Via: evil", "X-Edge-Location: evil"),
		lacks: []string{"evil"}},
	{tries: "plain HTTP, which is sent to HTTPS without the photo", want: 301,
		send: get("{link}", "CloudFront-Forwarded-Proto: http")},
	{tries: "the edge function's configuration in the viewer's headers", want: 200, sees: true, edge: true, read: true,
		send: get("/images/{fresh}", "x-media-delivery: redirect", "x-media-bucket: evil-bucket", "x-media-table: evil-table",
			"x-media-regions: us-east-1", "x-media-bucket-region: us-east-1", "x-media-signature-ttl: 604800"),
		lacks: []string{"evil-", "X-Amz-Signature", "Location"}},
	{tries: "that configuration for a public object", want: 200, read: true,
		send:  get("{public}", "X-Media-Bucket: evil-bucket", "X-Media-Delivery: redirect"),
		lacks: []string{"evil-", "Location"}},
	{tries: "credentials for the origin, which must not spoil the signature",
		want: 200, sees: true, edge: true, read: true,
		send: get("/images/{fresh}", "Authorization: AWS4-HMAC-SHA256 "+
			"Credential=evil/20260101/eu-central-1/s3/aws4_request, SignedHeaders=host, Signature=00",
			"X-Amz-Security-Token: evil", "X-Amz-Date: 20200101T000000Z",
			"x-amz-content-sha256: evil"),
		lacks: []string{"evil"}},
	{tries: "S3's own headers for the origin", want: 200, sees: true, edge: true, read: true,
		send: get("/images/{fresh}", "x-amz-server-side-encryption-customer-algorithm: AES256",
			"x-amz-request-payer: requester", "x-amz-checksum-mode: ENABLED", "x-amz-expected-bucket-owner: 000000000000")},
	{tries: "cookies of eight thousand characters", want: 200, sees: true, edge: true, read: true,
		send: get("/images/{fresh}", "Cookie: session="+strings.Repeat("c", 8000)), lacks: []string{"Set-Cookie"}},
	{tries: "an origin that is not allowed, first to fill the cache", want: 200, sees: true, edge: true, read: true,
		send:  get("/images/{fresh}", "Origin: https://evil.example"),
		lacks: []string{"evil.example", "Access-Control-Allow-Origin"}},
	{tries: "the origin null", want: 200, sees: true, send: get("{link}", "Origin: null"),
		lacks: []string{"Access-Control-Allow-Origin"}},
	{tries: "an origin that only begins as an allowed one", want: 200, sees: true,
		send: get("{link}", "Origin: http://localhost:3000.evil.example"), lacks: []string{"Access-Control-Allow-Origin"}},
	{tries: "a thousand ranges, for many times the photo", want: 200, sees: true,
		send:  get("{link}", "Range: bytes=0-"+strings.Repeat(",0-", 1000)),
		lacks: []string{"multipart/byteranges"}},
	{tries: "a range beyond all numbers", want: 200, sees: true,
		send: get("{link}", "Range: bytes=99999999999999999999-")},
	{tries: "a range backwards", send: get("{link}", "Range: bytes=5-2"), want: 200, sees: true},
	{tries: "a range past the end", send: get("{link}", "Range: bytes=100000-"), want: 416},
	{tries: "a first fetch of one byte, to have it kept as the photo", want: 206, edge: true, read: true,
		send: get("/images/{fresh}", "Range: bytes=0-0")},
	{tries: "a first fetch that fails, to have the failure kept", want: 416, edge: true, read: true,
		send: get("/images/{fresh}", "Range: bytes=100000-")},
	{tries: "a first fetch that asks for nothing new, to have 304 kept", want: 304, edge: true, read: true,
		send: get("/images/{fresh}", "If-None-Match: {etag}")},
	{tries: "a first fetch on a condition that fails", want: 412, edge: true, read: true,
		send: get("/images/{fresh}", `If-Match: "other"`)},
	{tries: "two hundred encodings, to split the cache", want: 200, sees: true, edge: true, read: true,
		each: func(s *scene) (sends []string) {
			hash := s.fresh()
			for n := range 200 {
				sends = append(sends, get("/images/"+hash, fmt.Sprintf("Accept-Encoding: x%d, gzip;q=0.%d, br;q=0", n, n+1)))
			}
			return sends
		}},
	{tries: "two Content-Length headers", want: 400,
		send: request("GET", "{link}", "Content-Length: 0", "Content-Length: 40") + "GET /images/{revoked} HTTP/1.1\r\n\r\n"},
	{tries: "a request hidden in the body of another, by length and chunks", want: 403,
		send: "GET {link} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" +
			get("/images/{revoked}")},
	{tries: "a request hidden behind a misspelled encoding", want: 400,
		send: "GET {link} HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n" +
			get("/images/{revoked}")},
	{tries: "an encoding that nobody knows", want: 501,
		send: "GET {link} HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"},
	{tries: "a header injected through escapes in the query", want: 200, sees: true,
		send: get("{link}?a=%0d%0aSet-Cookie:%20a=b"), lacks: []string{"Set-Cookie"}},
	{tries: "a header injected through escapes in the path", want: 404,
		send: get("{link}%0d%0aSet-Cookie:%20a=b"), lacks: []string{"Set-Cookie"}},
	{tries: "headers of forty kilobytes", send: get("{link}", "X-Long: "+strings.Repeat("x", 40_000)), want: 413},
	{tries: "headers of two megabytes", send: get("{link}", "X-Long: "+strings.Repeat("x", 2_000_000)), want: 431},
	{tries: "to speak an HTTP of another version", send: "GET {link} HTTP/9.9\r\nHost: {host}\r\n\r\n", want: 505},
	{tries: "two requests at once, the second for a revoked link", want: 200, sees: true,
		send: "GET {public} HTTP/1.1\r\nHost: {host}\r\n\r\n" + get("/images/{revoked}"),
		read: true, has: []string{"404 Not Found"}},
}
