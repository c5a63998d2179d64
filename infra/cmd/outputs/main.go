// Command outputs prints a stack's outputs for an application's configuration:
//
//	pulumi stack output --json | go run ./infra/cmd/outputs -format env
package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"secure-media-cdn/infra/stack/outputs"
)

func main() {
	format := flag.String("format", "json", "json, or env for lines of NAME='value'")
	flag.Parse()
	if err := show(os.Stdin, os.Stdout, *format); err != nil {
		fmt.Fprintln(os.Stderr, "outputs:", err)
		os.Exit(1)
	}
}

func show(in io.Reader, out io.Writer, format string) error {
	o, err := outputs.Read(in)
	if err != nil {
		return err
	}
	switch format {
	case "json":
		return o.WriteJSON(out)
	case "env":
		return o.WriteEnv(out)
	}
	return fmt.Errorf("format %q is not known: it is json or env", format)
}
