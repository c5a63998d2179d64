package resources

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"secure-media-cdn/infra/local/lambda"
	"secure-media-cdn/infra/plan"
)

// environments is how many processes of one function may run at a time.
const environments = 16

// function is a Lambda function that runs here.
type function struct {
	name string // logical
	*lambda.Function
}

// startFunctions unzips every function. None of them runs before it is called.
func (m *Stack) startFunctions(context.Context) error {
	// A run that was killed could not delete its own.
	dir := m.unzipped()
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o700)); err != nil {
		return fmt.Errorf("the folder of unzipped functions: %w", err)
	}
	replicated := map[string]bool{}
	for _, d := range m.o.Document.ByType(typeDistribution) {
		collect(d.Inputs, "lambdaArn", replicated)
	}
	for _, r := range m.o.Document.ByType(typeFunction) {
		f, err := m.newFunction(r, replicated[text(r, "qualifiedArn")])
		if err != nil {
			return err
		}
		m.closers = append(m.closers, func() { f.Close() })
		for _, name := range []string{text(r, "name"), text(r, "arn"), text(r, "qualifiedArn")} {
			m.functions[name] = f
		}
	}
	for _, r := range m.o.Document.ByType(typeAlias) {
		var in struct{ FunctionName, FunctionVersion, Name string }
		if err := decode(r, &in); err != nil {
			return err
		}
		f, ok := m.functions[in.FunctionName]
		if !ok {
			return fmt.Errorf("alias %s: there is no function %s", r.Name, in.FunctionName)
		}
		m.functions[text(r, "arn")] = f
	}
	return nil
}

// unzipped is the folder of unzipped functions.
func (m *Stack) unzipped() string { return filepath.Join(m.o.Dir, "functions") }

// newFunction prepares one function. One that the distribution calls finds itself as CloudFront's replicas do: in
// the viewer's region, which here is the stack's own, under a name that tells where it came from.
func (m *Stack) newFunction(r plan.Resource, replicated bool) (*function, error) {
	var in struct {
		Code        struct{ Archive string }
		Environment struct{ Variables map[string]string }
		Handler     string
		Name        string
		Role        string
		Runtime     string
		Timeout     int
		Reserved    *int `json:"reservedConcurrentExecutions"`
	}
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	bundle, ok := m.o.Bundles[in.Code.Archive]
	if !ok {
		bundle = filepath.Join(m.o.Root, filepath.FromSlash(in.Code.Archive))
	}
	c := lambda.Config{
		Name: text(r, "name"), Version: text(r, "version"), ARN: text(r, "qualifiedArn"), Region: r.Region,
		Bundle: bundle, Dir: m.unzipped(), Runtime: in.Runtime, Handler: in.Handler,
		Timeout: time.Duration(in.Timeout) * time.Second, Concurrency: environments,
		Credentials: Local, Environment: map[string]string{}, Logs: m.o.Log,
	}
	if in.Reserved != nil && *in.Reserved >= 0 { // -1 is none
		c.Reserved = in.Reserved
	}
	if memory, ok := r.Outputs["memorySize"].(float64); ok {
		c.MemoryMB = int(memory)
	}
	if replicated {
		c.Name = r.Region + "." + c.Name
	}
	if replicated || c.Region == "" {
		c.Region = m.o.Region
	}
	for name, value := range in.Environment.Variables {
		c.Environment[name], _ = m.localise(value).(string)
	}
	if err := withLocalUser(c.Environment); err != nil {
		return nil, err
	}
	for name, url := range m.Endpoints {
		c.Environment[name] = url
	}
	rights, err := rights(m.o.Document, in.Role)
	if err != nil {
		return nil, err
	}
	if len(rights) == 0 {
		c.Credentials = nobody
	}
	if !rights["dynamodb"] {
		delete(c.Environment, "AWS_ENDPOINT_URL_DYNAMODB")
	}
	if m.o.OnInvocation != nil {
		c.Report = func(report lambda.Report) { m.o.OnInvocation(r.Name, report) }
	}
	f, err := lambda.New(c)
	if err != nil {
		return nil, fmt.Errorf("function %s: %w", r.Name, err)
	}
	return &function{name: r.Name, Function: f}, nil
}

// collect adds every string that stands under the key, however deep.
func collect(v any, key string, into map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			if s, ok := inner.(string); ok && k == key {
				into[s] = true
			}
			collect(inner, key, into)
		}
	case []any:
		for _, inner := range v {
			collect(inner, key, into)
		}
	}
}
