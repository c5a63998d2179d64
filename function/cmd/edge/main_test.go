package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/edge"
	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/mapping/mappingtest"
	"secure-media-cdn/function/variant"
)

const storedHash = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"

var testCredentials = aws.Credentials{AccessKeyID: "test", SecretAccessKey: "testtest"}

func TestALookupReadsARealTable(t *testing.T) {
	w := onEngine(t)
	out, err := w.handler.Invoke(t.Context(), w.payload)
	require.NoError(t, err)
	var request struct{ URI string }
	require.NoError(t, json.Unmarshal(out, &request))
	require.Equal(t, "/simple-chat/photo.jpg", request.URI)

	out, err = w.handler.Invoke(t.Context(), bytes.Replace(w.payload, []byte("/images/AAEC"), []byte("/images/BBBB"), 1))
	require.NoError(t, err)
	require.Contains(t, string(out), `"status":"404"`)
}

func TestAVariantIsHandedOnWithAURLThatTheFunctionHasSigned(t *testing.T) {
	w := onEngine(t)
	payload, err := os.ReadFile("../../edge/testdata/origin-request-variant.json")
	require.NoError(t, err)
	payload = bytes.ReplaceAll(payload, []byte(`"mappings"`), []byte(`"`+w.table+`"`))
	out, err := w.handler.Invoke(t.Context(), payload)
	require.NoError(t, err)
	var request struct {
		URI     string
		Headers edge.Headers
	}
	require.NoError(t, json.Unmarshal(out, &request))
	require.Equal(t, "/", request.URI)
	headers := map[string]string{variant.HeaderLimits: "megapixels=100,megabytes=50,frames=60"}
	for name, values := range request.Headers {
		headers[name] = values[0].Value
	}
	task, err := variant.ParseTask(headers)
	require.NoError(t, err)
	require.Equal(t, variant.Variant{Width: 320}, task.Variant)
	source, err := url.Parse(task.Source)
	require.NoError(t, err)
	require.Equal(t, "secure-media-cdn-dev-123456789012.s3.eu-central-1.amazonaws.com", source.Host)
	require.Equal(t, "/simple-chat/photo.jpg", source.Path)
	require.Equal(t, "60", source.Query().Get("X-Amz-Expires"))
	require.Contains(t, source.Query().Get("X-Amz-Credential"), testCredentials.AccessKeyID)
}

// environment is what Lambda would set, and the engine's URL.
func environment(url string) map[string]string {
	return map[string]string{
		"AWS_REGION": "eu-central-1", "AWS_ENDPOINT_URL_DYNAMODB": url,
		"AWS_ACCESS_KEY_ID": testCredentials.AccessKeyID, "AWS_SECRET_ACCESS_KEY": testCredentials.SecretAccessKey,
	}
}

// world is the function's handler on a real table with one live mapping.
type world struct {
	handler    *edge.Handler
	payload    []byte // the event that asks for the mapping
	url, table string
}

func onEngine(tb testing.TB) world {
	tb.Helper()
	server := mappingtest.Engine(tb)
	table := mappingtest.Table(tb, server, nil)
	m := mapping.Mapping{
		Hash:      storedHash,
		Object:    mapping.Object{Bucket: "secure-media-cdn-dev-123456789012", Key: "simple-chat/photo.jpg"},
		CreatedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour), Service: "simple-chat",
	}
	_, err := table.Client.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: &table.Name, Item: m.Item()})
	require.NoError(tb, err)
	payload, err := os.ReadFile("../../edge/testdata/origin-request.json")
	require.NoError(tb, err)
	payload = bytes.ReplaceAll(payload, []byte(`"mappings"`), []byte(`"`+table.Name+`"`))
	env := environment(server.URL)
	h := newHandler(func(name string) string { return env[name] }, io.Discard)
	return world{handler: h, payload: payload, url: server.URL, table: table.Name}
}

// BenchmarkLookup compares a whole lookup, from the event's bytes to the
// answer's, with its floor: a bare signed GetItem. Both run in turn on one
// engine. It reports both medians and their difference.
func BenchmarkLookup(b *testing.B) {
	w := onEngine(b)
	floor := bareGetItem(b, w.url, w.table)
	var bare, whole []time.Duration
	for b.Loop() {
		start := time.Now()
		floor()
		between := time.Now()
		if _, err := w.handler.Invoke(context.Background(), w.payload); err != nil {
			b.Fatal(err)
		}
		bare, whole = append(bare, between.Sub(start)), append(whole, time.Since(between))
	}
	b.ReportMetric(micros(median(bare)), "µs/bare-GetItem")
	b.ReportMetric(micros(median(whole)), "µs/lookup")
	b.ReportMetric(micros(median(whole)-median(bare)), "µs/added")
}

// bareGetItem makes one signed call over a kept-alive connection.
func bareGetItem(b *testing.B, url, table string) func() {
	body := fmt.Appendf(nil, `{"TableName":%q,"ConsistentRead":true,"Key":{"hash":{"S":%q}}}`, table, storedHash)
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	signer := v4.NewSigner()
	return func() {
		req, err := http.NewRequest(http.MethodPost, url+"/", bytes.NewReader(body))
		require.NoError(b, err)
		req.Header.Set("Content-Type", "application/x-amz-json-1.0")
		req.Header.Set("X-Amz-Target", "DynamoDB_20120810.GetItem")
		err = signer.SignHTTP(context.Background(), testCredentials, req, hash, "dynamodb", "eu-central-1", time.Now())
		require.NoError(b, err)
		resp, err := http.DefaultClient.Do(req)
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
