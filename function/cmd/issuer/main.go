// Command issuer is the Lambda function that issues, shows and revokes links; see package issuer.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"secure-media-cdn/function/issuer"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	function, err := issuer.New(context.Background(), os.Getenv, log)
	if err != nil {
		log.Error("start", "error", err.Error())
		os.Exit(1)
	}
	lambda.Start(function.Handle)
}
