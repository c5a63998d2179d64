package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"time"
)

// cases are requests of every kind, by their names.
func cases() map[string]request {
	with := func(r request, change func(*request)) request { change(&r); return r }
	all := map[string]request{
		"a malformed hash":         with(live, func(r *request) { r.uri = "/images/short" }),
		"a path that is no link":   with(live, func(r *request) { r.uri = "/" + liveKey }),
		"HEAD of a live link":      with(live, func(r *request) { r.method = "HEAD" }),
		"OPTIONS of a live link":   with(live, func(r *request) { r.method = "OPTIONS" }),
		"HEAD, redirected":         with(live, func(r *request) { r.method, r.delivery = "HEAD", "redirect" }),
		"a table that fails":       with(live, func(r *request) { r.table = "missing" }),
		"an unknown delivery":      with(live, func(r *request) { r.delivery = "pigeon" }),
		"an event of another type": with(live, func(r *request) { r.eventType = "viewer-request" }),
	}
	for _, name := range []string{
		"live", "short", "encoded", "slashes", "page", "expired", "unknown", "elsewhere", "misplaced", "keyless", "untimed",
	} {
		link := with(live, func(r *request) { r.uri = "/images/" + hashOf(name) })
		all[name] = link
		all[name+", redirected"] = with(link, func(r *request) { r.delivery = "redirect" })
	}
	return all
}

// outcomes are the results of some cases, a status or the object's path, so that
// two functions which are wrong alike do not pass.
var outcomes = map[string]string{
	"live": "/" + liveKey, "HEAD of a live link": "/" + liveKey, "live, redirected": "302",
	"expired": "403", "expired, redirected": "403", "unknown": "404", "a malformed hash": "404",
	"elsewhere": "500", "misplaced": "500", "a table that fails": "503",
}

// compare returns an error unless the two functions answer every case alike.
func compare(a, b side) error {
	left, err := a.start()
	if err != nil {
		return err
	}
	defer left.end()
	right, err := b.start()
	if err != nil {
		return err
	}
	defer right.end()
	for name, r := range cases() {
		if err := sameAnswer(left, right, name, r.event()); err != nil {
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
		x, errX := normalise(left)
		y, errY := normalise(right)
		if err := errors.Join(errX, errY); err != nil {
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

// goesOn refuses an answer that does not go on with a request.
func goesOn(answer []byte) error {
	if !bytes.Contains(answer, []byte(`"uri":"/`)) {
		return fmt.Errorf("wrong answer: %s", answer)
	}
	return nil
}

type object = map[string]any

// kept are the parameters of a signed URL that decide what it opens, for how
// long and how. The rest differs between SDKs, and so does the signature.
var kept = []string{
	"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders",
	"response-content-disposition", "response-content-type",
}

// normalise parses an answer, and keeps of a signed URL what is kept.
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
	query, decisive := u.Query(), url.Values{}
	for _, name := range kept {
		decisive.Set(name, query.Get(name))
	}
	if len(query.Get("X-Amz-Signature")) != 64 {
		return nil, fmt.Errorf("the answer's location is not signed: %s", strings.SplitN(value, "?", 2)[0])
	}
	u.RawQuery = decisive.Encode()
	field["value"] = u.String()
	return o, nil
}
