package doctor

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudfrontkeyvaluestore"

	"secure-media-cdn/function/seal"
)

// origins looks at where requests go, with which signature, and with which configuration for the edge function.
func (d edge) origins(ctx context.Context, want []origin, all *types.Origins) {
	for _, w := range want {
		what := "distribution: the origin " + w.OriginID
		n := slices.IndexFunc(all.Items, func(o types.Origin) bool { return aws.ToString(o.Id) == w.OriginID })
		if n < 0 {
			d.wrong(mend, "%s: there is none", what)
			continue
		}
		got := all.Items[n]
		if got.S3OriginConfig != nil { // a function's address is known to AWS alone
			d.same(what+": the bucket", w.DomainName, aws.ToString(got.DomainName))
		}
		headers, wanted := map[string]string{}, map[string]string{}
		if got.CustomHeaders != nil {
			for _, h := range got.CustomHeaders.Items {
				headers[aws.ToString(h.HeaderName)] = aws.ToString(h.HeaderValue)
			}
		}
		for _, h := range w.CustomHeaders {
			wanted[h.Name] = h.Value
		}
		d.same(what+": the edge function's configuration", wanted, headers)
		if w.AccessControl != "" {
			d.accessControl(ctx, what+": CloudFront signs what it asks", aws.ToString(got.OriginAccessControlId))
		}
	}
}

// accessControl must always sign, or the origin would have to be open.
func (d edge) accessControl(ctx context.Context, what, id string) {
	if id == "" {
		d.wrong(mend, "%s: it has no origin access control", what)
		return
	}
	out, err := d.client.GetOriginAccessControl(ctx, &cloudfront.GetOriginAccessControlInput{Id: &id})
	if err != nil {
		d.failed(what, err, "NoSuchOriginAccessControl")
		return
	}
	got := out.OriginAccessControl.OriginAccessControlConfig
	d.same(what, []string{"always", "sigv4"}, []string{string(got.SigningBehavior), string(got.SigningProtocol)})
}

// keys looks whether the gate's store has an entry for each key of the program. The keys themselves are not kept.
func (d edge) keys(ctx context.Context, function string) {
	const what = "gate: its store has the keys"
	got, err := d.client.DescribeFunction(ctx, &cloudfront.DescribeFunctionInput{
		Name: &function, Stage: types.FunctionStageLive})
	if err != nil {
		d.failed(what, err)
		return
	}
	associated := got.FunctionSummary.FunctionConfig.KeyValueStoreAssociations
	if associated == nil || len(associated.Items) != 1 {
		d.wrong(mend, "%s: it has no store", what)
		return
	}
	d.store = aws.ToString(associated.Items[0].KeyValueStoreARN)
	client := cloudfrontkeyvaluestore.NewFromConfig(d.in("us-east-1"))
	for _, r := range d.Plan.ByType("aws:cloudfront/keyvaluestoreKey:KeyvaluestoreKey") {
		name, _ := r.Inputs["key"].(string)
		entry, err := client.GetKey(ctx, &cloudfrontkeyvaluestore.GetKeyInput{Key: &name, KvsARN: &d.store})
		switch {
		case err != nil:
			d.failed(what+": "+name, err, "ResourceNotFoundException")
		case len(aws.ToString(entry.Value)) != seal.ValueLength:
			d.wrong(mend, "%s: %s is not as long as a key", what, name)
		default:
			d.ok("%s: %s", what, name)
		}
	}
}
