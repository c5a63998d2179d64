package stack_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pictured is a configuration with variants.
var pictured = config{
	"imageVariants":    `{"w320":{"width":320},"avatar":{"width":96,"height":96,"fit":"cover","quality":70}}`,
	"imageConcurrency": "20",
}

const plain = `{}` // no variants

func variants(n int) string {
	all := make([]string, 0, n)
	for i := range n {
		all = append(all, fmt.Sprintf(`"v%d":{"width":%d}`, i, i+1))
	}
	return "{" + strings.Join(all, ",") + "}"
}

func TestWithoutVariantsNothingOfThemIsRegistered(t *testing.T) {
	for _, name := range stacks {
		doc := planOf(t, name, config{"imageVariants": plain, "imageConcurrency": "20"})
		for _, r := range doc.Resources {
			assert.NotContains(t, strings.ToLower(r.Name), "images", r.Type)
		}
		for pattern := range behaviors(t, doc) {
			assert.NotContains(t, pattern, "images", name)
		}
		assert.NotEqual(t, "images", at(find(t, doc, "Distribution", "cdn").Inputs, "origins[1].originId"), name)
		assert.NotContains(t, find(t, doc, "Dashboard", "overview").Inputs["dashboardBody"], "Variants", name)
		assert.Equal(t, map[string]any{}, doc.Outputs["imageVariants"], "there are none, which is said")
	}
}

// The first pattern that matches decides.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesCacheBehavior.html
func TestVariantsHaveABehaviourAfterThatOfDownloads(t *testing.T) {
	doc := planOf(t, "dev", pictured)
	cdn := find(t, doc, "Distribution", "cdn").Inputs
	assert.Equal(t, "/images/*/download", at(cdn, "orderedCacheBehaviors[0].pathPattern"))
	assert.Equal(t, "/images/*/*", at(cdn, "orderedCacheBehaviors[1].pathPattern"))

	all := behaviors(t, doc)
	photo, download, variant := all[""].(map[string]any), all["/images/*/download"].(map[string]any), all["/images/*/*"]
	for property, want := range photo {
		assert.Equal(t, want, download[property], "a photo as an attachment is served as the photo is: %s", property)
	}
	for _, property := range []string{"lambdaFunctionAssociations", "functionAssociations", "allowedMethods",
		"responseHeadersPolicyId"} {
		assert.Equal(t, photo[property], at(variant, property), property)
	}
	assert.Equal(t, "images", at(variant, "targetOriginId"))
	assert.Nil(t, at(variant, "originRequestPolicyId"), "the function sees nothing of the viewer but the format")
	assert.Equal(t, find(t, doc, "CachePolicy", "images").ID, at(variant, "cachePolicyId"))
}

func TestThePathAndTheFormatAreTheCacheKeyOfAVariant(t *testing.T) {
	policy := find(t, planOf(t, "everything", pictured), "CachePolicy", "images").Inputs
	const key = "parametersInCacheKeyAndForwardedToOrigin."
	for path, want := range map[string]any{
		"minTtl": 0.0, "defaultTtl": 0.0, "maxTtl": 1209600.0,
		key + "headersConfig.headerBehavior":           "whitelist",
		key + "headersConfig.headers.items":            []any{"Accept"},
		key + "cookiesConfig.cookieBehavior":           "none",
		key + "queryStringsConfig.queryStringBehavior": "none",
		// Each encoding would be one more copy to make of each format.
		key + "enableAcceptEncodingGzip":   false,
		key + "enableAcceptEncodingBrotli": false,
	} {
		assert.Equal(t, want, at(policy, path), path)
	}
}

func TestTheOriginOfVariantsIsTheFunctionsAddressSignedForAlways(t *testing.T) {
	doc := planOf(t, "everything", pictured)
	origin := at(find(t, doc, "Distribution", "cdn").Inputs, "origins[1]")
	access := find(t, doc, "OriginAccessControl", "images")
	for property, want := range map[string]any{"originAccessControlOriginType": "lambda", "signingBehavior": "always",
		"signingProtocol": "sigv4"} {
		assert.Equal(t, want, access.Inputs[property], property)
	}
	for path, want := range map[string]any{
		"originId": "images", "domainName": "images.lambda-url.eu-west-1.on.aws", "originAccessControlId": access.ID,
		"customOriginConfig.originProtocolPolicy": "https-only",
		"customOriginConfig.originSslProtocols":   []any{"TLSv1.2"},
		"originShield.originShieldRegion":         "eu-west-1", // where the edge function runs
		"originPath":                              nil,
	} {
		assert.Equal(t, want, at(origin, path), path)
	}
	wait := at(origin, "customOriginConfig.originReadTimeout")
	assert.Greater(t, wait, find(t, doc, "Function", "images").Inputs["timeout"],
		"CloudFront would ask again for what is still being made")
	assert.LessOrEqual(t, wait, 60.0, "more takes a higher quota")
}

func TestTheEdgeFunctionIsToldTheVariantsWhereItSendsThem(t *testing.T) {
	doc := planOf(t, "dev", pictured)
	photos, pictures := customHeaders(t, doc), headersOf(t, doc, 1)
	for name, value := range photos {
		assert.Equal(t, value, pictures[name], name)
	}
	assert.Len(t, pictures, len(photos)+2)
	assert.Equal(t, "avatar:width=96,height=96,fit=cover,quality=70;w320:width=320", pictures["x-media-variants"])
	assert.Equal(t, "megapixels=100,megabytes=50,frames=60", pictures["x-media-image-limits"])
}

func TestTheImagesFunctionIsAnOrdinaryFunctionBehindItsAlias(t *testing.T) {
	doc := planOf(t, "everything", pictured)
	images := find(t, doc, "Function", "images")
	for path, want := range map[string]any{
		"architectures": []any{"arm64"}, "runtime": "provided.al2023", "handler": "bootstrap", "publish": true,
		"code": map[string]any{"archive": "build/images.zip"}, "memorySize": 2048.0, "timeout": 30.0,
		"loggingConfig.logGroup": find(t, doc, "LogGroup", "images").Inputs["name"],
		"environment":            nil, "reservedConcurrentExecutions": 20.0,
	} {
		assert.Equal(t, want, at(images.Inputs, path), path)
	}
	url := find(t, doc, "FunctionUrl", "images").Inputs
	assert.Equal(t, "AWS_IAM", url["authorizationType"])
	assert.Equal(t, "live", url["qualifier"])
	assert.NotContains(t, url, "invokeMode", "an answer in one piece is the default")
	assert.NotContains(t, url, "cors")

	free := planOf(t, "everything", config{"imageVariants": pictured["imageVariants"], "imageConcurrency": "0"})
	assert.NotContains(t, find(t, free, "Function", "images").Inputs, "reservedConcurrentExecutions",
		"the account's quota may be too small to reserve from")
}

// https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
func TestOnlyThisDistributionMayCallTheImagesFunction(t *testing.T) {
	doc := planOf(t, "dev", pictured)
	actions := map[any]bool{}
	for _, p := range kinds(doc, "Permission") {
		require.Equal(t, find(t, doc, "Function", "images").Outputs["name"], p.Inputs["function"])
		assert.Equal(t, "cloudfront.amazonaws.com", p.Inputs["principal"])
		assert.Equal(t, find(t, doc, "Distribution", "cdn").Outputs["arn"], p.Inputs["sourceArn"])
		assert.Equal(t, "live", p.Inputs["qualifier"])
		actions[p.Inputs["action"]] = true
		if p.Inputs["action"] == "lambda:InvokeFunctionUrl" {
			assert.Equal(t, "AWS_IAM", p.Inputs["functionUrlAuthType"])
		}
	}
	assert.Equal(t, map[any]bool{"lambda:InvokeFunctionUrl": true, "lambda:InvokeFunction": true}, actions)
}

func TestTheImagesFunctionMayOnlyLog(t *testing.T) {
	doc := planOf(t, "everything", pictured)
	assert.JSONEq(t, `{"Version":"2012-10-17","Statement":[{"Sid":"WriteLogs","Effect":"Allow",
		"Action":["logs:CreateLogStream","logs:PutLogEvents"],
		"Resource":["arn:aws:logs:eu-west-1:123456789012:log-group:/secure-media-cdn/everything/images:*"]}]}`,
		find(t, doc, "RolePolicy", "images").Inputs["policy"].(string))
	role := find(t, doc, "Role", "images")
	assert.Equal(t, role.Outputs["arn"], find(t, doc, "Function", "images").Inputs["role"])
	for _, key := range []string{"managedPolicyArns", "inlinePolicies"} {
		assert.NotContains(t, role.Inputs, key)
	}
	for _, r := range doc.Resources {
		if r.Type != "aws:iam/rolePolicy:RolePolicy" && r.Inputs["role"] != nil {
			assert.NotEqual(t, role.ID, r.Inputs["role"], "%s %s gives it more", r.Type, r.Name)
		}
		if policy, ok := r.Inputs["policy"].(string); ok {
			assert.NotContains(t, policy, role.Outputs["arn"], "%s %s lets it in", r.Type, r.Name)
		}
	}
}

func TestEveryRuleOfVariantsIsKept(t *testing.T) {
	const one = `{"w320":{"width":320}}`
	configures(t, []configured{
		{"variants", pictured, ""},
		{"as many variants as there may be", config{"imageVariants": variants(40)}, ""},
		{"more variants than that", config{"imageVariants": variants(41)},
			"config imageVariants is 41 variants: a stack may have 40"},
		{"more than a header holds",
			config{"imageVariants": strings.ReplaceAll(variants(40), `"width"`,
				`"height":4096,"fit":"cover","quality":99,"width"`)},
			"in a header of at most 1783 characters"},
		{"a variant of the path of downloads", config{"imageVariants": `{"download":{"width":1}}`},
			`config imageVariants is "download" stands for the photo as an attachment`},
		{"a name in capitals", config{"imageVariants": `{"W320":{"width":320}}`}, `is "W320": a name must be`},
		{"a variant of no size", config{"imageVariants": `{"w":{}}`},
			"config imageVariants is w: name a width, a height or both"},
		{"a variant that cannot cover", config{"imageVariants": `{"w":{"width":9,"fit":"cover"}}`},
			"w: fit cover needs both width and height"},
		{"a misspelt field", config{"imageVariants": `{"w":{"widht":9}}`}, `: unknown field "widht"`},
		{"a width in words", config{"imageVariants": `{"w":{"width":"9"}}`},
			": width must be a whole number, not the JSON string"},
		{"a width between pixels", config{"imageVariants": `{"w":{"width":9.5}}`},
			"width must be a whole number, not the JSON number 9.5"},
		{"a size without its name", config{"imageVariants": `{"w":"9"}`},
			"each of its values must be an object, not the JSON string"},
		{"a format that is not known", config{"imageFormats": list("jxl")},
			`config imageFormats is "jxl": it must be one of`},
		{"a format twice", config{"imageFormats": list("avif", "avif")}, "listed twice"},
		{"no format beside the plain ones", config{"imageFormats": "[]", "imageVariants": one}, ""},
		{"no pixels", config{"imageMaxMegapixels": "0"}, "config imageMaxMegapixels is 0: it must be 1 to 1123"},
		{"no bytes", config{"imageMaxBytesMb": "0"}, "config imageMaxBytesMb is 0"},
		{"no frames", config{"imageMaxFrames": "0"}, "config imageMaxFrames is 0"},
		{"too little memory for the pixels", config{"imageMaxMegapixels": "200"},
			"config imageMemoryMb is 1769: it must be 1978 to 10240 MB"},
		{"more pixels and bytes than any memory is for", config{"imageMaxMegapixels": "1120", "imageMaxBytesMb": "100"},
			"config imageMaxMegapixels is 1120: with imageMaxBytesMb it takes 10308 MB of memory"},
		{"just enough memory", config{"imageMemoryMb": "1078"}, ""},
		{"too little memory for the file", config{"imageMemoryMb": "1078", "imageMaxBytesMb": "51"},
			"config imageMemoryMb is 1078: it must be 1079 to 10240 MB"},
		{"more memory than there is", config{"imageMemoryMb": "10241"}, "config imageMemoryMb is 10241"},
		{"less than no concurrency", config{"imageConcurrency": "-1"}, "config imageConcurrency is -1"},
		{"more public services than variants leave room for",
			config{"imageVariants": one, "services": manyServices(23)},
			"config services is 23 public services: a distribution has room for 22"},
	})
}

func TestVariantsAreInTheOutputs(t *testing.T) {
	assert.Equal(t, map[string]any{
		"w320":   map[string]any{"width": 320.0},
		"avatar": map[string]any{"width": 96.0, "height": 96.0, "fit": "cover", "quality": 70.0},
	}, planOf(t, "dev", pictured).Outputs["imageVariants"])
}

func TestAVariantThatIsSlowFailsOrIsRefusedIsHeardOf(t *testing.T) {
	doc := planOf(t, "dev", pictured)
	function := find(t, doc, "Function", "images").Outputs["name"]
	for name, metric := range map[string]string{"ImagesFailed": "Errors", "ImagesAnswersErrors": "Url5xxCount",
		"ImagesThrottled": "Throttles", "ImagesSlow": "Duration"} {
		alarm := find(t, doc, "MetricAlarm", name).Inputs
		assert.Equal(t, metric, alarm["metricName"])
		assert.Equal(t, map[string]any{"FunctionName": function}, alarm["dimensions"])
	}
	slow := find(t, doc, "MetricAlarm", "ImagesSlow").Inputs
	assert.Equal(t, "Maximum", slow["statistic"], "an average hides the one that is near the end of its time")
	assert.Less(t, slow["threshold"].(float64), 1000*find(t, doc, "Function", "images").Inputs["timeout"].(float64),
		"or it could never sound")
	assert.Contains(t, find(t, doc, "Dashboard", "overview").Inputs["dashboardBody"], function)
}

func TestTheEdgeSignsAddressesForTheImagesFunction(t *testing.T) {
	policy := find(t, planOf(t, "everything", pictured), "RolePolicy", "edge").Inputs["policy"]
	assert.Equal(t, []any{"s3:GetObject"}, statementOf(t, policy, "SignAddresses")["Action"])
	assert.Equal(t, []any{"kms:Decrypt"}, statementOf(t, policy, "DecryptSigned")["Action"])
}
