package local

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/infra/local/resources"
	"secure-media-cdn/infra/plan"
	"secure-media-cdn/infra/plan/recorder"
	"secure-media-cdn/infra/stack"
	"secure-media-cdn/infra/stack/outputs"
)

// start evaluates the program, makes it real, and tries it: it uploads the
// sample photo and prints the photo's link as the last line.
func start(ctx context.Context, f Options, out, log io.Writer) (m *resources.Stack, err error) {
	root, err := filepath.Abs(f.Root)
	if err != nil {
		return nil, err
	}
	dir, err := f.dir()
	if err != nil {
		return nil, err
	}
	// The port first: if it is in use, nothing is deleted or built to say so.
	cdn, err := resources.Listen(f.Port)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			cdn.Close()
		}
	}()
	if f.Clean {
		if err := resources.Clean(dir); err != nil {
			return nil, fmt.Errorf("starting afresh: %w", err)
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the state folder: %w", err)
	}
	doc, region, existing, err := evaluateOver(root, dir, f, out)
	if err != nil {
		return nil, err
	}
	fmt.Fprintln(out, "building the functions")
	bundles, err := resources.BuildBundles(doc, root, out)
	if err != nil {
		return nil, err
	}
	fmt.Fprintln(out, "starting the engines, the functions and the CDN")
	var p page
	m, err = resources.Start(ctx, resources.Options{
		Document: doc, Region: region, Root: root, Dir: dir, CDN: cdn, Bundles: bundles, Log: log, Propagation: f.Propagation,
		Existing:  existing,
		OnRequest: p.onRequest, OnInvocation: p.onInvocation, OnURL: p.onURL,
	})
	if err != nil {
		return nil, err
	}
	console, err := p.serve(doc, m)
	if err != nil {
		m.Close()
		return nil, err
	}
	if err := present(ctx, m, dir, console, out); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// evaluate runs the Pulumi program for the stack, with its secrets in the open. It finds buckets that were there before
// as existing says.
func evaluate(root string, f Options, existing map[string]resources.Existing) (doc *plan.Document, region string,
	err error) {
	// The program's own error, since Pulumi's wrapping takes several lines.
	var refused error
	found := map[string]map[string]any{}
	for name, bucket := range existing {
		found[name] = map[string]any{"policy": bucket.PolicyText(), "queues": bucket.Queues()}
	}
	doc, err = recorder.Evaluate(recorder.Options{
		Program: func(ctx *pulumi.Context, config map[string]string) error {
			refused = stack.Deploy(ctx, config)
			return refused
		},
		Root: root, Stack: f.Stack, Config: f.Config, Password: password, RevealSecrets: true,
		Existing: found,
	})
	if refused != nil {
		return nil, "", errors.New(strings.ReplaceAll(refused.Error(), "\n", "; "))
	}
	if err != nil {
		return nil, "", err
	}
	region, _ = doc.Outputs["mediaBucketRegion"].(string)
	return doc, region, nil
}

// password makes a password as AWS does, of letters and digits.
func password(length int) string {
	var all strings.Builder
	for all.Len() < length {
		all.WriteString(rand.Text())
	}
	return all.String()[:length]
}

// sample is a photo to try the stack with.
//
//go:embed sample.jpg
var sample []byte

// present writes the outputs down, says what is where, and ends with a link
// that works.
func present(ctx context.Context, m *resources.Stack, dir, console string, out io.Writer) error {
	err := errors.Join(writeState(dir, outputsFile, m.Outputs), writeState(dir, environmentFile, environment(m)))
	if err != nil {
		return fmt.Errorf("writing the outputs: %w", err)
	}
	key := "sample/photo.jpg"
	if service := privateService(m.Outputs); service != "" {
		key = service + "/sample.jpg"
	}
	if key, err = photoFor(ctx, m, key); err != nil {
		return err
	}
	issuer, err := issuerOf(m.Outputs)
	if err != nil {
		return err
	}
	links, err := issuer.Issue(ctx, []string{"s3://" + m.Bucket + "/" + key}, issue.Terms{})
	switch {
	case err != nil:
		return fmt.Errorf("issuing the sample's link: %w", err)
	case links[0].Error != nil:
		return fmt.Errorf("issuing the sample's link: %s", links[0].Error.Message)
	}
	fmt.Fprintln(out, "\nnot on one machine (infra/local/README.md says more):")
	for _, what := range m.Unsupported {
		short, _, _ := strings.Cut(what, ":")
		fmt.Fprintln(out, "  -", short)
	}
	for _, line := range m.Missing {
		fmt.Fprintln(out, "  !", line)
	}
	fmt.Fprintln(out)
	for _, address := range [][2]string{
		{"CDN", m.BaseURL}, {"console", console}, {"issuer", fmt.Sprint(m.Outputs["issuerUrl"])},
		{"S3", m.Endpoints["AWS_ENDPOINT_URL_S3"]}, {"DynamoDB", m.Endpoints["AWS_ENDPOINT_URL_DYNAMODB"]},
	} {
		fmt.Fprintf(out, "%-10s%s\n", address[0]+":", address[1])
	}
	fmt.Fprintln(out, "`make env` prints what an application needs to use it; Ctrl-C ends it")
	if links[0].Audience != "" {
		fmt.Fprintln(out, "this link asks for a ticket: the console signs viewers in, `links viewer ticket` prints one")
	}
	fmt.Fprintln(out, "ready:", links[0].URL)
	return nil
}

// privateService returns the first service whose objects need a link.
func privateService(made map[string]any) string {
	services, _ := made["services"].([]any)
	for _, s := range services {
		if s, ok := s.(map[string]any); ok && s["access"] == outputs.AccessPrivate {
			name, _ := s["name"].(string)
			return name
		}
	}
	return ""
}
