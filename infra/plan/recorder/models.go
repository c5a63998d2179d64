package recorder

import (
	"fmt"
	"strings"
)

// facts are what a model may build a resource's outputs from.
type facts struct {
	kind     string // last part of the type token, such as "CachePolicy"
	name     string // logical name
	physical string // the name that Pulumi would generate, without its random suffix
	region   string // region of the provider
	inputs   map[string]any
	read     bool // not made by the program
}

// text returns the named input, or otherwise if it is absent or no string.
func (f facts) text(input, otherwise string) string {
	if s, ok := f.inputs[input].(string); ok {
		return s
	}
	return otherwise
}

// arn returns the ARN of a regional resource of the recorded account.
func (f facts) arn(service, resource string) string {
	return "arn:aws:" + service + ":" + f.region + ":" + AccountID + ":" + resource
}

// model makes up the identifier and the computed properties of one resource
// type. The values are recognisable, and have the form of the real ones.
type model func(facts) (id string, outputs map[string]any)

// models holds every resource type that a program may register.
var models = map[string]model{
	providerType: func(f facts) (string, map[string]any) { return f.name, nil },

	"aws:s3/bucketV2:BucketV2":                                                                   bucket,
	"aws:s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2":                                 ofBucket,
	"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2":                       ofBucket,
	"aws:s3/bucketNotification:BucketNotification":                                               notification,
	"aws:s3/bucketOwnershipControls:BucketOwnershipControls":                                     ofBucket,
	"aws:s3/bucketPolicy:BucketPolicy":                                                           ofBucket,
	"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock":                                     ofBucket,
	"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": ofBucket,
	"aws:s3/bucketVersioningV2:BucketVersioningV2":                                               ofBucket,

	"aws:cloudfront/cachePolicy:CachePolicy":                       policy,
	"aws:cloudfront/originAccessControl:OriginAccessControl":       policy,
	"aws:cloudfront/originRequestPolicy:OriginRequestPolicy":       policy,
	"aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy":   policy,
	"aws:cloudfront/distribution:Distribution":                     distribution,
	"aws:cloudfront/function:Function":                             withARN("arn:aws:cloudfront::%[2]s:function/%[3]s"),
	"aws:cloudfront/keyValueStore:KeyValueStore":                   keyValueStore,
	"aws:cloudfront/keyvaluestoreKey:KeyvaluestoreKey":             named,
	"aws:cloudfront/monitoringSubscription:MonitoringSubscription": named,
	"aws:lambda/alias:Alias":                                       alias,
	"aws:lambda/function:Function":                                 function,
	"aws:lambda/functionUrl:FunctionUrl":                           functionURL,
	"aws:lambda/permission:Permission":                             named,
	"aws:dynamodb/table:Table":                                     withARN("arn:aws:dynamodb:%[1]s:%[2]s:table/%[3]s"),
	"aws:lambda/eventSourceMapping:EventSourceMapping":             named,
	"aws:sqs/queue:Queue":                                          queue,
	"aws:sqs/queuePolicy:QueuePolicy":                              named,
	"aws:cloudwatch/logMetricFilter:LogMetricFilter":               named,
	"aws:dynamodb/tableReplica:TableReplica":                       named,
	"aws:iam/role:Role":                                            withARN("arn:aws:iam::%[2]s:role/%[3]s"),
	"aws:iam/openIdConnectProvider:OpenIdConnectProvider":          named,
	"aws:iam/policy:Policy":                                        managedPolicy,
	"aws:iam/rolePolicy:RolePolicy":                                named,
	"aws:iam/rolePolicyAttachment:RolePolicyAttachment":            named,
	"aws:kms/key:Key":                                              key,
	"aws:kms/keyPolicy:KeyPolicy":                                  named,
	"aws:acm/certificate:Certificate":                              certificate,
	"aws:acm/certificateValidation:CertificateValidation":          validation,
	"aws:route53/record:Record":                                    record,
	"aws:sns/topic:Topic":                                          topic,
	"aws:sns/topicSubscription:TopicSubscription":                  named,
	"aws:cloudwatch/dashboard:Dashboard":                           named,
	"aws:cloudwatch/logGroup:LogGroup":                             withARN("arn:aws:logs:%[1]s:%[2]s:log-group:%[3]s"),
	"aws:cloudwatch/metricAlarm:MetricAlarm":                       withARN("arn:aws:cloudwatch:%[1]s:%[2]s:alarm:%[3]s"),
	"aws:cloudwatch/logDelivery:LogDelivery":                       named,
	"aws:cloudwatch/logDeliverySource:LogDeliverySource":           withARN("arn:aws:logs:%[1]s:%[2]s:delivery-source:%[3]s"),
	"aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination": withARN("arn:aws:logs:%[1]s:%[2]s:delivery-destination:%[3]s"),
}

// named is a resource whose computed properties nothing reads.
func named(f facts) (string, map[string]any) { return f.physical, nil }

// withARN models a type that is known by its name and has an ARN, made of
// region, account and name.
func withARN(format string) model {
	return func(f facts) (string, map[string]any) {
		name := f.text("name", f.physical)
		return name, map[string]any{"name": name, "arn": fmt.Sprintf(format, f.region, AccountID, name)}
	}
}

func bucket(f facts) (string, map[string]any) {
	name := f.text("bucket", f.physical)
	return name, map[string]any{
		"bucket": name, "arn": "arn:aws:s3:::" + name, "region": f.region,
		"bucketRegionalDomainName": name + ".s3." + f.region + ".amazonaws.com",
		"bucketDomainName":         name + ".s3.amazonaws.com",
		"policy":                   "", // nobody else writes one
	}
}

// notification of a bucket that the program only reads has nobody to tell.
func notification(f facts) (string, map[string]any) {
	if !f.read {
		return ofBucket(f)
	}
	return f.physical, map[string]any{"bucket": f.physical, "eventbridge": false, "queues": []any{}, "topics": []any{},
		"lambdaFunctions": []any{}}
}

func ofBucket(f facts) (string, map[string]any) { return f.text("bucket", f.physical), nil }

func policy(f facts) (string, map[string]any) {
	return f.physical + "-" + f.kind, map[string]any{"etag": "ETVEXAMPLE", "name": f.text("name", f.physical)}
}

func distribution(facts) (string, map[string]any) {
	// Identifiers from AWS's own examples.
	return "EDFDVBD6EXAMPLE", map[string]any{
		"arn":          "arn:aws:cloudfront::" + AccountID + ":distribution/EDFDVBD6EXAMPLE",
		"domainName":   "d111111abcdef8.cloudfront.net",
		"hostedZoneId": "Z2FDTNDATAQYW2", "status": "Deployed", "etag": "ETVEXAMPLE",
	}
}

func keyValueStore(f facts) (string, map[string]any) {
	const id = "00000000-1111-2222-3333-444444444444"
	return id, map[string]any{"name": f.text("name", f.physical),
		"arn": "arn:aws:cloudfront::" + AccountID + ":key-value-store/" + id, "etag": "ETVEXAMPLE"}
}

func function(f facts) (string, map[string]any) {
	name := f.text("name", f.physical)
	arn := f.arn("lambda", "function:"+name)
	version := "$LATEST"
	if f.inputs["publish"] == true {
		version = "1"
	}
	return name, map[string]any{
		"name": name, "arn": arn, "version": version, "qualifiedArn": arn + ":" + version,
		"invokeArn": "arn:aws:apigateway:" + f.region + ":lambda:path/2015-03-31/functions/" + arn + "/invocations",
	}
}

func alias(f facts) (string, map[string]any) {
	name := f.text("name", f.physical)
	return f.physical, map[string]any{"arn": f.arn("lambda", "function:"+f.text("functionName", "")+":"+name),
		"name": name}
}

func functionURL(f facts) (string, map[string]any) {
	return f.physical, map[string]any{"functionUrl": "https://" + f.name + ".lambda-url." + f.region + ".on.aws/",
		"urlId": f.name}
}

func queue(f facts) (string, map[string]any) {
	name := f.text("name", f.physical)
	url := "https://sqs." + f.region + ".amazonaws.com/" + AccountID + "/" + name
	return url, map[string]any{"name": name, "arn": f.arn("sqs", name), "url": url}
}

func managedPolicy(f facts) (string, map[string]any) {
	arn := "arn:aws:iam::" + AccountID + ":policy/" + f.text("name", f.physical)
	return arn, map[string]any{"arn": arn}
}

func key(f facts) (string, map[string]any) {
	id := "00000000-aaaa-bbbb-cccc-" + f.name
	return id, map[string]any{"keyId": id, "arn": f.arn("kms", "key/"+id)}
}

func certificate(f facts) (string, map[string]any) {
	arn := f.arn("acm", "certificate/11111111-2222-3333-4444-555555555555")
	domains := []any{f.text("domainName", "")}
	if more, ok := f.inputs["subjectAlternativeNames"].([]any); ok {
		domains = append(domains, more...)
	}
	var options []any
	for _, d := range domains {
		domain := d.(string)
		options = append(options, map[string]any{
			"domainName":          domain,
			"resourceRecordName":  "_proof." + strings.TrimPrefix(domain, "*.") + ".",
			"resourceRecordType":  "CNAME",
			"resourceRecordValue": "_answer.acm-validations.aws.",
		})
	}
	return arn, map[string]any{"arn": arn, "domainValidationOptions": options}
}

func validation(f facts) (string, map[string]any) {
	return f.physical, map[string]any{"certificateArn": f.text("certificateArn", "")}
}

func record(f facts) (string, map[string]any) {
	return f.physical, map[string]any{"fqdn": strings.TrimSuffix(f.text("name", ""), ".")}
}

func topic(f facts) (string, map[string]any) {
	arn := f.arn("sns", f.text("name", f.physical))
	return arn, map[string]any{"arn": arn, "name": f.text("name", f.physical)}
}
