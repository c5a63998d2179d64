package resources

import (
	"context"
	"fmt"
	"strings"
)

// startURLs serves every function that has an address of its own.
func (m *Stack) startURLs(context.Context) error {
	for _, r := range m.o.Document.ByType(typeURL) {
		var in struct{ AuthorizationType, FunctionName, Qualifier string }
		if err := decode(r, &in); err != nil {
			return err
		}
		f, ok := m.functions[in.FunctionName]
		if !ok {
			return fmt.Errorf("function URL %s: there is no function %s", r.Name, in.FunctionName)
		}
		if in.AuthorizationType != "AWS_IAM" {
			return fmt.Errorf("function URL %s: property authorizationType is %q; only AWS_IAM is implemented", r.Name,
				in.AuthorizationType)
		}
		region := r.Region
		if region == "" {
			region = m.o.Region
		}
		granted, err := m.grants(in.FunctionName, in.Qualifier)
		if err != nil {
			return err
		}
		url, err := m.Serve(m.counted(f.name, &functionURL{function: f, region: region, granted: granted}))
		if err != nil {
			return err
		}
		m.urls[text(r, "functionUrl")] = url + "/"
	}
	return nil
}

// grants are what CloudFront may do with a function by its own policy, one statement for each permission. Other
// principals' permissions are not followed: users of the account may do everything here.
func (m *Stack) grants(function, qualifier string) (map[string]bool, error) {
	granted := map[string]bool{}
	for _, r := range m.o.Document.ByType(typePermission) {
		var in struct {
			Action, Function, FunctionURLAuthType, Principal, Qualifier, SourceArn, StatementID string
		}
		if err := decode(r, &in); err != nil {
			return nil, err
		}
		of, named := m.functions[in.Function], m.functions[function]
		if in.Principal == service && of != nil && of == named && in.Qualifier == qualifier &&
			(in.FunctionURLAuthType == "" || in.FunctionURLAuthType == "AWS_IAM") {
			granted[in.SourceArn+" "+in.Action] = true
		}
	}
	return granted, nil
}

// localise replaces, in every string of v, the addresses that the program saw by those that are served here.
func (m *Stack) localise(v any) any {
	switch v := v.(type) {
	case string:
		return m.addresses().Replace(v)
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, inner := range v {
			out[key] = m.localise(inner)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			out[i] = m.localise(inner)
		}
		return out
	}
	return v
}

func (m *Stack) addresses() *strings.Replacer {
	var pairs []string
	if base, ok := m.o.Document.Outputs["cdnBaseUrl"].(string); ok {
		pairs = append(pairs, base, m.BaseURL)
	}
	for _, d := range m.o.Document.ByType(typeDistribution) {
		if domain := text(d, "domainName"); domain != "" {
			pairs = append(pairs, "https://"+domain, m.BaseURL, domain, strings.TrimPrefix(m.BaseURL, "http://"))
		}
	}
	for made, url := range m.urls {
		pairs = append(pairs, made, url)
	}
	return strings.NewReplacer(pairs...)
}
