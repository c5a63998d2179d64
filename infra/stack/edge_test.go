package stack_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"secure-media-cdn/infra/plan"
)

// edgeInputs are all that may be said of an edge function. What Lambda@Edge forbids
// cannot be among them: environment, VPC, layers, dead letters, tracing, images,
// larger disks, encrypted zips and code from S3. Nor can what no page allows:
// SnapStart and reserved concurrency.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-at-edge-function-restrictions.html
var edgeInputs = []string{
	"architectures", "code", "description", "handler", "loggingConfig", "memorySize", "publish", "role", "runtime", "tags",
	"timeout",
}

func TestTheEdgeFunctionSetsOnlyWhatTheEdgeTakes(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		edge := find(t, doc, "Function", "edge")
		assert.Equal(t, edgeInputs, keysOf(edge.Inputs))
		for path, want := range map[string]any{
			"architectures":           []any{"x86_64"},
			"runtime":                 "python3.13",
			"handler":                 "launcher.handler", // the launcher that execs the binary
			"publish":                 true,
			"code":                    map[string]any{"archive": "build/edge.zip"},
			"loggingConfig.logFormat": "JSON",
		} {
			assert.Equal(t, want, at(edge.Inputs, path), path)
		}
		// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html#limits-lambda-at-edge
		assert.LessOrEqual(t, edge.Inputs["timeout"], 30.0)
		assert.LessOrEqual(t, edge.Inputs["memorySize"], 10240.0)
		assert.GreaterOrEqual(t, edge.Inputs["memorySize"], 128.0)
	})
}

func TestNothingElseIsHungOnTheEdgeFunction(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		edge := find(t, doc, "Function", "edge")
		for _, r := range doc.Resources {
			// Such as runtime management, provisioned concurrency, an alias or a
			// resource policy. Whatever it is, it would name the function.
			if r.Inputs["functionName"] != nil || r.Inputs["function"] != nil {
				assert.NotContains(t, []any{r.Inputs["functionName"], r.Inputs["function"]}, edge.Outputs["name"], "%s %s", r.Type,
					r.Name)
				assert.NotContains(t, []any{r.Inputs["functionName"], r.Inputs["function"]}, edge.Outputs["arn"], "%s %s", r.Type,
					r.Name)
			}
		}
	})
}

func TestTheEdgeFunctionLivesWhereCloudFrontTakesIt(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		edge := find(t, doc, "Function", "edge")
		assert.Contains(t, edge.Outputs["arn"], "arn:aws:lambda:us-east-1:")
		if edge.Region == "" {
			assert.Equal(t, "us-east-1", doc.Outputs["mediaBucketRegion"],
				"only at home in us-east-1 is the default provider the right one")
		} else {
			assert.Equal(t, "us-east-1", edge.Region)
		}
	})
}

func TestCloudFrontRunsTheNumberedVersion(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		arn := at(find(t, doc, "Distribution", "cdn").Inputs, "defaultCacheBehavior.lambdaFunctionAssociations[0].lambdaArn")
		assert.Regexp(t, `^arn:aws:lambda:us-east-1:\d{12}:function:[^:]+:\d+$`, arn)
		assert.Equal(t, arn, doc.Outputs["edgeFunctionVersionArn"])
	})
}

// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-edge-delete-replicas.html
func TestDestroyDoesNotStumbleOverReplicas(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		edge := find(t, doc, "Function", "edge")
		assert.True(t, edge.Options.RetainOnDelete, "AWS refuses to delete a replicated function")
		assert.False(t, edge.Options.Protect)
		assert.NotContains(t, edge.Inputs, "name", "the next stack's function would collide with the one left behind")
		for _, r := range doc.Resources {
			keyPolicy := r.Type == "aws:kms/keyPolicy:KeyPolicy" // what the key encrypted needs it still
			if (r.Name != "edge" || r.Type != edge.Type) && !keyPolicy {
				assert.False(t, r.Options.RetainOnDelete, "%s %s would be left behind", r.Type, r.Name)
			}
		}
	})
}

// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-functions-logs.html
func TestTheEdgesLogsAreKeptForAsLongAsConfigured(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		edge := find(t, doc, "Function", "edge")
		group := at(edge.Inputs, "loggingConfig.logGroup")
		assert.NotEmpty(t, group)
		var regions []string
		for _, g := range kinds(doc, "LogGroup") {
			assert.NotEmpty(t, g.Inputs["retentionInDays"], "CloudWatch keeps logs for ever unless told otherwise")
			if region, ok := strings.CutPrefix(g.Name, "edge-"); ok {
				assert.Equal(t, group, g.Inputs["name"], "a name of one's own is used unprefixed in every region")
				assert.Equal(t, region, placeOf(doc, g))
				assert.Contains(t, edge.Options.DependsOn, g.Type+"::"+g.Name, "the function must not log there first")
				regions = append(regions, region)
			}
		}
		assert.ElementsMatch(t, runRegions(doc), regions)
	})
	assert.Equal(t, 7.0, find(t, planOf(t, "dev", nil), "LogGroup", "edge-eu-central-1").Inputs["retentionInDays"])
}

// placeOf returns the region that a resource is made in.
func placeOf(doc *plan.Document, r plan.Resource) string {
	if r.Region == "" {
		return doc.Outputs["mediaBucketRegion"].(string)
	}
	return r.Region
}

// everywhere are the regions that CloudFront replicates edge functions to.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-edge-permissions.html
var everywhere = []string{
	"us-east-1", "us-east-2", "us-west-1", "us-west-2", "ap-south-1", "ap-northeast-1", "ap-northeast-2", "ap-southeast-1",
	"ap-southeast-2",
	"eu-central-1", "eu-west-1", "eu-west-2", "sa-east-1",
}

// runRegions returns the regions in which CloudFront runs the edge function: the
// Origin Shield's, if there is one.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/origin-shield.html#origin-shield-and-lambda-at-edge
func runRegions(doc *plan.Document) []string {
	for _, d := range kinds(doc, "Distribution") {
		if region, ok := at(d.Inputs, "origins[0].originShield.originShieldRegion").(string); ok {
			return []string{region}
		}
	}
	return everywhere
}

func TestTheEdgeFunctionIsWatchedWhereItRuns(t *testing.T) {
	watched := func(doc *plan.Document) (regions []string) {
		for _, a := range kinds(doc, "MetricAlarm") {
			if region, ok := strings.CutPrefix(a.Name, "HighLatency-"); ok {
				regions = append(regions, region)
			}
		}
		return regions
	}
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		assert.ElementsMatch(t, runRegions(doc), watched(doc))
	})
	chosen := planOf(t, "dev", config{"originShieldRegion": "", "alarmRegions": list("us-west-2")})
	assert.Equal(t, []string{"us-west-2"}, watched(chosen), "all of them or the chosen ones")
	for _, region := range everywhere {
		find(t, chosen, "LogGroup", "edge-"+region) // where it runs, whatever is watched
		find(t, chosen, "LogGroup", "refusals-"+region)
	}
}

func TestTheEdgeFunctionHasItsRightsBeforeItRuns(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		edge := find(t, doc, "Function", "edge")
		assert.Contains(t, edge.Options.DependsOn, "aws:iam/rolePolicy:RolePolicy::edge")
		assert.Equal(t, find(t, doc, "Role", "edge").Outputs["arn"], edge.Inputs["role"])
	})
}

func TestWhatCloudFrontRefusedIsKeptAsLong(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		for _, region := range runRegions(doc) {
			logs := find(t, doc, "LogGroup", "refusals-"+region)
			assert.Equal(t, "/aws/cloudfront/LambdaEdge/EDFDVBD6EXAMPLE", logs.Inputs["name"])
			assert.Equal(t, find(t, doc, "LogGroup", "edge-"+region).Inputs["retentionInDays"], logs.Inputs["retentionInDays"])
			assert.Equal(t, region, placeOf(doc, logs))
		}
	})
}
