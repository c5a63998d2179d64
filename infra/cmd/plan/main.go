// Command plan prints what the Pulumi program registers for a stack, as one
// JSON document, without a cloud account or the Pulumi command line.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"

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
		Program: stack.Deploy, Root: root, Stack: name, ConfigFile: file,
	})
	if err != nil {
		return err
	}
	return doc.Print(out)
}
