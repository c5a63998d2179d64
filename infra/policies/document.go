// Package policies holds what the roles that deploy may do, as IAM policies:
// Deploy for `pulumi up`, `pulumi destroy` and `make sweep`; Preview for
// `pulumi preview` in pull requests, with and without --refresh; Boundary, the
// most that any role of a stack may ever do; and Trust, who may take a role.
//
// Each is for one environment (Scope) and reaches that environment alone: by
// the names that Pulumi.yaml gives, by the tags project and stack where AWS
// names a resource, and by ARN where there is neither. The program in
// infra/bootstrap attaches them.
//
// # What a preview may do
//
// A preview reads the stack's state, and the state holds the link keys,
// encrypted: Pulumi decrypts them before it compares anything. Whoever may
// preview an environment can therefore read its link keys, whatever else the
// role may do. So the previewing role may also read what a refresh reads, the
// store's entries included, and may change nothing; and it is trusted for one
// GitHub environment, where reviewers can be asked for.
//
// # What one account cannot keep apart
//
// CloudFront's policies, origin access controls and key value stores have
// neither names of ours nor, from this provider, tags. The other environments'
// are denied by ARN once they exist (Scope.Foreign). Monitoring subscriptions
// have no resource type: whoever may make one may delete any of the account.
// Accounts of their own are the stronger wall.
package policies

import "encoding/json"

// version is the version of the policy language.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html
const version = "2012-10-17"

// Condition is operator, then key, then the values of which one must match.
type Condition map[string]map[string][]string

// Statement is one statement of a policy.
type Statement struct {
	// Sid names the statement, in letters and digits.
	Sid string
	// Why is the reason for the statement. It is for readers and is not sent.
	Why string
	// Deny forbids; otherwise the statement allows.
	Deny bool
	// Federated is the identity provider that a statement of a trust policy is
	// for.
	Federated string
	// Everybody makes a statement of a bucket's policy be for all principals.
	Everybody bool
	Actions   []string
	// Resources are ARNs, or "*" for actions that IAM knows no resource of. A
	// trust policy has none.
	Resources []string
	Condition Condition
}

// Document is one policy.
type Document struct {
	// Name tells the policy from the role's others.
	Name       string
	Statements []Statement
}

// JSON returns the policy as IAM takes it, without white space.
func (d Document) JSON() string {
	list := make([]map[string]any, 0, len(d.Statements))
	for _, s := range d.Statements {
		m := map[string]any{"Sid": s.Sid, "Effect": "Allow", "Action": s.Actions}
		if s.Deny {
			m["Effect"] = "Deny"
		}
		if s.Federated != "" {
			m["Principal"] = map[string]any{"Federated": s.Federated}
		}
		if s.Everybody {
			m["Principal"] = "*"
		}
		if s.Resources != nil {
			m["Resource"] = s.Resources
		}
		if s.Condition != nil {
			m["Condition"] = s.Condition
		}
		list = append(list, m)
	}
	encoded, err := json.Marshal(map[string]any{"Version": version, "Statement": list})
	if err != nil {
		panic(err) // strings and lists of them always encode
	}
	return string(encoded)
}
