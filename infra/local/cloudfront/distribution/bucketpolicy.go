package distribution

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"secure-media-cdn/infra/plan"
)

// BucketPolicy is the part of a bucket's policy that decides over CloudFront's own requests. The local S3 server has
// one user, so CloudFront's stand-in applies the policy itself.
type BucketPolicy struct{ statements []statement }

type statement struct {
	deny       bool
	actions    []string
	resources  []string
	conditions []condition // all must hold
}

type condition struct {
	key    string // in lower case
	values []string
}

// operators are the conditions that are supported: the operator of each key.
var operators = map[string]string{"aws:sourcearn": "StringEquals", "aws:securetransport": "Bool"}

// serviceCloudFront is the principal of requests signed by origin access control.
const serviceCloudFront = "cloudfront.amazonaws.com"

// bucketPolicy is the one that the program writes, or else the one that it found at a bucket that it only reads.
func (r *reader) bucketPolicy(bucket string) *BucketPolicy {
	for _, res := range r.doc.ByType(typeBucketPolicy) {
		var in struct{ Bucket, Policy string }
		if r.decode(res, &in, nil); in.Bucket != bucket {
			continue
		}
		return r.parsePolicy(res, in.Policy)
	}
	for _, res := range r.doc.ByType(typeBucket) {
		if found, _ := res.Outputs["policy"].(string); res.Options.Read && res.ID == bucket && found != "" {
			return r.parsePolicy(res, found)
		}
	}
	return nil
}

func (r *reader) parsePolicy(res plan.Resource, text string) *BucketPolicy {
	p, err := parseBucketPolicy(text)
	if err != nil {
		r.fail("%s %s: policy: %w", res.Type, res.Name, err)
	}
	return p
}

// oneOrMany is a JSON string or a list of them.
type oneOrMany []string

func (o *oneOrMany) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*o = oneOrMany{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(o))
}

// principal is "*" or a map from kind to names.
type principal struct {
	everyone bool
	kinds    map[string]oneOrMany
}

func (p *principal) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		p.everyone = one == "*"
		return nil
	}
	return json.Unmarshal(b, &p.kinds)
}

// covers reports whether CloudFront's service principal is meant. "AWS": "*" is everyone too, anonymous callers
// included.
func (p principal) covers() bool {
	if p.everyone {
		return true
	}
	for _, kind := range []string{"Service", "AWS"} {
		for _, name := range p.kinds[kind] {
			if name == "*" || kind == "Service" && name == serviceCloudFront {
				return true
			}
		}
	}
	return false
}

func parseBucketPolicy(text string) (*BucketPolicy, error) {
	var in struct {
		Version   string
		ID        string `json:"Id"`
		Statement []struct {
			Sid       string
			Effect    string
			Principal principal
			Action    oneOrMany
			Resource  oneOrMany
			Condition map[string]map[string]oneOrMany
		}
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields() // NotAction and its kin would turn the meaning round
	if err := dec.Decode(&in); err != nil {
		return nil, err
	}
	if dec.More() {
		return nil, errors.New("there is more after the policy")
	}
	p := &BucketPolicy{}
	for i, s := range in.Statement {
		if s.Effect != "Allow" && s.Effect != "Deny" {
			return nil, fmt.Errorf("statement %d: the effect %q is not Allow or Deny", i, s.Effect)
		}
		if !s.Principal.covers() {
			continue
		}
		st := statement{deny: s.Effect == "Deny", actions: s.Action, resources: s.Resource}
		for operator, keys := range s.Condition {
			for key, values := range keys {
				c := condition{key: strings.ToLower(key), values: values}
				if operators[c.key] != operator {
					return nil, fmt.Errorf("statement %d: the condition %s on %s is not supported on one machine",
						i, operator, key)
				}
				st.conditions = append(st.conditions, c)
			}
		}
		p.statements = append(p.statements, st)
	}
	return p, nil
}

// holds evaluates a condition for a request that CloudFront signed for the distribution: it always speaks TLS to S3.
func (c condition) holds(distribution string) bool {
	if c.key == "aws:securetransport" {
		return slices.Contains(c.values, "true")
	}
	return slices.Contains(c.values, distribution)
}

// Allows reports whether the policy lets the distribution do action on the resource, an ARN. Denial wins; nothing
// said is denial.
func (p *BucketPolicy) Allows(distribution, action, resource string) bool {
	if p == nil {
		return false
	}
	allowed := false
	for _, s := range p.statements {
		if !slices.ContainsFunc(s.actions, covers(action)) || !slices.ContainsFunc(s.resources, covers(resource)) ||
			!s.applies(distribution) {
			continue
		}
		if s.deny {
			return false
		}
		allowed = true
	}
	return allowed
}

func (s statement) applies(distribution string) bool {
	return !slices.ContainsFunc(s.conditions, func(c condition) bool { return !c.holds(distribution) })
}

func covers(s string) func(pattern string) bool {
	return func(pattern string) bool { return Matches(pattern, s) }
}

var wildcards = strings.NewReplacer(`\*`, ".*", `\?`, ".")

// Matches reports whether s has the form of the pattern, in which * stands for any number of characters and ? for
// exactly one. Case counts.
func Matches(pattern, s string) bool {
	return regexp.MustCompile("^(?s:" + wildcards.Replace(regexp.QuoteMeta(pattern)) + ")$").MatchString(s)
}
