package resources

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	issuerfn "secure-media-cdn/function/issuer"
)

// signing says how a test's request is signed.
type signing struct {
	keys            aws.Credentials
	service, region string
	at              time.Time
}

func signed(t *testing.T, method, url, body string, change func(*signing)) *http.Request {
	t.Helper()
	s := signing{keys: Local, service: "lambda", region: testRegion, at: time.Now()}
	if change != nil {
		change(&s)
	}
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	sum := sha256.Sum256([]byte(body))
	require.NoError(t, v4.NewSigner().SignHTTP(context.Background(), s.keys, req, hex.EncodeToString(sum[:]), s.service,
		s.region, s.at))
	return req
}

func do(t *testing.T, req *http.Request) (int, string, http.Header) {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body), resp.Header
}

func TestAFunctionURLAnswersWhoSigns(t *testing.T) {
	t.Parallel()
	m := startTest(t, nil)
	url := m.Outputs["issuerUrl"].(string)

	status, body, header := do(t, signed(t, "POST", url+"links/a%20b?x=1&x=2&y=%2B", `{"objects":["ü"]}`, nil))
	require.Equal(t, 201, status, body)
	assert.Equal(t, "application/json", header.Get("Content-Type"))
	var event events.LambdaFunctionURLRequest
	require.NoError(t, json.Unmarshal([]byte(body), &event))
	assert.Equal(t, "2.0", event.Version)
	assert.Equal(t, "/links/a%20b", event.RawPath)
	assert.Equal(t, "x=1&x=2&y=%2B", event.RawQueryString)
	assert.Equal(t, map[string]string{"x": "1,2", "y": "+"}, event.QueryStringParameters)
	assert.Equal(t, `{"objects":["ü"]}`, event.Body)
	assert.False(t, event.IsBase64Encoded)
	assert.Equal(t, "POST", event.RequestContext.HTTP.Method)
	assert.Equal(t, &events.LambdaFunctionURLRequestContextAuthorizerIAMDescription{
		AccessKey: "local", AccountID: "123456789012", UserARN: "arn:aws:iam::123456789012:user/local",
	}, event.RequestContext.Authorizer.IAM, "who signed")
	assert.Contains(t, event.Headers, "authorization")

	chat := aws.Credentials{AccessKeyID: "chat", SecretAccessKey: "chatchat"}
	_, body, _ = do(t, signed(t, "GET", url, "", func(s *signing) { s.keys = chat }))
	assert.Contains(t, body, `"userArn":"arn:aws:iam::123456789012:user/chat"`, "another user of the account")

	for name, req := range map[string]*http.Request{
		"the name of another user": func() *http.Request {
			req := signed(t, "GET", url, "", func(s *signing) { s.keys = chat })
			req.Header.Set("Authorization", strings.Replace(req.Header.Get("Authorization"), "=chat/", "=local/", 1))
			return req
		}(),
		"another key":     signed(t, "GET", url, "", func(s *signing) { s.keys.SecretAccessKey = "guessed" }),
		"another service": signed(t, "GET", url, "", func(s *signing) { s.service = "s3" }),
		"another region":  signed(t, "GET", url, "", func(s *signing) { s.region = "us-east-1" }),
		"an old request":  signed(t, "GET", url, "", func(s *signing) { s.at = time.Now().Add(-6 * time.Minute) }),
		"no signature": func() *http.Request {
			req := signed(t, "GET", url, "", nil)
			req.Header.Del("Authorization")
			return req
		}(),
		"another path": func() *http.Request { req := signed(t, "GET", url, "", nil); req.URL.Path = "/other"; return req }(),
		"another body": func() *http.Request {
			req := signed(t, "POST", url, "{}", nil)
			req.Body = io.NopCloser(bytes.NewReader([]byte("[]")))
			return req
		}(),
		"another signed header": func() *http.Request {
			req := signed(t, "POST", url, "{}", nil)
			req.Header.Set("Content-Type", "text/plain")
			return req
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			status, body, _ := do(t, req)
			assert.Equal(t, 403, status)
			assert.Contains(t, body, "Forbidden")
			assert.NotContains(t, body, Local.SecretAccessKey)
		})
	}
}

// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-lambda.html
// https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
func TestCloudFrontCallsAFunctionOnlyWithBothGrantsForThisDistribution(t *testing.T) {
	t.Parallel()
	arn := "arn:aws:cloudfront::123456789012:distribution/" + testDistribution
	for name, tt := range map[string]struct {
		change func(inputs map[string]any) // of the second grant
		status int
		says   string
	}{
		"both":                     {nil, 201, `"userArn":"cloudfront.amazonaws.com"`},
		"another action":           {func(in map[string]any) { in["action"] = "lambda:GetFunction" }, 403, "does not grant"},
		"another distribution":     {func(in map[string]any) { in["sourceArn"] = arn + "2" }, 403, "does not grant"},
		"every distribution":       {func(in map[string]any) { delete(in, "sourceArn") }, 403, "does not grant"},
		"another principal":        {func(in map[string]any) { in["principal"] = "123456789012" }, 403, "does not grant"},
		"another function":         {func(in map[string]any) { in["function"] = "other" }, 403, "does not grant"},
		"another alias":            {func(in map[string]any) { in["qualifier"] = "old" }, 403, "does not grant"},
		"a URL that is not signed": {func(in map[string]any) { in["functionUrlAuthType"] = "NONE" }, 403, "does not grant"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, second := range neededActions {
				m := startTest(t, func(o *Options) {
					withFunctionOrigin(o)
					for _, action := range neededActions {
						in := map[string]any{"action": action, "function": "echo", "principal": "cloudfront.amazonaws.com",
							"qualifier": "live", "sourceArn": arn}
						if action == second && tt.change != nil {
							tt.change(in)
						}
						o.Document.Resources = append(o.Document.Resources, resource(typePermission, action, action, in, nil))
					}
				})
				req, err := http.NewRequest("GET", m.BaseURL+"/images/a/w320", nil)
				require.NoError(t, err)
				status, body, _ := do(t, req)
				assert.Equal(t, tt.status, status, body)
				assert.Contains(t, body, tt.says)
			}
		})
	}
}

// withFunctionOrigin puts the echo function behind the distribution.
func withFunctionOrigin(o *Options) {
	cdn := o.Document.Resources[0].Inputs
	behaviour := maps.Clone(cdn["defaultCacheBehavior"].(map[string]any))
	behaviour["pathPattern"], behaviour["targetOriginId"] = "/images/*/*", "echo"
	cdn["orderedCacheBehaviors"] = []any{behaviour}
	cdn["origins"] = append(cdn["origins"].([]any), map[string]any{
		"originId": "echo", "domainName": "echo.lambda-url.eu-central-1.on.aws", "originAccessControlId": "echo",
		"customOriginConfig": map[string]any{"httpPort": 80.0, "httpsPort": 443.0, "originProtocolPolicy": "https-only",
			"originSslProtocols": []any{"TLSv1.2"}},
	})
	o.Document.Resources = append(o.Document.Resources,
		resource("aws:cloudfront/originAccessControl:OriginAccessControl", "echo", "echo", map[string]any{
			"originAccessControlOriginType": "lambda", "signingBehavior": "always", "signingProtocol": "sigv4",
		}, nil))
}

func TestNobodySignsAsCloudFrontButCloudFront(t *testing.T) {
	t.Parallel()
	m := startTest(t, nil)
	url := m.Outputs["issuerUrl"].(string)
	guessed := aws.Credentials{AccessKeyID: service, SecretAccessKey: service + service}
	status, body, _ := do(t, signed(t, "GET", url, "", func(s *signing) { s.keys = guessed }))
	assert.Equal(t, 403, status, body)
	status, body, _ = do(t, signed(t, "GET", url, "", func(s *signing) { s.keys = serviceKey }))
	assert.Equal(t, 403, status, "without grants not even CloudFront")
	assert.Contains(t, body, "does not grant")
}

// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
// https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html
func TestWhatLambdaRefusesItself(t *testing.T) {
	t.Parallel()
	m := startTest(t, nil)
	url := m.Outputs["issuerUrl"].(string)
	status, _, _ := do(t, signed(t, "POST", url, strings.Repeat("x", maxPayload), nil))
	assert.Equal(t, 413, status, "a request that is too large as an event")
	status, _, _ = do(t, signed(t, "POST", url, strings.Repeat(`"`, 2<<20), nil))
	assert.Equal(t, 502, status, "an answer that is too large, which has the event in it, escaped twice")

	none := startTest(t, func(o *Options) {
		f, _ := o.Document.Find(typeFunction, "echo")
		f.Inputs["reservedConcurrentExecutions"] = 0.0
	})
	status, _, _ = do(t, signed(t, "GET", none.Outputs["issuerUrl"].(string), "", nil))
	assert.Equal(t, 429, status, "reserved concurrency that is used up")
}

func TestCookiesTravelApart(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("POST", "/session", nil)
	r.Header.Set("Cookie", "a=1; b=2")
	assert.Equal(t, []string{"a=1", "b=2"}, urlEvent(r, nil, "local").Cookies)
	w := httptest.NewRecorder()
	answer(w, []byte(`{"statusCode":200,"cookies":["a=1; Secure","b=2"]}`))
	assert.Equal(t, []string{"a=1; Secure", "b=2"}, w.Result().Header["Set-Cookie"])
}

func TestWhatAFunctionAnswersIsPassedOnOrRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		out    string
		status int
		body   string
	}{
		"text":                  {`{"statusCode":200,"body":"hello"}`, 200, "hello"},
		"bytes":                 {`{"statusCode":200,"body":"/wD+","isBase64Encoded":true}`, 200, "\xff\x00\xfe"},
		"no answer's form":      {`"hello"`, 502, ""},
		"a status out of range": {`{"statusCode":42}`, 502, ""},
		"bytes that are none":   {`{"statusCode":200,"body":"%","isBase64Encoded":true}`, 502, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			answer(w, []byte(tt.out))
			assert.Equal(t, tt.status, w.Code)
			if tt.body != "" {
				assert.Equal(t, tt.body, w.Body.String())
			}
		})
	}
}

func TestTheLocalUserIsNamedForEveryServiceBesideTheConfiguredCallers(t *testing.T) {
	t.Parallel()
	environment := map[string]string{
		issuerfn.EnvCallers:        `[{"principal":"210987654321","services":["chat"]}]`,
		issuerfn.EnvPublicServices: "shop,nudges", issuerfn.EnvPrivateServices: "chat",
	}
	require.NoError(t, withLocalUser(environment))
	callers, err := issuerfn.DecodeCallers(environment[issuerfn.EnvCallers])
	require.NoError(t, err)
	assert.Equal(t, []issuerfn.Caller{
		{Principal: "210987654321", Services: []string{"chat"}},
		{Principal: "arn:aws:iam::123456789012:user/local", Services: []string{"chat", "shop", "nudges"}},
	}, callers)
	other := map[string]string{"X": "y"}
	require.NoError(t, withLocalUser(other))
	assert.Equal(t, map[string]string{"X": "y"}, other, "another function's environment stays as it is")
	require.Error(t, withLocalUser(map[string]string{issuerfn.EnvCallers: "x"}))
}

func TestABodyThatIsNotUTF8TravelsAsItsBytes(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("POST", "/links", nil)
	r.Header.Set("Content-Type", "application/json")
	event := urlEvent(r, []byte("{\xff}"), "local")
	assert.True(t, event.IsBase64Encoded)
	assert.Equal(t, base64.StdEncoding.EncodeToString([]byte("{\xff}")), event.Body)
}
