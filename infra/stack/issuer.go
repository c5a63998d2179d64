package stack

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"secure-media-cdn/function/bundle"
	"secure-media-cdn/function/issue/cloud"
	issuerfn "secure-media-cdn/function/issuer"
	"secure-media-cdn/function/settings"
	"secure-media-cdn/infra/stack/outputs"
)

const issuerMemoryMB = 512

// issuer is the function that issues, shows and revokes links.
type issuer struct {
	*endpoint
	events *events
}

// newIssuer registers the function and who may call it.
func (s *builder) newIssuer(c *content, e *events, m *mappings, d *delivery, g *gate) (*issuer, error) {
	function, err := s.newEndpoint("issuer", endpointArgs{
		bundle: bundle.Issuer, description: "Issues, shows and revokes links", memoryMB: issuerMemoryMB,
		environment: s.issuerEnvironment(c, m, d, g), may: s.issuerStatements(c, e, m, d, g),
	})
	if err != nil {
		return nil, err
	}
	i := &issuer{endpoint: function, events: e}
	// Which services each of them may handle the function decides itself.
	for _, c := range s.cfg.IssuerPrincipals {
		if err := s.permit(i.endpoint, callerName(c.Principal), c.Principal, nil); err != nil {
			return nil, err
		}
	}
	if err := s.countRevocations(i.logs); err != nil {
		return nil, err
	}
	return i, s.followEvents(c, e, i)
}

// issuerEnvironment is the function's configuration. It holds no secret: of the
// link keys it names the store that keeps them.
func (s *builder) issuerEnvironment(c *content, m *mappings, d *delivery, g *gate) pulumi.StringMap {
	return pulumi.StringMap{
		issuerfn.EnvTable:           m.table.Name,
		issuerfn.EnvRegions:         pulumi.String(strings.Join(s.cfg.tableRegions(), ",")),
		issuerfn.EnvBucket:          c.name,
		issuerfn.EnvBucketRegion:    pulumi.String(s.cfg.Region),
		issuerfn.EnvBaseURL:         d.baseURL,
		issuerfn.EnvDistribution:    d.distribution.ID(),
		issuerfn.EnvLinkTTL:         pulumi.String(strconv.Itoa(s.cfg.linkTTLSeconds())),
		issuerfn.EnvRenewBefore:     pulumi.String(strconv.Itoa(s.cfg.RenewBeforeSeconds)),
		issuerfn.EnvPublicServices:  pulumi.String(strings.Join(s.cfg.servicesWith(outputs.AccessPublic), ",")),
		issuerfn.EnvPrivateServices: pulumi.String(strings.Join(s.cfg.servicesWith(outputs.AccessPrivate), ",")),
		settings.EnvTicketServices:  pulumi.String(strings.Join(s.cfg.ticketServices(), ",")),
		settings.EnvTicketSeconds:   pulumi.String(strconv.Itoa(s.cfg.ViewerTicketSeconds)),
		settings.EnvCookieDomain:    pulumi.String(s.cfg.cookieDomain()),
		issuerfn.EnvVariants:        pulumi.String(strings.Join(s.cfg.variantNames(), ",")),
		issuerfn.EnvCallers:         pulumi.String(issuerfn.EncodeCallers(s.cfg.IssuerPrincipals)),
		issuerfn.EnvCheckObjects:    pulumi.String(strconv.FormatBool(s.cfg.ObjectCheck)),
		settings.EnvKeyGeneration:   pulumi.String(strconv.Itoa(s.cfg.LinkKeyGeneration)),
		settings.EnvKeyValueStore:   g.store.Arn,
	}
}

// issuerStatements are all that the function may do.
func (s *builder) issuerStatements(c *content, e *events, m *mappings, d *delivery, g *gate) []statement {
	statements := []statement{
		// A transaction is authorised as the operations it consists of. All
		// writes go to the home region: two regions could both win a race.
		{Sid: "KeepMappings", Actions: []string{"dynamodb:BatchGetItem", "dynamodb:DeleteItem", "dynamodb:PutItem"},
			Resources: m.arns[:1]},
		{
			Sid: "ReadKeysAndRevoke",
			Actions: []string{
				"cloudfront-keyvaluestore:DescribeKeyValueStore", "cloudfront-keyvaluestore:GetKey",
				"cloudfront-keyvaluestore:ListKeys", "cloudfront-keyvaluestore:UpdateKeys",
			},
			Resources: []pulumi.StringInput{g.store.Arn},
		},
		{Sid: "Invalidate", Actions: []string{"cloudfront:CreateInvalidation"},
			Resources: []pulumi.StringInput{d.distribution.Arn}},
		{Sid: "CheckObjects", Actions: []string{"s3:GetObject"}, Resources: []pulumi.StringInput{c.objects()}},
		// Without it S3 says 403 for a missing object, not 404.
		{Sid: "TellMissingObjects", Actions: []string{"s3:ListBucket"}, Resources: []pulumi.StringInput{c.arn}},
		// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
		{Sid: "TakeEvents", Actions: []string{"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"},
			Resources: []pulumi.StringInput{e.queue.Arn}},
	}
	if replicas := m.arns[1:]; len(replicas) > 0 {
		// When the revocation list is full, caches are emptied instead, once no
		// region can fill them again.
		statements = append(statements, statement{Sid: "SeeRevocations", Actions: []string{"dynamodb:BatchGetItem"},
			Resources: replicas})
	}
	return statements
}

var notInStatementID = regexp.MustCompile(`[^A-Za-z0-9]+`)

// callerName returns a name for an IAM principal: its account and, of a role or
// user, its kind and name without path.
func callerName(principal string) string {
	account, rest, isARN := strings.Cut(strings.TrimPrefix(principal, "arn:aws:iam::"), ":")
	if !isARN {
		return account
	}
	kind, path, _ := strings.Cut(rest, "/")
	name := path[strings.LastIndex(path, "/")+1:]
	return strings.Trim(notInStatementID.ReplaceAllString(account+"-"+kind+"-"+name, "-"), "-")
}

// countRevocations turns the lines that the issuer logs about a list that fills up into metrics, named as the alarms
// are.
func (s *builder) countRevocations(logs pulumi.Resource) error {
	for name, message := range map[string]string{
		"RevocationListFull": cloud.MessageFull, "RevocationListFilling": cloud.MessageNearlyFull,
	} {
		_, err := cloudwatch.NewLogMetricFilter(s.ctx, name, &cloudwatch.LogMetricFilterArgs{
			LogGroupName: pulumi.String(s.logGroup("issuer")), Pattern: pulumi.Sprintf(`{ $.msg = "%s" }`, message),
			MetricTransformation: &cloudwatch.LogMetricFilterMetricTransformationArgs{
				Namespace: pulumi.String(s.cfg.name()), Name: pulumi.String(name), Value: pulumi.String("1"),
			},
		}, pulumi.DependsOn([]pulumi.Resource{logs}))
		if err != nil {
			return fmt.Errorf("metric %s: %w", name, err)
		}
	}
	return nil
}
