// Command bench measures the edge and the images function beside the same jobs in
// Node.js; see package bench.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"secure-media-cdn/bench"
)

func main() {
	quick := flag.Bool("quick", false, "measure little, to see whether the bench works; the figures mean nothing")
	flag.Parse()
	if err := bench.Run(context.Background(), *quick); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
