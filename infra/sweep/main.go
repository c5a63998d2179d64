// Command sweep deletes the edge function versions that a stack left behind.
//
// AWS refuses to delete an edge function while CloudFront has replicas of it,
// which is for hours after the distribution is gone. `pulumi destroy` therefore
// leaves the function, and updates leave old versions. Sweep finds them by name
// and tags and deletes what no distribution uses:
//
//	go run ./infra/sweep -stack dev          says what would be deleted
//	go run ./infra/sweep -stack dev -apply   deletes it
//
// Credentials are those of the AWS command line.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
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
		err = (&sweeper{
			lambda: lambda.NewFromConfig(cfg), cloudfront: cloudfront.NewFromConfig(cfg),
			now: time.Now, project: *project, stack: *stack, apply: *apply, out: os.Stdout,
		}).sweep(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sweep:", err)
		os.Exit(1)
	}
}
