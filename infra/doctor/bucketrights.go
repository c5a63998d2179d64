package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Outputs of a stack over a bucket that was there before, to be pasted by its owner.
const (
	outputStatement    = "bucketPolicyStatement"
	outputNotification = "bucketNotification"
)

// bucketPolicy looks whether the distribution may read, and nobody denies it.
func (e *examination) bucketPolicy(ctx context.Context, client *s3.Client, name *string) {
	const what = "bucket: its policy lets the distribution read"
	got, err := client.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: name})
	policy := `{"Statement":[]}`
	switch {
	case err == nil:
		policy = aws.ToString(got.Policy)
	case !saysCode(err, "NoSuchBucketPolicy"):
		e.failed(what, err)
		return
	}
	all, err := statements(policy)
	if err != nil {
		e.failed(what, err)
		return
	}
	wanted, ours, err := e.wantedStatements()
	if err != nil {
		e.failed(what, err)
		return
	}
	add := "add the statement: the stack's output " + outputStatement + " has it, or deploy with manageBucketPolicy"
	if ours {
		add = mend
	}
	missing := 0
	for _, want := range wanted {
		if !contains(all, want) {
			missing++
			text, _ := json.Marshal(want)
			e.wrong(add, "%s: this statement is missing: %s", what, text)
		}
	}
	if missing == 0 {
		e.ok(what)
	}
	for _, s := range all {
		switch {
		case contains(wanted, s):
		case s.mayDeny():
			e.wrong("let the statement spare the service cloudfront.amazonaws.com, or remove it",
				"bucket: the statement %q of its policy may deny the distribution", s.Sid)
		case ours:
			e.wrong(mend, "bucket: its policy has a statement %q that the program does not write", s.Sid)
		}
	}
}

// wantedStatements returns those of the program, and whether they are the whole policy.
func (e *examination) wantedStatements() (wanted []statement, ours bool, err error) {
	if r, found := e.ofBucket("bucketPolicy:BucketPolicy"); found {
		var in struct{ Policy string }
		if err := e.decode(r, &in); err != nil {
			return nil, false, err
		}
		wanted, err = statements(in.Policy)
		_, made := e.ofBucket("bucketV2:BucketV2")
		return wanted, made, err
	}
	var one statement
	err = e.output(outputStatement, &one)
	return []statement{one}, false, err
}

// notifications looks whether the bucket tells the stack's queue, and whether it could: S3 takes no two notifications
// of one event for overlapping keys.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
func (e *examination) notifications(ctx context.Context, client *s3.Client, name *string) {
	const what = "bucket: it tells the stack's queue what happens to objects"
	got, err := client.GetBucketNotificationConfiguration(ctx,
		&s3.GetBucketNotificationConfigurationInput{Bucket: name})
	if err != nil {
		e.failed(what, err)
		return
	}
	want, err := e.wantedEvents()
	switch {
	case err != nil:
		e.failed(what, err)
		return
	case e.queue == "":
		e.failed(what, errors.New("the stack's queue is not known"))
		return
	}
	for _, q := range got.QueueConfigurations {
		if aws.ToString(q.QueueArn) != e.queue {
			continue
		}
		var events []string
		for _, event := range q.Events {
			events = append(events, string(event))
		}
		slices.Sort(events)
		if q.Filter != nil {
			e.wrong("remove the filter: links of objects that it leaves out outlive them",
				"%s: only of some keys", what)
			return
		}
		e.same(what, want, events)
		return
	}
	var all []types.Event
	for _, c := range got.QueueConfigurations {
		all = append(all, c.Events...)
	}
	for _, c := range got.TopicConfigurations {
		all = append(all, c.Events...)
	}
	for _, c := range got.LambdaFunctionConfigurations {
		all = append(all, c.Events...)
	}
	if slices.ContainsFunc(all, func(other types.Event) bool { return overlaps(want, string(other)) }) {
		e.wrong("send those events to an SNS topic or EventBridge that tells both, since S3 takes no second notification",
			"%s: another notification of the same events is in the way", what)
		return
	}
	e.wrong("add the notification: the stack's output "+outputNotification+" has it, or deploy with manageBucketEvents",
		"%s: it does not", what)
}

// overlaps reports whether the event, which may end in an asterisk, is one of those.
func overlaps(want []string, other string) bool {
	return slices.ContainsFunc(want, func(event string) bool {
		family := strings.TrimSuffix(event, "*")
		return strings.HasPrefix(other, family) || strings.HasPrefix(family, strings.TrimSuffix(other, "*"))
	})
}

// wantedEvents returns the events that the stack follows.
func (e *examination) wantedEvents() ([]string, error) {
	var want struct{ Queues []struct{ Events []string } }
	r, found := e.ofBucket("bucketNotification:BucketNotification")
	if found {
		if err := e.decode(r, &want); err != nil {
			return nil, err
		}
	} else {
		want.Queues = make([]struct{ Events []string }, 1)
		if err := e.output(outputNotification, &want.Queues[0]); err != nil {
			return nil, err
		}
	}
	slices.Sort(want.Queues[0].Events)
	return want.Queues[0].Events, nil
}

// output reads an output of the plan that is an object, with real names.
func (e *examination) output(name string, into any) error {
	text, err := json.Marshal(e.Plan.Outputs[name])
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(e.real.Replace(string(text))), into)
}
