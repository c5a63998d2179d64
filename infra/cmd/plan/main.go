// Command plan prints what the Pulumi program registers for a stack, as one
// JSON document, without a cloud account or the Pulumi command line.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"secure-media-cdn/infra/plan/recorder"
	"secure-media-cdn/infra/stack"
)

func main() {
	name := flag.String("stack", "dev", "name of the stack: Pulumi.<stack>.yaml is read")
	root := flag.String("root", ".", "folder that holds Pulumi.yaml")
	file := flag.String("config-file", "", "another stack configuration file to read")
	flag.Parse()
	if err := run(os.Stdout, *root, *name, *file); err != nil {
		fmt.Fprintln(os.Stderr, "plan:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, root, name, file string) error {
	doc, err := recorder.Evaluate(recorder.Options{
		Program: func(ctx *pulumi.Context, config map[string]string) error {
			// The plan names the bundles without needing them built.
			return stack.Deploy(ctx, config, stack.Bundles{
				Edge:    filepath.Join(ctx.RootDirectory(), "build", "edge.zip"),
				Issuer:  filepath.Join(ctx.RootDirectory(), "build", "issuer.zip"),
				Images:  filepath.Join(ctx.RootDirectory(), "build", "images.zip"),
				Session: filepath.Join(ctx.RootDirectory(), "build", "session.zip"),
			})
		},
		Root: root, Stack: name, ConfigFile: file,
	})
	if err != nil {
		return err
	}
	return doc.Print(out)
}
