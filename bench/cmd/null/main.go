// The null function answers with the request of its event at once. What it
// takes is the Runtime API's own hop, which the bench takes off.
package main

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/aws/aws-lambda-go/lambda"
)

type null struct{}

// Invoke implements lambda.Handler.
func (null) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	// No parser: finding the request by its place costs next to nothing.
	start, end := bytes.Index(payload, []byte(`"request":`)), bytes.LastIndex(payload, []byte(`}}]}`))
	if start < 0 || end < 0 {
		return json.Marshal("not an event of the bench")
	}
	return payload[start+len(`"request":`) : end], nil
}

func main() { lambda.Start(null{}) }
