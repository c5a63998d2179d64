// Command links issues, shows and revokes links from a shell; see package links.
package main

import (
	"context"
	"os"
	"os/signal"

	"secure-media-cdn/function/links"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(links.Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
