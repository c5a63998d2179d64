package gate_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"secure-media-cdn/function/gate"
	"secure-media-cdn/infra/local/cloudfrontjs"
)

// rule is one thing the gate must do.
type rule struct {
	name        string
	method, uri string
	// status 0 means that the request passes.
	status int
	// prepare changes the store from the usual one: keys 2 and 1, hash revoked.
	prepare func(*cloudfrontjs.MapStore)
	// logs is how many lines the gate prints.
	logs int
}

func rules(t testing.TB) []rule {
	good, old := sealed(t, 2, expiry, "a"), sealed(t, 1, expiry, "b")
	revoked, expired := sealed(t, 2, expiry, "r"), sealed(t, 2, now, "e")
	drop := func(key string) func(*cloudfrontjs.MapStore) {
		return func(s *cloudfrontjs.MapStore) { s.Delete(key) }
	}
	put := func(key, value string) func(*cloudfrontjs.MapStore) {
		return func(s *cloudfrontjs.MapStore) { s.Put(key, value) }
	}
	breakAt := func(prefix string) func(*cloudfrontjs.MapStore) {
		return func(s *cloudfrontjs.MapStore) {
			s.FailReads(func(key string) error {
				if strings.HasPrefix(key, prefix) {
					return errors.New("broken at " + key)
				}
				return nil
			})
		}
	}
	out := []rule{
		{name: "a good link passes", uri: good},
		{name: "a link of the previous key passes", uri: old},
		{name: "a good link passes while there is no previous key", uri: good, prepare: drop(gate.PreviousKey)},
		{name: "a link passes in its last second", uri: sealed(t, 2, now.Add(time.Second), "a")},
		{name: "HEAD is as GET, good", method: "HEAD", uri: good},
		{name: "HEAD is as GET, forged", method: "HEAD", uri: good[:31] + "_", status: 404},
		{name: "a preflight passes, good or not", method: "OPTIONS", uri: good[:31] + "_"},
		{name: "a preflight passes without a key", method: "OPTIONS", uri: good, prepare: drop(gate.CurrentKey)},
		{name: "another method is held to the same", method: "POST", uri: good[:31] + "_", status: 404},
		{name: "an expired link is refused in the second of its expiry", uri: expired, status: 403},
		{name: "an expired link of the previous key is refused", uri: sealed(t, 1, now, "e"), status: 403},
		{name: "an expiry past the sign bit is far away", uri: sealed(t, 2, time.Unix(1<<31, 0), "s")},
		{name: "a revoked link is refused", uri: revoked, status: 404},
		{name: "a revoked link of the previous key is refused", uri: old, status: 404, prepare: put(gate.RevocationKey(old), "1")},
		{name: "expired and revoked is expired", uri: expired, status: 403, prepare: put(gate.RevocationKey(expired), "1")},
		{name: "a forged link is refused", uri: good[:31] + "_", status: 404},
		{name: "a forged link with a passed expiry learns nothing", uri: expired[:31] + "_", status: 404},
		{name: "a key that was rotated out opens nothing", uri: old, status: 404, prepare: put(gate.PreviousKey, testKey(3))},
		{name: "a missing previous key opens nothing", uri: old, status: 404, prepare: drop(gate.PreviousKey)},
		{name: "a missing current key refuses everything", uri: good, status: 503, prepare: drop(gate.CurrentKey), logs: 1},
		{name: "a missing current key refuses the previous key's links too", uri: old, status: 503, prepare: drop(gate.CurrentKey), logs: 1},
		{name: "a broken read of the current key refuses everything", uri: good, status: 503, prepare: breakAt(gate.CurrentKey), logs: 1},
		{name: "a broken read of the previous key is no forged link", uri: old, status: 503, prepare: breakAt(gate.PreviousKey), logs: 1},
		{name: "a broken read of the previous key harms no other link", uri: good, prepare: breakAt(gate.PreviousKey)},
		{name: "a broken revocation list refuses everything", uri: good, status: 503, prepare: breakAt("r."), logs: 1},
		{name: "a malformed previous key refuses its links", uri: old, status: 503, prepare: put(gate.PreviousKey, "1:00"), logs: 1},
		{name: "a form that is wrong needs no store", uri: good + "/", status: 404, prepare: breakAt("")},
	}
	for i := range 8 {
		out = append(out, rule{name: fmt.Sprintf("byte %d of the seal wrong is forged", i), uri: flipBit(t, good, 8*(16+i)), status: 404})
	}
	for name, key := range map[string]string{
		"an empty": "", "a short": testKey(2)[:65], "a long": testKey(2) + "0", "a strange": "2:" + strings.Repeat("g", 64), "an idless": testKey(2)[2:],
		"a zero": "0" + testKey(2)[1:], "a padded": "0" + testKey(2),
	} {
		out = append(out, rule{name: name + " current key refuses everything", uri: good, status: 503, prepare: put(gate.CurrentKey, key), logs: 1})
	}
	for i := range out {
		out[i].uri = "/images/" + out[i].uri
	}
	for _, uri := range []string{
		"", "/", "/images", "/images/", "/" + good, good, "images/" + good, "/images/" + good + "/", "/images/" + good + "/a.jpg", "/images/" + good + ".jpg",
		"/images/" + good + good, "/images/" + good + "AAAA", "/images/a/" + good, "//images/" + good, "/images//" + good, "/Images/" + good, "/IMAGES/" + good, "/image/" + good,
		"/images/" + good[:31], "/images/" + good[:28], "/images/" + good + "=", "/images/" + good[:31] + "=", "/images/" + good[:30] + "==", "/images/" + good + "\n", "/images/" + good[:31] + "\n",
		"/images/%" + fmt.Sprintf("%02X", good[0]) + good[1:], "/images%2F" + good, "/%69mages/" + good, "/images/" + good + "%00", "/images/" + good + "%0A", "/images/" + good + "\x00",
		"/images/../images/" + good, "/images/./" + good, "/images/" + good + "?a=b", "/images/" + good + "#a", "/images/" + good + ";a", "/images/ " + good, "/images/" + good + " ",
		"/images\\" + good, "/images/" + url.PathEscape("é") + good, "/images/" + strings.Repeat("é", 32), "/images/" + strings.Repeat("é", 16), "/images/" + strings.Repeat("\U0001F512", 16),
		"/favicon.ico", "/robots.txt", "/marketplace/a.jpg", "/discussion/a.jpg", "/images/" + strings.Repeat("A", 8000),
	} {
		out = append(out, rule{name: fmt.Sprintf("%.60q is no link", uri), uri: uri, status: 404})
	}
	return out
}

// broken returns what the gate did against the rule, or "".
func (r rule) broken(t testing.TB, g *testGate) string {
	t.Helper()
	g.log.Reset()
	g.store.FailReads(nil)
	g.store.Update(map[string]string{
		gate.CurrentKey: testKey(2), gate.PreviousKey: testKey(1),
		gate.RevocationKey(sealed(t, 2, expiry, "r")): fmt.Sprint(expiry.Unix()),
	}, gate.RevocationKey(sealed(t, 1, expiry, "b")), gate.RevocationKey(sealed(t, 2, now, "e")))
	if r.prepare != nil {
		r.prepare(g.store)
	}
	method := r.method
	if method == "" {
		method = "GET"
	}
	a, err := ask(context.Background(), g.Function, method, r.uri)
	switch {
	case err != nil:
		return err.Error()
	case strings.Count(g.log.String(), "\n") != r.logs:
		return fmt.Sprintf("logged %q", g.log.String())
	case r.status == 0 && (!a.passed() || a.URI != r.uri || a.Method != method):
		return fmt.Sprintf("did not pass as it was: %+v", a)
	case a.StatusCode != r.status:
		return fmt.Sprintf("status %d, not %d", a.StatusCode, r.status)
	case r.status == 0:
		return ""
	}
	return wrongRefusal(a)
}

// refusals are what the edge function says in the same cases, word for word.
var refusals = map[int]string{403: "This link has expired.\n", 404: "Not found.\n", 503: "Try again later.\n"}

func wrongRefusal(a answer) string {
	want := map[string]string{"cache-control": "no-store", "content-type": "text/plain; charset=utf-8"}
	if a.StatusCode == http.StatusServiceUnavailable {
		want["retry-after"] = "2"
	}
	if len(a.Headers) != len(want) {
		return fmt.Sprintf("headers %v", a.Headers)
	}
	for name, value := range want {
		if a.Headers[name].Value != value {
			return fmt.Sprintf("%s is %q", name, a.Headers[name].Value)
		}
	}
	if a.Body.Encoding != "text" || a.Body.Data != refusals[a.StatusCode] {
		return fmt.Sprintf("body %+v", a.Body)
	}
	return ""
}
