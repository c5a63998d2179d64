package stack_test

import (
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/plan"
)

// changes are other values of every configuration key. Where a key cannot change
// alone, the values of those that change with it are given, too.
var changes = map[string][]config{
	"accessLogs":   {{"accessLogs": "true"}, {"accessLogs": "false"}},
	"alarmEmails":  {{"alarmEmails": "[]"}, {"alarmEmails": list("a@example.com", "oncall@example.com")}},
	"alarmRegions": {{"alarmRegions": "[]"}},
	"aliases": {{"aliases": list("cdn.example.com", "media.example.com"), "certificateArn": "",
		"hostedZoneId": "Z2FDTNDATAQYW2"}, {"aliases": "[]", "hostedZoneId": "", "viewerCarriers": list("bearer"),
		"viewerCookieDomain": "", "viewerIdentity": plain}},
	"browserCacheSeconds":    {{"browserCacheSeconds": "60"}},
	"certificateArn":         {{"aliases": list("media.example.com"), "certificateArn": certificate}},
	"clientErrorRatePercent": {{"clientErrorRatePercent": "9"}},
	"corsAllowedOrigins":     {{"corsAllowedOrigins": "[]"}, {"corsAllowedOrigins": list("https://other.example.com")}},
	"defaultTtlSeconds":      {{"defaultTtlSeconds": "60"}},
	"delivery":               {{"delivery": "redirect"}},
	"edgeMemoryMb":           {{"edgeMemoryMb": "1024"}},
	"errorRatePercent":       {{"errorRatePercent": "9"}},
	"existingBucket":         {{"existingBucket": "acme-photos"}},
	"manageBucketPolicy":     {{"existingBucket": "acme-photos", "manageBucketPolicy": "true"}},
	"manageBucketEvents":     {{"existingBucket": "acme-photos", "manageBucketEvents": "true"}},
	"geoRestriction":         {{"geoRestriction": `{"deny":["XX"]}`}, {"geoRestriction": ""}},
	"hostedZoneId":           {{"aliases": list("media.example.com"), "certificateArn": "", "hostedZoneId": "Z3EXAMPLE"}},
	"imageConcurrency":       {{"imageConcurrency": "50"}},
	"imageFormats":           {{"imageFormats": list("webp")}},
	"imageMaxBytesMb":        {{"imageMaxBytesMb": "20"}},
	"imageMaxFrames":         {{"imageMaxFrames": "1"}},
	"imageMaxMegapixels":     {{"imageMaxMegapixels": "50"}},
	"imageMemoryMb":          {{"imageMemoryMb": "3000"}},
	"imageVariants": {{"imageVariants": `{"w320":{"width":320},"w1280":{"width":1280}}`},
		{"imageVariants": plain}},
	"issuerPrincipals": {{"issuerPrincipals": ""},
		{"issuerPrincipals": `[{"principal":"210987654321","services":["discussion"]}]`}},
	"kmsKeyArn": {{"kmsKeyArn": ""},
		{"kmsKeyArn": "arn:aws:kms:{region}:123456789012:key/99999999-2222-3333-4444-555555555555"}},
	"latencyMilliseconds": {{"latencyMilliseconds": "900"}},
	"linkKeyGeneration":   {{"linkKeyGeneration": "2"}, {"linkKeyGeneration": "8"}},
	"linkTtlDays":         {{"linkTtlDays": "7"}},
	"logRetentionDays":    {{"logRetentionDays": "365"}},
	"maxTtlSeconds":       {{"maxTtlSeconds": "1209601", "linkTtlDays": "14"}},
	"objectCheck":         {{"objectCheck": "false"}},
	"originShieldRegion": {{"originShieldRegion": "us-east-1", "alarmRegions": "[]"},
		{"originShieldRegion": "", "alarmRegions": "[]"}},
	"permissionsBoundaryArn": {{"permissionsBoundaryArn": ""},
		{"permissionsBoundaryArn": "arn:aws:iam::123456789012:policy/other"}},
	"priceClass":         {{"priceClass": "PriceClass_200"}},
	"protect":            {{"protect": "true"}, {"protect": "false"}},
	"renewBeforeSeconds": {{"renewBeforeSeconds": "60"}},
	"replicaRegions": {{"replicaRegions": "[]"}, {"replicaRegions": list("us-east-1")},
		{"replicaRegions": list("us-west-2", "ap-southeast-2")}},
	"services": {{"services": `[{"name":"discussion","access":"public"},{"name":"nudges",` +
		`"access":"private","viewers":"ticket"},{"name":"marketplace","access":"private"}]`}},
	"signatureTtlSeconds": {{"signatureTtlSeconds": "60"}},
	"viewerCacheSeconds":  {{"viewerCacheSeconds": "60"}},
	"viewerCarriers": {
		{"viewerCarriers": list("query", "cookie"), "viewerCookieDomain": "example.com", "services": ticketed,
			"viewerIdentity": plain, "aliases": list("media.example.com"), "hostedZoneId": "Z2FDTNDATAQYW2"},
		{"viewerCarriers": list("query"), "services": ticketed, "viewerCookieDomain": "",
			"viewerIdentity": plain},
	},
	"viewerCookieDomain": {{"viewerCookieDomain": "media.example.com", "services": ticketed, "viewerIdentity": plain,
		"viewerCarriers": list("query", "cookie"), "aliases": list("media.example.com"), "hostedZoneId": "Z2FDTNDATAQYW2"}},
	"viewerIdentity":      {identified},
	"viewerTicketSeconds": {{"viewerTicketSeconds": "600"}},
	"webAclArn": {{"webAclArn": ""},
		{"webAclArn": "arn:aws:wafv2:us-east-1:123456789012:global/webacl/other/99999999-2222-3333-4444-555555555555"}},
}

// lasting are the kinds that hold data or have a name in use, with the inputs that
// the provider updates in place. No other input of them may ever change.
// https://github.com/hashicorp/terraform-provider-aws/tree/v5.100.0/internal/service
var lasting = map[string][]string{
	"BucketV2":         {"forceDestroy"},
	"Table":            {"deletionProtectionEnabled"},
	"TableReplica":     {"deletionProtectionEnabled"},
	"KeyValueStore":    {},
	"KeyvaluestoreKey": {},
	"Queue":            {},
	"LogGroup":         {"retentionInDays"},
	"Distribution": {"aliases", "defaultCacheBehavior", "orderedCacheBehaviors", "origins", "priceClass", "restrictions",
		"viewerCertificate", "webAclId",
		"customErrorResponses"},
	"Function":    {"code", "environment", "memorySize", "keyValueStoreAssociations", "reservedConcurrentExecutions"},
	"Alias":       {},
	"FunctionUrl": {},
	"Dashboard":   {"dashboardBody"},
	"MetricAlarm": {"threshold", "alarmActions", "okActions"},
	"Topic":       {},
	// The provider would take another key's ID and leave that key's policy as it is.
	"KeyPolicy": {"policy"},
}

// goes are the lasting resources that a key is for: they come and go with it.
var goes = map[string][]string{
	"linkKeyGeneration": {"KeyvaluestoreKey key-"},
	"kmsKeyArn":         {"KeyPolicy "},
	// What the own bucket holds goes with it: a protected stack refuses.
	"existingBucket": {"BucketV2 content", "BucketV2 existing", "KeyPolicy "},
	"viewerIdentity": {"Alias session", "Function session", "FunctionUrl session", "LogGroup session",
		"MetricAlarm Session"},
	"imageVariants":  {"Alias images", "Function images", "FunctionUrl images", "LogGroup images", "MetricAlarm Images"},
	"replicaRegions": {"TableReplica", "MetricAlarm Table", "Topic"},
	"alarmRegions":   {"MetricAlarm", "Topic"},
	"originShieldRegion": {"LogGroup edge-", "LogGroup refusals-", "MetricAlarm EdgeThrottled-",
		"MetricAlarm HighLatency-", "Topic"},
}

// replacing are the inputs of other kinds whose change makes a new resource. The
// new one is there before the old one goes.
var replacing = map[string][]string{
	"Certificate":           {"domainName", "subjectAlternativeNames"},
	"CertificateValidation": {"certificateArn", "validationRecordFqdns"},
	"Permission":            {"action", "function", "principal", "qualifier", "statementId"},
	"Record":                {"name", "zoneId"},
	"TopicSubscription":     {"endpoint", "topic"},
	"Role":                  {"name"},
	"RolePolicy":            {"role"},
}

// TestGoldenChangesOfEveryKey compares the plans before and after
// each change of each key, in both directions, and keeps what they show in a file
// for review.
func TestGoldenChangesOfEveryKey(t *testing.T) {
	keys, err := declared(root)
	require.NoError(t, err)
	var report strings.Builder
	for _, key := range keys {
		require.NotEmpty(t, changes[key.Name], "say how %s may change", key.Name)
		for _, name := range stacks {
			for _, change := range changes[key.Name] {
				compare(t, &report, key.Name, name, change)
			}
		}
	}
	const golden = "testdata/changes.golden.txt"
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(report.String()), 0o644))
		return
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), report.String(), "if the change is meant, run `make golden` and review its diff")
}

// compare adds one change of a stack to report. Its other direction has the same
// updates and replacements, and creates what this one deletes.
func compare(t *testing.T, report *strings.Builder, key, name string, change config) {
	t.Helper()
	before := planOf(t, name, nil)
	home := before.Outputs["mediaBucketRegion"].(string)
	overrides := config{}
	for k, v := range change {
		overrides[k] = strings.ReplaceAll(v, "{region}", home)
	}
	old, changed := byIdentity(before), byIdentity(planOf(t, name, overrides))
	var lines []string
	for _, id := range slices.Sorted(maps.Keys(merged(old, changed))) {
		was, isOld := old[id]
		is, isNew := changed[id]
		kind := was.Type + is.Type
		kind = kind[strings.LastIndex(kind, ":")+1:]
		if isOld != isNew {
			if _, lasts := lasting[kind]; lasts {
				allowed := false
				for changed := range change { // others may have to change with it
					allowed = allowed || slices.ContainsFunc(goes[changed], func(prefix string) bool {
						return strings.HasPrefix(id, prefix)
					})
				}
				assert.True(t, allowed, "%s of %s, %v: %s comes or goes", key, name, change, id)
			}
			lines = append(lines, map[bool]string{true: "- ", false: "+ "}[isOld]+id)
			continue
		}
		lines = append(lines, differences(t, kind, id, was, is)...)
	}
	if len(lines) > 0 {
		fmt.Fprintf(report, "%s: %v\n  %s\n", name, strings.TrimPrefix(fmt.Sprint(overrides), "map"),
			strings.Join(lines, "\n  "))
	}
}

// differences says what a change does to one resource.
func differences(t *testing.T, kind, id string, was, is plan.Resource) []string {
	t.Helper()
	var inputs []string
	for input := range merged(was.Inputs, is.Inputs) {
		if !reflect.DeepEqual(was.Inputs[input], is.Inputs[input]) {
			inputs = append(inputs, input)
		}
	}
	slices.Sort(inputs)
	if inPlace, lasts := lasting[kind]; lasts {
		assert.Subset(t, inPlace, inputs, "%s would be replaced", id)
		assert.Equal(t, was.Region, is.Region, "%s would be replaced", id)
	}
	if len(inputs) == 0 {
		return nil
	}
	sign := "~ "
	if slices.ContainsFunc(inputs, func(input string) bool { return slices.Contains(replacing[kind], input) }) {
		sign = "+-"
	}
	return []string{sign + id + " [" + strings.Join(inputs, " ") + "]"}
}

// byIdentity returns a plan's resources by the last part of their type and their name.
func byIdentity(doc *plan.Document) map[string]plan.Resource {
	all := map[string]plan.Resource{}
	for _, r := range doc.Resources {
		all[r.Type[strings.LastIndex(r.Type, ":")+1:]+" "+r.Name] = r
	}
	return all
}

// merged returns a map with the keys of both.
func merged[V any](a, b map[string]V) map[string]V {
	both := maps.Clone(a)
	maps.Copy(both, b)
	return both
}
