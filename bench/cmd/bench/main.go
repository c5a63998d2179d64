// Command bench measures the edge function beside its like; see package bench.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"secure-media-cdn/bench"
)

func main() {
	svg := flag.String("svg", filepath.Join("build", "bench.svg"), "where to write the picture")
	quick := flag.Bool("quick", false, "measure little, to see whether the bench works; the figures are worth nothing")
	flag.Parse()
	if err := bench.Run(*quick, *svg); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
