// Command libvips fetches the library that the images function's tests load,
// and prints where it is.
package main

import (
	"fmt"
	"os"

	"secure-media-cdn/function/images/library"
)

func main() {
	path, err := library.Install(".")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(path)
}
