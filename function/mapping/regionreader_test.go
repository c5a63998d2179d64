package mapping

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const storedHash = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"

var testCredentials = aws.Credentials{AccessKeyID: "local", SecretAccessKey: "locallocal"}

func testReader(endpoint string) *RegionReader {
	return newRegionReader("mappings", "eu-central-1", endpoint, testCredentials, &clock{read: time.Now})
}

func TestACallIsSignedConsistentAndInItsRegion(t *testing.T) {
	var seen *http.Request
	var body string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, _ := io.ReadAll(r.Body)
		seen, body = r, string(content)
		_, _ = io.WriteString(w, "{}")
	}))
	defer server.Close()
	credentials := testCredentials
	credentials.SessionToken = "session"
	reader := newRegionReader("mappings", "ap-south-1", server.URL, credentials, &clock{read: time.Now})
	_, err := reader.Get(t.Context(), storedHash)
	require.NoError(t, err)
	assert.JSONEq(t, `{"TableName":"mappings","ConsistentRead":true,"Key":{"hash":{"S":"`+storedHash+`"}}}`, body)
	assert.Equal(t, "DynamoDB_20120810.GetItem", seen.Header.Get("X-Amz-Target"))
	assert.Equal(t, "session", seen.Header.Get("X-Amz-Security-Token"))
	assert.Contains(t, seen.Header.Get("Authorization"), "/ap-south-1/dynamodb/aws4_request, "+
		"SignedHeaders=content-length;content-type;host;x-amz-date;x-amz-security-token;x-amz-target, ")
	assert.NotContains(t, seen.Header, "X-Idempotency-Key")
}

func TestWithoutAnEndpointTheRegionsOwnIsAsked(t *testing.T) {
	reader := newRegionReader("m", "ap-south-1", "", testCredentials, nil)
	assert.Equal(t, "https://dynamodb.ap-south-1.amazonaws.com/", reader.endpoint.String())
}

func TestAReaderAsksTheNearestRegionFirstAndKnowsItsHome(t *testing.T) {
	r := NewReader(Source{Table: "m", Regions: []string{"eu-central-1", "us-east-1", "ap-south-1"}, Here: "us-west-2"},
		nil)
	assert.Equal(t, "eu-central-1", r.Home)
	var regions []string
	for _, replica := range r.Replicas {
		regions = append(regions, replica.Region)
		assert.Equal(t, replica.Region, replica.Table.(*RegionReader).region)
	}
	assert.Equal(t, []string{"us-east-1", "eu-central-1", "ap-south-1"}, regions)
}

func TestAMalformedAnswerIsAnError(t *testing.T) {
	for name, tt := range map[string]struct {
		status     int
		body, want string
	}{
		"nothing":              {200, "", "reading DynamoDB's answer"},
		"half an item":         {200, `{"Item":{"hash":{"S":"AAEC`, "reading DynamoDB's answer"},
		"a number as a string": {200, `{"Item":{"hash":{"S":7}}}`, "reading DynamoDB's answer"},
		"a list":               {200, `[]`, "reading DynamoDB's answer"},
		"a page of a proxy":    {200, "<html>", "reading DynamoDB's answer"},
		"an error page":        {502, "<html>", "DynamoDB answered 502"},
		"an error": {400, `{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"slow down"}`,
			"DynamoDB answered 400: ThrottlingException: slow down"},
		"a redirect": {307, "", "DynamoDB answered 307"},
		"more than an item holds": {200, `{"Item":{"hash":{"S":"` + strings.Repeat("A", maxAnswer) + `"}}}`,
			"reading DynamoDB's answer"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			}))
			defer server.Close()
			item, err := testReader(server.URL).Get(t.Context(), storedHash)
			assert.ErrorContains(t, err, tt.want)
			assert.Nil(t, item)
		})
	}
}

// The server ends each connection after one answer, as it may while Lambda has
// the process frozen.
func TestAReadOnADeadConnectionIsRepeatedOnANewOne(t *testing.T) {
	for name, end := range map[string]func(*net.TCPConn){
		"closed": func(c *net.TCPConn) { c.Close() },
		"reset":  func(c *net.TCPConn) { _ = c.SetLinger(0); c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			address, accepted := dyingServer(t, end)
			reader := testReader("http://" + address)
			for range 20 {
				_, err := reader.Get(t.Context(), storedHash)
				require.NoError(t, err)
			}
			assert.Greater(t, accepted(), 1, "no connection died: the test shows nothing")
		})
	}
}

// dyingServer answers the first request of each connection, and ends the
// connection when it has read the second.
func dyingServer(t *testing.T, end func(*net.TCPConn)) (address string, accepted func() int) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	var mu sync.Mutex
	n := 0
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			n++
			mu.Unlock()
			go func() {
				buf := make([]byte, 4096)
				_, _ = conn.Read(buf)
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
				_, _ = conn.Read(buf)
				end(conn.(*net.TCPConn))
			}()
		}
	}()
	return listener.Addr().String(), func() int { mu.Lock(); defer mu.Unlock(); return n }
}

func TestAWrongClockIsCorrectedByTheServersDate(t *testing.T) {
	off := 20 * time.Minute // how far the process's clock lags
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		if now := time.Now(); err != nil || now.Sub(signed).Abs() > 5*time.Minute {
			w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type":"x#InvalidSignatureException","message":"Signature expired"}`)
			return
		}
		_, _ = io.WriteString(w, "{}")
	}))
	defer server.Close()
	late := &clock{read: func() time.Time { return time.Now().Add(-off) }}
	reader := newRegionReader("mappings", "eu-central-1", server.URL, testCredentials, late)
	get := func() error { _, err := reader.Get(context.Background(), storedHash); return err }
	assert.ErrorContains(t, get(), "InvalidSignatureException")
	assert.NoError(t, get())
	off = 0 // the process's clock was set, so the correction is wrong now
	assert.Error(t, get())
	assert.NoError(t, get())
}
