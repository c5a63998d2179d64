package stack_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"secure-media-cdn/infra/plan"
)

func TestTheIssuerIsAnOrdinaryFunctionBehindItsAlias(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		issuer := find(t, doc, "Function", "issuer")
		for path, want := range map[string]any{
			"architectures": []any{"arm64"}, "runtime": "provided.al2023", "handler": "bootstrap", "publish": true,
			"code": map[string]any{"archive": "build/issuer.zip"}, "loggingConfig.logFormat": "JSON",
			"loggingConfig.logGroup": find(t, doc, "LogGroup", "issuer").Inputs["name"],
		} {
			assert.Equal(t, want, at(issuer.Inputs, path), path)
		}
		assert.Empty(t, issuer.Region, "the issuer lives at home, beside the table it writes")
		alias := find(t, doc, "Alias", "issuer").Inputs
		assert.Equal(t, "live", alias["name"])
		assert.Equal(t, "1", alias["functionVersion"], "a numbered version")
		url := find(t, doc, "FunctionUrl", "issuer").Inputs
		assert.Equal(t, "AWS_IAM", url["authorizationType"])
		assert.Equal(t, "live", url["qualifier"])
		assert.NotContains(t, url, "cors", "browsers do not call it")
	})
}

func TestTheIssuersConfigurationIsWhole(t *testing.T) {
	env := at(find(t, planOf(t, "everything", nil), "Function", "issuer").Inputs, "environment.variables")
	assert.Equal(t, map[string]any{
		"MEDIA_TABLE": "secure-media-cdn-everything-mappings", "MEDIA_REGIONS": "eu-west-1,us-east-1,ap-southeast-2",
		"MEDIA_BUCKET": "secure-media-cdn-everything-123456789012", "MEDIA_BUCKET_REGION": "eu-west-1",
		"MEDIA_CDN_BASE_URL": "https://media.example.com", "MEDIA_DISTRIBUTION_ID": "EDFDVBD6EXAMPLE",
		"MEDIA_LINK_TTL_SECONDS": "1209600", "MEDIA_RENEW_BEFORE_SECONDS": "86400",
		"MEDIA_PUBLIC_SERVICES": "marketplace", "MEDIA_PRIVATE_SERVICES": "discussion,simple-chat", "MEDIA_CHECK_OBJECTS": "true",
		"MEDIA_CALLERS": `[{"principal":"arn:aws:iam::123456789012:role/apps/discussion",` +
			`"services":["discussion"]},{"principal":"210987654321","services":["discussion","marketplace"]}]`,
		"MEDIA_TICKET_SERVICES": "discussion", "MEDIA_VIEWER_TICKET_SECONDS": "28800",
		"MEDIA_VIEWER_COOKIE_DOMAIN": "example.com", "MEDIA_VARIANTS": "avatar,blur,w1280,w320,w640", "MEDIA_LINK_KEY_GENERATION": "7",
		"MEDIA_KEY_VALUE_STORE": "arn:aws:cloudfront::123456789012:key-value-store/00000000-1111-2222-3333-444444444444",
	}, env)

	dev := at(find(t, planOf(t, "dev", config{"objectCheck": "false"}), "Function", "issuer").Inputs,
		"environment.variables")
	assert.Equal(t, "1", at(dev, "MEDIA_LINK_KEY_GENERATION"))
	assert.Equal(t, "false", at(dev, "MEDIA_CHECK_OBJECTS"))
	assert.Equal(t, "[]", at(dev, "MEDIA_CALLERS"), "nobody is named by default")
}

func TestOnlyConfiguredPrincipalsMayCallTheIssuer(t *testing.T) {
	doc := planOf(t, "everything", nil)
	granted := map[string][]string{}
	for _, p := range kinds(doc, "Permission") {
		if p.Inputs["function"] != doc.Outputs["issuerFunctionName"] {
			continue
		}
		principal := p.Inputs["principal"].(string)
		assert.Equal(t, "live", p.Inputs["qualifier"], p.Name)
		assert.Regexp(t, `^[A-Za-z0-9_-]{1,100}$`, p.Inputs["statementId"])
		granted[principal] = append(granted[principal], p.Inputs["action"].(string))
		if p.Inputs["action"] == "lambda:InvokeFunctionUrl" {
			assert.Equal(t, "AWS_IAM", p.Inputs["functionUrlAuthType"])
		}
	}
	both := []string{"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"}
	assert.ElementsMatch(t, both, granted["arn:aws:iam::123456789012:role/apps/discussion"])
	assert.ElementsMatch(t, both, granted["210987654321"])
	assert.Len(t, granted, 2)
	for _, p := range kinds(planOf(t, "dev", nil), "Permission") {
		assert.NotEqual(t, doc.Outputs["issuerFunctionName"], p.Inputs["function"], "nobody is let in by default")
	}
}
