package stack_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"secure-media-cdn/function/gate"
)

const provider = `{"issuer":"https://login.example.com","clientId":"media","audiencesClaim":"media_audiences"}`

// identified is a configuration with a provider whose tokens viewers exchange.
var identified = with(guarded, "viewerIdentity", provider)

func TestWithoutAProviderNothingOfSessionsIsRegistered(t *testing.T) {
	doc := planOf(t, "dev", guarded)
	for _, r := range doc.Resources {
		assert.NotContains(t, strings.ToLower(r.Name), "session", r.Type)
	}
	assert.NotContains(t, keysOf(behaviors(t, doc)), "/session")
	assert.NotContains(t, find(t, doc, "Dashboard", "overview").Inputs["dashboardBody"], "Signing in")
}

func TestSessionsAreExchangedBehindAFunctionAndNeverKept(t *testing.T) {
	doc := planOf(t, "dev", with(identified, "imageVariants", pictured["imageVariants"]))
	b := behaviors(t, doc)["/session"]
	for path, want := range map[string]any{
		"targetOriginId": "session", "viewerProtocolPolicy": "https-only", "compress": false,
		"allowedMethods": []any{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"},
		"cachedMethods":  []any{"GET", "HEAD"},
		// AWS's own policy that keeps nothing.
		"cachePolicyId":              "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
		"originRequestPolicyId":      find(t, doc, "OriginRequestPolicy", "session").ID,
		"responseHeadersPolicyId":    find(t, doc, "ResponseHeadersPolicy", "session").ID,
		"lambdaFunctionAssociations": nil,
		"functionAssociations": []any{map[string]any{"eventType": "viewer-request",
			"functionArn": viewerFunction(t, doc, "session-gate").Outputs["arn"]}},
	} {
		assert.Equal(t, want, at(b, path), path)
	}
	check := viewerFunction(t, doc, "session-gate").Inputs
	assert.Equal(t, gate.Session, check["code"])
	assert.NotContains(t, check, "keyValueStoreAssociations")

	forward := find(t, doc, "OriginRequestPolicy", "session").Inputs
	for path, want := range map[string]any{
		"cookiesConfig.cookieBehavior": "whitelist", "cookiesConfig.cookies.items": []any{"__Secure-viewer"},
		"headersConfig.headerBehavior":           "whitelist",
		"headersConfig.headers.items":            []any{"origin", "x-viewer-token", "x-amz-content-sha256"},
		"queryStringsConfig.queryStringBehavior": "none",
	} {
		assert.Equal(t, want, at(forward, path), path)
	}
	headers := find(t, doc, "ResponseHeadersPolicy", "session").Inputs
	assert.NotContains(t, headers, "corsConfig", "the function names the page that may read, one by one")
	assert.Equal(t, true, at(headers, "securityHeadersConfig.contentTypeOptions.override"))

	origin := at(find(t, doc, "Distribution", "cdn").Inputs, "origins[2]")
	for path, want := range map[string]any{
		"originId": "session", "domainName": "session.lambda-url.eu-central-1.on.aws",
		"originAccessControlId":                   find(t, doc, "OriginAccessControl", "session").ID,
		"customOriginConfig.originProtocolPolicy": "https-only", "customHeaders": nil,
	} {
		assert.Equal(t, want, at(origin, path), path)
	}
	assert.Equal(t, "lambda", find(t, doc, "OriginAccessControl", "session").Inputs["originAccessControlOriginType"])
}

func TestTheSessionFunctionMayReadTheKeysAndLog(t *testing.T) {
	doc := planOf(t, "dev", identified)
	assert.JSONEq(t, `{"Version":"2012-10-17","Statement":[{"Sid":"ReadKeys","Effect":"Allow",
		"Action":["cloudfront-keyvaluestore:GetKey"],
		"Resource":["arn:aws:cloudfront::123456789012:key-value-store/00000000-1111-2222-3333-444444444444"]},
		{"Sid":"WriteLogs","Effect":"Allow","Action":["logs:CreateLogStream","logs:PutLogEvents"],
		"Resource":["arn:aws:logs:eu-central-1:123456789012:log-group:/secure-media-cdn/dev/session:*"]}]}`,
		find(t, doc, "RolePolicy", "session").Inputs["policy"].(string))
	granted := map[any]bool{}
	for _, p := range kinds(doc, "Permission") {
		if p.Inputs["function"] != find(t, doc, "Function", "session").Outputs["name"] {
			continue
		}
		assert.Equal(t, "cloudfront.amazonaws.com", p.Inputs["principal"])
		assert.Equal(t, find(t, doc, "Distribution", "cdn").Outputs["arn"], p.Inputs["sourceArn"])
		granted[p.Inputs["action"]] = true
	}
	assert.Equal(t, map[any]bool{"lambda:InvokeFunctionUrl": true, "lambda:InvokeFunction": true}, granted)
}

func TestTheSessionFunctionsConfigurationIsWhole(t *testing.T) {
	doc := planOf(t, "dev", with(identified, "aliases", list("media.example.com", "*.media.example.com")))
	function := find(t, doc, "Function", "session").Inputs
	assert.Equal(t, map[string]any{
		"MEDIA_SESSION_ISSUER": "https://login.example.com", "MEDIA_SESSION_CLIENT_ID": "media",
		"MEDIA_SESSION_AUDIENCES_CLAIM": "media_audiences",
		"MEDIA_SESSION_ORIGINS":         "https://media.example.com,http://localhost:3000",
		"MEDIA_TICKET_SERVICES":         "discussion", "MEDIA_VIEWER_TICKET_SECONDS": "43200",
		"MEDIA_VIEWER_COOKIE_DOMAIN": "example.com", "MEDIA_LINK_KEY_GENERATION": "1",
		"MEDIA_KEY_VALUE_STORE": "arn:aws:cloudfront::123456789012:key-value-store/00000000-1111-2222-3333-444444444444",
	}, at(function, "environment.variables"))
	assert.Equal(t, map[string]any{"archive": "build/session.zip"}, function["code"])
	assert.NotContains(t, function, "vpcConfig", "it calls the provider")
}

func TestEveryRuleOfTheProviderIsKept(t *testing.T) {
	identity := func(issuer, client, claim string) config {
		return with(guarded, "viewerIdentity",
			`{"issuer":"`+issuer+`","clientId":"`+client+`","audiencesClaim":"`+claim+`"}`)
	}
	const issuer, claim = "https://login.example.com", "media_audiences"
	configures(t, []configured{
		{"a provider", identified, ""},
		{"a provider in the clear", identity("http://login.example.com", "media", claim),
			"config viewerIdentity is wrong: issuer must be the https address that the provider's tokens name"},
		{"a provider with a query", identity("https://login.example.com?x=1", "media", claim), "wrong: issuer must be"},
		{"no client", identity(issuer, "", claim), "config viewerIdentity is wrong: clientId is missing"},
		{"no claim", identity(issuer, "media", ""), "config viewerIdentity is wrong: audiencesClaim is missing"},
		{"a claim that means something else", identity(issuer, "media", "aud"), "wrong: audiencesClaim must be"},
		{"a misspelt field", with(guarded, "viewerIdentity", `{"issuerr":"x"}`), `unknown field "issuerr"`},
		{"a provider without the cookie", with(identified, "viewerCarriers", list("bearer"), "viewerCookieDomain", ""),
			"config viewerIdentity is set: what a token is exchanged for is the cookie"},
		{"a provider where nobody needs a ticket", with(identified, "services", "[]"), "a service needs viewers ticket"},
		{"more public services than there is room for",
			with(identified, "imageVariants", pictured["imageVariants"], "services",
				strings.Replace(manyServices(22), "[", `[{"name":"d","access":"private","viewers":"ticket"},`, 1)),
			"config services is 22 public services: a distribution has room for 21"},
	})
}

func TestAFailingSignInIsHeardOf(t *testing.T) {
	doc := planOf(t, "dev", identified)
	function := find(t, doc, "Function", "session").Outputs["name"]
	for name, metric := range map[string]string{"SessionFailed": "Errors", "SessionAnswersErrors": "Url5xxCount",
		"SessionThrottled": "Throttles"} {
		alarm := find(t, doc, "MetricAlarm", name).Inputs
		assert.Equal(t, metric, alarm["metricName"])
		assert.Equal(t, map[string]any{"FunctionName": function}, alarm["dimensions"])
	}
	assert.Equal(t, "FunctionExecutionErrors", find(t, doc, "MetricAlarm", "SessionGateFailed").Inputs["metricName"])
	assert.Contains(t, find(t, doc, "Dashboard", "overview").Inputs["dashboardBody"], function)
}
