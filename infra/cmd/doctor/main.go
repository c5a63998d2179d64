// Command doctor compares what is deployed with what the program says; see package doctor.
//
//	pulumi stack output --json --stack dev | go run ./infra/cmd/doctor -stack dev
//	go run ./infra/cmd/doctor -local            the stack of make run, as far as it has the calls
//
// Credentials are those of the AWS command line. Exit codes: 0 all is well, 1 something is wrong, 2 nothing could be
// looked at, 3 nothing is wrong but something is unknown.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"secure-media-cdn/infra/doctor"
)

func main() {
	o := doctor.Options{}
	flag.StringVar(&o.Stack, "stack", "dev", "name of the stack: Pulumi.<stack>.yaml is read")
	flag.StringVar(&o.Root, "root", ".", "folder that holds Pulumi.yaml")
	flag.BoolVar(&o.Local, "local", false, "look at the stack of make run, with the environment of make env")
	flag.StringVar(&o.Dir, "dir", "build/local", "folder of the local run's state")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	code, err := doctor.Run(ctx, o, io.Reader(os.Stdin), os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "doctor:", err)
		os.Exit(2)
	}
	os.Exit(code)
}
