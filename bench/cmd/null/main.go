// Command null is a function that answers with its event's request at once. What
// it takes is the Runtime API's own hop, which the bench subtracts.
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
	// Finding the request by its place costs less than a parser.
	start, end := bytes.Index(payload, []byte(`"request":`)), bytes.LastIndex(payload, []byte(`}}]}`))
	if start < 0 || end < 0 {
		return json.Marshal("not an event of the bench")
	}
	return payload[start+len(`"request":`) : end], nil
}

func main() { lambda.Start(null{}) }
