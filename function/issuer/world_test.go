package issuer

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue/api"
	"secure-media-cdn/function/issue/cloud"
	"secure-media-cdn/function/issue/cloud/cloudtest"
	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/mapping/mappingtest"
	"secure-media-cdn/function/seal/sealtest"
	"secure-media-cdn/infra/local/engine"
	"secure-media-cdn/infra/local/locked"
)

// world is the whole function, joined as in production, over stand-ins for AWS
// and the real DynamoDB engine.
type world struct {
	t     *testing.T
	aws   *cloudtest.AWS
	table *mapping.Table
	cfg   config
	log   *locked.Buffer
}

func newWorld(t *testing.T, server *engine.Server) *world {
	env := goodEnvironment()
	w := &world{t: t, table: mappingtest.Table(t, server, nil), log: &locked.Buffer{}}
	env["MEDIA_TABLE"] = w.table.Name
	cfg, err := load(env)
	require.NoError(t, err)
	// The engine is one region; asking it as another one is the same table.
	w.cfg = cfg
	w.aws = &cloudtest.AWS{
		DynamoDB: server.URL, KeyValueStore: cloudtest.KeyValueStore{Entries: sealtest.Entries(1, 2, 3)},
		Objects: map[string]string{"simple-chat/a.jpg": "a1", "simple-chat/b.jpg": "b1", "marketplace/p.jpg": "p1",
			"club/a.jpg": "c1"},
	}
	return w
}

// start starts a process of the function. Its waits take no time.
func (w *world) start(retries bool) *Function {
	h := wire(w.cfg, w.aws.Config(retries), func(string) string { return "" }, slog.New(slog.NewJSONHandler(w.log, nil)))
	noPause := func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	cdn := h.issuer.CDN.(*cloud.CDN)
	behind := h.events.CDN.(*cloud.CDN)
	h.issuer.Pause, h.events.Pause, cdn.Pause, behind.Pause = noPause, noPause, noPause, noPause
	cdn.Revocations.Pause, behind.Revocations.Pause, cdn.Invalidations.Pause = noPause, noPause, noPause
	return h
}

func (w *world) started() *Function {
	return w.start(false)
}

// event returns the event of a call to the function's address.
func event(t testing.TB, method, path, body string) json.RawMessage {
	t.Helper()
	r := events.LambdaFunctionURLRequest{Version: "2.0", RawPath: path, Body: body}
	r.RequestContext.HTTP.Method = method
	r.RequestContext.RequestID = testInvocation
	r.RequestContext.Authorizer = signedBy(testCaller)
	raw, err := json.Marshal(r)
	require.NoError(t, err)
	return raw
}

// testInvocation is the name of every invocation.
const testInvocation = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"

// invoked returns the context that Lambda's runtime makes for an invocation.
func invoked(ctx context.Context) context.Context {
	return lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: testInvocation})
}

// testCaller may call for every service of goodEnvironment that the tests use.
const testCaller = "arn:aws:iam::123456789012:user/test"

// signedBy is what Lambda says of a caller.
func signedBy(arn string) *events.LambdaFunctionURLRequestContextAuthorizerDescription {
	account := strings.Split(arn, ":")[4]
	return &events.LambdaFunctionURLRequestContextAuthorizerDescription{
		IAM: &events.LambdaFunctionURLRequestContextAuthorizerIAMDescription{AccountID: account, UserARN: arn},
	}
}

// call makes one call of h.
func call(t testing.TB, h *Function, method, path, body string) (status int, answer string, headers map[string]string) {
	t.Helper()
	got, err := h.Handle(invoked(t.Context()), event(t, method, path, body))
	require.NoError(t, err)
	response, ok := got.(events.LambdaFunctionURLResponse)
	require.True(t, ok)
	require.Equal(t, "application/json", response.Headers["Content-Type"])
	require.Equal(t, "no-store", response.Headers["Cache-Control"])
	return response.StatusCode, response.Body, response.Headers
}

// issued returns the hash of the only link in an answer.
func issued(t testing.TB, h *Function, object string) string {
	t.Helper()
	status, body, _ := call(t, h, http.MethodPost, "/links", `{"objects":["`+object+`"]}`)
	require.Equal(t, http.StatusOK, status, body)
	var answer api.IssueAnswer
	require.NoError(t, json.Unmarshal([]byte(body), &answer))
	return answer.Links[0].Hash
}

// changedEvent is a batch with a message for each key: S3's word that something happened to the object. The messages'
// ids are m0, m1 and so on.
func changedEvent(name string, keys ...string) json.RawMessage {
	var bodies []string
	for _, key := range keys {
		bodies = append(bodies, changed(name, key))
	}
	return batch(bodies...)
}

// changed is S3's word that something happened to an object.
func changed(name, key string) string {
	return `{"Records":[{"eventSource":"aws:s3","eventName":"` + name +
		`","s3":{"bucket":{"name":"media"},"object":{"key":"` +
		key + `","versionId":"of-old"}}}]}`
}

// batch is what Lambda hands over from the queue.
func batch(bodies ...string) json.RawMessage {
	var messages []events.SQSMessage
	for n, body := range bodies {
		messages = append(messages, events.SQSMessage{EventSource: "aws:sqs", MessageId: fmt.Sprint("m", n), Body: body})
	}
	return rawBatch(messages)
}

func rawBatch(messages []events.SQSMessage) json.RawMessage {
	raw, err := json.Marshal(events.SQSEvent{Records: messages})
	if err != nil { // they always encode
		panic(err)
	}
	return raw
}

// undone returns the messages of a batch that h could not do.
func undone(t testing.TB, h *Function, batch json.RawMessage) []string {
	t.Helper()
	answer, err := h.Handle(context.Background(), batch)
	require.NoError(t, err)
	var ids []string
	for _, failure := range answer.(events.SQSEventResponse).BatchItemFailures {
		ids = append(ids, failure.ItemIdentifier)
	}
	return ids
}

// dead asks the table itself.
func (w *world) dead(hash string) bool {
	w.t.Helper()
	m, err := w.table.Get(context.Background(), hash)
	if err != nil {
		require.ErrorIs(w.t, err, mapping.ErrNotFound)
		return true
	}
	return !m.Live(time.Now())
}
