// Command issuer is the Lambda function that issues, shows and revokes links.
// It answers its Function URL (openapi.yaml describes the API) and revokes the
// links of objects that S3 says were deleted.
//
// Its configuration is the environment, see loadConfig, and a secret.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	cfg, err := loadConfig(os.Getenv)
	if err != nil {
		log.Error("start", "error", err.Error())
		os.Exit(1)
	}
	ctx := context.Background()
	cloud, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRegion(cfg.regions[0]))
	if err != nil {
		log.Error("start", "error", err.Error())
		os.Exit(1)
	}
	cloud.HTTPClient = client
	handler, err := wire(ctx, cfg, cloud, os.Getenv, log)
	if err != nil {
		log.Error("start", "error", err.Error())
		os.Exit(1)
	}
	lambda.Start(handler.Handle)
}
