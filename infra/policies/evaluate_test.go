package policies_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"secure-media-cdn/infra/policies"
)

// request is one action on one resource, as IAM judges it. Resource is "*" for
// an action without a resource type. Context holds the condition keys that AWS
// fills in for the action.
type request struct {
	action, resource string
	context          map[string]string
}

// allowed evaluates identity-based policies as IAM does: one matching denial
// decides, otherwise one matching allowance, otherwise the answer is no.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
func allowed(documents []policies.Document, r request) bool {
	allow := false
	for _, d := range documents {
		for _, s := range d.Statements {
			if !matches(s, r) {
				continue
			}
			if s.Deny {
				return false
			}
			allow = true
		}
	}
	return allow
}

func matches(s policies.Statement, r request) bool {
	action := slices.ContainsFunc(
		s.Actions, func(p string) bool { return like(strings.ToLower(p), strings.ToLower(r.action)) },
	)
	resource := slices.ContainsFunc(s.Resources, func(p string) bool { return like(p, r.resource) })
	return action && resource && holds(s.Condition, r.context)
}

// holds evaluates the operators that the policies use; any other fails loudly.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
func holds(c policies.Condition, context map[string]string) bool {
	for operator, keys := range c {
		for key, values := range keys {
			got, known := context[key]
			var ok bool
			switch operator {
			case "StringEquals":
				ok = known && slices.Contains(values, got)
			case "StringEqualsIfExists":
				ok = !known || slices.Contains(values, got)
			case "StringNotEquals":
				ok = !known || !slices.Contains(values, got)
			case "StringLike", "ArnLike":
				ok = known && slices.ContainsFunc(values, func(p string) bool { return like(p, got) })
			default:
				panic("no evaluation of the operator " + operator)
			}
			if !ok {
				return false
			}
		}
	}
	return true
}

// like matches a pattern with * for any characters.
func like(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	rest, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}

func TestTheEvaluatorFollowsIAM(t *testing.T) {
	allow := policies.Statement{Actions: []string{"s3:Get*"}, Resources: []string{"arn:aws:s3:::a-*"}}
	deny := policies.Statement{Deny: true, Actions: []string{"s3:*"}, Resources: []string{"arn:aws:s3:::a-secret"}}
	one := func(statements ...policies.Statement) []policies.Document {
		return []policies.Document{{Statements: statements}}
	}
	when := func(operator string) policies.Statement {
		s := allow
		s.Condition = policies.Condition{operator: {"k": {"v", "w"}}}
		return s
	}
	for name, tt := range map[string]struct {
		documents []policies.Document
		request   request
		want      bool
	}{
		"nothing allows nothing": {
			one(), request{action: "s3:GetObject", resource: "arn:aws:s3:::a-b"}, false,
		},
		"a pattern allows what it matches": {
			one(allow), request{action: "s3:GetObject", resource: "arn:aws:s3:::a-b"}, true,
		},
		"actions know no case": {
			one(allow), request{action: "S3:getobject", resource: "arn:aws:s3:::a-b"}, true,
		},
		"a pattern allows no other resource": {
			one(allow), request{action: "s3:GetObject", resource: "arn:aws:s3:::b-a-c"}, false,
		},
		"a pattern allows no other action": {
			one(allow), request{action: "s3:PutObject", resource: "arn:aws:s3:::a-b"}, false,
		},
		"an ARN does not match the lack of one": {
			one(allow), request{action: "s3:GetObject", resource: "*"}, false,
		},
		"a denial wins in any order": {
			one(allow, deny), request{action: "s3:GetObject", resource: "arn:aws:s3:::a-secret"}, false,
		},
		"one of a condition's values is enough": {
			one(when("StringEquals")), request{"s3:GetObject", "arn:aws:s3:::a-b", map[string]string{"k": "w"}},
			true,
		},
		"another value is not": {
			one(when("StringEquals")), request{"s3:GetObject", "arn:aws:s3:::a-b", map[string]string{"k": "x"}},
			false,
		},
		"a key that is not there equals nothing": {
			one(when("StringEquals")), request{action: "s3:GetObject", resource: "arn:aws:s3:::a-b"}, false,
		},
		"a key that need not be there may be missing": {
			one(when("StringEqualsIfExists")), request{action: "s3:GetObject", resource: "arn:aws:s3:::a-b"}, true,
		},
		"but must match if it is there": {
			one(when("StringEqualsIfExists")),
			request{"s3:GetObject", "arn:aws:s3:::a-b", map[string]string{"k": "x"}}, false,
		},
		"a missing key differs from everything": {
			one(when("StringNotEquals")), request{action: "s3:GetObject", resource: "arn:aws:s3:::a-b"}, true,
		},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, tt.want, allowed(tt.documents, tt.request)) })
	}
}
