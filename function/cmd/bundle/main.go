// Command bundle builds all bundles in the present module, as `pulumi up` does by
// itself, and prints where they are, how large, and where their bills of
// materials are.
package main

import (
	"fmt"
	"os"

	"secure-media-cdn/function/bundle"
)

func main() {
	for _, b := range bundle.All() {
		if err := show(b); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func show(b bundle.Bundle) error {
	path, err := b.Build(".")
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	bill, err := bundle.BillOfMaterials(path)
	if err != nil {
		return err
	}
	fmt.Printf("%s %d bytes, made of what %s lists\n", path, info.Size(), bill)
	return nil
}
