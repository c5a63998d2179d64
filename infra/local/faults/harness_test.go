package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/bundle"
	"secure-media-cdn/function/edge"
	"secure-media-cdn/function/mapping"
	"secure-media-cdn/infra/local/engine"
	"secure-media-cdn/infra/local/lambda"
	"secure-media-cdn/infra/local/locked"
)

// The function runs in London; the table is in Ireland and Frankfurt, and at home in Virginia.
const (
	here    = "eu-west-2"
	nearest = "eu-west-1"
	next    = "eu-central-1"
	home    = "us-east-1"
)

const (
	bucket  = "secure-media-cdn-test-123456789012"
	live    = "live_AAAAAAAAAAAAAAAAAAAAAAAAAAA"
	expired = "expired_AAAAAAAAAAAAAAAAAAAAAAAA"
	unknown = "unknown_AAAAAAAAAAAAAAAAAAAAAAAA"
)

// budget is mapping.DefaultBudget, with room for a machine that is busy.
const budget = mapping.DefaultBudget + 2*time.Second

func root(tb testing.TB) string {
	dir, err := filepath.Abs(filepath.Join("..", "..", ".."))
	require.NoError(tb, err)
	return dir
}

// startTable returns a client for a new engine's table, with a live and an expired mapping, and the engine's URL.
func startTable(tb testing.TB) (*dynamodb.Client, string) {
	tb.Helper()
	server, err := engine.DynamoDB(context.Background(), "")
	require.NoError(tb, err)
	tb.Cleanup(server.Close)
	client := dynamodb.New(dynamodb.Options{
		Region: home, BaseEndpoint: aws.String(server.URL),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "locallocal"}, nil
		}),
	})
	_, err = client.CreateTable(context.Background(), &dynamodb.CreateTableInput{
		TableName: aws.String("mappings"), BillingMode: types.BillingModePayPerRequest,
		KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("hash"), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("hash"),
			AttributeType: types.ScalarAttributeTypeS}},
	})
	require.NoError(tb, err)
	put(tb, client, live, "simple-chat/photo.jpg", time.Now().Add(time.Hour))
	put(tb, client, expired, "simple-chat/photo.jpg", time.Now().Add(-time.Second))
	return client, server.URL
}

func put(tb testing.TB, client *dynamodb.Client, hash, key string, end time.Time) {
	_, err := client.PutItem(context.Background(),
		&dynamodb.PutItemInput{TableName: aws.String("mappings"), Item: mapping.Mapping{
			Hash: hash, Object: mapping.Object{Bucket: bucket, Key: key}, CreatedAt: time.Now().Add(-time.Hour), ExpiresAt: end,
		}.Item()})
	require.NoError(tb, err)
}

func startProxy(tb testing.TB, engine string) *Proxy {
	p, err := New(engine)
	require.NoError(tb, err)
	tb.Cleanup(p.Close)
	return p
}

// function is the zip that ships, in its own processes.
type function struct {
	*lambda.Function
	log log

	mu      sync.Mutex
	reports []lambda.Report
}

func startFunction(tb testing.TB, proxy *Proxy, environments int) *function {
	tb.Helper()
	f := &function{}
	var err error
	f.Function, err = lambda.New(lambda.Config{
		Name: "us-east-1.edge", Version: "1", ARN: "arn:aws:lambda:us-east-1:123456789012:function:us-east-1.edge:1",
		Region: here,
		Bundle: zip, Runtime: lambda.Python, Handler: "launcher.handler", MemoryMB: 512, Timeout: 30 * time.Second,
		Concurrency: environments,
		Credentials: aws.Credentials{AccessKeyID: "local", SecretAccessKey: "locallocal"},
		Environment: map[string]string{"AWS_ENDPOINT_URL_DYNAMODB": proxy.URL},
		Logs:        &f.log,
		Report: func(r lambda.Report) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.reports = append(f.reports, r)
		},
	})
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, f.Close()) })
	return f
}

// answer is what the viewer gets: a status, or "served" when the request goes on to the bucket, and where it leads.
type answer struct {
	status, location, cacheControl string
	took                           time.Duration
}

// ask sends one viewer's request.
func (f *function) ask(tb testing.TB, event []byte) answer {
	start := time.Now()
	out, err := f.Invoke(tb.Context(), event)
	took := time.Since(start)
	require.NoError(tb, err, "the function itself must not fail")
	var reply struct {
		Status, URI string
		Headers     map[string][]struct{ Value string }
	}
	require.NoError(tb, json.Unmarshal(out, &reply))
	if reply.Status == "" {
		return answer{status: "served", location: reply.URI, took: took}
	}
	a := answer{status: reply.Status, took: took}
	if h := reply.Headers["cache-control"]; len(h) > 0 {
		a.cacheControl = h[0].Value
	}
	if h := reply.Headers["location"]; len(h) > 0 {
		a.location = h[0].Value
	}
	return a
}

// get is the event of a GET for a hash, with the table in these regions.
func get(hash, delivery string, regions ...string) []byte {
	return event(hash, `{"s3":{"authMethod":"none","domainName":"`+bucket+`.s3.us-east-1.amazonaws.com","path":"",`+
		`"region":"","customHeaders":{%s}}}`, delivery, regions)
}

// getVariant is the event of a GET for a variant of a hash's photo.
func getVariant(hash string, regions ...string) []byte {
	return event(hash+"/w320", `{"custom":{"domainName":"x.lambda-url.us-east-1.on.aws","path":"","port":443,`+
		`"protocol":"https","customHeaders":{%s}}}`, "origin", regions)
}

// event is that of a GET below the path of links, with the configuration in custom headers of the origin.
func event(path, origin, delivery string, regions []string) []byte {
	var headers []string
	for name, value := range map[string]string{
		edge.HeaderTable: "mappings", edge.HeaderRegions: strings.Join(regions, ","), edge.HeaderBucket: bucket,
		edge.HeaderBucketRegion: home, edge.HeaderDelivery: delivery, edge.HeaderSignatureTTL: "300",
		edge.HeaderBrowserCache: "86400", edge.HeaderViewerCache: "300", edge.HeaderVariants: "w320:width=320",
	} {
		headers = append(headers, fmt.Sprintf(`%q:[{"key":%q,"value":%q}]`, name, name, value))
	}
	slices.Sort(headers) // the same origin in every event, as at CloudFront
	return fmt.Appendf(nil,
		`{"Records":[{"cf":{"config":{"distributionId":"EDFDVBD6EXAMPLE","eventType":"origin-request","requestId":"x"},
		"request":{"clientIp":"203.0.113.178","headers":{"accept":[{"key":"Accept","value":"image/avif"}]},"method":"GET",
		"querystring":"","uri":"/images/%s","origin":%s}}}]}`, path, fmt.Sprintf(origin, strings.Join(headers, ",")))
}

// log keeps what a function prints.
type log struct{ locked.Buffer }

// line is one line of the function's log.
type line struct {
	Level, Message, Outcome, Region, Error string
}

// lines returns the log's lines once that many lookups are in it, since they come through a pipe. Every line must be
// JSON.
func (l *log) lines(tb testing.TB, lookups int) []line {
	for range 1000 {
		if strings.Count(l.String(), `"lookup"`) >= lookups {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	var lines []line
	for text := range strings.Lines(l.String()) {
		_, text, _ = strings.Cut(text, " | ")
		var one line
		require.NoError(tb, json.Unmarshal([]byte(text), &one), text)
		lines = append(lines, one)
	}
	return lines
}

// zip is the path of the bundle.
var zip string

// TestMain builds the zip once, before any time is taken.
func TestMain(m *testing.M) {
	dir, err := filepath.Abs(filepath.Join("..", "..", ".."))
	if err == nil {
		zip, err = bundle.Edge.ForHost().Build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
