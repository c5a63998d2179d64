// Command bootstrap is the program that an administrator runs once for each AWS
// account, in this folder; see README.md beside it.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"secure-media-cdn/infra/bootstrap/account"
)

func main() {
	var config map[string]string // by full key; a Context lists no keys
	program := func(ctx *pulumi.Context) error { return account.Deploy(ctx, config) }
	pulumi.Run(program, func(info *pulumi.RunInfo) { config = info.Config })
}
