// Command smoke tries a real deployment against the rules of CloudFront that the
// local run follows; see package conformance.
package main

import (
	"flag"
	"fmt"
	"os"

	"secure-media-cdn/infra/local/cloudfront/conformance"
)

func main() {
	scripts := flag.String("scripts", "infra/local/cloudfront/testdata", "folder of the scripts")
	flag.Parse()
	// The ticket comes by the environment, since others of the machine can read a command line.
	given := conformance.Given{Link: flag.Arg(0), Variant: os.Getenv("VARIANT"), Ticket: os.Getenv("TICKET")}
	if err := conformance.Smoke(*scripts, given, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "smoke:", err)
		os.Exit(1)
	}
}
