package stack_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func list(values ...string) string {
	out, _ := json.Marshal(values)
	return string(out)
}

func manyServices(n int) string {
	var all []map[string]string
	for i := range n {
		all = append(all, map[string]string{"name": fmt.Sprintf("s%d", i), "access": "public"})
	}
	out, _ := json.Marshal(all)
	return string(out)
}

const (
	certificate = "arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"
	someKey     = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
)

func TestEveryRuleOfTheConfigurationIsKept(t *testing.T) {
	configures(t, []configured{
		{"a way of delivery that is not known", config{"delivery": "proxy"},
			`config delivery is "proxy": it must be one of origin, redirect`},
		{"links that live for no time", config{"linkTtlDays": "0"}, "config linkTtlDays is 0: it must be 1 to 30 days"},
		{"links that outlive CloudFront's longest", config{"linkTtlDays": "31"},
			"config linkTtlDays is 31: it must be 1 to 30 days"},
		{"an edge that forgets before the link ends", config{"maxTtlSeconds": "86400"},
			"config maxTtlSeconds is 86400: it must be at least linkTtlDays (2592000 seconds)"},
		{"an edge that keeps for longer than 30 days", config{"maxTtlSeconds": "2592001"},
			"config maxTtlSeconds is 2592001: it must be 1 to 2592000 seconds (30 days)"},
		{"a default above the longest", config{"defaultTtlSeconds": "2592001"},
			"config defaultTtlSeconds is 2592001: it must be 0 to maxTtlSeconds (2592000)"},
		{"a negative default", config{"defaultTtlSeconds": "-1"}, "config defaultTtlSeconds is -1"},
		{"a renewal that leaves nothing to reuse", config{"renewBeforeSeconds": "2592000"},
			"config renewBeforeSeconds is 2592000"},
		{"a signature that never was", config{"signatureTtlSeconds": "0"},
			"config signatureTtlSeconds is 0: it must be 1 to 3600"},
		{"a browser's copy that outlives every link", config{"browserCacheSeconds": "86401", "linkTtlDays": "1"},
			"config browserCacheSeconds is 86401: it must be 0 to linkTtlDays (86400 seconds)"},
		{"a browser's copy of the past", config{"browserCacheSeconds": "-1"}, "config browserCacheSeconds is -1"},
		{"a signature of more than an hour", config{"signatureTtlSeconds": "3601"}, "config signatureTtlSeconds is 3601"},

		{"an origin with a path", config{"corsAllowedOrigins": list("https://app.example.com/")},
			`config corsAllowedOrigins is "https://app.example.com/"`},
		{"any origin", config{"corsAllowedOrigins": list("*")}, `config corsAllowedOrigins is "*"`},
		{"any subdomain", config{"corsAllowedOrigins": list("https://*.example.com")},
			`config corsAllowedOrigins is "https://*.example.com"`},
		{"an origin of another scheme", config{"corsAllowedOrigins": list("null", "javascript://x")},
			`config corsAllowedOrigins is "javascript://x"`},
		{"an origin twice", config{"corsAllowedOrigins": list("https://a.example", "https://a.example")}, "listed twice"},

		{"a service that takes the links' path", config{"services": `[{"name":"images","access":"public"}]`},
			`config services is "images": the name would shadow the path of links`},
		{"a private service that takes the links' path", config{"services": `[{"name":"images","access":"private"}]`},
			"shadow"},
		{"a service that is a wildcard", config{"services": `[{"name":"*","access":"public"}]`},
			`config services is "*": a name must be`},
		{"a service that catches another by a wildcard",
			config{"services": `[{"name":"chat?","access":"public"},{"name":"chats","access":"private"}]`},
			`config services is "chat?"`},
		{"a service that reaches into another", config{"services": `[{"name":"a/b","access":"public"}]`},
			`config services is "a/b"`},
		{"a service that climbs", config{"services": `[{"name":"..","access":"public"}]`}, `config services is ".."`},
		{"a service with no name", config{"services": `[{"name":"","access":"public"}]`}, `config services is ""`},
		{"a service in capitals", config{"services": `[{"name":"Chat","access":"public"}]`}, `config services is "Chat"`},
		{"a service of the local console's path", config{"services": `[{"name":"_console","access":"public"}]`},
			`config services is "_console"`},
		{"a percent sign in a name", config{"services": `[{"name":"a%2fb","access":"public"}]`},
			`config services is "a%2fb"`},
		{"a service that is both private and public",
			config{"services": `[{"name":"chat","access":"private"},{"name":"chat","access":"public"}]`},
			`config services is "chat": it is listed twice`},
		{"an access that is not known", config{"services": `[{"name":"chat","access":"secret"}]`},
			`config services is chat: "secret": access must be private or public`},
		{"a service with a misspelt field", config{"services": `[{"name":"chat","acess":"public"}]`},
			`unknown field "acess"`},
		{"more public services than behaviours", config{"services": manyServices(25), "imageVariants": plain},
			"config services is 25 public services: a distribution has room for 24"},
		{"as many public services as behaviours", config{"services": manyServices(24), "imageVariants": plain}, ""},

		{"a replica region that does not exist", config{"replicaRegions": list("eu-middle-1")},
			`config replicaRegions is "eu-middle-1"`},
		{"a replica at home", config{"replicaRegions": list("eu-central-1")}, "the home region holds the table already"},
		{"a replica twice", config{"replicaRegions": list("us-east-1", "us-east-1")}, "listed twice"},
		{"a home that does not exist", config{"aws:region": "eu-middle-1"}, `config aws:region is "eu-middle-1"`},
		{"a shield where there is none", config{"originShieldRegion": "eu-north-1"},
			`config originShieldRegion is "eu-north-1"`},
		{"a price class that does not exist", config{"priceClass": "PriceClass_300"},
			`config priceClass is "PriceClass_300"`},
		{"no region in particular watched", config{"alarmRegions": "[]"}, ""},
		{"a watched region that the Origin Shield keeps the function from", config{"alarmRegions": list("us-east-1")},
			`config alarmRegions is "us-east-1": no edge function runs there; it must be one of eu-central-1`},
		{"a watched region without an Origin Shield", config{"alarmRegions": list("us-east-1"), "originShieldRegion": ""},
			""},
		{"a watched region without replicas", config{"alarmRegions": list("eu-north-1")},
			`config alarmRegions is "eu-north-1": no edge function runs there`},
		{"countries both ways", config{"geoRestriction": `{"allow":["DE"],"deny":["FR"]}`},
			"config geoRestriction is both allow and deny"},
		{"a country in full", config{"geoRestriction": `{"allow":["Germany"]}`}, `config geoRestriction is "Germany"`},
		{"a misspelt restriction", config{"geoRestriction": `{"allowed":["DE"]}`}, `unknown field "allowed"`},

		{"a name without a certificate", config{"aliases": list("media.example.com")},
			"config aliases is media.example.com: they need certificateArn, or hostedZoneId"},
		{"a name with a certificate", config{"aliases": list("media.example.com"), "certificateArn": certificate}, ""},
		{"a name with a zone", config{"aliases": list("media.example.com"), "hostedZoneId": "Z2FDTNDATAQYW2"}, ""},
		{"a name with both", config{"aliases": list("media.example.com"), "hostedZoneId": "Z2FDTNDATAQYW2",
			"certificateArn": certificate}, ""},
		{"a certificate of another region", config{"aliases": list("media.example.com"),
			"certificateArn": strings.Replace(certificate, "us-east-1", "eu-central-1", 1)},
			"it must be the ARN of an ACM certificate in us-east-1"},
		{"a certificate without a name", config{"certificateArn": certificate}, "without aliases it has no use"},
		{"a zone without a name", config{"hostedZoneId": "Z2FDTNDATAQYW2"}, "without aliases it has no use"},
		{"a zone's name for its ID", config{"aliases": list("media.example.com"), "hostedZoneId": "example.com"},
			"it must be a Route 53 zone ID"},
		{"a wildcard in links", config{"aliases": list("*.example.com"), "hostedZoneId": "Z2FDTNDATAQYW2"},
			"it cannot be a wildcard"},
		{"an address for a name", config{"aliases": list("https://media.example.com"), "certificateArn": certificate},
			`config aliases is "https://media.example.com"`},

		{"a regional web ACL", config{"webAclArn": "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/media/1111"},
			"with scope CLOUDFRONT"},
		{"a key of another region", config{"kmsKeyArn": strings.Replace(someKey, "eu-central-1", "us-east-1", 1)},
			"it must be the ARN of a key, not an alias, in eu-central-1"},
		{"an alias for a key", config{"kmsKeyArn": "arn:aws:kms:eu-central-1:123456789012:alias/media"}, "not an alias"},
		{"a key", config{"kmsKeyArn": someKey}, ""},
		{"a role for a boundary", config{"permissionsBoundaryArn": "arn:aws:iam::123456789012:role/x"},
			`config permissionsBoundaryArn is "arn:aws:iam::123456789012:role/x": it must be the ARN of an IAM policy`},
		{"a boundary", config{"permissionsBoundaryArn": "arn:aws:iam::123456789012:policy/media/dev-boundary"}, ""},
		{"anybody as caller", config{"issuerPrincipals": `[{"principal":"*","services":["discussion"]}]`},
			`config issuerPrincipals is "*"`},
		{"any role as caller",
			config{"issuerPrincipals": `[{"principal":"arn:aws:iam::123456789012:role/*","services":["discussion"]}]`},
			"never a wildcard"},
		{"a caller for no service", config{"issuerPrincipals": `[{"principal":"210987654321","services":[]}]`},
			`config issuerPrincipals is "210987654321": name the services`},
		{"more callers than the issuer's environment holds", config{"issuerPrincipals": "[" + strings.Repeat(
			`{"principal":"arn:aws:iam::123456789012:role/a-name-of-some-length","services":["discussion"]},`, 40) +
			`{"principal":"210987654321","services":["discussion"]}]`}, "config issuerPrincipals is 41 callers: "},
		{"a caller without services", config{"issuerPrincipals": `["210987654321"]`}, "must be of type 'array<object>'"},
		{"a caller for a service that is not there",
			config{"issuerPrincipals": `[{"principal":"210987654321","services":["chat"]}]`}, `there is no service "chat"`},
		{"a caller with a misspelt field",
			config{"issuerPrincipals": `[{"principal":"210987654321","service":["discussion"]}]`}, "config issuerPrincipals"},
		{"a role as caller",
			config{"issuerPrincipals": `[{"principal":"arn:aws:iam::123456789012:role/app","services":["discussion"]}]`}, ""},

		{"a retention that CloudWatch refuses", config{"logRetentionDays": "31"},
			"config logRetentionDays is 31: CloudWatch accepts only [1 3 5 7 14 30"},
		{"too little memory", config{"edgeMemoryMb": "127"}, "config edgeMemoryMb is 127: it must be 128 to 10240 MB"},
		{"too much memory", config{"edgeMemoryMb": "10241"}, "config edgeMemoryMb is 10241"},
		{"no errors at all", config{"errorRatePercent": "0"}, "config errorRatePercent is 0"},
		{"more client errors than requests", config{"clientErrorRatePercent": "101"}, "config clientErrorRatePercent is 101"},
		{"a latency beyond the longest run", config{"latencyMilliseconds": "30001"}, "config latencyMilliseconds is 30001"},
		{"a name for an address", config{"alarmEmails": list("On call <oncall@example.com>")},
			"it must be an e-mail address"},
		{"no address", config{"alarmEmails": list("oncall")}, `config alarmEmails is "oncall"`},

		{"a number in words", config{"linkTtlDays": "thirty"}, "key 'linkTtlDays' must be of type 'integer'"},
		{"half a day", config{"linkTtlDays": "0.5"}, "key 'linkTtlDays' must be of type 'integer'"},
		{"neither yes nor no", config{"protect": "perhaps"}, "key 'protect' must be of type 'boolean'"},
		{"no value where there is a default", config{"delivery": ""}, ""},
		{"no home", config{"aws:region": ""}, "config aws:region is missing"},
		{"text for a list", config{"aliases": "media.example.com"}, "key 'aliases' must be of type 'array<string>'"},
	})
}

func TestEveryProblemIsToldAtOnce(t *testing.T) {
	_, err := evaluate("dev", config{"delivery": "proxy", "linkTtlDays": "40", "logRetentionDays": "2",
		"replicaRegions": list("moon-1"), "services": `[{"name":"images","access":"open"}]`})
	require.Error(t, err)
	for _, key := range []string{"delivery", "linkTtlDays", "logRetentionDays", "replicaRegions", "access must be",
		"shadow"} {
		assert.ErrorContains(t, err, key)
	}
	assert.ErrorContains(t, err, "configuration of stack dev")
}

func TestTheStacksNameMustFitIntoNames(t *testing.T) {
	for _, stage := range []string{"Dev", "dev_1", "-dev", strings.Repeat("d", 29)} {
		_, err := evaluate("everything", nil, stageNamed(stage))
		assert.ErrorContains(t, err, "stack name", stage)
	}
	_, err := evaluate("everything", nil, stageNamed(strings.Repeat("d", 28)))
	assert.NoError(t, err)
}
