package edge

import (
	"encoding/json"
	"errors"
	"fmt"
)

// origin is where CloudFront would fetch a request: the bucket, or the URL of
// the images function, which Lambda@Edge calls a custom origin.
type origin struct {
	images        bool
	customHeaders Headers
}

// parseOrigin reads the origin of a request.
func parseOrigin(raw []byte) (origin, error) {
	type of struct {
		CustomHeaders Headers `json:"customHeaders"`
	}
	var o struct{ S3, Custom *of }
	if err := json.Unmarshal(raw, &o); err != nil {
		return origin{}, fmt.Errorf("reading the origin: %w", err)
	}
	switch {
	case o.S3 != nil && o.Custom == nil:
		return origin{customHeaders: o.S3.CustomHeaders}, nil
	case o.Custom != nil && o.S3 == nil:
		return origin{images: true, customHeaders: o.Custom.CustomHeaders}, nil
	}
	return origin{}, errors.New("reading the origin: it is neither an S3 bucket nor a custom one")
}
