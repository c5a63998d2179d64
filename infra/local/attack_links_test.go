package local

import (
	"encoding/base64"
	"fmt"
)

// linkSpellings are other ways to write the path of a live link. Each would be a cache key of its own, which a
// revocation must find; so each is refused at the gate, or is the link itself.
var linkSpellings = []attack{
	{tries: "the hash with each character escaped in capitals", send: get("/images/{ESCAPED}"), want: 404},
	{tries: "the hash with each character escaped in small letters", send: get("/images/{escaped}"), want: 404},
	{tries: "the hash escaped twice", send: get("/images/{twice}"), want: 404},
	{tries: "an escaped letter in the prefix", send: get("/%69mages/{hash}"), want: 404},
	{tries: "the prefix in capitals", send: get("/IMAGES/{hash}"), want: 404},
	{tries: "two slashes before the prefix", send: get("//images/{hash}"), want: 404},
	{tries: "two slashes before the hash", send: get("/images//{hash}"), want: 404},
	{tries: "an escaped slash before the hash", send: get("/images%2f{hash}"), want: 404},
	{tries: "a backslash before the hash", send: get(`/images\{hash}`), want: 404},
	{tries: "a slash at the end", send: get("/images/{hash}/"), want: 404},
	{tries: "one segment more", send: get("/images/{hash}/nothing"), want: 404},
	{tries: "a dot at the end", send: get("/images/{hash}."), want: 404},
	{tries: "a file extension", send: get("/images/{hash}.png"), want: 404},
	{tries: "a path parameter", send: get("/images/{hash};a=b"), want: 404},
	{tries: "base64's padding", send: get("/images/{hash}="), want: 404},
	{tries: "the standard alphabet of base64", send: get("/images/{begin}+"), want: 404},
	{tries: "dot segments to where one is", send: get("/images/../images/{hash}"), want: 404},
	{tries: "an escaped dot segment", send: get("/images/%2e%2e/images/{hash}"), want: 404},
	{tries: "an overlong encoding of dots", send: get("/images/%c0%ae%c0%ae/images/{hash}"), want: 404},
	{tries: "a single dot segment", send: get("/images/./{hash}"), want: 404},
	{tries: "a dot segment out of a public service", send: get("/nudges/../images/{hash}"), want: 404},
	{tries: "an escaped null byte at the end", send: get("/images/{hash}%00"), want: 404},
	{tries: "an escaped tab at the end", send: get("/images/{hash}%09"), want: 404},
	{tries: "an escaped line end at the end", send: get("/images/{hash}%0a"), want: 404},
	{tries: "an escaped space before the hash", send: get("/images/%20{hash}"), want: 404},
	{tries: "a broken escape", send: get("/images/{begin}%"), want: 400},
	{tries: "a bare null byte", send: get("/images/{hash}\x00"), want: 400},
	{tries: "a bare tab", send: get("/images/{hash}\t"), want: 400},
	{tries: "a character outside ASCII at the end", send: get("/images/{hash}\xc3\xa9"), want: 404},
	{tries: "a slash of another script", send: get("/images%EF%BC%8F{hash}"), want: 404},
	{tries: "the hash in capitals", send: get("/images/{upper}"), want: 404},
	{tries: "the hash in small letters", send: get("/images/{lower}"), want: 404},
	{tries: "the hash cut by a character", send: get("/images/{begin}"), want: 404},
	{tries: "the hash without its prefix", send: get("/{hash}"), want: 404},
	{tries: "a path of 9,000 characters", send: get("/images/{hash}/{long}"), want: 413},
	{tries: "a fragment, which no browser sends", send: get("/images/{hash}#x"), want: 404},
	{tries: "a target without a slash", send: get("images/{hash}"), want: 400},
	{tries: "an absolute target of another host", send: get("http://evil.example/images/{hash}"), want: 421},
	{tries: "an absolute target of this host, which is the link itself", send: get("http://{host}/images/{hash}"),
		want: 200, sees: true},
	{tries: "a query, which is no other link", send: get("/images/{hash}?a=b&c"), want: 200, sees: true},
	{tries: "S3's own query parameters", want: 200, sees: true, edge: true, read: true,
		send:  get("/images/{fresh}?response-content-type=text/html&response-cache-control=max-age%3D999999999&versionId=1"),
		lacks: []string{"text/html", "999999999"}},
	{tries: "a signed S3 query of the attacker's", want: 200, sees: true, edge: true, read: true,
		send:  get("/images/{fresh}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=evil&X-Amz-Signature=00"),
		lacks: []string{"evil"}},
}

// deadLinks are links that were never made, or are no more; the edge holds a copy of those that once lived.
var deadLinks = []attack{
	{tries: "a forged link: each character changed in turn", want: 404, each: func(s *scene) (sends []string) {
		hash := s.names["hash"]
		for i := range hash {
			sends = append(sends, get("/images/"+hash[:i]+flip(hash[i])+hash[i+1:]))
		}
		return sends
	}},
	{tries: "a forged link: each byte with one bit changed", want: 404, each: func(s *scene) (sends []string) {
		link, err := base64.RawURLEncoding.DecodeString(s.names["hash"])
		for i := range link {
			link[i] ^= 1
			sends = append(sends, get("/images/"+base64.RawURLEncoding.EncodeToString(link)))
			link[i] ^= 1
		}
		if err != nil || len(sends) != 24 {
			return []string{""}
		}
		return sends
	}},
	{tries: "a forged link of each generation of keys", want: 404, each: func(s *scene) (sends []string) {
		link, _ := base64.RawURLEncoding.DecodeString(s.names["hash"])
		for generation := 2; generation < 256; generation += 23 {
			link[0] = byte(generation)
			sends = append(sends, get("/images/"+base64.RawURLEncoding.EncodeToString(link)))
		}
		return sends
	}},
	{tries: "the last character guessed, all sixty-four", want: 404, each: func(s *scene) (sends []string) {
		for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
			if string(c) != s.names["end"] {
				sends = append(sends, get(fmt.Sprintf("/images/%s%c", s.names["begin"], c)))
			}
		}
		return sends
	}},
	{tries: "an expired link", send: get("/images/{expired}"), want: 403, has: []string{"expired", "no-store"}},
	{tries: "an expired link, by HEAD", send: request("HEAD", "/images/{expired}"), want: 403},
	{tries: "an expired link, revalidated with the photo's tag",
		send: get("/images/{expired}", "If-None-Match: {etag}"), want: 403},
	{tries: "an expired link, one byte of it", send: get("/images/{expired}", "Range: bytes=0-0"), want: 403},
	{tries: "an expired link with a later expiry written in", want: 404, each: func(s *scene) []string {
		link, _ := base64.RawURLEncoding.DecodeString(s.names["expired"])
		link[1]++
		return []string{get("/images/" + base64.RawURLEncoding.EncodeToString(link))}
	}},
	{tries: "a revoked link", send: get("/images/{revoked}"), want: 404, has: []string{"no-store"}},
	{tries: "a revoked link, revalidated with any tag", send: get("/images/{revoked}", "If-None-Match: *"), want: 404},
	{tries: "a revoked link, revalidated by a date", want: 404,
		send: get("/images/{revoked}", "If-Modified-Since: Fri, 31 Dec 2100 00:00:00 GMT")},
	{tries: "a revoked link, in another encoding", send: get("/images/{revoked}", "Accept-Encoding: gzip"), want: 404},
	{tries: "a revoked link with a query", send: get("/images/{revoked}?again"), want: 404},
	{tries: "a revoked link with an escape", send: get("/images/{revoked}%20"), want: 404},
	{tries: "a revoked link, only if it is cached", want: 404,
		send: get("/images/{revoked}", "Cache-Control: only-if-cached")},
	{tries: "a forged preflight, 50 times", want: 404, each: func(*scene) (sends []string) {
		for range 50 {
			sends = append(sends, request("OPTIONS", "/images/{forged}", "Origin: http://localhost:3000",
				"Access-Control-Request-Method: GET"))
		}
		return sends
	}},
	{tries: "a preflight for a revoked link", want: 404, send: request("OPTIONS", "/images/{revoked}",
		"Origin: http://localhost:3000", "Access-Control-Request-Method: GET")},
}
