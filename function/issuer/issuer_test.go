package issuer

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue/cloud/cloudtest"
	"secure-media-cdn/function/mapping/mappingtest"
	"secure-media-cdn/function/seal/sealtest"
)

func TestALinkGoesFromIssueToRevocation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mappingtest.Engine(t))
	h := w.started()
	hash := issued(t, h, "s3://media/simple-chat/a.jpg")
	assert.Equal(t, hash, issued(t, h, "s3://media/simple-chat/a.jpg"))
	_, err := sealtest.Key(t, 2).Open(hash)
	require.NoError(t, err, "the hash is sealed by the configured generation")

	status, body, _ := call(t, h, http.MethodGet, "/links/"+hash, "")
	assert.Equal(t, 200, status)
	assert.Contains(t, body, `"state":"live"`)
	assert.Contains(t, body, `"service":"simple-chat"`)

	status, body, _ = call(t, h, http.MethodDelete, "/links/"+hash, "")
	assert.Equal(t, 200, status)
	assert.JSONEq(t, `{"hash":"`+hash+`","object":"s3://media/simple-chat/a.jpg","revoked":["`+hash+`"]}`, body)
	assert.True(t, w.dead(hash))
	assert.Contains(t, w.aws.KeyValueStore.Entries, "r."+hash)
	assert.Empty(t, w.aws.CloudFront.Invalidations, "the gate's list is enough")
	_, body, _ = call(t, h, http.MethodGet, "/links/"+hash, "")
	assert.Contains(t, body, `"state":"revoked"`)
}

func TestAPublicObjectGetsItsPlainAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mappingtest.Engine(t))
	status, body, _ := call(t, w.started(), http.MethodPost, "/links", `{"objects":["s3://media/marketplace/p.jpg"]}`)
	assert.Equal(t, 200, status)
	assert.JSONEq(t,
		`{"links":[{"object":"s3://media/marketplace/p.jpg","url":"https://cdn.example/marketplace/p.jpg",`+
			`"service":"marketplace"}]}`, body)
	assert.Empty(t, mappingtest.Items(t, w.table))
}

func TestPartOfACallMayFail(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mappingtest.Engine(t))
	h := w.started()
	status, body, _ := call(t, h, http.MethodPost, "/links",
		`{"objects":["s3://media/simple-chat/none.jpg","s3://media/simple-chat/a.jpg"],"ttlSeconds":null}`)
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
	r.RequestContext.Authorizer = signedBy(testCaller)
	for body, status := range map[string]int{
		base64.StdEncoding.EncodeToString([]byte(`{"objects":["s3://media/simple-chat/a.jpg"]}`)):    200,
		base64.StdEncoding.EncodeToString([]byte("{\"objects\":[\"s3://media/simple-chat/\xff\"]}")): 400,
		"%%%":                      400,
		strings.Repeat("A", 2<<20): 413,
	} {
		r.Body = body
		answer, err := h.call(context.Background(), r)
		require.NoError(t, err)
		assert.Equal(t, status, answer.StatusCode)
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
	for _, secret := range []string{".jpg", hash, sealtest.Value(2)[:8], "cdn.example"} {
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
		"an object without versions": {
			"ObjectRemoved:Delete", "", "simple-chat/a.jpg", "simple-chat/a.jpg", false, true,
		},
		"an object hidden by a marker": {
			"ObjectRemoved:DeleteMarkerCreated", "v2", "simple-chat/a.jpg", "simple-chat/a.jpg", true, true,
		},
		"the last version": {
			"ObjectRemoved:Delete", "v1", "simple-chat/a.jpg", "simple-chat/a.jpg", false, true,
		},
		"an old version": {
			"ObjectRemoved:Delete", "v1", "simple-chat/a.jpg", "simple-chat/a.jpg", true, false,
		},
		"by a lifecycle rule": {
			"LifecycleExpiration:Delete", "", "simple-chat/a.jpg", "simple-chat/a.jpg", false, true,
		},
		"hidden by a lifecycle rule": {
			"s3:LifecycleExpiration:DeleteMarkerCreated", "v2", "simple-chat/a.jpg", "simple-chat/a.jpg", true, true,
		},
		"a key that is escaped in the message": {
			"ObjectRemoved:Delete", "", "simple-chat/%C3%A4+b%2Bc%25.jpg", "simple-chat/ä b+c%.jpg", false, true,
		},
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
			assert.Equal(t, tt.dies, w.aws.KeyValueStore.Entries["r."+hash] != "")
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
		if strings.HasSuffix(r.URL.Hostname(), ".cloudfront-kvs.global.api.aws") {
			return cloudtest.Refused
		}
		return cloudtest.None
	}
	_, err := h.Handle(context.Background(), removed)
	require.Error(t, err, "so that Lambda comes back with the event")
	w.aws.Fault = nil
	_, err = h.Handle(context.Background(), removed)
	require.NoError(t, err)
	assert.Contains(t, w.aws.KeyValueStore.Entries, "r."+hash)
}

func TestEventsOfOtherKindsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mappingtest.Engine(t))
	h := w.started()
	for name, tt := range map[string]struct {
		event string
		fails bool
	}{
		"S3 trying whether it may":  {`{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"media"}`, false},
		"no records":                {`{"Records":[]}`, false},
		"a deleted public object":   {string(removedEvent("ObjectRemoved:Delete", "", "marketplace/p.jpg")), false},
		"something created":         {string(removedEvent("ObjectCreated:Put", "", "simple-chat/a.jpg")), true},
		"a key that cannot be read": {string(removedEvent("ObjectRemoved:Delete", "", "%zz")), true},
		"a key that is not UTF-8":   {string(removedEvent("ObjectRemoved:Delete", "", "simple-chat/%FF")), true},
		"a key of half a character": {string(removedEvent("ObjectRemoved:Delete", "", "simple-chat/%ED%A0%80")), true},
		"half of a surrogate pair":  {string(removedEvent("ObjectRemoved:Delete", "", `simple-chat/\ud800`)), true},
		"bytes that are not UTF-8":  {string(removedEvent("ObjectRemoved:Delete", "", "simple-chat/\xff")), true},
		"a call of half a character": {
			`{"rawPath":"/links","requestContext":{"http":{"method":"POST"}},"body":"\ud800"}`, true,
		},
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

func TestWithoutItsKeyTheIssuerSaysSoUntilItIsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mappingtest.Engine(t))
	w.aws.KeyValueStore.Entries = sealtest.Entries(1)
	h := w.started()
	status, body, _ := call(t, h, http.MethodPost, "/links", `{"objects":["s3://media/simple-chat/a.jpg"]}`)
	assert.Equal(t, http.StatusServiceUnavailable, status, body)
	w.aws.KeyValueStore.Entries = sealtest.Entries(1, 2)
	issued(t, h, "s3://media/simple-chat/a.jpg")
}

func TestARotatedIssuerShowsLinksOfTheGenerationBeforeLastAsRetired(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mappingtest.Engine(t))
	hash := issued(t, w.started(), "s3://media/simple-chat/a.jpg")
	for generation, state := range map[int]string{1: "live", 2: "live", 3: "live", 4: "retired"} {
		w.cfg.generation = generation
		_, body, _ := call(t, w.started(), http.MethodGet, "/links/"+hash, "")
		assert.Contains(t, body, `"state":"`+state+`"`, "generation %d", generation)
	}
	w.cfg.generation = 4
	w.aws.KeyValueStore.Entries = sealtest.Entries(3, 4, 5)
	assert.NotEqual(t, hash, issued(t, w.started(), "s3://media/simple-chat/a.jpg"),
		"a retired link is not given out again")
}

func TestACallThatNoHTTPClientCanSendIsNoRoute(t *testing.T) {
	t.Parallel()
	h := newWorld(t, mappingtest.Engine(t)).started()
	for _, call := range [][2]string{{"GET", "/links/%zz"}, {"A B", "/links"}, {"GET", "/\x7f"}, {"GET", "links"},
		{"", ""}} {
		r := events.LambdaFunctionURLRequest{RawPath: call[1]}
		r.RequestContext.HTTP.Method = call[0]
		answer, err := h.call(t.Context(), r)
		require.NoError(t, err)
		assert.Equal(t, http.StatusNotFound, answer.StatusCode, call)
		assert.Contains(t, answer.Body, `"code":"no_such_route"`)
	}
}
