package doctor

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// statement is one of a resource's policy, with every field as a list.
type statement struct {
	Sid          string                      `json:",omitempty"`
	Effect       string                      `json:",omitempty"`
	Principal    map[string]any              `json:",omitempty"`
	NotPrincipal any                         `json:",omitempty"`
	NotAction    any                         `json:",omitempty"`
	NotResource  any                         `json:",omitempty"`
	Action       words                       `json:",omitempty"`
	Resource     words                       `json:",omitempty"`
	Condition    map[string]map[string]words `json:",omitempty"`
}

// words is a string or a list of them.
type words []string

// UnmarshalJSON reads either form.
func (w *words) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*w = words{one}
		return nil
	}
	var many []string
	if err := json.Unmarshal(text, &many); err != nil {
		return err
	}
	slices.Sort(many)
	*w = many
	return nil
}

// UnmarshalJSON reads a statement in any form that AWS accepts. Names of condition keys are without regard to case.
func (s *statement) UnmarshalJSON(text []byte) error {
	var raw struct {
		Sid, Effect                          string
		Principal                            any
		NotPrincipal, NotAction, NotResource any
		Action, Resource                     words
		Condition                            map[string]map[string]any
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return err
	}
	*s = statement{
		Sid: raw.Sid, Effect: raw.Effect, Action: raw.Action, Resource: raw.Resource,
		NotPrincipal: raw.NotPrincipal, NotAction: raw.NotAction, NotResource: raw.NotResource,
	}
	switch p := raw.Principal.(type) {
	case string:
		s.Principal = map[string]any{"AWS": []any{p}}
	case map[string]any:
		s.Principal = map[string]any{}
		for kind, names := range p {
			if one, ok := names.(string); ok {
				names = []any{one}
			}
			s.Principal[kind] = names
		}
	}
	for operator, keys := range raw.Condition {
		for key, values := range keys {
			list, ok := values.([]any)
			if !ok {
				list = []any{values}
			}
			if s.Condition == nil {
				s.Condition = map[string]map[string]words{}
			}
			if s.Condition[operator] == nil {
				s.Condition[operator] = map[string]words{}
			}
			var texts words
			for _, v := range list {
				texts = append(texts, fmt.Sprint(v)) // false and "false" are the same to AWS
			}
			slices.Sort(texts)
			s.Condition[operator][strings.ToLower(key)] = texts
		}
	}
	return nil
}

// statements reads a policy.
func statements(text string) ([]statement, error) {
	var policy struct{ Statement json.RawMessage }
	if err := json.Unmarshal([]byte(text), &policy); err != nil {
		return nil, err
	}
	var many []statement
	if json.Unmarshal(policy.Statement, &many) == nil {
		return many, nil
	}
	var one statement
	err := json.Unmarshal(policy.Statement, &one)
	return []statement{one}, err
}

// without returns the statement without its name, which changes nothing.
func (s statement) without() string {
	s.Sid = ""
	text, err := json.Marshal(s)
	if err != nil { // it came from JSON
		panic(err)
	}
	return string(text)
}

// contains reports whether one of the statements is the wanted one.
func contains(all []statement, want statement) bool {
	return slices.ContainsFunc(all, func(s statement) bool { return s.without() == want.without() })
}

// mayDeny reports whether the statement could deny CloudFront an object, other than for requests without TLS, which
// CloudFront never makes of S3 with an origin access control.
func (s statement) mayDeny() bool {
	if s.Effect != "Deny" {
		return false
	}
	if s.NotPrincipal == nil && !names(s.Principal) {
		return false
	}
	if s.NotAction == nil && !slices.ContainsFunc(s.Action, func(a string) bool {
		return a == "*" || strings.EqualFold(a, "s3:*") || strings.EqualFold(a, "s3:GetObject") ||
			strings.EqualFold(a, "s3:Get*") || strings.EqualFold(a, "s3:GetObject*")
	}) {
		return false
	}
	secure := s.Condition["Bool"]["aws:securetransport"]
	return !slices.Equal(secure, words{"false"}) // further conditions only narrow it
}

// names reports whether a principal includes CloudFront.
func names(principal map[string]any) bool {
	for _, list := range principal {
		all, _ := list.([]any)
		if slices.Contains(all, any("*")) || slices.Contains(all, any("cloudfront.amazonaws.com")) {
			return true
		}
	}
	return false
}
