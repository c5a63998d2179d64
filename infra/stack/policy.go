package stack

import (
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

// policyDocument returns the policy's JSON.
func policyDocument(statements ...statement) pulumi.StringOutput {
	list := pulumi.Array{}
	for _, s := range statements {
		m := pulumi.Map{"Sid": pulumi.String(s.Sid), "Effect": pulumi.String("Allow"), "Action": pulumi.ToStringArray(s.Actions)}
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
		list = append(list, m)
	}
	return pulumi.JSONMarshal(pulumi.Map{"Version": pulumi.String("2012-10-17"), "Statement": list})
}

// trust returns a trust policy for the given service principals.
func trust(services ...string) pulumi.StringOutput {
	return policyDocument(statement{Sid: "Run", Principal: service(services...), Actions: []string{"sts:AssumeRole"}})
}
