package doctor

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	cf "github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudfrontkeyvaluestore"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamo "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lm "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/seal"
	"secure-media-cdn/infra/plan"
	"secure-media-cdn/infra/plan/recorder"
	"secure-media-cdn/infra/stack"
	"secure-media-cdn/infra/stack/outputs"
)

// account is the one that is deployed to. The plan has another, as all its names are made up.
const account = "999988887777"

// world is a stack that is deployed as the program says.
type world struct {
	t       *testing.T
	name    string // of the stack, with the project's before it
	plan    *plan.Document
	outputs outputs.Outputs
	real    *strings.Replacer
	// change is what somebody did to the answer of a call, named by its input's type. An error stands for the answer.
	change map[string]func(answer any) error
	fixed  map[string]any  // answers that are not made from the plan
	asked  map[string]bool // every call, as service:Call, if it is not nil
	advice []string        // of the last examination, for each of its lines that are not ok
}

func deployed(t *testing.T, name string) *world {
	doc, err := recorder.Evaluate(recorder.Options{
		Program: stack.Deploy, Root: "../..", Stack: name, ConfigFile: "../stack/testdata/Pulumi." + name + ".yaml",
	})
	require.NoError(t, err)
	w := &world{t: t, name: "secure-media-cdn-" + name, plan: doc, change: map[string]func(any) error{}}
	w.real = strings.NewReplacer(w.name+"-123456789012", "our-media", "-mappings", "-mappings-1a2b3c4",
		"-issuer:", "-issuer-9f8e7d6:", `-issuer"`, `-issuer-9f8e7d6"`, "EDFDVBD6EXAMPLE", "E2REALREALREAL",
		"123456789012", account, "-edge:1", "-edge-77aa88b:12")
	text, err := json.Marshal(doc.Outputs)
	require.NoError(t, err)
	w.outputs, err = outputs.Read(strings.NewReader(w.real.Replace(string(text))))
	require.NoError(t, err)
	return w
}

// examine returns the report's lines that are not ok, and how many are.
func (w *world) examine() (bad []string, ok int) {
	cfg := intercepted(aws.Config{Region: "eu-west-1"}, func(call any) (any, error) {
		name := fmt.Sprintf("%T", call)
		name = name[strings.LastIndex(name, ".")+1:]
		if w.asked != nil {
			path := reflect.TypeOf(call).Elem().PkgPath()
			w.asked[path[strings.LastIndex(path, "/")+1:]+":"+strings.TrimSuffix(name, "Input")] = true
		}
		answer := w.fixed[name]
		if answer == nil {
			answer = w.answer(call)
		}
		if change := w.change[name]; change != nil {
			if err := change(answer); err != nil {
				return nil, err
			}
		}
		return answer, nil
	})
	findings, err := Examine(w.t.Context(), Patient{Plan: w.plan, Outputs: w.outputs, Config: cfg})
	require.NoError(w.t, err)
	for _, f := range findings {
		if f.Status == OK {
			ok++
			continue
		}
		require.NotEmpty(w.t, f.Advice, f.Text)
		w.advice = append(w.advice, f.Advice)
		bad = append(bad, string(f.Status)+" "+f.Text)
	}
	return bad, ok
}

// inputs returns what the program says of a resource, with real names, as the given type.
func inputs[T any](w *world, kind, name string) (v T) {
	r, ok := w.plan.Find("aws:"+kind, name)
	require.True(w.t, ok, "%s %s", kind, name)
	text, err := json.Marshal(r.Inputs)
	require.NoError(w.t, err)
	require.NoError(w.t, json.Unmarshal([]byte(w.real.Replace(string(text))), &v))
	return v
}

// answer is what AWS answers.
func (w *world) answer(call any) any {
	switch in := call.(type) {
	case *s3.GetPublicAccessBlockInput:
		yes := aws.Bool(true)
		return &s3.GetPublicAccessBlockOutput{PublicAccessBlockConfiguration: &s3types.PublicAccessBlockConfiguration{
			BlockPublicAcls: yes, BlockPublicPolicy: yes, IgnorePublicAcls: yes, RestrictPublicBuckets: yes}}
	case *s3.GetBucketOwnershipControlsInput:
		return &s3.GetBucketOwnershipControlsOutput{OwnershipControls: &s3types.OwnershipControls{
			Rules: []s3types.OwnershipControlsRule{{ObjectOwnership: s3types.ObjectOwnershipBucketOwnerEnforced}}}}
	case *s3.GetBucketPolicyInput:
		policy := inputs[struct{ Policy string }](w, "s3/bucketPolicy:BucketPolicy", "content").Policy
		return &s3.GetBucketPolicyOutput{Policy: &policy}
	case *s3.GetBucketVersioningInput:
		return &s3.GetBucketVersioningOutput{Status: s3types.BucketVersioningStatusEnabled}
	case *s3.GetBucketEncryptionInput:
		return &s3.GetBucketEncryptionOutput{ServerSideEncryptionConfiguration: &s3types.ServerSideEncryptionConfiguration{
			Rules: []s3types.ServerSideEncryptionRule{{
				ApplyServerSideEncryptionByDefault: &s3types.ServerSideEncryptionByDefault{
					SSEAlgorithm: s3types.ServerSideEncryptionAwsKms,
					KMSMasterKeyID: aws.String("arn:aws:kms:" + w.outputs.MediaBucketRegion + ":" + account +
						":key/11111111-2222-3333-4444-555555555555")}}}}}
	case *s3.GetBucketCorsInput:
		var rules []s3types.CORSRule
		cors := inputs[struct {
			Rules []struct{ AllowedMethods, AllowedOrigins []string } `json:"corsRules"`
		}](w, "s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2", "content")
		for _, r := range cors.Rules {
			rules = append(rules, s3types.CORSRule{AllowedMethods: r.AllowedMethods, AllowedOrigins: r.AllowedOrigins})
		}
		return &s3.GetBucketCorsOutput{CORSRules: rules}
	case *s3.GetBucketNotificationConfigurationInput:
		q := s3types.QueueConfiguration{QueueArn: aws.String(w.queue("events"))}
		q.Events = inputs[struct {
			Queues []struct{ Events []s3types.Event }
		}](w, "s3/bucketNotification:BucketNotification", "events").Queues[0].Events
		return &s3.GetBucketNotificationConfigurationOutput{QueueConfigurations: []s3types.QueueConfiguration{q}}
	case *kms.GetKeyPolicyInput:
		return &kms.GetKeyPolicyOutput{Policy: aws.String(w.real.Replace(`{"Statement":{"Effect":"Allow","Principal":` +
			`{"Service":"cloudfront.amazonaws.com"},"Action":"kms:Decrypt","Resource":"*","Condition":{"StringEquals":` +
			`{"aws:SourceArn":"arn:aws:cloudfront::123456789012:distribution/EDFDVBD6EXAMPLE"}}}}`))}
	case *dynamodb.DescribeTableInput:
		var replicas []dynamo.ReplicaDescription
		for _, region := range w.outputs.MappingRegions {
			replicas = append(replicas, dynamo.ReplicaDescription{RegionName: aws.String(region), ReplicaStatus: dynamo.ReplicaStatusActive})
		}
		return &dynamodb.DescribeTableOutput{Table: &dynamo.TableDescription{DeletionProtectionEnabled: aws.Bool(true),
			StreamSpecification: &dynamo.StreamSpecification{StreamEnabled: aws.Bool(true)}, Replicas: replicas}}
	case *dynamodb.DescribeTimeToLiveInput:
		return &dynamodb.DescribeTimeToLiveOutput{TimeToLiveDescription: &dynamo.TimeToLiveDescription{
			AttributeName: aws.String("ttl"), TimeToLiveStatus: dynamo.TimeToLiveStatusEnabled}}
	case *dynamodb.DescribeContinuousBackupsInput:
		return &dynamodb.DescribeContinuousBackupsOutput{ContinuousBackupsDescription: &dynamo.ContinuousBackupsDescription{
			PointInTimeRecoveryDescription: &dynamo.PointInTimeRecoveryDescription{
				PointInTimeRecoveryStatus: dynamo.PointInTimeRecoveryStatusEnabled}}}
	case *lambda.ListEventSourceMappingsInput:
		require.Equal(w.t, w.name+"-issuer-9f8e7d6:live", *in.FunctionName)
		return &lambda.ListEventSourceMappingsOutput{EventSourceMappings: []lm.EventSourceMappingConfiguration{{
			EventSourceArn: aws.String(w.queue("events")), State: aws.String("Enabled"),
			FunctionResponseTypes: []lm.FunctionResponseType{lm.FunctionResponseTypeReportBatchItemFailures},
			ScalingConfig:         &lm.ScalingConfig{MaximumConcurrency: aws.Int32(2)}}}}
	case *lambda.GetFunctionUrlConfigInput:
		return &lambda.GetFunctionUrlConfigOutput{AuthType: lm.FunctionUrlAuthTypeAwsIam, FunctionUrl: &w.outputs.IssuerURL}
	case *sqs.GetQueueAttributesInput:
		require.Contains(w.t, *in.QueueUrl, "https://sqs."+w.outputs.MediaBucketRegion+".amazonaws.com/"+account+"/"+w.name+"-")
		return &sqs.GetQueueAttributesOutput{Attributes: map[string]string{"ApproximateNumberOfMessages": "0",
			"RedrivePolicy": `{"deadLetterTargetArn":"` + w.queue("dead-events") + `"}`}}
	case *cloudwatchlogs.DescribeLogGroupsInput:
		name := *in.LogGroupNamePrefix
		if strings.HasPrefix(name, "/aws/cloudfront/function/") { // Pulumi ends the functions' names
			name += "-6b4c6eb"
		}
		return &cloudwatchlogs.DescribeLogGroupsOutput{LogGroups: []cwl.LogGroup{
			{LogGroupName: aws.String(*in.LogGroupNamePrefix + "-other"), RetentionInDays: aws.Int32(1)},
			{LogGroupName: &name, RetentionInDays: aws.Int32(w.retention(*in.LogGroupNamePrefix))}}}
	case *sns.ListSubscriptionsByTopicInput:
		return &sns.ListSubscriptionsByTopicOutput{Subscriptions: []snstypes.Subscription{
			{Endpoint: aws.String("oncall@example.com"), SubscriptionArn: aws.String(*in.TopicArn + ":1")}}}
	case *cloudwatch.DescribeAlarmsInput:
		var alarms []cw.MetricAlarm
		for _, r := range w.plan.ByType("aws:cloudwatch/metricAlarm:MetricAlarm") {
			for _, name := range in.AlarmNames {
				if r.Inputs["name"] == name {
					threshold, _ := r.Inputs["threshold"].(float64)
					alarms = append(alarms, cw.MetricAlarm{AlarmName: aws.String(name), ActionsEnabled: aws.Bool(true),
						AlarmActions: []string{"topic"}, Threshold: &threshold, StateValue: cw.StateValueOk})
				}
			}
		}
		return &cloudwatch.DescribeAlarmsOutput{MetricAlarms: alarms}
	}
	return w.atTheEdge(call)
}

func (w *world) retention(group string) int32 {
	for _, r := range w.plan.ByType("aws:cloudwatch/logGroup:LogGroup") {
		if name, _ := r.Inputs["name"].(string); w.real.Replace(name) == group {
			return int32(r.Inputs["retentionInDays"].(float64))
		}
	}
	w.t.Fatalf("no log group %s", group)
	return 0
}

func (w *world) queue(name string) string {
	return "arn:aws:sqs:" + w.outputs.MediaBucketRegion + ":" + account + ":" + w.name + "-" + name
}

// atTheEdge is what CloudFront answers.
func (w *world) atTheEdge(call any) any {
	switch in := call.(type) {
	case *cloudfront.GetDistributionInput:
		return &cloudfront.GetDistributionOutput{Distribution: &cf.Distribution{Status: aws.String("Deployed"),
			DistributionConfig: w.distribution()}}
	case *cloudfront.GetCachePolicyInput:
		name := strings.TrimPrefix(*in.Id, "real/")
		for _, r := range w.plan.ByType("aws:cloudfront/cachePolicy:CachePolicy") {
			if r.ID == name {
				return &cloudfront.GetCachePolicyOutput{CachePolicy: &cf.CachePolicy{CachePolicyConfig: w.cachePolicy(r.Name)}}
			}
		}
	case *cloudfront.GetResponseHeadersPolicyInput:
		for _, r := range w.plan.ByType("aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy") {
			if r.ID == strings.TrimPrefix(*in.Id, "real/") {
				return &cloudfront.GetResponseHeadersPolicyOutput{ResponseHeadersPolicy: &cf.ResponseHeadersPolicy{
					ResponseHeadersPolicyConfig: w.headersPolicy(r.Name)}}
			}
		}
	case *cloudfront.GetOriginAccessControlInput:
		return &cloudfront.GetOriginAccessControlOutput{OriginAccessControl: &cf.OriginAccessControl{
			OriginAccessControlConfig: &cf.OriginAccessControlConfig{
				SigningBehavior: cf.OriginAccessControlSigningBehaviorsAlways,
				SigningProtocol: cf.OriginAccessControlSigningProtocolsSigv4}}}
	case *cloudfront.GetFunctionInput:
		r, _ := w.plan.Find("aws:cloudfront/function:Function", strings.TrimPrefix(*in.Name, w.name+"-"))
		code, _ := r.Inputs["code"].(string)
		require.NotEmpty(w.t, code)
		return &cloudfront.GetFunctionOutput{FunctionCode: []byte(code)}
	case *cloudfront.DescribeFunctionInput:
		return &cloudfront.DescribeFunctionOutput{FunctionSummary: &cf.FunctionSummary{FunctionConfig: &cf.FunctionConfig{
			KeyValueStoreAssociations: &cf.KeyValueStoreAssociations{Items: []cf.KeyValueStoreAssociation{
				{KeyValueStoreARN: aws.String("arn:aws:cloudfront::" + account + ":key-value-store/real")}}}}}}
	case *cloudfrontkeyvaluestore.GetKeyInput:
		return &cloudfrontkeyvaluestore.GetKeyOutput{Value: aws.String(strings.Repeat("k", seal.ValueLength))}
	}
	w.t.Fatalf("nobody expects %T", call)
	return nil
}

func (w *world) cachePolicy(name string) *cf.CachePolicyConfig {
	in := inputs[struct {
		MinTTL, DefaultTTL, MaxTTL int64
		Key                        struct {
			Headers struct {
				HeaderBehavior string
				Headers        struct{ Items []string }
			} `json:"headersConfig"`
			Gzip   bool `json:"enableAcceptEncodingGzip"`
			Brotli bool `json:"enableAcceptEncodingBrotli"`
		} `json:"parametersInCacheKeyAndForwardedToOrigin"`
	}](w, "cloudfront/cachePolicy:CachePolicy", name)
	headers := &cf.CachePolicyHeadersConfig{HeaderBehavior: cf.CachePolicyHeaderBehavior(in.Key.Headers.HeaderBehavior)}
	if in.Key.Headers.Headers.Items != nil {
		headers.Headers = &cf.Headers{Items: in.Key.Headers.Headers.Items}
	}
	return &cf.CachePolicyConfig{MinTTL: &in.MinTTL, DefaultTTL: &in.DefaultTTL, MaxTTL: &in.MaxTTL,
		ParametersInCacheKeyAndForwardedToOrigin: &cf.ParametersInCacheKeyAndForwardedToOrigin{
			CookiesConfig:      &cf.CachePolicyCookiesConfig{CookieBehavior: cf.CachePolicyCookieBehaviorNone},
			QueryStringsConfig: &cf.CachePolicyQueryStringsConfig{QueryStringBehavior: cf.CachePolicyQueryStringBehaviorNone},
			HeadersConfig:      headers, EnableAcceptEncodingGzip: &in.Key.Gzip, EnableAcceptEncodingBrotli: &in.Key.Brotli}}
}

func (w *world) headersPolicy(name string) *cf.ResponseHeadersPolicyConfig {
	in := inputs[answers](w, "cloudfront/responseHeadersPolicy:ResponseHeadersPolicy", name)
	c := &cf.ResponseHeadersPolicyConfig{
		RemoveHeadersConfig: &cf.ResponseHeadersPolicyRemoveHeadersConfig{},
		SecurityHeadersConfig: &cf.ResponseHeadersPolicySecurityHeadersConfig{
			ContentSecurityPolicy: &cf.ResponseHeadersPolicyContentSecurityPolicy{
				ContentSecurityPolicy: &in.Secure.Content.Policy, Override: &in.Secure.Content.Override},
			ContentTypeOptions: &cf.ResponseHeadersPolicyContentTypeOptions{Override: &in.Secure.Types.Override},
			StrictTransportSecurity: &cf.ResponseHeadersPolicyStrictTransportSecurity{
				AccessControlMaxAgeSec: &in.Secure.TLS.Seconds, Override: &in.Secure.TLS.Override},
		},
	}
	if in.CORS.Origins.Items != nil {
		c.CorsConfig = &cf.ResponseHeadersPolicyCorsConfig{AccessControlAllowCredentials: &in.CORS.Credentials,
			AccessControlAllowOrigins: &cf.ResponseHeadersPolicyAccessControlAllowOrigins{Items: in.CORS.Origins.Items}}
	}
	for n := range in.Remove.Items { // in another order
		header := in.Remove.Items[len(in.Remove.Items)-1-n].Header
		c.RemoveHeadersConfig.Items = append(c.RemoveHeadersConfig.Items,
			cf.ResponseHeadersPolicyRemoveHeader{Header: &header})
	}
	return c
}

// distribution is the planned one, as CloudFront tells it.
func (w *world) distribution() *cf.DistributionConfig {
	in := inputs[struct {
		Default  behaviour   `json:"defaultCacheBehavior"`
		Ordered  []behaviour `json:"orderedCacheBehaviors"`
		Origins  []origin
		WebACLID string `json:"webAclId"`
	}](w, "cloudfront/distribution:Distribution", "cdn")
	c := &cf.DistributionConfig{Enabled: aws.Bool(true), WebACLId: &in.WebACLID, Origins: &cf.Origins{},
		CacheBehaviors: &cf.CacheBehaviors{}}
	for _, o := range in.Origins {
		is := cf.Origin{Id: aws.String(o.OriginID), DomainName: aws.String(o.DomainName), CustomHeaders: &cf.CustomHeaders{},
			OriginAccessControlId: aws.String("real/" + o.AccessControl)}
		if strings.Contains(o.DomainName, ".s3.") {
			is.S3OriginConfig = &cf.S3OriginConfig{}
		}
		for _, h := range o.CustomHeaders {
			is.CustomHeaders.Items = append(is.CustomHeaders.Items,
				cf.OriginCustomHeader{HeaderName: aws.String(h.Name), HeaderValue: aws.String(h.Value)})
		}
		c.Origins.Items = append(c.Origins.Items, is)
	}
	for _, b := range in.Ordered {
		c.CacheBehaviors.Items = append(c.CacheBehaviors.Items, w.behaviour(b))
	}
	b := w.behaviour(in.Default)
	c.DefaultCacheBehavior = &cf.DefaultCacheBehavior{
		TargetOriginId: b.TargetOriginId, ViewerProtocolPolicy: b.ViewerProtocolPolicy,
		CachePolicyId: b.CachePolicyId, AllowedMethods: b.AllowedMethods, FunctionAssociations: b.FunctionAssociations,
		LambdaFunctionAssociations: b.LambdaFunctionAssociations, ResponseHeadersPolicyId: b.ResponseHeadersPolicyId,
	}
	return c
}

func (w *world) behaviour(in behaviour) cf.CacheBehavior {
	b := cf.CacheBehavior{PathPattern: aws.String(in.PathPattern), TargetOriginId: aws.String(in.TargetOriginID),
		ViewerProtocolPolicy: cf.ViewerProtocolPolicy(in.ViewerProtocolPolicy), CachePolicyId: aws.String(in.CachePolicyID),
		AllowedMethods: &cf.AllowedMethods{}, FunctionAssociations: &cf.FunctionAssociations{},
		LambdaFunctionAssociations: &cf.LambdaFunctionAssociations{}}
	if _, ours := w.plan.ByID("aws:cloudfront/cachePolicy:CachePolicy", in.CachePolicyID); ours {
		b.CachePolicyId = aws.String("real/" + in.CachePolicyID)
	}
	b.ResponseHeadersPolicyId = aws.String("real/" + in.HeadersPolicyID)
	for n := range in.AllowedMethods { // in another order
		b.AllowedMethods.Items = append(b.AllowedMethods.Items, cf.Method(in.AllowedMethods[len(in.AllowedMethods)-1-n]))
	}
	for _, a := range in.Functions {
		b.FunctionAssociations.Items = append(b.FunctionAssociations.Items,
			cf.FunctionAssociation{EventType: cf.EventType(a.EventType), FunctionARN: aws.String(a.Function)})
	}
	for _, a := range in.Lambdas {
		b.LambdaFunctionAssociations.Items = append(b.LambdaFunctionAssociations.Items,
			cf.LambdaFunctionAssociation{EventType: cf.EventType(a.EventType), LambdaFunctionARN: aws.String(a.Lambda)})
	}
	return b
}
