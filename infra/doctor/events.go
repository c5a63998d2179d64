package doctor

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// events looks at the way from the bucket's queue to the issuer, by which links of deleted objects end.
func (e *examination) events(ctx context.Context) {
	const what = "events: the issuer reads its queue"
	var want struct {
		Function  string                             `json:"functionName"`
		Responses []string                           `json:"functionResponseTypes"`
		Scaling   struct{ MaximumConcurrency int32 } `json:"scalingConfig"`
	}
	planned := e.Plan.ByType("aws:lambda/eventSourceMapping:EventSourceMapping")[0]
	if err := e.decode(planned, &want); err != nil {
		e.failed(what, err)
		return
	}
	name := e.Outputs.IssuerFunctionName + want.Function[strings.LastIndex(want.Function, ":"):]
	out, err := lambda.NewFromConfig(e.in(e.home())).ListEventSourceMappings(ctx,
		&lambda.ListEventSourceMappingsInput{FunctionName: &name})
	if err != nil {
		e.failed(what, err, "ResourceNotFoundException")
		return
	}
	if len(out.EventSourceMappings) != 1 {
		e.wrong(mend, "%s: it has %d event sources, not one", what, len(out.EventSourceMappings))
		return
	}
	got := out.EventSourceMappings[0]
	e.queue = aws.ToString(got.EventSourceArn)
	e.same(what, "Enabled", aws.ToString(got.State))
	var responses []string
	for _, r := range got.FunctionResponseTypes {
		responses = append(responses, string(r))
	}
	e.same("events: one that fails does not fail the others", want.Responses, responses)
	var most int32
	if got.ScalingConfig != nil {
		most = aws.ToInt32(got.ScalingConfig.MaximumConcurrency)
	}
	e.same("events: they leave the issuer room for applications", want.Scaling.MaximumConcurrency, most)
	e.queues(ctx)
}

// queues looks at the queue and at the one for what failed.
func (e *examination) queues(ctx context.Context) {
	const what = "events: those that fail are kept"
	attributes, err := e.attributes(ctx, e.queue)
	if err != nil {
		e.failed(what, err, "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
		return
	}
	var redrive struct {
		Target string `json:"deadLetterTargetArn"`
	}
	_ = json.Unmarshal([]byte(attributes["RedrivePolicy"]), &redrive) // empty if there is none
	if redrive.Target == "" {
		e.wrong(mend, "%s: the queue has no dead-letter queue", what)
		return
	}
	e.ok(what)
	dead, err := e.attributes(ctx, redrive.Target)
	if err != nil {
		e.failed("events: none was lost", err)
		return
	}
	if n, _ := strconv.Atoi(dead["ApproximateNumberOfMessages"]); n > 0 {
		e.wrong("read the issuer's log group for the lines `objects changed`, then start a redrive of the dead-letter queue",
			"events: %d that failed five times wait in the dead-letter queue", n)
		return
	}
	e.ok("events: none was lost")
}

func (e *examination) attributes(ctx context.Context, queue string) (map[string]string, error) {
	q, err := arn.Parse(queue)
	if err != nil {
		return nil, err
	}
	address := "https://sqs." + q.Region + ".amazonaws.com/" + q.AccountID + "/" + q.Resource
	out, err := sqs.NewFromConfig(e.in(q.Region)).GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &address,
		AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
	if err != nil {
		return nil, err
	}
	return out.Attributes, nil
}

// callers looks whether the issuer's address asks for signatures.
func (e *examination) callers(ctx context.Context) {
	const what = "issuer: its address takes signed calls only"
	var want struct{ AuthorizationType, Qualifier string }
	planned, _ := e.Plan.Find("aws:lambda/functionUrl:FunctionUrl", "issuer")
	if err := e.decode(planned, &want); err != nil {
		e.failed(what, err)
		return
	}
	got, err := lambda.NewFromConfig(e.in(e.home())).GetFunctionUrlConfig(ctx, &lambda.GetFunctionUrlConfigInput{
		FunctionName: &e.Outputs.IssuerFunctionName, Qualifier: &want.Qualifier})
	if err != nil {
		e.failed(what, err, "ResourceNotFoundException")
		return
	}
	e.same(what, want.AuthorizationType, string(got.AuthType))
	e.same("issuer: its address is the output's", e.Outputs.IssuerURL, aws.ToString(got.FunctionUrl))
}
