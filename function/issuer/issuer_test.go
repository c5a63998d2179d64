package issuer

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue/cloud/cloudtest"
	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/mapping/mappingtest"
	"secure-media-cdn/function/seal"
)

func TestALinkGoesFromIssueToRevocation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mappingtest.Engine(t))
	h := w.started()
	hash := issued(t, h, "s3://media/simple-chat/a.jpg")
	assert.Equal(t, hash, issued(t, h, "s3://media/simple-chat/a.jpg"))
	keys, err := seal.NewKeys(keyOne, "")
	require.NoError(t, err)
	_, err = keys.Open(hash)
	require.NoError(t, err, "the hash is sealed")

	status, body, _ := call(t, h, http.MethodGet, "/links/"+hash, "")
	assert.Equal(t, 200, status)
	assert.Contains(t, body, `"state":"live"`)
	assert.Contains(t, body, `"service":"simple-chat"`)

	status, body, _ = call(t, h, http.MethodDelete, "/links/"+hash, "")
	assert.Equal(t, 200, status)
	assert.JSONEq(t, `{"hash":"`+hash+`","object":"s3://media/simple-chat/a.jpg","revoked":["`+hash+`"]}`, body)
	assert.True(t, w.dead(hash))
	assert.True(t, w.aws.CloudFront.Covers("/images/"+hash))
	assert.Contains(t, w.aws.KeyValueStore.Entries, "r."+hash)
	_, body, _ = call(t, h, http.MethodGet, "/links/"+hash, "")
	assert.Contains(t, body, `"state":"revoked"`)
}

func TestAPublicObjectGetsItsPlainAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mappingtest.Engine(t))
	status, body, _ := call(t, w.started(), http.MethodPost, "/links", `{"objects":["s3://media/marketplace/p.jpg"]}`)
	assert.Equal(t, 200, status)
	assert.JSONEq(t, `{"links":[{"object":"s3://media/marketplace/p.jpg","url":"https://cdn.example/marketplace/p.jpg","service":"marketplace"}]}`, body)
	assert.Empty(t, mappingtest.Items(t, w.table))
}

func TestEveryWrongCallIsRefusedWithACodeAndItsField(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mappingtest.Engine(t))
	h := w.started()
	unknown := strings.Repeat("x", 32)
	for name, tt := range map[string]struct {
		method, path, body string
		status             int
		code, field        string
	}{
		"no body":                    {"POST", "/links", "", 400, "bad_request", ""},
		"no JSON":                    {"POST", "/links", "objects=x", 400, "bad_request", ""},
		"a list":                     {"POST", "/links", `["s3://media/a"]`, 400, "bad_request", ""},
		"null":                       {"POST", "/links", `null`, 400, "bad_request", ""},
		"something after the JSON":   {"POST", "/links", `{"objects":["s3://media/simple-chat/a.jpg"]} {}`, 400, "bad_request", ""},
		"an unknown field":           {"POST", "/links", `{"objects":["s3://media/simple-chat/a.jpg"],"ttl":5}`, 400, "bad_request", "ttl"},
		"a field in capitals":        {"POST", "/links", `{"Objects":["s3://media/simple-chat/a.jpg"]}`, 400, "bad_request", "Objects"},
		"no objects":                 {"POST", "/links", `{}`, 400, "bad_request", "objects"},
		"an empty list":              {"POST", "/links", `{"objects":[]}`, 400, "bad_request", "objects"},
		"objects as one string":      {"POST", "/links", `{"objects":"s3://media/a"}`, 400, "bad_request", "objects"},
		"objects of null":            {"POST", "/links", `{"objects":null}`, 400, "bad_request", "objects"},
		"a null among the objects":   {"POST", "/links", `{"objects":["s3://media/simple-chat/a.jpg",null]}`, 400, "bad_request", "objects[1]"},
		"a number among the objects": {"POST", "/links", `{"objects":[7]}`, 400, "bad_request", "objects[0]"},
		"101 objects":                {"POST", "/links", `{"objects":[` + strings.Repeat(`"s3://media/simple-chat/a.jpg",`, 100) + `"s3://media/b"]}`, 400, "too_many", "objects"},
		"a body too long":            {"POST", "/links", `{"objects":["` + strings.Repeat("x", 1<<20) + `"]}`, 413, "too_large", ""},
		"a ttl of zero":              {"POST", "/links", `{"objects":["s3://media/simple-chat/a.jpg"],"ttlSeconds":0}`, 400, "bad_ttl", "ttlSeconds"},
		"a ttl beyond the longest":   {"POST", "/links", `{"objects":["s3://media/simple-chat/a.jpg"],"ttlSeconds":2592001}`, 400, "bad_ttl", "ttlSeconds"},
		"a ttl that would overflow":  {"POST", "/links", `{"objects":["s3://media/simple-chat/a.jpg"],"ttlSeconds":9223372036854775807}`, 400, "bad_ttl", "ttlSeconds"},
		"a ttl of half a second":     {"POST", "/links", `{"objects":["s3://media/simple-chat/a.jpg"],"ttlSeconds":0.5}`, 400, "bad_request", "ttlSeconds"},
		"a ttl in words":             {"POST", "/links", `{"objects":["s3://media/simple-chat/a.jpg"],"ttlSeconds":"60"}`, 400, "bad_request", "ttlSeconds"},
		"a malformed object":         {"POST", "/links", `{"objects":["simple-chat/a.jpg"]}`, 400, "bad_object", "objects[0]"},
		"another bucket":             {"POST", "/links", `{"objects":["s3://other/simple-chat/a.jpg"]}`, 400, "wrong_bucket", "objects[0]"},
		"a directory":                {"POST", "/links", `{"objects":["s3://media/simple-chat/"]}`, 400, "directory", "objects[0]"},
		"an unknown service":         {"POST", "/links", `{"objects":["s3://media/other/a.jpg"]}`, 400, "unknown_service", "objects[0]"},
		"a missing object":           {"POST", "/links", `{"objects":["s3://media/simple-chat/none.jpg"]}`, 404, "object_not_found", "objects[0]"},
		"a malformed hash":           {"GET", "/links/short", "", 400, "bad_hash", "hash"},
		"an unknown hash":            {"GET", "/links/" + unknown, "", 404, "link_not_found", "hash"},
		"a malformed hash to delete": {"DELETE", "/links/short", "", 400, "bad_hash", "hash"},
		"an unknown hash to delete":  {"DELETE", "/links/" + unknown, "", 404, "link_not_found", "hash"},
		"nothing to revoke":          {"POST", "/revocations", `{}`, 400, "bad_request", "objects"},
		"a wrong bucket to revoke":   {"POST", "/revocations", `{"hashes":[],"objects":["s3://other/a"]}`, 400, "wrong_bucket", "objects[0]"},
		"a public object to revoke":  {"POST", "/revocations", `{"objects":["s3://media/marketplace/p.jpg"]}`, 409, "public_object", "objects[0]"},
		"a wrong hash to revoke":     {"POST", "/revocations", `{"objects":["s3://media/simple-chat/a.jpg"],"hashes":["short"]}`, 400, "bad_hash", "hashes[0]"},
		"an unknown field to revoke": {"POST", "/revocations", `{"hash":"x"}`, 400, "bad_request", "hash"},
		"101 to revoke together":     {"POST", "/revocations", `{"objects":["s3://media/a"],"hashes":[` + strings.Repeat(`"x",`, 99) + `"x"]}`, 400, "too_many", ""},
		"an unknown path":            {"GET", "/", "", 404, "no_such_route", ""},
		"a path below a hash":        {"GET", "/links/" + unknown + "/x", "", 404, "no_such_route", ""},
		"a path that ends in slash":  {"POST", "/links/", `{"objects":["s3://media/simple-chat/a.jpg"]}`, 404, "no_such_route", ""},
		"another method":             {"PUT", "/links", "", 405, "bad_method", ""},
		"a method in small letters":  {"post", "/links", `{"objects":["s3://media/simple-chat/a.jpg"]}`, 405, "bad_method", ""},
	} {
		t.Run(name, func(t *testing.T) {
			status, body, headers := call(t, h, tt.method, tt.path, tt.body)
			var answer struct {
				Error struct{ Code, Message, Field string }
			}
			require.NoError(t, json.Unmarshal([]byte(body), &answer), body)
			assert.Equal(t, tt.status, status, body)
			assert.Equal(t, tt.code, answer.Error.Code)
			assert.Equal(t, tt.field, answer.Error.Field)
			assert.NotEmpty(t, answer.Error.Message)
			assert.Equal(t, tt.status == 405, headers["Allow"] != "")
		})
	}
	assert.Empty(t, mappingtest.Items(t, w.table), "nothing was done")
	assert.Empty(t, w.aws.CloudFront.Invalidations)
}

func TestPartOfACallMayFail(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mappingtest.Engine(t))
	h := w.started()
	status, body, _ := call(t, h, http.MethodPost, "/links", `{"objects":["s3://media/simple-chat/none.jpg","s3://media/simple-chat/a.jpg"],"ttlSeconds":null}`)
	assert.Equal(t, 200, status, "one link was issued")
	assert.Contains(t, body, `"field":"objects[0]"`)
	assert.NotContains(t, body, `{"error"`, "no error of the whole call")

	hash := issued(t, h, "s3://media/simple-chat/a.jpg")
	status, body, _ = call(t, h, http.MethodPost, "/revocations", `{"hashes":["`+hash+`","`+strings.Repeat("x", 32)+`"]}`)
	assert.Equal(t, 404, status, "who revokes must not take part of it for all of it")
	assert.True(t, w.dead(hash))
	assert.Contains(t, body, `"revoked":["`+hash+`"]`)
}

func TestABodyMayComeInBase64(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mappingtest.Engine(t))
	h := w.started()
	r := events.LambdaFunctionURLRequest{RawPath: "/links", IsBase64Encoded: true}
	r.RequestContext.HTTP.Method = http.MethodPost
	for body, status := range map[string]int{
		base64.StdEncoding.EncodeToString([]byte(`{"objects":["s3://media/simple-chat/a.jpg"]}`)):    200,
		base64.StdEncoding.EncodeToString([]byte("{\"objects\":[\"s3://media/simple-chat/\xff\"]}")): 400,
		"%%%":                      400,
		strings.Repeat("A", 2<<20): 413,
	} {
		r.Body = body
		assert.Equal(t, status, h.HTTP(context.Background(), r).StatusCode)
	}
}

func TestTheLogNamesNoKeyNoLinkAndNoSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mappingtest.Engine(t))
	h := w.started()
	hash := issued(t, h, "s3://media/simple-chat/a.jpg")
	call(t, h, http.MethodGet, "/links/"+hash, "")
	call(t, h, http.MethodDelete, "/links/"+hash, "")
	w.aws.Fault = func(int, *http.Request) cloudtest.Fault { return cloudtest.Lost }
	call(t, h, http.MethodPost, "/links", `{"objects":["s3://media/simple-chat/b.jpg"]}`)
	call(t, h, http.MethodPost, "/revocations", `{"objects":["s3://media/simple-chat/b.jpg"]}`)
	_, err := h.Handle(context.Background(), removedEvent("ObjectRemoved:Delete", "v1", "simple-chat/b.jpg"))
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "b.jpg")
	log := w.log.String()
	for _, line := range strings.Split(strings.TrimSpace(log), "\n") {
		assert.True(t, json.Valid([]byte(line)), line)
	}
	for _, secret := range []string{".jpg", hash, "0101", "cdn.example"} {
		assert.NotContains(t, log, secret)
	}
	assert.Contains(t, log, `"hash":"`+hash[:8]+`"`)
	assert.Contains(t, log, `"status":503`)
}

func TestWhatS3DeletesLosesItsLinks(t *testing.T) {
	t.Parallel()
	server := mappingtest.Engine(t)
	for name, tt := range map[string]struct {
		event, version string
		key            string // as S3 escapes it
		object         string
		remains        bool // in the bucket
		dies           bool
	}{
		"an object without versions":           {"ObjectRemoved:Delete", "", "simple-chat/a.jpg", "simple-chat/a.jpg", false, true},
		"an object hidden by a marker":         {"ObjectRemoved:DeleteMarkerCreated", "v2", "simple-chat/a.jpg", "simple-chat/a.jpg", true, true},
		"the last version":                     {"ObjectRemoved:Delete", "v1", "simple-chat/a.jpg", "simple-chat/a.jpg", false, true},
		"an old version":                       {"ObjectRemoved:Delete", "v1", "simple-chat/a.jpg", "simple-chat/a.jpg", true, false},
		"by a lifecycle rule":                  {"LifecycleExpiration:Delete", "", "simple-chat/a.jpg", "simple-chat/a.jpg", false, true},
		"hidden by a lifecycle rule":           {"s3:LifecycleExpiration:DeleteMarkerCreated", "v2", "simple-chat/a.jpg", "simple-chat/a.jpg", true, true},
		"a key that is escaped in the message": {"ObjectRemoved:Delete", "", "simple-chat/%C3%A4+b%2Bc%25.jpg", "simple-chat/ä b+c%.jpg", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, server)
			w.aws.Objects = map[string]bool{tt.object: true, "simple-chat/other.jpg": true}
			h := w.started()
			hash, other := issued(t, h, "s3://media/"+tt.object), issued(t, h, "s3://media/simple-chat/other.jpg")
			w.aws.Objects[tt.object] = tt.remains
			answer, err := h.Handle(context.Background(), removedEvent(tt.event, tt.version, tt.key, tt.key))
			require.NoError(t, err)
			assert.Nil(t, answer)
			assert.Equal(t, tt.dies, w.dead(hash))
			assert.Equal(t, tt.dies, w.aws.CloudFront.Covers("/images/"+hash))
			assert.False(t, w.dead(other))
		})
	}
}

func TestADeletedPublicObjectIsWithdrawnWhenItIsRevoked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mappingtest.Engine(t))
	h := w.started()
	const ask = `{"objects":["s3://media/marketplace/p.jpg"]}`
	status, body, _ := call(t, h, http.MethodPost, "/revocations", ask)
	assert.Equal(t, http.StatusConflict, status)
	assert.Contains(t, body, "delete the object first")

	w.aws.Objects["marketplace/p.jpg"] = false
	_, err := h.Handle(context.Background(), removedEvent("ObjectRemoved:Delete", "", "marketplace/p.jpg"))
	require.NoError(t, err)
	require.Empty(t, w.aws.CloudFront.Invalidations, "a deletion alone costs nothing")
	status, body, _ = call(t, h, http.MethodPost, "/revocations", ask)
	assert.Equal(t, http.StatusOK, status)
	assert.JSONEq(t, `{"revocations":[{"object":"s3://media/marketplace/p.jpg","revoked":[],"withdrawn":true}]}`, body)
	assert.True(t, w.aws.CloudFront.Covers("/marketplace/p.jpg"))
	assert.NotContains(t, w.log.String(), "p.jpg")
}

func TestARemovalThatCouldNotBeFollowedIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mappingtest.Engine(t))
	h := w.started()
	hash := issued(t, h, "s3://media/simple-chat/a.jpg")
	removed := removedEvent("ObjectRemoved:Delete", "", "simple-chat/a.jpg")
	w.aws.Fault = func(_ int, r *http.Request) cloudtest.Fault {
		if r.URL.Hostname() == "cloudfront.amazonaws.com" {
			return cloudtest.Refused
		}
		return cloudtest.None
	}
	_, err := h.Handle(context.Background(), removed)
	require.Error(t, err, "so that Lambda comes back with the event")
	w.aws.Fault = nil
	_, err = h.Handle(context.Background(), removed)
	require.NoError(t, err)
	assert.True(t, w.aws.CloudFront.Covers("/images/"+hash))
}

func TestEventsOfOtherKindsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mappingtest.Engine(t))
	h := w.started()
	for name, tt := range map[string]struct {
		event string
		fails bool
	}{
		"S3 trying whether it may":      {`{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"media"}`, false},
		"no records":                    {`{"Records":[]}`, false},
		"a deleted public object":       {string(removedEvent("ObjectRemoved:Delete", "", "marketplace/p.jpg")), false},
		"something created":             {string(removedEvent("ObjectCreated:Put", "", "simple-chat/a.jpg")), true},
		"a key that cannot be read":     {string(removedEvent("ObjectRemoved:Delete", "", "%zz")), true},
		"a key of nothing":              {string(removedEvent("ObjectRemoved:Delete", "", "")), true},
		"a record from somewhere else":  {`{"Records":[{"eventSource":"aws:sqs"}]}`, true},
		"a record that is no object":    {`{"Records":[7]}`, true},
		"records that are no list":      {`{"Records":{}}`, true},
		"an empty object":               {`{}`, true},
		"a list":                        {`[]`, true},
		"nothing":                       {``, true},
		"a call without a method":       {`{"requestContext":{}}`, true},
		"a call with a body of numbers": {`{"requestContext":{"http":{"method":"POST"}},"body":7}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			answer, err := h.Handle(context.Background(), json.RawMessage(tt.event))
			assert.Equal(t, tt.fails, err != nil, "%v", err)
			assert.Nil(t, answer)
		})
	}
}

func TestAPanicIsAnAnswerAndTheProcessLivesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mappingtest.Engine(t))
	h := w.started()
	store := h.Issuer.Store
	h.Issuer.Store = panicking{}
	status, body, _ := call(t, h, http.MethodGet, "/links/"+strings.Repeat("x", 32), "")
	assert.Equal(t, 500, status)
	assert.Contains(t, body, `"code":"internal"`)
	assert.NotContains(t, body, "secret detail")
	h.Issuer.Store = store
	issued(t, h, "s3://media/simple-chat/a.jpg")
}

type panicking struct{ mapping.Store }

func (panicking) Get(context.Context, string) (mapping.Mapping, error) { panic("secret detail") }

func TestAFunctionWithoutItsKeysDoesNotStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mappingtest.Engine(t))
	w.aws.Secret = "none"
	_, err := w.start(false)
	require.ErrorContains(t, err, "link key")
	w.cfg.keySecret = ""
	h, err := w.start(false)
	require.NoError(t, err, "links without a seal need none")
	assert.True(t, mapping.ValidHash(issued(t, h, "s3://media/simple-chat/a.jpg")))
	assert.False(t, errors.Is(err, mapping.ErrNotFound))
}
