package stack

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// export sets the stack's outputs, the contract with applications. Their form
// is documented by the type Outputs of infra/stack/outputs.
func (s *builder) export(c *content, m *mappings, e *edge, d *delivery, topics map[string]pulumi.StringOutput) {
	services := pulumi.Array{}
	for _, svc := range s.cfg.Services {
		services = append(services, pulumi.StringMap{"name": pulumi.String(svc.Name), "access": pulumi.String(svc.Access)})
	}
	arns := pulumi.StringMap{}
	for region, arn := range topics {
		arns[region] = arn
	}
	for name, value := range map[string]pulumi.Input{
		"cdnBaseUrl":             d.baseURL,
		"distributionId":         d.distribution.ID(),
		"distributionDomain":     d.distribution.DomainName,
		"mediaBucket":            c.bucket.Bucket,
		"mediaBucketRegion":      pulumi.String(s.cfg.Region),
		"mappingTable":           m.table.Name,
		"mappingRegions":         pulumi.ToStringArray(s.cfg.tableRegions()),
		"edgeFunctionVersionArn": e.version(),
		"linkTtlSeconds":         pulumi.Int(s.cfg.linkTTLSeconds()),
		"services":               services,
		"alarmTopicArns":         arns,
	} {
		s.ctx.Export(name, value)
	}
}
