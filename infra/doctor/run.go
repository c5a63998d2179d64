package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/config"

	"secure-media-cdn/function/issue/client"
	"secure-media-cdn/infra/plan/recorder"
	"secure-media-cdn/infra/stack"
	"secure-media-cdn/infra/stack/outputs"
)

// Options are the command line.
type Options struct {
	Stack string // Pulumi.<Stack>.yaml is read
	Root  string // folder of Pulumi.yaml
	Local bool   // look at the stack of make run
	Dir   string // the local run's state, relative to Root
}

// Run looks at the stack whose outputs are in in, as `pulumi stack output --json` prints them, and writes the report.
// It returns the exit code.
func Run(ctx context.Context, o Options, in io.Reader, out io.Writer) (int, error) {
	if o.Local {
		dir := o.Dir
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(o.Root, dir)
		}
		file, err := os.Open(filepath.Join(dir, "outputs.json"))
		if err != nil {
			return 0, errors.New("no stack runs here: start one with `make run`")
		}
		defer file.Close()
		in = file
	}
	known, err := outputs.Read(in)
	if err != nil {
		return 0, err
	}
	doc, err := recorder.Evaluate(recorder.Options{Program: stack.Deploy, Root: o.Root, Stack: o.Stack})
	if err != nil {
		return 0, err
	}
	p := Patient{Plan: doc, Outputs: known, Local: o.Local}
	if p.Config, err = config.LoadDefaultConfig(ctx); err != nil {
		return 0, fmt.Errorf("reading the AWS configuration: %w", err)
	}
	if o.Local {
		for _, name := range []string{"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_DYNAMODB"} {
			if !client.IsLocal(os.Getenv(name)) {
				return 0, fmt.Errorf("%s is not of this machine: set -a; eval \"$(make -s env)\"; set +a", name)
			}
		}
		p.Config = onlyHere(p.Config)
	}
	findings, err := Examine(ctx, p)
	if err != nil {
		return 0, err
	}
	return Print(findings, out), nil
}
