package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/issue/api"
)

// Which calls are tried again, and how they are signed, the tests of function/links
// try against the real handler.

// issuer answers every call alike, and keeps what it was asked.
type issuer struct {
	status int
	answer string
	asked  []string
	onCall func()
}

func (i *issuer) client(t *testing.T) *Client {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		i.asked = append(i.asked, r.Method+" "+r.URL.EscapedPath()+" "+string(body))
		if i.onCall != nil {
			i.onCall()
		}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(i.status)
		_, _ = io.WriteString(w, i.answer)
	}))
	t.Cleanup(server.Close)
	c, err := Local(server.URL+"/", "eu-central-1")
	require.NoError(t, err)
	return c
}

func TestWhatAnAnswerBecomes(t *testing.T) {
	t.Parallel()
	issueIt := func(c *Client) (any, error) {
		return c.Issue(t.Context(), []string{"s3://m/a"}, issue.Terms{TTL: time.Hour})
	}
	showIt := func(c *Client) (any, error) { return c.Show(t.Context(), "a/b") }
	revokeIt := func(c *Client) (any, error) { return c.Revoke(t.Context(), []string{"s3://m/a"}, []string{"h"}) }
	ticketIt := func(c *Client) (any, error) { return c.Ticket(t.Context(), "ann", []string{"club/a"}, time.Minute) }
	endIt := func(c *Client) (any, error) { return nil, c.EndSession(t.Context(), "a/b") }
	problem := &api.Problem{Code: "c", Message: "no", Field: "objects[0]"}
	for name, tt := range map[string]struct {
		do     func(*Client) (any, error)
		status int
		answer string
		want   any
		err    string
		whole  bool // the error is an Error
		asked  string
	}{
		"links": {
			issueIt, 200, `{"links":[{"object":"s3://m/a","hash":"h"}]}`, []api.Link{{Object: "s3://m/a",
				Hash: "h"}}, "", false, `POST /links {"objects":["s3://m/a"],"ttlSeconds":3600}`,
		},
		"a problem with each object": {
			issueIt, 404, `{"links":[{"error":{"code":"c","message":"no","field":"objects[0]"}}],` +
				`"error":{"code":"c"}}`, []api.Link{{Error: problem}}, "", false, "",
		},
		"a call that is wrong": {
			issueIt, 400, `{"error":{"code":"c","message":"no","field":"objects[0]"}}`, nil, "objects[0]: no", true, "",
		},
		"a call that is too large":   {issueIt, 413, `{"error":{"code":"c","message":"no"}}`, nil, "no", true, ""},
		"an answer without anything": {issueIt, 200, `{}`, nil, "the issuer's answer is empty", false, ""},
		"who may not ask": {
			issueIt, 403, `{"Message":"Forbidden"}`, nil, "issuing: the issuer refuses us (403 Forbidden): are the " +
				"credentials right, and is their principal among issuerPrincipals?", false, "",
		},
		"objects of another service": {
			issueIt, 403, `{"links":[{"error":{"code":"forbidden","message":"no"}}],"error":{"code":"forbidden",` +
				`"message":"no"}}`, []api.Link{{Error: &api.Problem{Code: "forbidden", Message: "no"}}}, "", false, "",
		},
		"a redirect": {
			issueIt, 307, `{"links":[]}`, nil, "the issuer answered 307, which is not its API's", false, "",
		},
		"a mapping": {
			showIt, 200, `{"hash":"a/b","state":"live"}`, &api.Shown{Hash: "a/b", State: "live"}, "", false, "GET /links/a%2Fb ",
		},
		"no mapping":       {showIt, 404, `{"error":{"code":"link_not_found","message":"no"}}`, nil, "no", true, ""},
		"who may not look": {showIt, 403, ``, nil, "showing: the issuer refuses us (403 without a reason)", false, ""},
		"revocations": {
			revokeIt, 200, `{"revocations":[{"object":"s3://m/a","revoked":["x"]},{"hash":"h",` +
				`"revoked":[]}]}`, []api.Revocation{{Object: "s3://m/a", Revoked: []string{"x"}},
				{Hash: "h", Revoked: []string{}}}, "", false, `POST /revocations {"objects":["s3://m/a"],"hashes":["h"]}`,
		},
		"a revocation of nothing": {revokeIt, 400, `{"error":{"code":"c","message":"no"}}`, nil, "no", true, ""},
		"who may not revoke":      {revokeIt, 401, `{}`, nil, "revoking: the issuer refuses us (401 )", false, ""},
		"bound links": {
			func(c *Client) (any, error) {
				return c.Issue(t.Context(), []string{"s3://m/a"}, issue.Terms{Audience: "club/a"})
			}, 200, `{"links":[{"hash":"h","audience":"club/a","variants":{"w320":"u"}}]}`,
			[]api.Link{{Hash: "h", Audience: "club/a", Variants: map[string]string{"w320": "u"}}}, "", false,
			`POST /links {"objects":["s3://m/a"],"audience":"club/a"}`,
		},
		"a ticket": {
			ticketIt, 200, `{"ticket":"t","cookie":"c","session":"s"}`, &api.Ticket{Ticket: "t", Cookie: "c", Session: "s"}, "",
			false, `POST /viewers {"viewer":"ann","audiences":["club/a"],"ttlSeconds":60}`,
		},
		"no ticket": {
			ticketIt, 409, `{"error":{"code":"c","message":"no"}}`, nil, "no", true, "",
		},
		"a ticket that is empty":   {ticketIt, 200, `{}`, nil, "the issuer's answer is empty", false, ""},
		"who may make no ticket":   {ticketIt, 403, `{}`, nil, "asking for a ticket: the issuer refuses us", false, ""},
		"an ended session":         {endIt, 204, ``, nil, "", false, "DELETE /viewers/a%2Fb "},
		"a session that is none":   {endIt, 400, `{"error":{"code":"c","message":"no"}}`, nil, "no", true, ""},
		"an end that nobody tells": {endIt, 200, `{}`, nil, "the issuer's answer is empty", false, ""},
		"who may end no session":   {endIt, 403, `{}`, nil, "ending a session: the issuer refuses us", false, ""},
		"a revocation that has failed": {
			revokeIt, 409, `{"revocations":[{"hash":"h","error":{"code":"c","message":"no","field":"objects[0]"}}],` +
				`"error":{"code":"c"}}`, []api.Revocation{{Hash: "h", Error: problem}}, "", false, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := &issuer{status: tt.status, answer: tt.answer}
			got, err := tt.do(i.client(t))
			require.Len(t, i.asked, 1)
			if tt.asked != "" {
				assert.Equal(t, tt.asked, i.asked[0])
			}
			if tt.err == "" {
				require.NoError(t, err)
				assert.Equal(t, tt.want, got)
				return
			}
			require.ErrorContains(t, err, tt.err)
			assert.Equal(t, tt.whole, assert.ObjectsAreEqual(fmt.Sprintf("%T", err), "*client.Error"))
		})
	}
}

func TestTryingAgainEndsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	i := &issuer{status: 503, answer: `{"error":{"code":"unavailable","message":"down"}}`, onCall: cancel}
	_, err := i.client(t).Issue(ctx, []string{"s3://m/a"}, issue.Terms{})
	require.ErrorIs(t, err, context.Canceled)
	assert.Len(t, i.asked, 1)
}

func TestWithoutCredentialsNothingIsSent(t *testing.T) {
	t.Parallel()
	i := &issuer{}
	c := i.client(t)
	c.credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, fmt.Errorf("log in first")
	})
	_, err := c.Issue(t.Context(), []string{"s3://m/a"}, issue.Terms{})
	require.EqualError(t, err, "issuing: no AWS credentials: log in first")
	assert.Empty(t, i.asked)
}

func Example() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		panic(err)
	}
	// The outputs issuerUrl and mediaBucketRegion.
	c, err := New("https://abcdefghijklmnopqrstuvwxyz012345.lambda-url.eu-central-1.on.aws/", "eu-central-1",
		cfg.Credentials)
	if err != nil {
		panic(err)
	}
	links, err := c.Issue(ctx, []string{"s3://media/simple-chat/cat.jpg"}, issue.Terms{TTL: 24 * time.Hour})
	if err != nil {
		panic(err)
	}
	for _, l := range links {
		if l.Error != nil {
			fmt.Println(l.Object, l.Error.Message)
			continue
		}
		fmt.Println(l.Object, l.URL)
	}
}

func TestOnlyAFunctionURLInTheStacksRegionIsCalled(t *testing.T) {
	t.Parallel()
	const good = "https://abc123.lambda-url.eu-central-1.on.aws"
	for address, ok := range map[string]bool{
		good: true, good + "/": true,
		"": false, good + "//": false, good + "/links": false, good + "?x": false, good + "/?": false, good + "#x": false,
		good + ":443": false,
		"http://abc123.lambda-url.eu-central-1.on.aws/":               false,
		"HTTPS://abc123.lambda-url.eu-central-1.on.aws/":              false,
		"https://me@abc123.lambda-url.eu-central-1.on.aws/":           false,
		"https://evil.example/?abc123.lambda-url.eu-central-1.on.aws": false,
		"https://evil.example#abc123.lambda-url.eu-central-1.on.aws":  false,
		"https://evil.example\\.lambda-url.eu-central-1.on.aws/":      false,
		"https://abc123.lambda-url.eu-central-1.on.aws.evil.example/": false,
		"https://abc123.lambda-url.eu-central-1.on.aws\n":             false,
		"https://a.b.lambda-url.eu-central-1.on.aws/":                 false,
		"https://.lambda-url.eu-central-1.on.aws/":                    false,
		"https://abc123xlambda-url.eu-central-1.on.aws/":              false,
		"https://abc123.lambda-url.us-east-1.on.aws/":                 false,
		"https://abc123.lambda-url.eu-central-1.on.aws.cn/":           false,
		"https://abc123.execute-api.eu-central-1.amazonaws.com/":      false,
		"http://127.0.0.1:8080/":                                      false,
	} {
		_, err := New(address, "eu-central-1", nil)
		assert.Equal(t, ok, err == nil, "%q", address)
	}
	for _, region := range []string{"", ".*", "eu-central-1.on.aws/x?", "us-east-1"} {
		_, err := New(good, region, nil)
		require.Error(t, err, region)
	}
	for address, ok := range map[string]bool{
		"http://127.0.0.1:8080": true, "http://127.0.0.1:8080/": true, "http://[::1]:8080/": true,
		"": false, "https://127.0.0.1:8080/": false, "http://localhost:8080/": false, "http://10.0.0.1:8080/": false,
		"http://127.0.0.1.evil.example/": false,
		"http://127.0.0.1:8080/x":        false, "http://127.0.0.1:8080/?x": false, "http://127.0.0.1:8080#x": false,
		"http://me@127.0.0.1:8080/": false, good: false,
	} {
		_, err := Local(address, "eu-central-1")
		assert.Equal(t, ok, err == nil, "%q", address)
	}
}

func TestTextThatIsNotUTF8IsNotSent(t *testing.T) {
	t.Parallel()
	i := &issuer{}
	c := i.client(t)
	_, err := c.Issue(t.Context(), []string{"s3://m/a", "s3://m/\xff"}, issue.Terms{})
	require.EqualError(t, err, "objects[1]: the text must be UTF-8")
	_, err = c.Revoke(t.Context(), nil, []string{"\xed\xa0\x80"})
	require.EqualError(t, err, "hashes[0]: the text must be UTF-8")
	assert.Empty(t, i.asked)
}
