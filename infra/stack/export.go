package stack

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"secure-media-cdn/infra/stack/outputs"
)

// export sets the stack's outputs, the contract with applications. Their form
// is documented by the type Outputs of infra/stack/outputs.
func (s *builder) export(c *content, w watched, a alarmed, dashboard pulumi.StringOutput) {
	services := pulumi.Array{}
	for _, svc := range s.cfg.Services {
		described := pulumi.StringMap{"name": pulumi.String(svc.Name), "access": pulumi.String(svc.Access)}
		if svc.Access == outputs.AccessPrivate {
			described["viewers"] = pulumi.String(svc.Viewers)
		}
		services = append(services, described)
	}
	arns := pulumi.StringMap{}
	for region, arn := range a.topics {
		arns[region] = arn
	}
	for name, value := range s.toPaste(c, w.delivery, w.issuer.events) {
		s.ctx.Export(name, value)
	}
	for name, value := range map[string]pulumi.Input{
		"cdnBaseUrl":             w.delivery.baseURL,
		"distributionId":         w.delivery.distribution.ID(),
		"distributionDomain":     w.delivery.distribution.DomainName,
		"mediaBucket":            c.name,
		"mediaBucketRegion":      pulumi.String(s.cfg.Region),
		"mappingTable":           w.mappings.table.Name,
		"mappingRegions":         pulumi.ToStringArray(s.cfg.tableRegions()),
		"edgeFunctionVersionArn": w.edge.version(),
		"issuerFunctionName":     w.issuer.function.Name,
		"issuerUrl":              w.issuer.url.FunctionUrl,
		"dashboardUrl":           dashboard,
		"linkTtlSeconds":         pulumi.Int(s.cfg.linkTTLSeconds()),
		"services":               services,
		"imageVariants":          s.variants(),
		"alarmTopicArns":         arns,
	} {
		s.ctx.Export(name, value)
	}
}

// variants are the configured ones, with what their definitions name.
func (s *builder) variants() pulumi.Map {
	variants := pulumi.Map{}
	for name, v := range s.cfg.ImageVariants {
		definition := pulumi.Map{}
		for key, n := range map[string]int{"width": v.Width, "height": v.Height, "quality": v.Quality} {
			if n != 0 {
				definition[key] = pulumi.Int(n)
			}
		}
		if v.Fit != "" {
			definition["fit"] = pulumi.String(v.Fit)
		}
		variants[name] = definition
	}
	return variants
}
