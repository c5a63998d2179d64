package stack

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lambda"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"secure-media-cdn/function/bundle"
	edgefn "secure-media-cdn/function/edge"
)

// What Lambda@Edge takes; nothing else may be set on the function.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-at-edge-function-restrictions.html
const (
	edgeRuntime      = "python3.13"
	edgeHandler      = "launcher.handler"
	edgeArchitecture = "x86_64"
	// edgeTimeoutSeconds bounds one run. The function's own budget for the
	// table is well below; CloudFront's limit is 30 s.
	edgeTimeoutSeconds = 5
)

// edge is the function that runs at CloudFront's origin-request event.
type edge struct {
	function *lambda.Function
}

// version returns the ARN of the numbered version, the only form that
// CloudFront takes.
func (e *edge) version() pulumi.StringOutput { return e.function.QualifiedArn }

// metricName returns the function's name in CloudWatch's metrics, the same in
// every region it runs in.
func (e *edge) metricName() pulumi.StringOutput {
	return pulumi.Sprintf("%s.%s", edgeRegion, e.function.Name)
}

// newEdge registers the function, its role and its log groups.
func (s *builder) newEdge(c *content, m *mappings) (*edge, error) {
	var before []pulumi.Resource
	for _, region := range s.cfg.runRegions() {
		group, err := s.newLogGroup("edge-"+region, pulumi.String(s.logGroup("edge")), region)
		if err != nil {
			return nil, err
		}
		before = append(before, group)
	}
	// CloudFront replicates the function, so its own principal must be able to
	// assume the role as well as Lambda's.
	// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-edge-permissions.html
	runs := []string{"lambda.amazonaws.com", "edgelambda.amazonaws.com"}
	role, grant, err := s.newRole("edge", runs, s.edgeStatements(c, m))
	if err != nil {
		return nil, err
	}
	function, err := lambda.NewFunction(s.ctx, "edge", &lambda.FunctionArgs{
		Description:   pulumi.String("Answers CloudFront's origin requests: from a link's hash to an object"),
		Code:          pulumi.NewFileArchive(bundle.Edge.Path(s.ctx.RootDirectory())),
		Runtime:       pulumi.String(edgeRuntime),
		Handler:       pulumi.String(edgeHandler),
		Architectures: pulumi.ToStringArray([]string{edgeArchitecture}),
		MemorySize:    pulumi.Int(s.cfg.EdgeMemoryMB),
		Timeout:       pulumi.Int(edgeTimeoutSeconds),
		Role:          role.Arn,
		Publish:       pulumi.Bool(true),
		// A name of our own is used as it is in every region, where the default
		// would carry the function's generated name.
		LoggingConfig: &lambda.FunctionLoggingConfigArgs{LogFormat: pulumi.String("JSON"),
			LogGroup: pulumi.String(s.logGroup("edge"))},
		Tags: s.tags(),
	},
		s.regions.in(edgeRegion),
		// The groups must exist, with their retention, before the first run
		// makes one without; and the function needs its rights from the first run.
		pulumi.DependsOn(append(before, grant)),
		// Replicas outlive the distribution by hours and until then AWS refuses
		// to delete the function, which would fail every destroy. `make sweep`
		// deletes it later. https://github.com/pulumi/pulumi-aws/issues/1045
		pulumi.RetainOnDelete(true),
	)
	if err != nil {
		return nil, fmt.Errorf("edge function: %w", err)
	}
	return &edge{function: function}, nil
}

// edgeStatements are all that the function may do.
func (s *builder) edgeStatements(c *content, m *mappings) []statement {
	group := fmt.Sprintf("arn:aws:logs:*:%s:log-group:%s", s.account, s.logGroup("edge"))
	statements := []statement{
		{Sid: "ReadMappings", Actions: []string{"dynamodb:GetItem"}, Resources: m.arns},
		// In any region: when the Origin Shield's is unavailable, CloudFront chooses
		// another. The function makes no group, for it would be kept for ever and
		// collide with one that is registered later.
		{Sid: "WriteLogs", Actions: []string{"logs:CreateLogStream", "logs:PutLogEvents"},
			Resources: []pulumi.StringInput{pulumi.String(group + ":*")}},
	}
	if !s.cfg.edgeSigns() {
		return statements
	}
	// A signed address works with the rights of whoever signed it: a viewer's in
	// redirect delivery, and the images function's.
	statements = append(statements, statement{Sid: "SignAddresses", Actions: []string{"s3:GetObject"},
		Resources: []pulumi.StringInput{c.objects()}})
	if s.cfg.KMSKeyARN != "" {
		statements = append(statements, statement{
			Sid: "DecryptSigned", Actions: []string{"kms:Decrypt"},
			Resources: []pulumi.StringInput{pulumi.String(s.cfg.KMSKeyARN)},
			Condition: when("StringEquals", "kms:ViaService", pulumi.String("s3."+s.cfg.Region+".amazonaws.com")),
		})
	}
	return statements
}

// edgeSigns reports whether the edge function signs addresses of objects.
func (c Config) edgeSigns() bool {
	return c.Delivery == string(edgefn.DeliverRedirect) || len(c.ImageVariants) > 0
}

// logGroup returns the name of a function's log group: fixed, so that
// it can be made before the function.
func (s *builder) logGroup(function string) string {
	return "/" + s.cfg.Project + "/" + s.cfg.Stage + "/" + function
}

// newLogGroup registers a log group in region, under the physical name given.
func (s *builder) newLogGroup(logical string, name pulumi.StringInput, region string) (pulumi.Resource, error) {
	group, err := cloudwatch.NewLogGroup(s.ctx, logical, &cloudwatch.LogGroupArgs{
		Name: name.ToStringOutput().ToStringPtrOutput(), RetentionInDays: pulumi.Int(s.cfg.LogRetentionDays), Tags: s.tags(),
	}, s.regions.in(region))
	if err != nil {
		return nil, fmt.Errorf("log group %s: %w", logical, err)
	}
	return group, nil
}
