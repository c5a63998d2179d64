package issuer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-lambda-go/lambdaurl"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/issue/api"
)

// Function is the Lambda function; New makes one. It is safe for concurrent use.
type Function struct {
	issuer  *issue.Issuer
	events  *issue.Issuer // for what S3 says, which leaves room for calls
	url     urlHandler
	callers callers
	log     *slog.Logger
}

type (
	urlRequest  = events.LambdaFunctionURLRequest
	urlResponse = events.LambdaFunctionURLResponse
	urlHandler  = func(context.Context, *urlRequest) (*events.LambdaFunctionURLStreamingResponse, error)
)

func newFunction(i, events *issue.Issuer, c callers, log *slog.Logger) *Function {
	return &Function{issuer: i, events: events, url: lambdaurl.Wrap(api.New(i, log, time.Now)), callers: c, log: log}
}

// Handle is the function's entry: it takes calls of the Function URL, and S3's events in batches from their queue. An
// error brings all messages of a batch back.
func (f *Function) Handle(ctx context.Context, event json.RawMessage) (answer any, err error) {
	defer func() {
		if p := recover(); p != nil {
			f.log.Error("panic", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			answer, err = nil, errors.New("a panic; the log knows more")
		}
	}()
	request, batch, err := parseEvent(event)
	switch {
	case err != nil:
		f.log.Error("unknown event", "error", err.Error(), "bytes", len(event))
		return nil, err
	case request != nil:
		return f.call(ctx, *request)
	default:
		return f.follow(ctx, batch), nil
	}
}

// parseEvent tells the two kinds of event apart. Without a request and an error, it is a batch.
func parseEvent(event json.RawMessage) (*urlRequest, []events.SQSMessage, error) {
	var kind struct {
		RequestContext *struct {
			HTTP *struct{ Method *string }
		}
		Records *[]events.SQSMessage
	}
	if err := json.Unmarshal(event, &kind); err != nil {
		return nil, nil, errors.New("the event is not JSON of a known kind")
	}
	if problem := api.CheckText(event); problem != nil {
		return nil, nil, errors.New("the event's text is broken")
	}
	switch {
	case kind.RequestContext != nil && kind.RequestContext.HTTP != nil:
		var r urlRequest
		if err := json.Unmarshal(event, &r); err != nil {
			return nil, nil, errors.New("the event is no call of the Function URL")
		}
		return &r, nil, nil
	case kind.Records != nil:
		for n, message := range *kind.Records {
			if message.EventSource != "aws:sqs" || message.MessageId == "" {
				return nil, nil, fmt.Errorf("record %d is no message of a queue", n)
			}
		}
		return nil, *kind.Records, nil
	}
	return nil, nil, errors.New("the event is neither a call of the Function URL nor a batch of a queue")
}

// call answers one call of the Function URL. lambdaurl makes an HTTP request of the event and streams the answer;
// with the invoke mode BUFFERED Lambda wants it in one piece.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
func (f *Function) call(ctx context.Context, r urlRequest) (urlResponse, error) {
	ctx = api.WithCaller(ctx, api.Caller{Request: r.RequestContext.RequestID, Services: f.services(ctx, r)})
	streamed, err := f.url(ctx, &r)
	if err != nil { // no HTTP request has such a method or path, so there is no such route
		streamed, err = f.url(ctx, &urlRequest{RawPath: "/"})
	}
	if err != nil {
		return urlResponse{}, err
	}
	body, err := io.ReadAll(streamed.Body)
	return urlResponse{StatusCode: streamed.StatusCode, Headers: streamed.Headers, Body: string(body)}, err
}

// services returns those that the caller may handle: none, unless Lambda made the event for this very invocation.
// Whoever may call the Function URL may also invoke the function with an event of its own, that says somebody else
// has signed it. But Lambda names each invocation itself, and nobody knows the name before.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-request-payload
func (f *Function) services(ctx context.Context, r urlRequest) []string {
	invocation, ok := lambdacontext.FromContext(ctx)
	if !ok || invocation.AwsRequestID == "" || invocation.AwsRequestID != r.RequestContext.RequestID {
		f.log.Error("an event that is no call of the Function URL: its caller may do nothing")
		return nil
	}
	return f.callers.services(r.RequestContext.Authorizer)
}
