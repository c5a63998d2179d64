// Package edge answers CloudFront's origin-request events: it turns a link into
// the object that the link stands for, or refuses it.
package edge

import (
	"encoding/json"
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
			} `json:"config"`
			// Request holds the fields as they came; see Request.
			Request map[string]json.RawMessage `json:"request"`
		} `json:"cf"`
	} `json:"Records"`
}

// originRequest is the one event type that this function may be attached to.
const originRequest = "origin-request"

// Request is a viewer's request on its way to the origin. JSON gives back every
// field of the event exactly as it came, but for URI, QueryString and headers
// that were added: above all the origin, since one that was touched could switch
// off the signing of origin access control.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
type Request struct {
	Method string
	// URI is the path, percent-encoded, without the query string.
	URI         string
	QueryString string

	fields map[string]json.RawMessage
}

// origin returns the origin as it came. It is the same in every event of one
// distribution, so it is read only when it changes.
func (r Request) origin() []byte { return r.fields["origin"] }

// headers returns the header fields of a request.
func (r Request) headers() (Headers, error) {
	h := Headers{}
	if err := json.Unmarshal(r.fields["headers"], &h); err != nil {
		return nil, fmt.Errorf("reading the event: the request's headers: %w", err)
	}
	return h, nil
}

// setHeaders replaces the header fields of a request. CloudFront answers 502 if
// one is disallowed, or if a read-only one was touched.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html
func (r Request) setHeaders(h Headers) (err error) {
	r.fields["headers"], err = json.Marshal(h)
	return err
}

// JSON returns the answer that lets CloudFront go on with r. It is assembled by
// hand, since json.Marshal would check and copy every field that it is given
// again: a tenth of the whole lookup.
func (r Request) JSON() ([]byte, error) {
	uri, err := json.Marshal(r.URI)
	if err != nil {
		return nil, err
	}
	query, err := json.Marshal(r.QueryString)
	if err != nil {
		return nil, err
	}
	size := len(`{"uri":,"querystring":}`) + len(uri) + len(query)
	for name, raw := range r.fields {
		size += len(`,"":`) + len(name) + len(raw)
	}
	out := append(append(make([]byte, 0, size), `{"uri":`...), uri...)
	out = append(append(out, `,"querystring":`...), query...)
	for name, raw := range r.fields {
		if name == "uri" || name == "querystring" {
			continue
		}
		quoted, err := quote(name)
		if err != nil {
			return nil, err
		}
		out = append(append(append(append(out, ','), quoted...), ':'), raw...)
	}
	return append(out, '}'), nil
}

// quote returns a field's name as JSON. CloudFront's names are letters.
func quote(name string) ([]byte, error) {
	for i := range len(name) {
		if c := name[i] | 0x20; c < 'a' || c > 'z' {
			return json.Marshal(name)
		}
	}
	return append(append(append(make([]byte, 0, len(name)+2), '"'), name...), '"'), nil
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

// Response is an answer that CloudFront gives without asking the origin.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-generating-http-responses.html
type Response struct {
	Status            string  `json:"status"`
	StatusDescription string  `json:"statusDescription"`
	Headers           Headers `json:"headers"`
	Body              string  `json:"body,omitempty"`
}

// JSON returns the answer that ends the request with r.
func (r Response) JSON() ([]byte, error) { return json.Marshal(r) }

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
	if cf.Config.EventType != originRequest {
		return Request{}, fmt.Errorf("reading the event: its type is %q; attach this function to %s only",
			cf.Config.EventType, originRequest)
	}
	r := Request{fields: cf.Request}
	for name, into := range map[string]*string{"method": &r.Method, "uri": &r.URI} {
		if err := json.Unmarshal(r.fields[name], into); err != nil {
			return Request{}, fmt.Errorf("reading the event: the request's %s: %w", name, err)
		}
	}
	return r, nil
}
