package resources

import (
	"bytes"
	"context"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ask sends a request with another Host header, as a page does whose name was made to lead to 127.0.0.1.
func ask(t *testing.T, method, address, host string) int {
	t.Helper()
	r, err := http.NewRequest(method, address, strings.NewReader("{}"))
	require.NoError(t, err)
	r.Host = host
	resp, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(t, err)
	resp.Body.Close()
	return resp.StatusCode
}

func TestOnlyThisMachinesNamesAreAnswered(t *testing.T) {
	t.Parallel()
	m := startTest(t, nil)
	console, err := m.Serve(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	require.NoError(t, err)
	for what, address := range map[string]string{
		"the CDN": m.BaseURL, "a function's address": m.Outputs["issuerUrl"].(string), "a server beside them": console,
		"CloudFront's API": m.Endpoints[controlEndpoint], "the store": m.Endpoints[storeEndpoint],
		"the table": m.Endpoints["AWS_ENDPOINT_URL_DYNAMODB"],
	} {
		u, err := url.Parse(address)
		require.NoError(t, err)
		for _, host := range []string{"attacker.example:" + u.Port(), "attacker.example", "127.0.0.1.attacker.example",
			"10.0.0.1:" + u.Port(), "localhost.attacker.example", "notlocalhost"} {
			assert.Equal(t, http.StatusMisdirectedRequest, ask(t, "POST", address, host), "%s as %q", what, host)
		}
		for _, host := range []string{u.Host, "localhost:" + u.Port(), "[::1]:" + u.Port(),
			"media.example.localhost:" + u.Port()} {
			assert.NotEqual(t, http.StatusMisdirectedRequest, ask(t, "POST", address, host), "%s as %q", what, host)
		}
	}
}

// https://www.rfc-editor.org/rfc/rfc6761#section-6.3
func TestAStackWithANameBelowLocalhostIsReachedByIt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		aliases []any
		host    string
	}{
		{nil, "127.0.0.1"},
		{[]any{"media.example.com", "*.app.localhost"}, "127.0.0.1"},
		{[]any{"media.example.com", "media.app.localhost", "other.app.localhost"}, "media.app.localhost"},
	} {
		m := startTest(t, func(o *Options) { o.Document.Resources[0].Inputs["aliases"] = tt.aliases })
		u, err := url.Parse(m.BaseURL)
		require.NoError(t, err)
		assert.Equal(t, tt.host, u.Hostname(), tt.aliases)
		assert.Equal(t, m.BaseURL, m.Outputs["cdnBaseUrl"])
		assert.Equal(t, http.StatusForbidden, ask(t, "GET", "http://127.0.0.1:"+u.Port(), u.Host), "S3 has no such object")
	}
}

func TestTheStoreAndTheEventsAreForThoseWhoWereTold(t *testing.T) {
	t.Parallel()
	m := startTest(t, nil)
	u, err := url.Parse(m.Endpoints[storeEndpoint])
	require.NoError(t, err)
	open := "http://" + u.Host
	require.Greater(t, len(u.Path), 20, "the address cannot be guessed")
	for _, path := range []string{"/s3-events", "/key-value-stores/" + url.PathEscape(testStore),
		"/2020-05-31/distribution/" + testDistribution + "/invalidation"} {
		assert.Equal(t, http.StatusNotFound, ask(t, "POST", open+path, u.Host), path)
		assert.Equal(t, http.StatusNotFound, ask(t, "GET", open+path, u.Host), path)
	}
}

func TestTheTableAnswersSignedCallsOnly(t *testing.T) {
	t.Parallel()
	m := startTest(t, nil)
	client := func(keys aws.CredentialsProvider, region string) *dynamodb.Client {
		return dynamodb.New(dynamodb.Options{Region: region,
			BaseEndpoint: aws.String(m.Endpoints["AWS_ENDPOINT_URL_DYNAMODB"]), Credentials: keys, RetryMaxAttempts: 1})
	}
	list := func(c *dynamodb.Client) error {
		_, err := c.ListTables(context.Background(), &dynamodb.ListTablesInput{})
		return err
	}
	assert.NoError(t, list(client(Provider, testRegion)))
	assert.NoError(t, list(client(Provider, "us-east-1")), "one engine stands for every region")
	assert.ErrorContains(t, list(client(stranger, testRegion)), "InvalidSignatureException")
	r, err := http.NewRequest("POST", m.Endpoints["AWS_ENDPOINT_URL_DYNAMODB"], bytes.NewReader([]byte("{}")))
	require.NoError(t, err)
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810.ListTables")
	r.Header.Set("Authorization",
		"AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=00")
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, 400, resp.StatusCode, "the engine itself would take it")
}

func TestTheStateIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o755))
	m := startTest(t, func(o *Options) { o.Dir = dir })
	info, err := os.Stat(dir)
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o700), info.Mode().Perm())
	lock, err := os.Stat(filepath.Join(dir, "lock"))
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o600), lock.Mode().Perm())
	assert.True(t, Running(dir))
	m.Close()
	m.closers = nil
	assert.False(t, Running(dir))
}
