package cloudfront

import (
	"context"
	"io"
	"log"

	"secure-media-cdn/infra/local/cloudfront/conformance"
)

var (
	quiet     = log.New(io.Discard, "", 0)
	noURLs    = Functions{URLs: map[string]string{testURL: "http://127.0.0.1:1"}}
	stepFails = conformance.Step{Verb: "function", Args: "fails"}
)

// functionOf makes a Function of a func.
type functionOf func(event []byte) ([]byte, error)

// Run implements Function.
func (f functionOf) Run(_ context.Context, event []byte) ([]byte, error) { return f(event) }
