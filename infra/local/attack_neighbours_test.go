package local

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// playNeighbours attacks the other servers of the run: nothing is had from them without the right signature.
func (s *scene) playNeighbours(t *testing.T) {
	address := func(name string) string {
		host, _, _ := strings.Cut(strings.TrimPrefix(s.stack.Endpoints[name], "http://"), "/")
		return host
	}
	bucket, table := address("AWS_ENDPOINT_URL_S3"), address("AWS_ENDPOINT_URL_DYNAMODB")
	control := address("AWS_ENDPOINT_URL_CLOUDFRONT_KEYVALUESTORE")
	page, _, _ := strings.Cut(strings.TrimPrefix(s.consoles, "http://"), "/")
	item := `{"TableName":"` + s.outputs["mappingTable"].(string) + `","Key":{"hash":{"S":"{hash}"}}}`
	read := call{service: "dynamodb", method: "POST", path: "/", body: item,
		headers: map[string]string{"X-Amz-Target": "DynamoDB_20120810.GetItem"}}
	at := func(host, request string) string { return strings.ReplaceAll(request, "{host}", host) }
	signedAs := func(c call, user, secret string) call { c.user, c.secret = user, secret; return c }
	object := call{service: "s3", method: "GET", path: "/{bucket}/nudges/open%20%281%29.png"}
	for _, a := range []struct {
		tries, host, send string
		want              int
	}{
		{"an unsigned read of the bucket", bucket, at(bucket, get("/{bucket}/{key}")), 403},
		{"an unsigned list of the bucket", bucket, at(bucket, get("/{bucket}?list-type=2")), 403},
		{"an unsigned upload", bucket, at(bucket, request("PUT", "/{bucket}/{key}", "Content-Length: 1")) + "x", 403},
		{"an unsigned deletion", bucket, at(bucket, request("DELETE", "/{bucket}/{key}")), 403},
		{"a new policy for the bucket", bucket,
			at(bucket, request("PUT", "/{bucket}?policy", "Content-Length: 2")) + "{}", 403},
		{"a signed read, replayed for another object", bucket,
			strings.Replace(s.signed(object, "http://"+bucket), "nudges/open%20%281%29.png", "{key}", 1), 403},
		{"a signed read, replayed to delete", bucket,
			strings.Replace(s.signed(object, "http://"+bucket), "GET ", "DELETE ", 1), 403},
		{"a read signed with a guessed secret", bucket, s.signed(signedAs(object, "local", "guess"), "http://"+bucket), 403},
		{"a read of the bucket by a page whose name leads here", bucket,
			"GET /{bucket}/{key} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 403},
		{"an unsigned read of the table", table, at(table, request("POST", "/", "X-Amz-Target: DynamoDB_20120810.ListTables",
			"Content-Length: 2")) + "{}", 400},
		{"a read of the table signed with a guessed secret", table,
			s.signed(signedAs(read, "local", "guess"), "http://"+table), 400},
		{"a read of the table by the issuer's caller chat", table,
			s.signed(signedAs(read, "chat", ""), "http://"+table), 400},
		{"a signed read of the table, replayed for another link", table,
			strings.Replace(s.signed(read, "http://"+table), s.names["hash"], s.names["revoked"], 1), 400},
		{"a signed read of the table, replayed as a deletion", table,
			strings.Replace(s.signed(read, "http://"+table), "20120810.GetItem", "20120810.DeleteItem", 1), 400},
		{"a read of the table by a page whose name leads here", table,
			strings.Replace(s.signed(read, "http://"+table), "Host: 127.0.0.1", "Host: evil.example", 1), 421},
		{"the gate's keys without the store's secret address", control, at(control, get("/key-value-stores/x/keys")), 404},
		{"an event of the bucket's, made up", control,
			at(control, request("POST", "/s3-events", "Content-Length: 2")) + "{}", 404},
		{"an invalidation of all, made up", control,
			at(control, request("POST", "/2020-05-31/distribution/X/invalidation", "Content-Length: 0")), 404},
		{"the store by a page whose name leads here", control,
			"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 421},
		{"the console by a page whose name leads here", page,
			"GET /_console HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 421},
		{"the console's revocations without its token", page, at(page, request("POST", "/_console/api/revocations",
			"Content-Type: application/json", "Content-Length: 2")) + "{}", 403},
		{"the console's pictures from another site's page", page,
			at(page, get("/_console/api/pictures", "Sec-Fetch-Site: cross-site")), 403},
		{"the console's pictures from another origin", page,
			at(page, get("/_console/api/pictures", "Origin: https://evil.example")), 403},
		{"a file beside the console's own", page, at(page, get("/_console/..%2f..%2fconsole.go")), 404},
	} {
		t.Run(a.tries, func(t *testing.T) {
			raw := say(t, a.host, s.fill(a.send))
			assert.Equal(t, a.want, answered(t, "GET", raw).StatusCode, "%.300s", raw)
			for _, secret := range append([]string{string(s.photo), s.names["hash"], "s3_url"}, s.secrets...) {
				if !strings.Contains(s.fill(a.send), secret) { // S3's errors name the resource that was asked for
					assert.NotContains(t, string(raw), secret)
				}
			}
			s.unharmed(t, s.names["hash"])
		})
	}
}
