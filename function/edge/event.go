// Package edge answers CloudFront's origin-request events: it turns a link into
// the object that the link stands for, or refuses it.
package edge

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Event is what Lambda@Edge hands to an origin-request function, as far as we
// read it.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html
type Event struct {
	Records []struct {
		CF struct {
			Config struct {
				EventType string `json:"eventType"`
				RequestID string `json:"requestId"`
			} `json:"config"`
			Request Request `json:"request"`
		} `json:"cf"`
	} `json:"Records"`
}

// originRequest is the one event type that this function may be attached to.
const originRequest = "origin-request"

// Request is a viewer's request on its way to the origin. Encoding one gives
// back every field of the event exactly as it came, but for URI and
// QueryString: above all the origin, since one that was touched could switch
// off the signing of origin access control.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
type Request struct {
	Method string
	// URI is the path, percent-encoded, without the query string.
	URI         string
	QueryString string
	Origin      Origin

	fields map[string]json.RawMessage
}

// Origin is the S3 origin of the behaviour that matched.
type Origin struct {
	S3 *struct {
		CustomHeaders Headers `json:"customHeaders"`
	} `json:"s3"`
}

// Headers holds header fields by their lower-case names.
type Headers map[string][]Header

// Header is one field; Key is its name in its own spelling.
type Header struct {
	Key   string `json:"key,omitempty"`
	Value string `json:"value"`
}

// get returns the first value of the named field, or "".
func (h Headers) get(name string) string {
	if v := h[name]; len(v) > 0 {
		return v[0].Value
	}
	return ""
}

// UnmarshalJSON keeps all fields and reads those we act upon.
func (r *Request) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, &r.fields); err != nil {
		return err
	}
	for name, into := range map[string]any{
		"method": &r.Method, "uri": &r.URI, "querystring": &r.QueryString, "origin": &r.Origin,
	} {
		raw, ok := r.fields[name]
		if !ok {
			return fmt.Errorf("the request has no %s", name)
		}
		if err := json.Unmarshal(raw, into); err != nil {
			return fmt.Errorf("the request's %s: %w", name, err)
		}
	}
	return nil
}

// MarshalJSON gives the request as it came, with the present URI and
// QueryString.
func (r Request) MarshalJSON() ([]byte, error) {
	fields := make(map[string]json.RawMessage, len(r.fields))
	for name, raw := range r.fields {
		fields[name] = raw
	}
	for name, value := range map[string]string{"uri": r.URI, "querystring": r.QueryString} {
		raw, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		fields[name] = raw
	}
	return json.Marshal(fields)
}

// Response is an answer that CloudFront gives without asking the origin.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-generating-http-responses.html
type Response struct {
	Status            string  `json:"status"`
	StatusDescription string  `json:"statusDescription"`
	Headers           Headers `json:"headers"`
	Body              string  `json:"body,omitempty"`
}

// parseEvent returns the one request of an origin-request event.
func parseEvent(payload []byte) (Request, error) {
	var e Event
	if err := json.Unmarshal(payload, &e); err != nil {
		return Request{}, fmt.Errorf("reading the event: %w", err)
	}
	if len(e.Records) != 1 {
		return Request{}, fmt.Errorf("reading the event: it has %d records, not 1", len(e.Records))
	}
	cf := e.Records[0].CF
	switch {
	case cf.Config.EventType != originRequest:
		return Request{}, fmt.Errorf("reading the event: its type is %q; attach this function to %s only", cf.Config.EventType, originRequest)
	case cf.Request.Origin.S3 == nil:
		return Request{}, errors.New("reading the event: its origin is not an S3 bucket")
	}
	return cf.Request, nil
}
