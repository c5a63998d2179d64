package resources

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"secure-media-cdn/infra/local/inputs"
	"secure-media-cdn/infra/plan"
)

// Type tokens of the resources that are made real here.
const (
	typeBucket       = "aws:s3/bucketV2:BucketV2"
	typeCORS         = "aws:s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2"
	typeNotification = "aws:s3/bucketNotification:BucketNotification"
	typeQueue        = "aws:sqs/queue:Queue"
	typeReader       = "aws:lambda/eventSourceMapping:EventSourceMapping"
	typeTable        = "aws:dynamodb/table:Table"
	typeFunction     = "aws:lambda/function:Function"
	typeAlias        = "aws:lambda/alias:Alias"
	typeURL          = "aws:lambda/functionUrl:FunctionUrl"
	typePermission   = "aws:lambda/permission:Permission"
	typeGate         = "aws:cloudfront/function:Function"
	typeStore        = "aws:cloudfront/keyValueStore:KeyValueStore"
	typeStoreKey     = "aws:cloudfront/keyvaluestoreKey:KeyvaluestoreKey"
	typeDistribution = "aws:cloudfront/distribution:Distribution"
)

// kind says what becomes of a resource type: the properties that are supported
// and, by name, why others are not. A kind whose why is set is not supported at
// all.
type kind struct {
	why       string
	supported string // names separated by spaces
	not       map[string]string
}

const (
	noBill    = "tags: there is no bill to sort"
	noDisk    = "encryption at rest: the files are this machine's"
	noHistory = "old versions and backups: an object and a table are as they are now, and a queue lasts as long as the run"
	noRoles   = "IAM: the functions that may do anything beyond their logs share one key, which may do all that they do"
	noLogs    = "log groups: the functions' lines go to the terminal"
	noAlarms  = "alarms, topics, metrics and dashboards: the console computes what it can"
	noNames   = "DNS and certificates: the CDN is reached by its port"
	noCPU     = "memory, processor and log settings of functions: they run as processes here"
	noReplica = "replicas: one engine answers for every region"
	noGuard   = "protection from deletion: CLEAN=1 deletes everything"
	noDeploy  = "names, descriptions and versions: there is one of each"
)

// kinds is every type that the program may register.
var kinds = map[string]kind{
	typeBucket: {supported: "bucket",
		not: map[string]string{"forceDestroy": noGuard, "tags": noBill}},
	typeCORS:         {supported: "bucket corsRules"},
	typeNotification: {supported: "bucket queues"},
	typeQueue: {supported: "redrivePolicy visibilityTimeoutSeconds",
		not: map[string]string{"messageRetentionSeconds": noHistory, "sqsManagedSseEnabled": noDisk, "tags": noBill}},
	typeReader: {
		supported: "batchSize eventSourceArn functionName functionResponseTypes maximumBatchingWindowInSeconds " +
			"scalingConfig",
		not: map[string]string{"tags": noBill},
	},
	"aws:sqs/queuePolicy:QueuePolicy":                {why: noRoles},
	"aws:cloudwatch/logMetricFilter:LogMetricFilter": {why: noAlarms},
	// followed by the distribution
	"aws:s3/bucketPolicy:BucketPolicy":                                                           {supported: "bucket policy"},
	"aws:s3/bucketVersioningV2:BucketVersioningV2":                                               {why: noHistory},
	"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2":                       {why: noHistory},
	"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock":                                     {why: "public access blocks: the S3 server refuses every unsigned request"},
	"aws:s3/bucketOwnershipControls:BucketOwnershipControls":                                     {why: "object ownership: there is one owner"},
	"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": {why: noDisk},
	"aws:kms/keyPolicy:KeyPolicy":                                                                {why: noDisk},
	typeTable: {
		supported: "attributes billingMode hashKey name ttl",
		not: map[string]string{
			"pointInTimeRecovery": noHistory, "serverSideEncryption": noDisk, "deletionProtectionEnabled": noGuard,
			"tags":          noBill,
			"streamEnabled": noReplica, "streamViewType": noReplica,
		},
	},
	"aws:dynamodb/tableReplica:TableReplica": {why: noReplica},
	typeFunction: {
		supported: "code environment handler name reservedConcurrentExecutions role runtime timeout",
		not: map[string]string{
			"architectures": noCPU, "memorySize": noCPU, "loggingConfig": noCPU, "tags": noBill,
			"description": noDeploy, "publish": noDeploy,
		},
	},
	typeAlias: {supported: "functionName functionVersion name",
		not: map[string]string{"description": noDeploy}},
	typeURL: {supported: "authorizationType functionName qualifier"},
	// of CloudFront's; other callers may do everything here
	typePermission: {supported: "action function functionUrlAuthType principal qualifier sourceArn statementId"},
	// Package distribution checks the properties of these.
	typeDistribution:                                             {supported: "*"},
	"aws:cloudfront/cachePolicy:CachePolicy":                     {supported: "*"},
	"aws:cloudfront/originRequestPolicy:OriginRequestPolicy":     {supported: "*"},
	"aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": {supported: "*"},
	"aws:cloudfront/originAccessControl:OriginAccessControl":     {supported: "*"},
	typeGate: {supported: "code keyValueStoreAssociations name publish runtime",
		not: map[string]string{"comment": noDeploy}},
	typeStore:    {supported: "name", not: map[string]string{"comment": noDeploy}},
	typeStoreKey: {supported: "key keyValueStoreArn value"},

	"pulumi:providers:aws":            {supported: "*"},
	"aws:iam/role:Role":               {why: noRoles},
	typeRolePolicy:                    {why: noRoles},
	"aws:acm/certificate:Certificate": {why: noNames},
	"aws:acm/certificateValidation:CertificateValidation":          {why: noNames},
	"aws:route53/record:Record":                                    {why: noNames},
	"aws:cloudwatch/logGroup:LogGroup":                             {why: noLogs},
	"aws:cloudwatch/logDelivery:LogDelivery":                       {why: noLogs},
	"aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination": {why: noLogs},
	"aws:cloudwatch/logDeliverySource:LogDeliverySource":           {why: noLogs},
	"aws:cloudwatch/metricAlarm:MetricAlarm":                       {why: noAlarms},
	"aws:cloudwatch/dashboard:Dashboard":                           {why: noAlarms},
	"aws:cloudfront/monitoringSubscription:MonitoringSubscription": {why: noAlarms},
	"aws:sns/topic:Topic":                                          {why: noAlarms},
	"aws:sns/topicSubscription:TopicSubscription":                  {why: noAlarms},
}

// check returns the reasons, each once, for which something of the document is
// not supported here. It fails, naming each property by its path, if there is
// something that nobody has decided upon.
func check(d *plan.Document) ([]string, error) {
	reasons := map[string]bool{}
	var problems []error
	for _, r := range d.Resources {
		k, known := kinds[r.Type]
		switch {
		case !known:
			problems = append(problems, fmt.Errorf("%s %s is not implemented", r.Type, r.Name))
			continue
		case k.why != "":
			reasons[k.why] = true
			continue
		case k.supported == "*":
			continue
		}
		supported := strings.Fields(k.supported)
		for property := range r.Inputs {
			if why, listed := k.not[property]; listed {
				reasons[why] = true
			} else if !slices.Contains(supported, property) {
				problems = append(problems, fmt.Errorf("%s %s: property %s is not implemented", r.Type, r.Name, property))
			}
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("this stack cannot run on one machine:\n%w", err)
	}
	return slices.Sorted(maps.Keys(reasons)), nil
}

// decode reads a resource's inputs into a struct with a field for everything that is supported.
func decode(r plan.Resource, into any) error { return inputs.Decode(r, into, kinds[r.Type].not) }

// text returns an output that the program saw, or "".
func text(r plan.Resource, name string) string {
	s, _ := r.Outputs[name].(string)
	return s
}
