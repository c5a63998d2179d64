// Package outputs is the contract between the stack and the applications that
// use it: what `pulumi stack output --json` prints, as a Go type. It knows
// nothing of Pulumi, so that any program may import it; programs in other
// languages have schema.json, which is generated from the type.
package outputs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"secure-media-cdn/function/variant"
)

// Outputs are a stack's outputs. None of them is a secret.
type Outputs struct {
	CDNBaseURL             string                     `json:"cdnBaseUrl" env:"MEDIA_CDN_BASE_URL" doc:"Address of the CDN, without a trailing slash. A link is this, /images/ and a hash." example:"https://media.example.com"`
	DistributionID         string                     `json:"distributionId" env:"MEDIA_DISTRIBUTION_ID" doc:"The CloudFront distribution." example:"EDFDVBD6EXAMPLE"`
	DistributionDomain     string                     `json:"distributionDomain" env:"MEDIA_DISTRIBUTION_DOMAIN" doc:"CloudFront's own name for the distribution, which own domain names point to." example:"d111111abcdef8.cloudfront.net"`
	MediaBucket            string                     `json:"mediaBucket" env:"MEDIA_BUCKET" doc:"The private bucket that applications upload to." example:"secure-media-cdn-prod-123456789012"`
	MediaBucketRegion      string                     `json:"mediaBucketRegion" env:"MEDIA_BUCKET_REGION" doc:"Region of the bucket." example:"eu-central-1"`
	MappingTable           string                     `json:"mappingTable" env:"MEDIA_MAPPING_TABLE" doc:"The DynamoDB table of what each hash stands for." example:"secure-media-cdn-prod-mappings-1a2b3c4"`
	MappingRegions         []string                   `json:"mappingRegions" env:"MEDIA_MAPPING_REGIONS" doc:"Regions that hold the table, the home region first." example:"[\"eu-central-1\",\"us-east-1\"]"`
	EdgeFunctionVersionARN string                     `json:"edgeFunctionVersionArn" env:"MEDIA_EDGE_FUNCTION_VERSION_ARN" doc:"The version of the edge function that CloudFront runs." example:"arn:aws:lambda:us-east-1:123456789012:function:secure-media-cdn-prod-edge-1a2b3c4:7"`
	IssuerFunctionName     string                     `json:"issuerFunctionName" env:"MEDIA_ISSUER_FUNCTION_NAME" doc:"The Lambda function that issues links." example:"secure-media-cdn-prod-issuer-1a2b3c4"`
	IssuerURL              string                     `json:"issuerUrl" env:"MEDIA_ISSUER_URL" doc:"Where links are issued, shown and revoked. Calls are signed with SigV4 for the service lambda." example:"https://abcdefghijklmnopqrstuvwxyz012345.lambda-url.eu-central-1.on.aws/"`
	LinkTTLSeconds         int                        `json:"linkTtlSeconds" env:"MEDIA_LINK_TTL_SECONDS" doc:"Life of a link in seconds, unless less is asked for." example:"2592000"`
	Services               []Service                  `json:"services" env:"MEDIA_SERVICES" doc:"Who stores media here, and how it is reached." example:"[{\"name\":\"discussion\",\"access\":\"private\",\"viewers\":\"link\"},{\"name\":\"marketplace\",\"access\":\"public\"}]"`
	ImageVariants          map[string]variant.Variant `json:"imageVariants" env:"MEDIA_IMAGE_VARIANTS" doc:"The pictures that can be asked for, by name: the last segment of a variant's path below its link. Width and height in pixels bound it." example:"{\"w640\":{\"width\":640},\"avatar\":{\"width\":96,\"height\":96,\"fit\":\"cover\"}}"`
	DashboardURL           string                     `json:"dashboardUrl" env:"MEDIA_DASHBOARD_URL" doc:"The dashboard in the AWS console." example:"https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1#dashboards/dashboard/secure-media-cdn-prod"`
	AlarmTopicARNs         map[string]string          `json:"alarmTopicArns" env:"MEDIA_ALARM_TOPIC_ARNS" doc:"The SNS topics that alarms are sent to, by region." example:"{\"us-east-1\":\"arn:aws:sns:us-east-1:123456789012:secure-media-cdn-prod-alarms-us-east-1-1a2b3c4\"}"`
	// The statements that whoever owns an existing bucket adds to its policies. They are
	// nil for the stack's own bucket.
	BucketPolicyStatement json.RawMessage `json:"bucketPolicyStatement,omitempty" env:"MEDIA_BUCKET_POLICY_STATEMENT" doc:"Of a stack over an existing bucket: the statement that the bucket's policy must have." example:"{\"Sid\":\"SecureMediaCdnProdReads\",\"Effect\":\"Allow\",\"Principal\":{\"Service\":[\"cloudfront.amazonaws.com\"]},\"Action\":[\"s3:GetObject\"],\"Resource\":[\"arn:aws:s3:::acme-photos/*\"],\"Condition\":{\"StringEquals\":{\"AWS:SourceArn\":\"arn:aws:cloudfront::123456789012:distribution/EDFDVBD6EXAMPLE\"}}}"`
	KeyPolicyStatement    json.RawMessage `json:"keyPolicyStatement,omitempty" env:"MEDIA_KEY_POLICY_STATEMENT" doc:"Of a stack over an existing bucket that a KMS key encrypts: the statement that the key's policy must have." example:"{\"Sid\":\"DistributionDecrypts\",\"Effect\":\"Allow\",\"Principal\":{\"Service\":[\"cloudfront.amazonaws.com\"]},\"Action\":[\"kms:Decrypt\"],\"Resource\":[\"*\"],\"Condition\":{\"StringEquals\":{\"AWS:SourceArn\":\"arn:aws:cloudfront::123456789012:distribution/EDFDVBD6EXAMPLE\"}}}"`
	// BucketNotification is an element of QueueConfigurations.
	BucketNotification json.RawMessage `json:"bucketNotification,omitempty" env:"MEDIA_BUCKET_NOTIFICATION" doc:"Of a stack over an existing bucket: what the QueueConfigurations of the bucket's notifications must have." example:"{\"Id\":\"secure-media-cdn-prod\",\"QueueArn\":\"arn:aws:sqs:eu-central-1:123456789012:secure-media-cdn-prod-events-1a2b3c4\",\"Events\":[\"s3:ObjectCreated:*\"]}"`
}

// Values of a service's access, and of a private service's viewers.
const (
	// AccessPrivate means that objects are reached by link only.
	AccessPrivate = "private"
	// AccessPublic means that objects lie open below /<name>/.
	AccessPublic = "public"
	// ViewersLink means that whoever holds a link may see it.
	ViewersLink = "link"
	// ViewersTicket means that a viewer needs a ticket, too.
	ViewersTicket = "ticket"
)

// Service stores media in the bucket, below its name and a slash.
type Service struct {
	Name string `json:"name" doc:"Name of the service, and first segment of its objects' keys." example:"discussion"`
	// Access is private (by link only) or public (open below /<name>/).
	Access string `json:"access" doc:"private: by link only. public: open below /<name>/." enum:"private,public" example:"private"`
	// Viewers is what a viewer of a private service needs beside a link: nothing (link)
	// or a ticket. It is empty for a public service.
	Viewers string `json:"viewers,omitempty" doc:"link: whoever holds a link sees it. ticket: the viewer needs a ticket, too. Only of private services." enum:"link,ticket" example:"ticket"`
}

// Read reads what `pulumi stack output --json` prints. Every output must be
// there but those of an existing bucket; outputs that this version does not know are ignored, so that a newer
// stack does not break an older application.
func Read(r io.Reader) (Outputs, error) {
	var o Outputs
	if err := json.NewDecoder(r).Decode(&o); err != nil {
		return Outputs{}, fmt.Errorf("reading stack outputs: %w", err)
	}
	if reflect.ValueOf(o).IsZero() {
		return Outputs{}, errors.New("the stack has no outputs: deploy it first, with `make up`")
	}
	var missing []error
	fields(o, func(f reflect.StructField, v reflect.Value) {
		if name, optional := jsonName(f); v.IsZero() && !optional {
			missing = append(missing, fmt.Errorf("stack output %s is missing", name))
		}
	})
	return o, errors.Join(missing...)
}

// WriteJSON writes the outputs as indented JSON.
func (o Outputs) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(o)
}

// WriteEnv writes the outputs as lines NAME='value', for a shell to source or a
// container to read. Lists are separated by commas; services are name=access, and
// name=access=ticket where viewers need one; topics region=ARN, and variants name:definition, separated by semicolons.
func (o Outputs) WriteEnv(w io.Writer) error {
	var lines strings.Builder
	fields(o, func(f reflect.StructField, v reflect.Value) {
		if _, optional := jsonName(f); optional && v.IsZero() {
			return
		}
		fmt.Fprintf(&lines, "%s=%s\n", f.Tag.Get("env"), quote(flat(v)))
	})
	_, err := io.WriteString(w, lines.String())
	return err
}

// jsonName returns an output's name, and whether it may be absent.
func jsonName(f reflect.StructField) (name string, optional bool) {
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name, options == "omitempty"
}

// fields calls visit with every field of o, in order.
func fields(o Outputs, visit func(reflect.StructField, reflect.Value)) {
	v := reflect.ValueOf(o)
	for i := range v.NumField() {
		visit(v.Type().Field(i), v.Field(i))
	}
}
