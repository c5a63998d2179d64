// Command images is the Lambda function that makes pictures in the sizes and
// formats that are asked for; see package images. It finds libvips beside
// itself, in the folder lib.
package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"secure-media-cdn/function/images"
	"secure-media-cdn/function/images/vips"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	engine, err := open()
	if err != nil {
		log.Error("start", "error", err.Error())
		os.Exit(1)
	}
	handler := &images.Handler{
		Engine: engine, Source: images.NewSource(os.Getenv("AWS_ENDPOINT_URL_S3")), Now: time.Now, Log: log,
	}
	lambda.Start(handler.Handle)
}

func open() (*images.Engine, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return images.Open(filepath.Join(filepath.Dir(program), "lib", vips.File))
}
