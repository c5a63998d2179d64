// Command infra is the program that the Pulumi command line runs for a stack.
// It builds the bundles first, so that `pulumi up` alone ships current code.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"secure-media-cdn/function/bundle"
	"secure-media-cdn/infra/stack"
)

func main() {
	var config map[string]string // by full key; a Context lists no keys
	pulumi.Run(func(ctx *pulumi.Context) error {
		for _, b := range bundle.All() {
			if _, err := b.Build(ctx.RootDirectory()); err != nil {
				return err
			}
		}
		return stack.Deploy(ctx, config)
	}, func(info *pulumi.RunInfo) { config = info.Config })
}
