package stack

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// statement is one statement of an IAM policy. Its Sid is a short name of its
// reason: the tests know the reason of every Sid.
type statement struct {
	Sid       string
	Deny      bool
	Principal pulumi.Map // who, in policies of resources and in trust policies
	Actions   []string
	Resources []pulumi.StringInput
	// Condition is operator, then key, then value.
	Condition pulumi.Map
}

// service returns the principal of AWS services.
func service(names ...string) pulumi.Map { return pulumi.Map{"Service": pulumi.ToStringArray(names)} }

// when returns a condition of one operator on one key.
func when(operator, key string, value pulumi.Input) pulumi.Map {
	return pulumi.Map{operator: pulumi.Map{key: value}}
}

// value returns the statement as IAM spells it.
func (s statement) value() pulumi.Map {
	m := pulumi.Map{"Sid": pulumi.String(s.Sid), "Effect": pulumi.String("Allow"),
		"Action": pulumi.ToStringArray(s.Actions)}
	if s.Deny {
		m["Effect"] = pulumi.String("Deny")
	}
	if s.Principal != nil {
		m["Principal"] = s.Principal
	}
	if s.Resources != nil {
		m["Resource"] = pulumi.StringArray(s.Resources)
	}
	if s.Condition != nil {
		m["Condition"] = s.Condition
	}
	return m
}

// policyDocument returns the policy's JSON.
func policyDocument(statements ...statement) pulumi.StringOutput {
	list := pulumi.Array{}
	for _, s := range statements {
		list = append(list, s.value())
	}
	return pulumi.JSONMarshal(pulumi.Map{"Version": pulumi.String("2012-10-17"), "Statement": list})
}

// newRole registers a role that the given services run a function as, with all
// that the function may do. A function that depends on the second result has its
// rights from its first run.
func (s *builder) newRole(name string, runs []string, may []statement) (*iam.Role, pulumi.Resource, error) {
	args := &iam.RoleArgs{
		AssumeRolePolicy: policyDocument(statement{Sid: "Run", Principal: service(runs...),
			Actions: []string{"sts:AssumeRole"}}),
		Tags: s.tags(),
	}
	if s.cfg.PermissionsBoundaryARN != "" {
		args.PermissionsBoundary = pulumi.String(s.cfg.PermissionsBoundaryARN)
	}
	role, err := iam.NewRole(s.ctx, name, args)
	if err != nil {
		return nil, nil, fmt.Errorf("%s role: %w", name, err)
	}
	grant, err := iam.NewRolePolicy(s.ctx, name, &iam.RolePolicyArgs{Role: role.ID(), Policy: policyDocument(may...)})
	if err != nil {
		return nil, nil, fmt.Errorf("%s role policy: %w", name, err)
	}
	return role, grant, nil
}
