package issuer

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"secure-media-cdn/function/issue/api/apitest"
	"secure-media-cdn/function/seal"
)

// FuzzEvent: whatever Lambda hands in ends in an answer or an error.
func FuzzEvent(f *testing.F) {
	for _, seed := range []string{
		`{"version":"2.0","rawPath":"/links","requestContext":{"http":{"method":"POST"}},` +
			`"body":"{\"objects\":[\"s3://media/chat/a\"]}"}`,
		`{"rawPath":"/viewers","requestContext":{"http":{"method":"POST"},"authorizer":{"iam":{"accountId":"123456789012",` +
			`"userArn":"` + testCaller + `"}}},"body":"{\"viewer\":\"a\",\"audiences\":[\"club\"]}"}`,
		`{"rawPath":"/viewers/` + apitest.Names().SessionID(seal.Session{}, time.Now().Add(time.Hour)) +
			`","requestContext":{"http":{"method":"DELETE"}}}`,
		string(changedEvent("ObjectRemoved:Delete", "chat/a+b%2Bc.jpg", "%ff")),
		string(batch(`{"Service":"Amazon S3","Event":"s3:TestEvent"}`, `{"Records":[null,[],{"s3":{}}]}`)),
		`{"requestContext":{"http":null},"Records":null}`,
		`{"Records":[null,[],{"s3":{}}]}`,
		`[]`, `null`, ``, `{"requestContext":{"http":{}}}`,
	} {
		f.Add([]byte(strings.ReplaceAll(seed, `"http":`, `"requestId":"`+testInvocation+`","http":`)))
	}
	f.Fuzz(func(t *testing.T, event []byte) {
		var log bytes.Buffer
		var aws apitest.AWS
		f := newFunction(aws.Issuer(), aws.Issuer(), callers{testCaller: {"chat", "shop", "club"}},
			slog.New(slog.NewJSONHandler(&log, nil)))
		answer, err := f.Handle(invoked(t.Context()), event)
		if strings.Contains(log.String(), `"msg":"panic"`) {
			t.Fatalf("a panic: %s", &log)
		}
		if err != nil {
			return
		}
		if response, ok := answer.(events.LambdaFunctionURLResponse); ok {
			if response.StatusCode < 200 || response.StatusCode > 599 ||
				response.StatusCode != http.StatusNoContent && !json.Valid([]byte(response.Body)) {
				t.Fatalf("no proper answer: %d %s", response.StatusCode, response.Body)
			}
		} else if _, ok := answer.(events.SQSEventResponse); !ok {
			t.Fatalf("an answer of another kind: %v", answer)
		}
	})
}
