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
	if err := conformance.Smoke(*scripts, flag.Arg(0), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "smoke:", err)
		os.Exit(1)
	}
}
