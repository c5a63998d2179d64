package issuer

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue/api"
	"secure-media-cdn/function/issue/cloud/cloudtest"
	"secure-media-cdn/function/mapping/mappingtest"
	"secure-media-cdn/function/seal"
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

func TestABoundLinkAndItsViewersTicketAreWhatTheGateAsksFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mappingtest.Engine(t))
	h := w.started()
	status, body, _ := call(t, h, http.MethodPost, "/links",
		`{"objects":["s3://media/club/a.jpg"],"audience":"club/room-1"}`)
	require.Equal(t, 200, status, body)
	var links api.IssueAnswer
	require.NoError(t, json.Unmarshal([]byte(body), &links))
	hash := links.Links[0].Hash
	claims, err := sealtest.Key(t, 2).Open(hash)
	require.NoError(t, err)
	room := sealtest.AudienceKey(t).Audience("club/room-1")
	assert.EqualValues(t, seal.PolicyTicket, claims.Policy)
	assert.Equal(t, room, claims.Audience)
	below := "https://cdn.example/images/" + hash
	assert.Equal(t, map[string]string{"blur": below + "/blur", "w320": below + "/w320"}, links.Links[0].Variants)
	_, body, _ = call(t, h, http.MethodGet, "/links/"+hash, "")
	assert.Contains(t, body, `"state":"live"`)
	assert.Contains(t, body, `"audience":"club/room-1"`)
	assert.NotEqual(t, hash, issued(t, h, "s3://media/club/a.jpg"), "the whole service has a link of its own")

	status, body, _ = call(t, h, http.MethodPost, "/viewers",
		`{"viewer":"ann","audiences":["club/room-1"],"ttlSeconds":600}`)
	require.Equal(t, 200, status, body)
	var ticket api.Ticket
	require.NoError(t, json.Unmarshal([]byte(body), &ticket))
	opened, err := sealtest.Key(t, 2).OpenTicket(ticket.Ticket)
	require.NoError(t, err, "sealed by the configured generation")
	assert.Equal(t, []seal.Audience{room}, opened.Audiences)
	assert.True(t, ticket.ExpiresAt.Equal(opened.ExpiresAt))
	assert.Equal(t, seal.SetCookie(ticket.Ticket, "example.com", 10*time.Minute), ticket.Cookie)

	got, err := h.Handle(invoked(t.Context()), event(t, http.MethodDelete, "/viewers/"+ticket.Session, ""))
	require.NoError(t, err)
	ended := got.(events.LambdaFunctionURLResponse)
	assert.Equal(t, 204, ended.StatusCode)
	assert.Empty(t, ended.Body)
	assert.Equal(t, fmt.Sprint(opened.ExpiresAt.Unix()), w.aws.KeyValueStore.Entries[seal.SessionEntry(opened.Session)],
		"the gate knows, until the ticket would have expired")
	assert.Empty(t, w.aws.CloudFront.Invalidations)
	for _, secret := range []string{ticket.Ticket, ticket.Session, `"ann"`, "room-1"} {
		assert.NotContains(t, w.log.String(), secret)
	}
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
	r.RequestContext.HTTP.Method, r.RequestContext.RequestID = http.MethodPost, testInvocation
	r.RequestContext.Authorizer = signedBy(testCaller)
	for body, status := range map[string]int{
		base64.StdEncoding.EncodeToString([]byte(`{"objects":["s3://media/simple-chat/a.jpg"]}`)):    200,
		base64.StdEncoding.EncodeToString([]byte("{\"objects\":[\"s3://media/simple-chat/\xff\"]}")): 400,
		"%%%":                      400,
		strings.Repeat("A", 2<<20): 413,
	} {
		r.Body = body
		answer, err := h.call(invoked(t.Context()), r)
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
	w.aws.Objects["simple-chat/b.jpg"] = ""
	require.NotEmpty(t, undone(t, h, changedEvent("ObjectRemoved:Delete", "simple-chat/b.jpg")))
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

func TestLinksFollowTheObjectAsItIsNow(t *testing.T) {
	t.Parallel()
	server := mappingtest.Engine(t)
	const key = "simple-chat/a.jpg"
	for name, tt := range map[string]struct {
		event       string
		key, object string // as S3 escapes it, and as it is
		now         string // its ETag
		dies        bool
		refreshed   bool
	}{
		"an object is deleted":                  {"ObjectRemoved:Delete", key, key, "", true, false},
		"an object is hidden by a marker":       {"ObjectRemoved:DeleteMarkerCreated", key, key, "", true, false},
		"a lifecycle rule deletes":              {"LifecycleExpiration:Delete", key, key, "", true, false},
		"a deleted object is there again":       {"ObjectRemoved:DeleteMarkerCreated", key, key, "1", false, false},
		"an old version is deleted":             {"ObjectRemoved:Delete", key, key, "1", false, false},
		"another was uploaded after a deletion": {"ObjectRemoved:Delete", key, key, "2", false, true},
		"the upload is told after the link":     {"ObjectCreated:Put", key, key, "1", false, false},
		"an object is replaced":                 {"ObjectCreated:CompleteMultipartUpload", key, key, "2", false, true},
		"an upload is told after the deletion":  {"s3:ObjectCreated:Copy", key, key, "", true, false},
		"the message escapes the key of a photo": {"ObjectRemoved:Delete", "simple-chat/%C3%A4+b%2Bc%25.jpg",
			"simple-chat/ä b+c%.jpg", "", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, server)
			w.aws.Objects = map[string]string{tt.object: "1", "simple-chat/other.jpg": "1"}
			h := w.started()
			hash, other := issued(t, h, "s3://media/"+tt.object), issued(t, h, "s3://media/simple-chat/other.jpg")
			w.aws.Objects[tt.object] = tt.now
			for range 2 {
				assert.Empty(t, undone(t, h, changedEvent(tt.event, tt.key, tt.key)))
			}
			assert.Equal(t, tt.dies, w.dead(hash))
			assert.Equal(t, tt.dies, w.aws.KeyValueStore.Entries["r."+hash] != "")
			assert.False(t, w.dead(other))
			if !tt.refreshed {
				assert.Empty(t, w.aws.CloudFront.Invalidations, "which costs")
				return
			}
			require.Len(t, w.aws.CloudFront.Invalidations, 1, "once, however often it is told")
			assert.Equal(t, []string{"/images/" + hash + "*"}, w.aws.CloudFront.Invalidations[0].Paths)
		})
	}
}

func TestEventsAboutObjectsWithoutLinksCostOneRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mappingtest.Engine(t))
	h := w.started()
	w.aws.Calls = nil
	assert.Empty(t, undone(t, h, changedEvent("ObjectCreated:Put", "simple-chat/a.jpg", "marketplace/p.jpg", "none",
		"a/")))
	assert.Equal(t, []string{"dynamodb:BatchGetItem"}, w.aws.Calls)
}

func TestManyReplacedPhotosAreOneInvalidation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mappingtest.Engine(t))
	h := w.started()
	var keys []string
	for n := range 20 {
		keys = append(keys, fmt.Sprintf("simple-chat/%d.jpg", n))
		w.aws.Objects[keys[n]] = "1"
		issued(t, h, "s3://media/"+keys[n])
		w.aws.Objects[keys[n]] = "2"
	}
	assert.Empty(t, undone(t, h, changedEvent("ObjectCreated:Put", keys...)))
	require.Len(t, w.aws.CloudFront.Invalidations, 1)
	assert.Equal(t, []string{"/images/*"}, w.aws.CloudFront.Invalidations[0].Paths)
}

func TestOnlyMessagesThatWereNotDoneComeBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mappingtest.Engine(t))
	h := w.started()
	a, b := issued(t, h, "s3://media/simple-chat/a.jpg"), issued(t, h, "s3://media/simple-chat/b.jpg")
	w.aws.Objects = nil
	w.aws.Fault = func(_ int, r *http.Request) cloudtest.Fault {
		if strings.HasSuffix(r.URL.Path, "/b.jpg") {
			return cloudtest.Refused
		}
		return cloudtest.None
	}
	both := changedEvent("ObjectRemoved:Delete", "simple-chat/a.jpg", "simple-chat/b.jpg", "simple-chat/b.jpg", "%zz")
	assert.Equal(t, []string{"m1", "m2", "m3"}, undone(t, h, both))
	assert.True(t, w.dead(a))
	assert.False(t, w.dead(b))
	w.aws.Fault = nil
	assert.Equal(t, []string{"m3"}, undone(t, h, both))
	assert.True(t, w.dead(b))
	assert.NotContains(t, w.log.String(), "b.jpg")
}

func TestADeletedPublicObjectIsWithdrawnWhenItIsRevoked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mappingtest.Engine(t))
	h := w.started()
	const ask = `{"objects":["s3://media/marketplace/p.jpg"]}`
	status, body, _ := call(t, h, http.MethodPost, "/revocations", ask)
	assert.Equal(t, http.StatusConflict, status)
	assert.Contains(t, body, "delete the object first")

	w.aws.Objects["marketplace/p.jpg"], w.aws.DeleteMarkers = "", map[string]string{"marketplace/p.jpg": "v2"}
	require.Empty(t, undone(t, h, changedEvent("ObjectRemoved:Delete", "marketplace/p.jpg")))
	require.Empty(t, w.aws.CloudFront.Invalidations, "a deletion alone costs nothing")
	status, body, _ = call(t, h, http.MethodPost, "/revocations", ask)
	assert.Equal(t, http.StatusOK, status)
	assert.JSONEq(t, `{"revocations":[{"object":"s3://media/marketplace/p.jpg","revoked":[],"withdrawn":true}]}`, body)
	assert.True(t, w.aws.CloudFront.Covers("/marketplace/p.jpg"))
	call(t, h, http.MethodPost, "/revocations", ask)
	assert.Len(t, w.aws.CloudFront.Invalidations, 1, "the same deletion is paid once")
	w.aws.DeleteMarkers["marketplace/p.jpg"] = "v4"
	call(t, h, http.MethodPost, "/revocations", ask)
	assert.Len(t, w.aws.CloudFront.Invalidations, 2, "it was there again in between")
	assert.NotContains(t, w.log.String(), "p.jpg")
}

func TestARemovalThatCouldNotBeFollowedIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mappingtest.Engine(t))
	h := w.started()
	hash := issued(t, h, "s3://media/simple-chat/a.jpg")
	w.aws.Objects["simple-chat/a.jpg"] = ""
	removed := changedEvent("ObjectRemoved:Delete", "simple-chat/a.jpg")
	w.aws.Fault = func(_ int, r *http.Request) cloudtest.Fault {
		if strings.HasSuffix(r.URL.Hostname(), ".cloudfront-kvs.global.api.aws") {
			return cloudtest.Refused
		}
		return cloudtest.None
	}
	require.Equal(t, []string{"m0"}, undone(t, h, removed), "so that the queue brings the message again")
	w.aws.Fault = nil
	w.aws.Objects["simple-chat/a.jpg"] = "2"
	require.Empty(t, undone(t, h, removed), "it is finished even if the object came back meanwhile")
	assert.Contains(t, w.aws.KeyValueStore.Entries, "r."+hash)
}

func TestMessagesOfOtherKindsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mappingtest.Engine(t))
	h := w.started()
	record := func(key string) string {
		return `{"Records":[{"eventSource":"aws:s3","s3":{"bucket":{"name":"media"},"object":{"key":"` + key + `"}}}]}`
	}
	for name, tt := range map[string]struct {
		message string
		fails   bool
	}{
		"S3 trying whether it may":     {`{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"media"}`, false},
		"no records":                   {`{"Records":[]}`, false},
		"a public object":              {record("marketplace/p.jpg"), false},
		"a key that cannot be read":    {record("%zz"), true},
		"a key that is not UTF-8":      {record("simple-chat/%FF"), true},
		"a key of half a character":    {record("simple-chat/%ED%A0%80"), true},
		"half of a surrogate pair":     {record(`simple-chat/\ud800`), true},
		"a key of nothing":             {record(""), true},
		"a record from somewhere else": {`{"Records":[{"eventSource":"aws:sqs"}]}`, true},
		"a record that is no object":   {`{"Records":[7]}`, true},
		"records that are no list":     {`{"Records":{}}`, true},
		"an empty object":              {`{}`, true},
		"a list":                       {`[]`, true},
		"nothing":                      {``, true},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tt.fails, undone(t, h, batch(tt.message)) != nil)
		})
	}
}

func TestEventsOfOtherKindsAreRefused(t *testing.T) {
	t.Parallel()
	h := newWorld(t, mappingtest.Engine(t)).started()
	for name, event := range map[string]string{
		"S3 itself":                     `{"Records":[{"eventSource":"aws:s3"}]}`,
		"a message without an id":       `{"Records":[{"eventSource":"aws:sqs"}]}`,
		"bytes that are not UTF-8":      `{"Records":[{"eventSource":"aws:sqs","messageId":"1","body":"` + "\xff" + `"}]}`,
		"a call of half a character":    `{"rawPath":"/links","requestContext":{"http":{"method":"POST"}},"body":"\ud800"}`,
		"a record that is no object":    `{"Records":[7]}`,
		"records that are no list":      `{"Records":{}}`,
		"an empty object":               `{}`,
		"a list":                        `[]`,
		"nothing":                       ``,
		"a call without a method":       `{"requestContext":{}}`,
		"a call with a body of numbers": `{"requestContext":{"http":{"method":"POST"}},"body":7}`,
	} {
		t.Run(name, func(t *testing.T) {
			answer, err := h.Handle(context.Background(), json.RawMessage(event))
			require.Error(t, err)
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
