package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/edge"
	"secure-media-cdn/function/mapping"
	"secure-media-cdn/infra/local/engine"
)

var testCredentials = aws.Credentials{AccessKeyID: "local", SecretAccessKey: "locallocal"}

// TestALookupReadsTheRealEngine runs the function's own connection, reader and
// handler against a real table.
func TestALookupReadsTheRealEngine(t *testing.T) {
	h, payload, _ := onEngine(t)
	out, err := h.Invoke(t.Context(), payload)
	require.NoError(t, err)
	var request struct{ URI string }
	require.NoError(t, json.Unmarshal(out, &request))
	require.Equal(t, "/simple-chat/photo.jpg", request.URI)

	out, err = h.Invoke(t.Context(), bytes.Replace(payload, []byte("/images/AAEC"), []byte("/images/BBBB"), 1))
	require.NoError(t, err)
	require.Contains(t, string(out), `"status":"404"`)
}

// onEngine returns the function's handler on a real table with one live
// mapping, the event that asks for it, and the engine's URL.
func onEngine(tb testing.TB) (*edge.Handler, []byte, string) {
	tb.Helper()
	server, err := engine.DynamoDB(context.Background(), "")
	require.NoError(tb, err)
	tb.Cleanup(server.Close)

	client := sdkClient(server.URL)
	_, err = client.CreateTable(context.Background(), &dynamodb.CreateTableInput{
		TableName:            aws.String("mappings"),
		BillingMode:          types.BillingModePayPerRequest,
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("hash"), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("hash"), AttributeType: types.ScalarAttributeTypeS}},
	})
	require.NoError(tb, err)
	_, err = client.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: aws.String("mappings"), Item: mapping.Mapping{
		Hash:      "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX",
		Object:    mapping.Object{Bucket: "secure-media-cdn-dev-123456789012", Key: "simple-chat/photo.jpg"},
		CreatedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour), Service: "simple-chat",
	}.Item()})
	require.NoError(tb, err)

	payload, err := os.ReadFile("../../edge/testdata/origin-request.json")
	require.NoError(tb, err)
	return &edge.Handler{
		Open: func(c edge.Config) edge.Lookup {
			return reader(c, "eu-central-1", testCredentials, server.URL, slog.New(slog.DiscardHandler)).Lookup
		},
		Now: time.Now,
		Log: slog.New(slog.NewJSONHandler(io.Discard, nil)),
	}, payload, server.URL
}

// sdkClient is the SDK's own client, as a table's writer has it. It tries again
// as by default: with a server as near as this one, it may close a connection
// that it still reads a large answer from.
// https://github.com/aws/aws-sdk-go-v2/issues/2737
func sdkClient(url string) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region:       "eu-central-1",
		Credentials:  aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return testCredentials, nil }),
		BaseEndpoint: aws.String(url),
	})
}

// BenchmarkLookup compares, in turn on one engine, a whole lookup (from the
// event's bytes to the answer's) with its floor: a bare signed GetItem over a
// kept-alive connection. It reports both medians and their difference.
func BenchmarkLookup(b *testing.B) {
	h, payload, url := onEngine(b)
	floor := bareGetItem(b, url)
	var bare, whole []time.Duration
	for b.Loop() {
		start := time.Now()
		floor()
		between := time.Now()
		if _, err := h.Invoke(context.Background(), payload); err != nil {
			b.Fatal(err)
		}
		bare, whole = append(bare, between.Sub(start)), append(whole, time.Since(between))
	}
	b.ReportMetric(micros(median(bare)), "µs/bare-GetItem")
	b.ReportMetric(micros(median(whole)), "µs/lookup")
	b.ReportMetric(micros(median(whole)-median(bare)), "µs/added")
}

// floorClient has the function's own connection settings.
var floorClient = &http.Client{Transport: transport}

func bareGetItem(b *testing.B, url string) func() {
	body := []byte(`{"TableName":"mappings","ConsistentRead":true,"Key":{"hash":{"S":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"}}}`)
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	signer := v4.NewSigner()
	return func() {
		req, err := http.NewRequest(http.MethodPost, url+"/", bytes.NewReader(body))
		require.NoError(b, err)
		req.Header.Set("Content-Type", "application/x-amz-json-1.0")
		req.Header.Set("X-Amz-Target", "DynamoDB_20120810.GetItem")
		require.NoError(b, signer.SignHTTP(context.Background(), testCredentials, req, hash, "dynamodb", "eu-central-1", time.Now()))
		resp, err := floorClient.Do(req)
		require.NoError(b, err)
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(b, err)
		resp.Body.Close()
		require.Equal(b, http.StatusOK, resp.StatusCode)
	}
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
