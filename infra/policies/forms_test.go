package policies_test

import (
	"strings"

	"secure-media-cdn/infra/policies"
)

const account = "123456789012"

// scope returns the policies' scope for one of the account's two environments,
// after both were deployed once.
func scope(environment string) policies.Scope {
	s := policies.Scope{
		Project: "secure-media-cdn", Environment: environment, Account: account,
		SecretsKey:      fill("arn:aws:kms:eu-central-1:{account}:key/secrets-{env}", environment),
		ContentKeys:     []string{fill("arn:aws:kms:eu-central-1:{account}:key/media-{env}", environment)},
		ExistingBuckets: []string{"existing-" + environment}, ManagedBuckets: []string{"managed-" + environment},
		ExistingKeys: []string{fill("arn:aws:kms:eu-central-1:{account}:key/existing-{env}", environment)},
		Zones:        []string{"Z" + environment},
	}
	for _, form := range unnamed {
		s.Foreign = append(s.Foreign, fill(form, other(environment)))
	}
	stranger := policies.Scope{Project: s.Project, Environment: other(environment), Account: account}
	s.Foreign = append(s.Foreign, stranger.StoresByName())
	return s
}

func other(environment string) string {
	return map[string]string{"dev": "prod", "prod": "dev"}[environment]
}

// fill puts an environment into a form.
func fill(form, environment string) string {
	return strings.NewReplacer(
		"{env}", environment, "{name}", "secure-media-cdn-"+environment, "{account}", account,
	).Replace(form)
}

// unnamed are the resources that CloudFront names by id alone.
var unnamed = []string{
	"arn:aws:cloudfront::{account}:cache-policy/{env}", "arn:aws:cloudfront::{account}:key-value-store/{env}",
	"arn:aws:cloudfront::{account}:origin-access-control/{env}",
	"arn:aws:cloudfront::{account}:origin-request-policy/{env}",
	"arn:aws:cloudfront::{account}:response-headers-policy/{env}",
}

const (
	noResource   = "*"
	distribution = "arn:aws:cloudfront::{account}:distribution/{env}"
	store        = "arn:aws:cloudfront::{account}:key-value-store/{env}"
	storeByName  = "arn:aws:cloudfront::{account}:key-value-store/{name}-gate"
	script       = "arn:aws:cloudfront::{account}:function/{name}-gate"
	logGroup     = "arn:aws:logs:eu-central-1:{account}:log-group:/secure-media-cdn/{env}/edge"
	refusals     = "arn:aws:logs:eu-central-1:{account}:log-group:/aws/cloudfront/LambdaEdge/{env}"
	logDelivery  = "arn:aws:logs:us-east-1:{account}:delivery:{env}"
	logSource    = "arn:aws:logs:us-east-1:{account}:delivery-source:{name}-access"
	logTarget    = "arn:aws:logs:us-east-1:{account}:delivery-destination:{name}-access"
	zone         = "arn:aws:route53:::hostedzone/Z{env}"
)

// forms are the resources that IAM judges an action by, by action or by
// service. The Service Authorization Reference has a page for each service:
//
//	https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscertificatemanager.html
//	https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudfront.html
//	https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudfrontkeyvaluestore.html
//	https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
//	https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
//	https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
//	https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
//	https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html
//	https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
//	https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonroute53.html
//	https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
//	https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html
//	https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsns.html
//	https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html
//	https://docs.aws.amazon.com/service-authorization/latest/reference/list_awswafv2.html
var forms = map[string][]string{
	"acm":                         {"arn:aws:acm:us-east-1:{account}:certificate/{env}"},
	"acm:RequestCertificate":      {noResource},
	"cloudfront-keyvaluestore":    {store},
	"cloudwatch":                  {"arn:aws:cloudwatch:eu-central-1:{account}:alarm:{name}-HighLatency"},
	"cloudwatch:DescribeAlarms":   {"arn:aws:cloudwatch:eu-central-1:{account}:alarm:*"},
	"cloudwatch:GetDashboard":     {"arn:aws:cloudwatch::{account}:dashboard/{name}-media"},
	"cloudwatch:PutDashboard":     {"arn:aws:cloudwatch::{account}:dashboard/{name}-media"},
	"cloudwatch:DeleteDashboards": {"arn:aws:cloudwatch::{account}:dashboard/{name}-media"},
	"dynamodb":                    {"arn:aws:dynamodb:eu-central-1:{account}:table/{name}-mappings"},
	"iam":                         {"arn:aws:iam::{account}:role/{name}-edge"},
	"iam:CreateServiceLinkedRole": {
		"arn:aws:iam::{account}:role/aws-service-role/replicator.lambda.amazonaws.com/AWSServiceRoleForLambdaReplicator",
	},
	"kms":                              {"arn:aws:kms:eu-central-1:{account}:key/media-{env}"},
	"kms:DescribeKey":                  {"arn:aws:kms:eu-central-1:{account}:key/media-{env}", defaultKey},
	"lambda":                           {"arn:aws:lambda:us-east-1:{account}:function:{name}-edge"},
	"lambda:DisableReplication*":       {"arn:aws:lambda:us-east-1:{account}:function:{name}-edge:7"},
	"lambda:EnableReplication*":        {"arn:aws:lambda:us-east-1:{account}:function:{name}-edge:7"},
	"lambda:ListFunctions":             {noResource},
	"lambda:ListEventSourceMappings":   {noResource},
	"logs":                             {logGroup, refusals},
	"logs:DeleteMetricFilter":          {logGroup},
	"logs:DescribeMetricFilters":       {logGroup},
	"logs:PutMetricFilter":             {logGroup},
	"logs:DescribeLogGroups":           {noResource},
	"logs:CreateDelivery":              {logDelivery, logSource, logTarget},
	"logs:DeleteDelivery":              {logDelivery},
	"logs:GetDelivery":                 {logDelivery},
	"logs:UpdateDeliveryConfiguration": {logDelivery, logSource, logTarget},
	"logs:GetDeliveryDestination":      {logTarget},
	"logs:PutDeliveryDestination":      {logTarget},
	"logs:DeleteDeliveryDestination":   {logTarget},
	"logs:GetDeliverySource":           {logSource},
	"logs:PutDeliverySource":           {logSource},
	"logs:DeleteDeliverySource":        {logSource, logTarget}, // the page names the destination
	"logs:ListTagsForResource":         {logGroup, refusals, logDelivery, logSource, logTarget},
	"logs:TagResource":                 {logGroup, refusals, logDelivery, logSource, logTarget},
	"logs:UntagResource":               {logGroup, refusals, logDelivery, logSource, logTarget},
	"route53":                          {zone},
	"route53:GetChange":                {"arn:aws:route53:::change/C1"},
	"s3":                               {"arn:aws:s3:::{name}-123456789012"},
	"s3:GetAccelerateConfiguration":    readBuckets,
	"s3:GetBucket*":                    readBuckets,
	"s3:GetEncryptionConfiguration":    readBuckets,
	"s3:GetLifecycleConfiguration":     readBuckets,
	"s3:GetReplicationConfiguration":   readBuckets,
	"s3:ListBucket":                    readBuckets,
	"s3:DeleteBucketPolicy":            {ownBucket, managedBucket},
	"s3:PutBucketNotification":         {ownBucket, managedBucket},
	"s3:PutBucketPolicy":               {ownBucket, managedBucket},
	"s3:DeleteObject":                  {"arn:aws:s3:::{name}-123456789012/a/b"},
	"s3:DeleteObjectVersion":           {"arn:aws:s3:::{name}-123456789012/a/b"},
	"secretsmanager":                   {"arn:aws:secretsmanager:eu-central-1:{account}:secret:{name}-seal-AbCdEf"},
	"secretsmanager:GetRandomPassword": {noResource},
	"sqs":                              {"arn:aws:sqs:eu-central-1:{account}:{name}-events"},
	"lambda:CreateEventSourceMapping":  {noResource},
	"lambda:DeleteEventSourceMapping":  {reader},
	"lambda:GetEventSourceMapping":     {reader},
	"lambda:UpdateEventSourceMapping":  {reader},
	"lambda:ListTags":                  {"arn:aws:lambda:us-east-1:{account}:function:{name}-edge", reader},
	"lambda:TagResource":               {"arn:aws:lambda:us-east-1:{account}:function:{name}-edge", reader},
	"lambda:UntagResource":             {"arn:aws:lambda:us-east-1:{account}:function:{name}-edge", reader},
	"sns":                              {"arn:aws:sns:eu-central-1:{account}:{name}-alarms"},
	"sts:GetCallerIdentity":            {noResource},
	"wafv2:GetWebACL":                  {"arn:aws:wafv2:us-east-1:{account}:global/webacl/media/{env}"},

	"cloudfront:AllowVendedLogDeliveryForResource": {distribution},
	"cloudfront:CreateCachePolicy":                 {noResource},
	"cloudfront:CreateDistribution":                {noResource},
	"cloudfront:CreateFunction":                    {noResource},
	"cloudfront:CreateKeyValueStore":               {noResource},
	"cloudfront:CreateMonitoringSubscription":      {noResource},
	"cloudfront:CreateOriginAccessControl":         {noResource},
	"cloudfront:CreateOriginRequestPolicy":         {noResource},
	"cloudfront:CreateResponseHeadersPolicy":       {noResource},
	"cloudfront:DeleteCachePolicy":                 {unnamed[0]},
	"cloudfront:DeleteDistribution":                {distribution},
	"cloudfront:DeleteFunction":                    {script},
	"cloudfront:DeleteKeyValueStore":               {store, storeByName},
	"cloudfront:DeleteMonitoringSubscription":      {noResource},
	"cloudfront:DeleteOriginAccessControl":         {unnamed[2]},
	"cloudfront:DeleteOriginRequestPolicy":         {unnamed[3]},
	"cloudfront:DeleteResponseHeadersPolicy":       {unnamed[4]},
	"cloudfront:DescribeFunction":                  {script},
	"cloudfront:DescribeKeyValueStore":             {store, storeByName},
	"cloudfront:GetCachePolicy":                    {unnamed[0]},
	"cloudfront:GetDistribution":                   {distribution},
	"cloudfront:GetFunction":                       {script},
	"cloudfront:GetMonitoringSubscription":         {noResource},
	"cloudfront:GetOriginAccessControl":            {unnamed[2]},
	"cloudfront:GetOriginRequestPolicy":            {unnamed[3]},
	"cloudfront:GetResponseHeadersPolicy":          {unnamed[4]},
	"cloudfront:ListDistributions":                 {noResource},
	"cloudfront:ListKeyValueStores":                {noResource},
	"cloudfront:ListTagsForResource":               {distribution, script, store},
	"cloudfront:PublishFunction":                   {script},
	"cloudfront:TagResource":                       {distribution},
	"cloudfront:UntagResource":                     {distribution},
	"cloudfront:UpdateCachePolicy":                 {unnamed[0]},
	"cloudfront:UpdateDistribution":                {distribution},
	"cloudfront:UpdateFunction":                    {script},
	"cloudfront:UpdateKeyValueStore":               {store, storeByName},
	"cloudfront:UpdateOriginAccessControl":         {unnamed[2]},
	"cloudfront:UpdateOriginRequestPolicy":         {unnamed[3]},
	"cloudfront:UpdateResponseHeadersPolicy":       {unnamed[4]},
}

// The buckets that a stack may have to do with.
const (
	ownBucket      = "arn:aws:s3:::{name}-123456789012"
	existingBucket = "arn:aws:s3:::existing-{env}"
	managedBucket  = "arn:aws:s3:::managed-{env}"
)

var readBuckets = []string{ownBucket, existingBucket, managedBucket}

// reader is a reader of a queue, which has an id of Lambda's.
const reader = "arn:aws:lambda:eu-central-1:{account}:event-source-mapping:11111111-2222-3333-4444-555555555555"

// defaultKey is AWS's own key for DynamoDB, asked for by its alias. It is no
// environment's.
const defaultKey = "arn:aws:kms:eu-central-1:{account}:key/of-dynamodb"

// tagged are the resources whose tags AWS shows to policies, by a part of their
// ARN. The stack tags all of them.
var tagged = []string{
	":certificate/", ":distribution/", ":log-group:", ":delivery:", ":delivery-source:", ":delivery-destination:",
	":event-source-mapping:",
}

// tagging are the actions that carry tags, all of them or only the changed ones.
var tagging = map[string]bool{
	"acm:AddTagsToCertificate": true, "acm:RequestCertificate": true, "cloudfront:CreateDistribution": true,
	"cloudfront:TagResource": true,
	"logs:CreateDelivery":    true, "logs:CreateLogGroup": true, "logs:TagResource": true,
	"lambda:TagResource": true,
}

// ofIssuer is what Lambda says of a reader's function.
var ofIssuer = map[string]string{
	"lambda:FunctionArn": "arn:aws:lambda:eu-central-1:{account}:function:{name}-issuer:live",
}

// further are the other condition keys of an action.
var further = map[string]map[string]string{
	"lambda:CreateEventSourceMapping": ofIssuer, "lambda:DeleteEventSourceMapping": ofIssuer,
	"lambda:GetEventSourceMapping": ofIssuer, "lambda:UpdateEventSourceMapping": ofIssuer,
	"iam:CreateServiceLinkedRole": {"iam:AWSServiceName": "replicator.lambda.amazonaws.com"},
	"iam:PassRole":                {"iam:PassedToService": "lambda.amazonaws.com"},
}

// bounded are the actions that show policies the boundary of a role.
var bounded = []string{
	"iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRole", "iam:DeleteRolePermissionsBoundary",
	"iam:DeleteRolePolicy", "iam:DetachRolePolicy",
	"iam:GetRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy",
	"iam:UpdateRole",
}

// requests returns what IAM is asked when action is called on an environment's
// own things: one request for each resource that it is judged by.
func requests(action, environment string) []request {
	resources, ok := forms[action]
	if !ok {
		resources, ok = forms[strings.SplitN(action, ":", 2)[0]]
	}
	if !ok {
		panic("which resource does IAM judge " + action + " by?")
	}
	var all []request
	for _, form := range resources {
		r := request{action: action, resource: fill(form, environment), context: map[string]string{}}
		for _, part := range tagged {
			// What is being made has no tags yet.
			if strings.Contains(r.resource, part) && !strings.Contains(action, ":Create") {
				r.context["aws:ResourceTag/project"], r.context["aws:ResourceTag/stack"] = "secure-media-cdn", environment
			}
		}
		if form == defaultKey {
			r.context["kms:RequestAlias"] = "alias/aws/dynamodb"
		}
		if tagging[action] {
			r.context["aws:RequestTag/project"], r.context["aws:RequestTag/stack"] = "secure-media-cdn", environment
		}
		for key, value := range further[action] {
			r.context[key] = fill(value, environment)
		}
		for _, b := range bounded {
			if action == b {
				r.context["iam:PermissionsBoundary"] = scope(environment).BoundaryARN()
			}
		}
		all = append(all, r)
	}
	return all
}
