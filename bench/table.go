package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	staticcreds "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"secure-media-cdn/function/edge"
	"secure-media-cdn/function/mapping"
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

var credentials = aws.Credentials{AccessKeyID: accessKeyID, SecretAccessKey: secretAccessKey}

// hashOf returns the hash of a link by the name of what it stands for.
func hashOf(name string) string { return name + strings.Repeat("_", 32-len(name)) }

// fill makes the table and puts one item of every kind into it, good and
// corrupt.
func fill(ctx context.Context, endpoint string) error {
	client := dynamodb.New(dynamodb.Options{
		Region: region, BaseEndpoint: &endpoint,
		Credentials: staticcreds.StaticCredentialsProvider{Value: credentials},
	})
	hash := aws.String(mapping.AttrHash)
	if _, err := client.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName:            aws.String(tableName),
		BillingMode:          types.BillingModePayPerRequest,
		KeySchema:            []types.KeySchemaElement{{AttributeName: hash, KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: hash, AttributeType: types.ScalarAttributeTypeS}},
	}); err != nil {
		return fmt.Errorf("creating the table: %w", err)
	}
	for _, i := range []struct {
		name, bucket, key string
		left              time.Duration
		service           string
		broken            string // an attribute that holds another type
	}{
		{name: "live", key: liveKey, left: 480 * time.Hour, service: "simple-chat"},
		{name: "short", key: liveKey, left: 10 * time.Minute, service: "simple-chat"},
		{name: "encoded", key: "simple-chat/ä b+c(1)'!*~%2F?#.jpg", left: time.Hour, service: "simple-chat"},
		{name: "slashes", key: "/a//b/", left: time.Hour},
		{name: "page", key: "simple-chat/page.svg", left: time.Hour, service: "simple-chat"},
		{name: "expired", key: liveKey, left: -time.Hour, service: "simple-chat"},
		{name: "elsewhere", bucket: "another-bucket", key: liveKey, left: time.Hour, service: "simple-chat"},
		{name: "misplaced", key: "discussion/photo.jpg", left: time.Hour, service: "simple-chat"},
		{name: "keyless", left: time.Hour},
		{name: "untimed", key: liveKey, left: time.Hour, broken: "expires_at"},
	} {
		if i.bucket == "" {
			i.bucket = bucket
		}
		item := mapping.Mapping{
			Hash: hashOf(i.name), Object: mapping.Object{Bucket: i.bucket, Key: i.key}, Service: i.service,
			CreatedAt: time.Now().Add(-2 * time.Hour), ExpiresAt: time.Now().Add(i.left),
		}.Item()
		if i.broken != "" {
			item[i.broken] = &types.AttributeValueMemberS{Value: "soon"}
		}
		if _, err := client.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String(tableName), Item: item}); err != nil {
			return fmt.Errorf("filling the table: %w", err)
		}
	}
	return nil
}

// floor returns the least that any function must do: one signed GetItem of the
// live mapping over a connection that stays open.
func floor(endpoint string) ask {
	source := mapping.Source{
		Table: tableName, Regions: []string{region}, Here: region, Credentials: credentials, Endpoint: endpoint,
	}
	table := mapping.NewReader(source, func(string, error) {}).Replicas[0].Table
	return func() (time.Duration, error) {
		start := time.Now()
		item, err := table.Get(context.Background(), hashOf("live"))
		took := time.Since(start)
		if err == nil && item == nil {
			err = errors.New("the bare GetItem found nothing")
		}
		return took, err
	}
}

// request is what may differ from event to event.
type request struct{ method, uri, delivery, table, eventType string }

// live asks for the one live link that is measured.
var live = request{"GET", "/images/" + hashOf("live"), "origin", tableName, "origin-request"}

// event returns an origin-request event as CloudFront sends it, with the
// headers of an ordinary request.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html
func (r request) event() []byte {
	fields := func(pairs ...string) string {
		var all []string
		for pair := range slices.Chunk(pairs, 2) {
			all = append(all, fmt.Sprintf(`%q:[{"key":%q,"value":%q}]`, strings.ToLower(pair[0]), pair[0], pair[1]))
		}
		return "{" + strings.Join(all, ",") + "}"
	}
	domain := bucket + ".s3." + region + ".amazonaws.com"
	return fmt.Appendf(nil, `{"Records":[{"cf":{"config":{"distributionDomainName":"d111111abcdef8.cloudfront.net",`+
		`"distributionId":"EDFDVBD6EXAMPLE","eventType":%q,"requestId":"4TyzHTaYWb1GX1qTfsHhEqV6HUDd_BzoBZnwfnvQc_1o=="},`+
		`"request":{"clientIp":"203.0.113.178","method":%q,"uri":%q,"querystring":"","headers":%s,`+
		`"origin":{"s3":{"authMethod":"none","domainName":%q,"path":"","region":"","readTimeout":30,`+
		`"customHeaders":%s}}}}}]}`,
		r.eventType, r.method, r.uri,
		fields("X-Forwarded-For", "203.0.113.178", "User-Agent", "Amazon CloudFront", "Host", domain,
			"Cache-Control", "no-cache", "Via", "2.0 2afae0d44e2540f472c0635ab62c232b.cloudfront.net (CloudFront)"),
		domain,
		fields(edge.HeaderTable, r.table, edge.HeaderRegions, region, edge.HeaderBucket, bucket,
			edge.HeaderBucketRegion, region, edge.HeaderDelivery, r.delivery, edge.HeaderSignatureTTL, "300",
			edge.HeaderBrowserCache, "86400", edge.HeaderViewerCache, "300"))
}
