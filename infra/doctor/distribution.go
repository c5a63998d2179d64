package doctor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"

	"secure-media-cdn/infra/plan"
)

// behaviour is what a cache behaviour promises, in the plan's words. Policies and functions are given by their names in
// the program.
type behaviour struct {
	PathPattern          string
	ViewerProtocolPolicy string
	TargetOriginID       string
	CachePolicyID        string
	HeadersPolicyID      string `json:"responseHeadersPolicyId"`
	AllowedMethods       []string
	Functions            []association `json:"functionAssociations"`
	Lambdas              []association `json:"lambdaFunctionAssociations"`
}

type association struct {
	EventType string
	Function  string `json:"functionArn"`
	Lambda    string `json:"lambdaArn"`
}

type origin struct {
	OriginID      string
	DomainName    string
	AccessControl string `json:"originAccessControlId"`
	CustomHeaders []struct{ Name, Value string }
}

// edge is CloudFront, which is called in us-east-1.
type edge struct {
	*examination
	client *cloudfront.Client
}

func (e *examination) distribution(ctx context.Context) {
	d := edge{e, cloudfront.NewFromConfig(e.in("us-east-1"))}
	out, err := d.client.GetDistribution(ctx, &cloudfront.GetDistributionInput{Id: &e.Outputs.DistributionID})
	if err != nil {
		e.failed("distribution", err, "NoSuchDistribution")
		return
	}
	if status := aws.ToString(out.Distribution.Status); status == "Deployed" {
		e.ok("distribution: every edge location has its settings")
	} else {
		e.wrong("look again in some minutes", "distribution: a change is under way (%s)", status)
	}
	got := out.Distribution.DistributionConfig
	planned := e.Plan.ByType("aws:cloudfront/distribution:Distribution")[0]
	var want struct {
		Enabled  bool
		Default  behaviour   `json:"defaultCacheBehavior"`
		Ordered  []behaviour `json:"orderedCacheBehaviors"`
		Origins  []origin
		WebACLID string `json:"webAclId"`
	}
	if err := e.decode(planned, &want); err != nil {
		e.failed("distribution", err)
		return
	}
	e.same("distribution: is enabled", want.Enabled, aws.ToBool(got.Enabled))
	e.same("distribution: its web ACL", want.WebACLID, aws.ToString(got.WebACLId))
	d.origins(ctx, want.Origins, got.Origins)
	ordered := []types.CacheBehavior{}
	if got.CacheBehaviors != nil {
		ordered = got.CacheBehaviors.Items
	}
	var patterns, wanted []string
	for _, b := range ordered {
		patterns = append(patterns, aws.ToString(b.PathPattern))
	}
	for _, b := range want.Ordered {
		wanted = append(wanted, b.PathPattern)
	}
	want.Default.PathPattern = "*"
	b := got.DefaultCacheBehavior
	d.behaviour(ctx, want.Default, types.CacheBehavior{
		TargetOriginId: b.TargetOriginId, ViewerProtocolPolicy: b.ViewerProtocolPolicy, CachePolicyId: b.CachePolicyId,
		AllowedMethods: b.AllowedMethods, FunctionAssociations: b.FunctionAssociations,
		LambdaFunctionAssociations: b.LambdaFunctionAssociations, ResponseHeadersPolicyId: b.ResponseHeadersPolicyId,
	})
	if !e.same("distribution: its paths, in their order", wanted, patterns) {
		return
	}
	for n, b := range ordered {
		d.behaviour(ctx, want.Ordered[n], b)
	}
}

// behaviour looks at one behaviour: what runs there, and what is cached how.
func (d edge) behaviour(ctx context.Context, want behaviour, got types.CacheBehavior) {
	what := "distribution: " + want.PathPattern + ": "
	d.same(what+"HTTPS, origin and methods",
		fmt.Sprint(want.ViewerProtocolPolicy, want.TargetOriginID, slices.Sorted(slices.Values(want.AllowedMethods))),
		fmt.Sprint(got.ViewerProtocolPolicy, aws.ToString(got.TargetOriginId), methods(got.AllowedMethods)))
	d.cachePolicy(ctx, what+"what is cached, and how long", want.CachePolicyID, aws.ToString(got.CachePolicyId))

	d.headersPolicy(ctx, what+"what browsers are told", want.HeadersPolicyID, aws.ToString(got.ResponseHeadersPolicyId))

	functions := map[string]string{}
	if got.FunctionAssociations != nil {
		for _, a := range got.FunctionAssociations.Items {
			functions[string(a.EventType)] = aws.ToString(a.FunctionARN)
		}
	}
	for _, a := range want.Functions {
		d.function(ctx, want.PathPattern, a, functions[a.EventType])
		delete(functions, a.EventType)
	}
	lambdas := map[string]string{}
	if got.LambdaFunctionAssociations != nil {
		for _, a := range got.LambdaFunctionAssociations.Items {
			lambdas[string(a.EventType)] = aws.ToString(a.LambdaFunctionARN)
		}
	}
	for _, a := range want.Lambdas {
		d.same(what+"the edge function at "+a.EventType, d.Outputs.EdgeFunctionVersionARN, lambdas[a.EventType])
		delete(lambdas, a.EventType)
	}
	for _, event := range slices.Sorted(maps.Keys(functions)) {
		d.wrong(mend, "%sa function that the program does not name runs at %s", what, event)
	}
	for _, event := range slices.Sorted(maps.Keys(lambdas)) {
		d.wrong(mend, "%sa Lambda function that the program does not name runs at %s", what, event)
	}
}

func methods(m *types.AllowedMethods) (names []string) {
	if m != nil {
		for _, method := range m.Items {
			names = append(names, string(method))
		}
	}
	slices.Sort(names)
	return names
}

// function looks whether the function that runs there is live with the program's code, and for the gate's keys.
func (d edge) function(ctx context.Context, path string, want association, arn string) {
	planned := d.byOutput("aws:cloudfront/function:Function", "arn", want.Function)
	what := fmt.Sprintf("distribution: %s: the function %s at %s", path, planned.Name, want.EventType)
	if arn == "" {
		d.wrong(mend, "%s: nothing runs there", what)
		return
	}
	name := arn[strings.LastIndex(arn, "/")+1:]
	live, err := d.client.GetFunction(ctx, &cloudfront.GetFunctionInput{Name: &name, Stage: types.FunctionStageLive})
	if err != nil {
		d.failed(what, err, "NoSuchFunctionExists")
		return
	}
	if code, _ := planned.Inputs["code"].(string); code != string(live.FunctionCode) {
		d.wrong(mend, "%s: the code that is live is not the program's", what)
		return
	}
	d.ok("%s", what)
	if d.store == "" && planned.Inputs["keyValueStoreAssociations"] != nil {
		d.keys(ctx, name)
	}
}

// byOutput returns the planned resource with this made-up value.
func (d edge) byOutput(kind, field, value string) plan.Resource {
	for _, r := range d.Plan.ByType(kind) {
		if made, _ := r.Outputs[field].(string); made != "" && d.real.Replace(made) == value {
			return r
		}
	}
	return plan.Resource{}
}

// byID returns the planned resource with this made-up identifier.
func (d edge) byID(kind, id string) plan.Resource {
	for _, r := range d.Plan.ByType(kind) {
		if d.real.Replace(r.ID) == id {
			return r
		}
	}
	return plan.Resource{}
}

// cachePolicy compares what two policies say. AWS's own ones have the same identifier everywhere.
func (d edge) cachePolicy(ctx context.Context, what, made, id string) {
	planned := d.byID("aws:cloudfront/cachePolicy:CachePolicy", made)
	if planned.Type == "" {
		d.same(what, made, id)
		return
	}
	var want struct {
		MinTTL, DefaultTTL, MaxTTL int64
		Key                        struct {
			Cookies struct{ CookieBehavior string } `json:"cookiesConfig"`
			Headers struct {
				HeaderBehavior string
				Headers        struct{ Items []string }
			} `json:"headersConfig"`
			Queries struct{ QueryStringBehavior string } `json:"queryStringsConfig"`
			Gzip    bool                                 `json:"enableAcceptEncodingGzip"`
			Brotli  bool                                 `json:"enableAcceptEncodingBrotli"`
		} `json:"parametersInCacheKeyAndForwardedToOrigin"`
	}
	if err := d.decode(planned, &want); err != nil {
		d.failed(what, err)
		return
	}
	out, err := d.client.GetCachePolicy(ctx, &cloudfront.GetCachePolicyInput{Id: &id})
	if err != nil {
		d.failed(what, err, "NoSuchCachePolicy")
		return
	}
	got, is := out.CachePolicy.CachePolicyConfig, want
	is.MinTTL, is.DefaultTTL, is.MaxTTL = aws.ToInt64(got.MinTTL), aws.ToInt64(got.DefaultTTL), aws.ToInt64(got.MaxTTL)
	key := got.ParametersInCacheKeyAndForwardedToOrigin
	is.Key.Cookies.CookieBehavior = string(key.CookiesConfig.CookieBehavior)
	is.Key.Queries.QueryStringBehavior = string(key.QueryStringsConfig.QueryStringBehavior)
	is.Key.Headers.HeaderBehavior = string(key.HeadersConfig.HeaderBehavior)
	is.Key.Headers.Headers.Items = nil
	if key.HeadersConfig.Headers != nil {
		is.Key.Headers.Headers.Items = key.HeadersConfig.Headers.Items
	}
	is.Key.Gzip, is.Key.Brotli = aws.ToBool(key.EnableAcceptEncodingGzip), aws.ToBool(key.EnableAcceptEncodingBrotli)
	d.same(what, want, is)
}
