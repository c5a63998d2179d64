package stack

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lambda"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"secure-media-cdn/function/bundle"
)

const (
	endpointRuntime      = "provided.al2023"
	endpointHandler      = "bootstrap"
	endpointArchitecture = "arm64"
	// endpointTimeoutSeconds bounds one call: of the issuer one of up to a hundred
	// objects, of the images function one picture.
	endpointTimeoutSeconds = 30
	// endpointAlias is the name under which callers reach the current version, so
	// that a rollback is a change of the alias.
	endpointAlias = "live"
)

// endpoint is a Lambda function of the home region behind an address of its own
// (Function URL), which asks for signed calls and answers in one piece.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html
type endpoint struct {
	function *lambda.Function
	alias    *lambda.Alias
	url      *lambda.FunctionUrl
	// logs is the function's log group.
	logs pulumi.Resource
}

// endpointArgs are what endpoints differ in.
type endpointArgs struct {
	bundle      bundle.Bundle
	description string
	memoryMB    int
	concurrency int // reserved for the function, and its ceiling; 0 reserves none
	environment pulumi.StringMap
	may         []statement // but for logging
}

// newEndpoint registers the function with its role, its log group and its address.
// Who may call it is still to be said.
func (s *builder) newEndpoint(name string, args endpointArgs) (*endpoint, error) {
	logs, err := s.newLogGroup(name, pulumi.String(s.logGroup(name)), s.cfg.Region)
	if err != nil {
		return nil, err
	}
	group := fmt.Sprintf("arn:aws:logs:%s:%s:log-group:%s:*", s.cfg.Region, s.account, s.logGroup(name))
	role, grant, err := s.newRole(name, []string{"lambda.amazonaws.com"}, append(args.may, statement{
		Sid: "WriteLogs", Actions: []string{"logs:CreateLogStream", "logs:PutLogEvents"},
		Resources: []pulumi.StringInput{pulumi.String(group)},
	}))
	if err != nil {
		return nil, err
	}
	inputs := &lambda.FunctionArgs{
		Description:   pulumi.String(args.description),
		Code:          pulumi.NewFileArchive(args.bundle.Path(s.ctx.RootDirectory())),
		Runtime:       pulumi.String(endpointRuntime),
		Handler:       pulumi.String(endpointHandler),
		Architectures: pulumi.ToStringArray([]string{endpointArchitecture}),
		MemorySize:    pulumi.Int(args.memoryMB),
		Timeout:       pulumi.Int(endpointTimeoutSeconds),
		Role:          role.Arn,
		Publish:       pulumi.Bool(true),
		LoggingConfig: &lambda.FunctionLoggingConfigArgs{LogFormat: pulumi.String("JSON"),
			LogGroup: pulumi.String(s.logGroup(name))},
		Tags: s.tags(),
	}
	if args.environment != nil {
		inputs.Environment = &lambda.FunctionEnvironmentArgs{Variables: args.environment}
	}
	if args.concurrency > 0 {
		inputs.ReservedConcurrentExecutions = pulumi.Int(args.concurrency)
	}
	function, err := lambda.NewFunction(s.ctx, name, inputs, pulumi.DependsOn([]pulumi.Resource{logs, grant}))
	if err != nil {
		return nil, fmt.Errorf("%s function: %w", name, err)
	}
	alias, err := lambda.NewAlias(s.ctx, name, &lambda.AliasArgs{
		Name: pulumi.String(endpointAlias), FunctionName: function.Name, FunctionVersion: function.Version,
	})
	if err != nil {
		return nil, fmt.Errorf("%s alias: %w", name, err)
	}
	address, err := lambda.NewFunctionUrl(s.ctx, name, &lambda.FunctionUrlArgs{
		FunctionName: function.Name, Qualifier: alias.Name, AuthorizationType: pulumi.String("AWS_IAM"),
	})
	if err != nil {
		return nil, fmt.Errorf("%s URL: %w", name, err)
	}
	return &endpoint{function: function, alias: alias, url: address, logs: logs}, nil
}

// host returns the host name of the endpoint's address.
func (e *endpoint) host() pulumi.StringOutput {
	return e.url.FunctionUrl.ApplyT(func(address string) (string, error) {
		u, err := url.Parse(address)
		if err == nil && u.Host == "" {
			err = errors.New("it names no host")
		}
		if err != nil {
			return "", fmt.Errorf("reading the address %q of a function: %w", address, err)
		}
		return u.Host, nil
	}).(pulumi.StringOutput)
}

// permit lets a principal call the endpoint's address; an AWS service only on
// behalf of the resource with the ARN from, which is nil for others. Since October
// 2025 an address asks for both rights. The second should hold for calls of the
// address only, which the provider cannot say yet: so the issuer tells them from
// events of a caller's own making.
// https://github.com/pulumi/pulumi-aws/issues/5930
// https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
func (s *builder) permit(e *endpoint, caller, principal string, from pulumi.StringPtrInput) error {
	for verb, args := range map[string]*lambda.PermissionArgs{
		"call":   {Action: pulumi.String("lambda:InvokeFunctionUrl"), FunctionUrlAuthType: pulumi.String("AWS_IAM")},
		"invoke": {Action: pulumi.String("lambda:InvokeFunction")},
	} {
		args.Function, args.Qualifier, args.Principal = e.function.Name, e.alias.Name, pulumi.String(principal)
		args.StatementId, args.SourceArn = pulumi.String(verb+"-"+caller), from
		if _, err := lambda.NewPermission(s.ctx, verb+"-"+caller, args); err != nil {
			return fmt.Errorf("permission of %s: %w", principal, err)
		}
	}
	return nil
}
