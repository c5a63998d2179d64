// Command example issues links to objects: example s3://<mediaBucket>/simple-chat/photo.jpg …
//
// It reads two of the stack's outputs, as `make outputs FORMAT=env` names them: MEDIA_ISSUER_URL and
// MEDIA_BUCKET_REGION. Credentials are those of the standard AWS chain. It prints a line for each object, its
// link behind a tab, and ends with 1 if an object has none, and with 3 if the issuer cannot be reached or refuses. The
// client tries again what may succeed later.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/config"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/issue/client"
)

func main() {
	code, err := run(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 3
	}
	os.Exit(code)
}

func run(ctx context.Context) (code int, err error) {
	url, region := os.Getenv("MEDIA_ISSUER_URL"), os.Getenv("MEDIA_BUCKET_REGION")
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return 0, err
	}
	issuer, err := client.New(url, region, cfg.Credentials)
	if err != nil { // not AWS: the stack of `make run` is at an address of this machine
		if issuer, err = client.Local(url, region); err != nil {
			return 0, err
		}
	}
	links, err := issuer.Issue(ctx, os.Args[1:], issue.Terms{})
	if err != nil {
		return 0, err
	}
	for _, l := range links {
		if l.Error != nil {
			fmt.Fprintf(os.Stderr, "%s: %s (%s)\n", l.Object, l.Error.Message, l.Error.Code)
			code = 1
			continue
		}
		fmt.Printf("%s\t%s\n", l.Object, l.URL)
	}
	return code, nil
}
