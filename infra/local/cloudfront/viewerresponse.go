package cloudfront

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// object makes an answer of a response that a function generated. It is never
// cached. CFDG functions-event-structure.html, "Response object"
func (r functionResponse) object() (*object, error) {
	if r.StatusCode < 200 || r.StatusCode > 599 {
		return nil, fmt.Errorf("the statusCode %d is not one of 200 to 599", r.StatusCode)
	}
	o := &object{status: r.StatusCode, header: http.Header{}, source: FromGate}
	for name, value := range r.Headers {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		if name != strings.ToLower(name) || !token(name) || isListed(canonical, disallowedHeaders) || canonical == "Transfer-Encoding" || canonical == "Via" {
			return nil, fmt.Errorf("the header %q is disallowed or not in lower case", name)
		}
		o.header[canonical] = value.all()
	}
	for _, name := range slices.Sorted(maps.Keys(r.Cookies)) {
		cookie := name + "=" + r.Cookies[name].Value
		if attributes := r.Cookies[name].Attributes; attributes != "" {
			cookie += "; " + attributes
		}
		o.header.Add("Set-Cookie", cookie)
	}
	return o, o.readBody(r.Body)
}

// readBody reads a body: a string, or {encoding, data}.
func (o *object) readBody(raw json.RawMessage) error {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		o.body = []byte(text)
		return nil
	}
	var body struct{ Encoding, Data string }
	if err := json.Unmarshal(raw, &body); err != nil {
		return errors.New("the body is neither a string nor {encoding, data}")
	}
	o.body = []byte(body.Data)
	switch body.Encoding {
	case "text", "":
	case "base64":
		var err error
		if o.body, err = base64.StdEncoding.DecodeString(body.Data); err != nil {
			return fmt.Errorf("the body is not base64: %w", err)
		}
	default:
		return fmt.Errorf("the body's encoding %q is neither text nor base64", body.Encoding)
	}
	return nil
}
