package stack

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lambda"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sqs"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	// eventsHiddenSeconds is how long a message is hidden while the issuer has it: six times the issuer's time.
	// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
	eventsHiddenSeconds = 6 * endpointTimeoutSeconds
	// eventTries is how often a message is tried before it goes to the dead-letter queue, where it stays for the
	// longest time that there is.
	eventTries       = 5
	deadEventSeconds = 14 * 24 * 3600

	// eventBatch is how many messages the issuer takes at once. It fits them into its time even if each object has
	// several links.
	eventBatch         = 100
	eventWindowSeconds = 1
	// eventWriters is the least that Lambda allows. The gate's list has one version for all writers: more of them
	// would be in each other's way, and in that of an operator.
	eventWriters = 2
)

// objectEvents are those after which the bucket may have another object under a key, or none.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
var objectEvents = []string{"s3:LifecycleExpiration:*", "s3:ObjectCreated:*", "s3:ObjectRemoved:*"}

// events are the queues through which the issuer hears of objects.
type events struct {
	queue, dead *sqs.Queue
	open        *sqs.QueuePolicy // S3 may write from then on
}

// newEvents registers the queue that S3 writes to, and the one for messages that the issuer could not follow.
func (s *builder) newEvents(c *content) (*events, error) {
	dead, err := sqs.NewQueue(s.ctx, "dead-events", &sqs.QueueArgs{
		SqsManagedSseEnabled: pulumi.Bool(true), MessageRetentionSeconds: pulumi.Int(deadEventSeconds), Tags: s.tags(),
	})
	if err != nil {
		return nil, fmt.Errorf("dead-letter queue: %w", err)
	}
	if _, err := s.openQueue("dead-events", dead); err != nil {
		return nil, err
	}
	queue, err := sqs.NewQueue(s.ctx, "events", &sqs.QueueArgs{
		SqsManagedSseEnabled: pulumi.Bool(true), VisibilityTimeoutSeconds: pulumi.Int(eventsHiddenSeconds),
		RedrivePolicy: pulumi.JSONMarshal(pulumi.Map{
			"deadLetterTargetArn": dead.Arn, "maxReceiveCount": pulumi.Int(eventTries),
		}),
		Tags: s.tags(),
	})
	if err != nil {
		return nil, fmt.Errorf("queue of events: %w", err)
	}
	open, err := s.openQueue("events", queue, statement{
		Sid: "BucketTells", Principal: service("s3.amazonaws.com"), Actions: []string{"sqs:SendMessage"},
		Resources: []pulumi.StringInput{queue.Arn},
		// Both: a bucket's ARN names no account, and a deleted bucket's name may become someone else's.
		Condition: pulumi.Map{
			"ArnEquals":    pulumi.Map{"aws:SourceArn": c.arn},
			"StringEquals": pulumi.Map{"aws:SourceAccount": pulumi.String(s.account)},
		},
	})
	if err != nil {
		return nil, err
	}
	return &events{queue: queue, dead: dead, open: open}, nil
}

// openQueue registers a queue's policy: the statements, and nothing without TLS.
func (s *builder) openQueue(name string, q *sqs.Queue, may ...statement) (*sqs.QueuePolicy, error) {
	policy, err := sqs.NewQueuePolicy(s.ctx, name, &sqs.QueuePolicyArgs{
		QueueUrl: q.Url,
		Policy:   policyDocument(append(may, tlsOnly("sqs:*", q.Arn))...),
	})
	if err != nil {
		return nil, fmt.Errorf("policy of the queue %s: %w", name, err)
	}
	return policy, nil
}

// followEvents has S3 tell the queue of its objects, and the issuer read it.
func (s *builder) followEvents(c *content, e *events, i *issuer) error {
	_, err := lambda.NewEventSourceMapping(s.ctx, "events", &lambda.EventSourceMappingArgs{
		EventSourceArn: e.queue.Arn, FunctionName: i.alias.Arn,
		BatchSize: pulumi.Int(eventBatch), MaximumBatchingWindowInSeconds: pulumi.Int(eventWindowSeconds),
		FunctionResponseTypes: pulumi.ToStringArray([]string{"ReportBatchItemFailures"}),
		ScalingConfig:         &lambda.EventSourceMappingScalingConfigArgs{MaximumConcurrency: pulumi.Int(eventWriters)},
		Tags:                  s.tags(),
	})
	if err != nil {
		return fmt.Errorf("reader of events: %w", err)
	}
	if s.cfg.ExistingBucket != "" && !s.cfg.ManageBucketEvents {
		return nil
	}
	_, err = s3.NewBucketNotification(s.ctx, "events", &s3.BucketNotificationArgs{
		Bucket: c.name,
		Queues: s3.BucketNotificationQueueArray{&s3.BucketNotificationQueueArgs{
			Id: pulumi.String(s.cfg.name()), QueueArn: e.queue.Arn, Events: pulumi.ToStringArray(objectEvents),
		}},
	}, pulumi.DependsOn([]pulumi.Resource{e.open})) // S3 tries whether it may write
	if err != nil {
		return fmt.Errorf("notification of events: %w", err)
	}
	return nil
}
