package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// What the engine and both functions are told.
const (
	accessKeyID     = "local"
	secretAccessKey = "locallocal"
	region          = "eu-central-1"
	tableName       = "mappings"
	bucket          = "secure-media-cdn-dev-123456789012"
	liveKey         = "simple-chat/photo.jpg"
)

// hashOf returns the hash of a link by the name of what it stands for.
func hashOf(name string) string { return name + strings.Repeat("_", 32-len(name)) }

// item is a mapping's item as the issuer writes it, or one gone wrong.
func item(name, url string, expires time.Time, more map[string]types.AttributeValue) map[string]types.AttributeValue {
	number := func(t time.Time) types.AttributeValue {
		return &types.AttributeValueMemberN{Value: strconv.FormatInt(t.Unix(), 10)}
	}
	i := map[string]types.AttributeValue{
		"hash":       text(hashOf(name)),
		"s3_url":     text(url),
		"created_at": number(expires.Add(-30 * 24 * time.Hour)),
		"expires_at": number(expires),
		"ttl":        number(expires),
	}
	for name, value := range more {
		i[name] = value
	}
	return i
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// fill makes the table and puts one item of every kind into it.
func fill(ctx context.Context, endpoint string) error {
	client := dynamodb.New(dynamodb.Options{
		Region: region, BaseEndpoint: aws.String(endpoint),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: accessKeyID, SecretAccessKey: secretAccessKey}, nil
		}),
	})
	if _, err := client.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName:            aws.String(tableName),
		BillingMode:          types.BillingModePayPerRequest,
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("hash"), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("hash"), AttributeType: types.ScalarAttributeTypeS}},
	}); err != nil {
		return fmt.Errorf("creating the table: %w", err)
	}
	in := "s3://" + bucket + "/"
	long, short, past := time.Now().Add(20*24*time.Hour), time.Now().Add(10*time.Minute), time.Now().Add(-time.Hour)
	service := map[string]types.AttributeValue{"service": text("simple-chat")}
	for _, i := range []map[string]types.AttributeValue{
		item("live", in+liveKey, long, service),
		item("short", in+liveKey, short, service),
		item("encoded", in+"simple-chat/ä b+c(1)'!*~%2F?#.jpg", long, service),
		item("slashes", in+"/a//b/", long, nil),
		item("expired", in+liveKey, past, service),
		item("elsewhere", "s3://another-bucket/"+liveKey, long, service),
		item("misplaced", in+"discussion/photo.jpg", long, service),
		item("keyless", in, long, nil),
		item("untimed", in+liveKey, long, map[string]types.AttributeValue{"expires_at": text("soon")}),
	} {
		if _, err := client.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String(tableName), Item: i}); err != nil {
			return fmt.Errorf("filling the table: %w", err)
		}
	}
	return nil
}

// request is what may differ from event to event.
type request struct {
	Method, URI, Delivery, Table, EventType string
}

// live asks for the one live link that is measured.
var live = request{Method: "GET", URI: "/images/" + hashOf("live"), Delivery: "origin", Table: tableName, EventType: "origin-request"}

type object = map[string]any

// event returns an origin-request event as CloudFront sends it, with the
// headers of an ordinary browser's request.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html
func (r request) event() []byte {
	header := func(name, value string) []object { return []object{{"key": name, "value": value}} }
	domain := bucket + ".s3." + region + ".amazonaws.com"
	data, err := json.Marshal(object{"Records": []object{{"cf": object{
		"config": object{
			"distributionDomainName": "d111111abcdef8.cloudfront.net", "distributionId": "EDFDVBD6EXAMPLE",
			"eventType": r.EventType, "requestId": "4TyzHTaYWb1GX1qTfsHhEqV6HUDd_BzoBZnwfnvQc_1oF26ClkoUSEQ==",
		},
		"request": object{
			"clientIp": "203.0.113.178", "method": r.Method, "uri": r.URI, "querystring": "",
			"headers": object{
				"x-forwarded-for": header("X-Forwarded-For", "203.0.113.178"),
				"user-agent":      header("User-Agent", "Amazon CloudFront"),
				"via":             header("Via", "2.0 2afae0d44e2540f472c0635ab62c232b.cloudfront.net (CloudFront)"),
				"host":            header("Host", domain),
				"cache-control":   header("Cache-Control", "no-cache"),
			},
			"origin": object{"s3": object{
				"authMethod": "none", "domainName": domain, "path": "", "region": "",
				"readTimeout": 30, "responseCompletionTimeout": 0,
				"customHeaders": object{
					"x-media-table":         header("x-media-table", r.Table),
					"x-media-regions":       header("x-media-regions", region),
					"x-media-bucket":        header("x-media-bucket", bucket),
					"x-media-bucket-region": header("x-media-bucket-region", region),
					"x-media-delivery":      header("x-media-delivery", r.Delivery),
					"x-media-signature-ttl": header("x-media-signature-ttl", "300"),
				},
			}},
		},
	}}}})
	if err != nil {
		panic(err) // strings and numbers only
	}
	return data
}
