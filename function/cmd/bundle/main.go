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
	for _, build := range []func(root string) (string, error){bundle.Edge, bundle.Issuer, bundle.Images, bundle.Session} {
		if err := show(build); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func show(build func(root string) (string, error)) error {
	path, err := build(".")
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
