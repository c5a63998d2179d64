// Command edge is the Lambda@Edge function at origin-request, in Go.
//
// Lambda@Edge starts Python, whose launcher hands the process to this binary
// (see package bundle). From then on this is an ordinary Lambda function.
package main

import (
	"io"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"

	"secure-media-cdn/function/edge"
	"secure-media-cdn/function/mapping"
)

func main() {
	edge.TuneProcess()
	lambda.Start(newHandler(os.Getenv, os.Stdout))
}

// newHandler wires the function. Lambda sets the region and credentials, which
// outlive the environment. It allows no environment variables of ours at the
// edge, so the AWS SDKs' settings for other endpoints are set only where the
// function runs on a developer's machine.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
func newHandler(getenv func(string) string, log io.Writer) *edge.Handler {
	credentials := aws.Credentials{
		AccessKeyID:     getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    getenv("AWS_SESSION_TOKEN"),
	}
	logger := edge.NewLogger(log)
	failed := func(region string, why error) {
		logger.Warn("region on hold", "region", region, "error", why.Error())
	}
	return &edge.Handler{
		Open: func(c edge.Config) edge.Lookup {
			return mapping.NewReader(mapping.Source{
				Table: c.Table, Regions: c.Regions, Here: getenv("AWS_REGION"),
				Credentials: credentials, Endpoint: getenv("AWS_ENDPOINT_URL_DYNAMODB"),
			}, failed).Lookup
		},
		Sign: edge.NewPresigner(credentials, getenv("AWS_ENDPOINT_URL_S3"), time.Now).Sign,
		Now:  time.Now,
		Log:  logger,
	}
}
