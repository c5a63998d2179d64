// Command bundle builds all bundles in the present module, as `pulumi up` does by
// itself, and prints where they are and how large.
package main

import (
	"fmt"
	"os"

	"secure-media-cdn/function/bundle"
)

func main() {
	for _, build := range []func(root string) (string, error){bundle.Edge, bundle.Issuer, bundle.Images} {
		path, err := build(".")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		info, err := os.Stat(path)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Printf("%s %d bytes\n", path, info.Size())
	}
}
