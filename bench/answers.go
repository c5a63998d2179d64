package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"time"
)

// cases are the rows of the functions' table of answers.
func cases() map[string]request {
	link := func(name string) request {
		r := live
		r.URI = "/images/" + hashOf(name)
		return r
	}
	with := func(r request, change func(*request)) request { change(&r); return r }
	toS3 := func(r *request) { r.Delivery = "redirect" }
	all := map[string]request{
		"a malformed hash":         with(live, func(r *request) { r.URI = "/images/short" }),
		"a path that is no link":   with(live, func(r *request) { r.URI = "/" + liveKey }),
		"HEAD of a live link":      with(live, func(r *request) { r.Method = "HEAD" }),
		"OPTIONS of a live link":   with(live, func(r *request) { r.Method = "OPTIONS" }),
		"HEAD, redirected":         with(live, func(r *request) { r.Method, r.Delivery = "HEAD", "redirect" }),
		"a table that fails":       with(live, func(r *request) { r.Table = "missing" }),
		"an unknown delivery":      with(live, func(r *request) { r.Delivery = "pigeon" }),
		"an event of another type": with(live, func(r *request) { r.EventType = "viewer-request" }),
	}
	for _, name := range []string{"live", "short", "encoded", "slashes", "expired", "unknown", "elsewhere", "misplaced", "keyless", "untimed"} {
		all[name] = link(name)
		all[name+", redirected"] = with(link(name), toS3)
	}
	return all
}

// outcomes is what some of the cases must come to, a status or the object's
// path, so that two functions which are wrong alike do not pass.
var outcomes = map[string]string{
	"live": "/" + liveKey, "HEAD of a live link": "/" + liveKey, "live, redirected": "302",
	"expired": "403", "expired, redirected": "403", "unknown": "404", "a malformed hash": "404",
	"elsewhere": "500", "misplaced": "500", "a table that fails": "503",
}

// sameAnswers returns an error unless two functions answer every case alike.
func sameAnswers(a, b *environment) error {
	for name, r := range cases() {
		if err := sameAnswer(a, b, name, r.event()); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// sameAnswer asks again if the two answers fell into different seconds, which
// live links and signatures count.
func sameAnswer(a, b *environment, name string, event []byte) error {
	for range 100 {
		second := time.Now().Unix()
		left, _, _, err := a.ask(event)
		if err != nil {
			return err
		}
		right, _, _, err := b.ask(event)
		if err != nil {
			return err
		}
		if time.Now().Unix() != second {
			continue
		}
		x, err := normalise(left)
		if err != nil {
			return err
		}
		y, err := normalise(right)
		if err != nil {
			return err
		}
		if !reflect.DeepEqual(x, y) {
			return fmt.Errorf("the functions disagree:\n%s\n%s", left, right)
		}
		if want, fixed := outcomes[name]; fixed && x["status"] != want && x["uri"] != want {
			return fmt.Errorf("the answer is not %s: %s", want, left)
		}
		return nil
	}
	return errors.New("no two answers fell into the same second")
}

// normalise parses an answer. Of a signed URL it keeps what decides what the
// URL opens, and for how long: each SDK adds parameters of its own, so that
// the signatures differ.
func normalise(answer []byte) (object, error) {
	var o object
	if err := json.Unmarshal(answer, &o); err != nil {
		return nil, fmt.Errorf("reading the answer %q: %w", answer, err)
	}
	headers, _ := o["headers"].(object)
	location, ok := headers["location"].([]any)
	if !ok {
		return o, nil
	}
	field, _ := location[0].(object)
	value, _ := field["value"].(string)
	u, err := url.Parse(value)
	if err != nil {
		return nil, fmt.Errorf("reading the answer's location: %w", err)
	}
	query := u.Query()
	kept := url.Values{}
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders"} {
		kept.Set(name, query.Get(name))
	}
	if len(query.Get("X-Amz-Signature")) != 64 {
		return nil, fmt.Errorf("the answer's location is not signed: %s", strings.SplitN(value, "?", 2)[0])
	}
	u.RawQuery = kept.Encode()
	field["value"] = u.String()
	return o, nil
}
