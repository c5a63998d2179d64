package local

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/local/resources"
)

// chatPrincipals let the user chat issue, show and revoke links of simple-chat only.
const chatPrincipals = `[{"principal":"arn:aws:iam::123456789012:user/chat","services":["simple-chat"]}]`

// call is an API call, signed in truth before an attacker changes the bytes of it.
type call struct {
	user, secret, service, region string // "": local, the user's own, lambda and eu-central-1
	late                          time.Duration
	method, path, body            string
	headers                       map[string]string
}

// signed returns the bytes of a call to an address, names filled in.
func (s *scene) signed(c call, base string) string {
	s.t.Helper()
	or := func(a, b string) string {
		if a == "" {
			return b
		}
		return a
	}
	body := []byte(s.fill(c.body))
	r, err := http.NewRequest(c.method, base+s.fill(c.path), bytes.NewReader(body))
	require.NoError(s.t, err)
	r.Close = true
	r.Header.Set("Content-Type", "application/json")
	for name, value := range c.headers {
		r.Header.Set(name, value)
	}
	user := or(c.user, resources.Local.AccessKeyID)
	key := aws.Credentials{AccessKeyID: user, SecretAccessKey: or(c.secret, user+user)}
	sum := sha256.Sum256(body)
	digest := hex.EncodeToString(sum[:])
	r.Header.Set("X-Amz-Content-Sha256", digest)
	require.NoError(s.t, v4.NewSigner().SignHTTP(s.t.Context(), key, r, digest, or(c.service, "lambda"),
		or(c.region, "eu-central-1"), time.Now().Add(-c.late)))
	var raw bytes.Buffer
	require.NoError(s.t, r.Write(&raw))
	return raw.String()
}

// by is a call of a user; "" is local.
func by(user, method, path, body string) call {
	return call{user: user, method: method, path: path, body: body}
}

// objectOf is the body that names one key of the bucket.
func objectOf(key string) string { return `{"objects":["s3://{bucket}/` + key + `"]}` }

// callers are attacks on the issuer. A link of a service that is not the caller's is answered as one that never was.
var callers = []struct {
	tries  string
	call   call
	change [2]string // what is replaced in the signed bytes, by what
	want   int
	has    string
}{
	{tries: "an unsigned call", call: by("", "GET", "/links/{hash}", ""), change: [2]string{"Authorization:", "X:"},
		want: 403},
	{tries: "a call signed with a guessed secret", want: 403,
		call: call{secret: "guess", method: "GET", path: "/links/{hash}"}},
	{tries: "a call signed for S3", call: call{service: "s3", method: "GET", path: "/links/{hash}"}, want: 403},
	{tries: "a call signed for another region", want: 403,
		call: call{region: "us-east-1", method: "GET", path: "/links/{hash}"}},
	{tries: "a call signed six minutes ago", want: 403,
		call: call{late: 6 * time.Minute, method: "GET", path: "/links/{hash}"}},
	{tries: "a call to show, replayed to delete", call: by("", "GET", "/links/{hash}", ""),
		change: [2]string{"GET ", "DELETE "}, want: 403},
	{tries: "a call to show, replayed for another link", call: by("", "GET", "/links/{forged}", ""),
		change: [2]string{"/links/{forged}", "/links/{hash}"}, want: 403},
	{tries: "a call to issue, replayed to revoke",
		call:   by("", "POST", "/links", objectOf(`simple-chat/secret name.png`)),
		change: [2]string{"POST /links", "POST /revocations"}, want: 403},
	{tries: "a call with another body than the signed one",
		call:   by("", "POST", "/revocations", `{"hashes":["{forged}"]}`),
		change: [2]string{"{forged}", "{hash}"}, want: 403},
	{tries: "a call with a query that was not signed", call: by("", "GET", "/links/{hash}", ""),
		change: [2]string{" HTTP/1.1", "?a=b HTTP/1.1"}, want: 403},
	{tries: "a call of chat's in the name of local", call: by("chat", "GET", "/links/{other}", ""),
		change: [2]string{"Credential=chat/", "Credential=local/"}, want: 403},
	{tries: "a call by a web page whose name leads here", call: by("", "GET", "/links/{hash}", ""),
		change: [2]string{"Host: 127.0.0.1", "Host: evil.example"}, want: 421},
	{tries: "a call of a user whom nobody named", call: by("nobody", "GET", "/links/{hash}", ""), want: 404},
	{tries: "chat's call for an object of discussion", want: 403, has: "discussion",
		call: by("chat", "POST", "/links", objectOf(`discussion/hidden.png`))},
	{tries: "chat's call to show a link of discussion", want: 404, call: by("chat", "GET", "/links/{other}", "")},
	{tries: "chat's call to revoke a link of discussion by DELETE", want: 404,
		call: by("chat", "DELETE", "/links/{other}", "")},
	{tries: "chat's call to revoke a link of discussion by its hash", want: 404,
		call: by("chat", "POST", "/revocations", `{"hashes":["{other}"]}`)},
	{tries: "chat's call to revoke discussion's object", want: 403,
		call: by("chat", "POST", "/revocations", objectOf(`discussion/hidden.png`))},
	{tries: "chat's call to withdraw a public object of nudges", want: 403,
		call: by("chat", "POST", "/revocations", objectOf(`nudges/open (1).png`))},
	{tries: "discussion's object through chat's prefix and dots", want: 400,
		call: by("chat", "POST", "/links", objectOf(`simple-chat/../discussion/hidden.png`))},
	{tries: "discussion's object through chat's prefix and escaped dots", want: 404,
		call: by("chat", "POST", "/links", objectOf(`simple-chat/%2e%2e/discussion/hidden.png`))},
	{tries: "a service whose name looks like chat's", want: 400,
		call: by("chat", "POST", "/links", objectOf(`s\u0456mple-chat/a.png`))},
	{tries: "a service whose name begins as chat's", want: 400,
		call: by("chat", "POST", "/links", objectOf(`simple-chat-2/a.png`))},
	{tries: "a slash before the service", want: 400,
		call: by("chat", "POST", "/links", objectOf(`/discussion/hidden.png`))},
	{tries: "another bucket", want: 400,
		call: by("", "POST", "/links", `{"objects":["s3://evil-bucket/simple-chat/a.png"]}`)},
	{tries: "a host as the bucket", want: 400,
		call: by("", "POST", "/links", `{"objects":["s3://{bucket}@evil.example/simple-chat/a.png"]}`)},
	{tries: "a key with half a surrogate, to name another", want: 400,
		call: by("", "POST", "/links", objectOf(`simple-chat/\ud800.png`))},
	{tries: "a key that is not UTF-8", want: 400,
		call: by("", "POST", "/links", "{\"objects\":[\"s3://{bucket}/simple-chat/\xff.png\"]}")},
	{tries: "a key of 1,100 bytes", want: 400,
		call: by("", "POST", "/links", `{"objects":["s3://{bucket}/simple-chat/`+strings.Repeat("k", 1100)+`"]}`)},
	{tries: "the same field twice, the second for another service", want: 400,
		call: by("chat", "POST", "/links", `{"objects":["s3://{bucket}/simple-chat/secret name.png"],`+
			`"objects":["s3://{bucket}/discussion/hidden.png"]}`)},
	{tries: "a hundred and one objects", want: 400,
		call: by("", "POST", "/links", `{"objects":["s3://{bucket}/simple-chat/a"`+
			strings.Repeat(`,"s3://{bucket}/simple-chat/a"`, 100)+`]}`)},
	{tries: "a body of seven megabytes", want: 413,
		call: by("", "POST", "/links", `{"objects":["`+strings.Repeat("x", 7<<20)+`"]}`)},
	{tries: "a megabyte of brackets", want: 400,
		call: by("", "POST", "/links", `{"objects":`+strings.Repeat("[", 1_000_000)+`}`)},
	{tries: "a path with dots to another call", want: 404,
		call: by("", "POST", "/links/../revocations", `{"hashes":["{hash}"]}`)},
	{tries: "a path with escaped dots to another call", want: 404,
		call: by("", "POST", "/links/%2e%2e/revocations", `{"hashes":["{hash}"]}`)},
	{tries: "a path with two slashes", want: 404, call: by("", "DELETE", "//links/{hash}", "")},
	{tries: "another link behind an escaped slash", want: 404, call: by("", "DELETE", "/links/x%2f..%2f{hash}", "")},
	{tries: "to delete by a header that overrides the method", want: 405, call: call{method: "POST", path: "/links/{hash}",
		headers: map[string]string{"X-HTTP-Method-Override": "DELETE"}}},
	{tries: "the caller's identity in headers", want: 404, call: call{user: "chat", method: "GET", path: "/links/{other}",
		headers: map[string]string{"X-Amz-User-Arn": "arn:aws:iam::123456789012:user/local",
			"X-Amzn-Iam-User-Arn": "local"}}},
}

// hide uploads an object of a service that chat may not touch.
func (s *scene) hide() {
	s.names["other"] = s.ask(s.upload("discussion/hidden.png", s.photo), 0).Hash
}

// playCallers attacks the issuer, and sees after each call that the links live.
func (s *scene) playCallers(t *testing.T) {
	base := strings.TrimSuffix(s.outputs["issuerUrl"].(string), "/")
	host := strings.TrimPrefix(base, "http://")
	s.hide()
	for _, a := range callers {
		t.Run(a.tries, func(t *testing.T) {
			send := s.signed(a.call, base)
			if a.change[0] != "" {
				require.Contains(t, send, s.fill(a.change[0]))
				send = strings.Replace(send, s.fill(a.change[0]), s.fill(a.change[1]), 1)
			}
			raw := say(t, host, send)
			assert.Equal(t, a.want, answered(t, a.call.method, raw).StatusCode, "%.300s", raw)
			assert.Contains(t, string(raw), a.has)
			assert.NotContains(t, string(raw), "/images/", "no link is given out")
			for _, secret := range s.secrets[:len(s.secrets)-2] {
				assert.NotContains(t, string(raw), secret)
			}
			if !strings.Contains(send, "hidden.png") {
				assert.NotContains(t, string(raw), "hidden.png")
			}
			s.unharmed(t, s.names["hash"])
			assert.Equal(t, 200, fetch(t, "GET", s.base+"/images/"+s.names["other"]).StatusCode,
				"the other service's link lives")
		})
	}
	t.Run("chat's own link beside another service's: only its own is given out", func(t *testing.T) {
		raw := say(t, host, s.signed(call{user: "chat", method: "POST", path: "/links",
			body: `{"objects":["s3://{bucket}/simple-chat/secret name.png","s3://{bucket}/discussion/hidden.png"]}`}, base))
		assert.Equal(t, 1, strings.Count(string(raw), `"url":`), "%s", raw)
		assert.Contains(t, string(raw), s.names["hash"])
		assert.NotContains(t, string(raw), s.names["other"])
	})
}
