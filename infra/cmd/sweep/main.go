// Command sweep deletes the edge function versions that a stack left behind; see
// package sweep.
//
//	go run ./infra/cmd/sweep -stack dev          says what would be deleted
//	go run ./infra/cmd/sweep -stack dev -apply   deletes it
//
// Credentials are those of the AWS command line.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/aws/aws-sdk-go-v2/config"

	"secure-media-cdn/infra/sweep"
)

func main() {
	stack := flag.String("stack", "", "name of the stack")
	project := flag.String("project", "secure-media-cdn", "name of the project in Pulumi.yaml")
	apply := flag.Bool("apply", false, "delete; without it, only say what would be deleted")
	flag.Parse()
	if *stack == "" {
		fmt.Fprintln(os.Stderr, "sweep: name the stack with -stack")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	// Edge functions live in us-east-1, whatever the stack's region.
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion("us-east-1"))
	if err == nil {
		err = sweep.Run(ctx, cfg, *project, *stack, *apply, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sweep:", err)
		os.Exit(1)
	}
}
