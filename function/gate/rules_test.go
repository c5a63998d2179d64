package gate_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"secure-media-cdn/function/seal"
	"secure-media-cdn/function/seal/sealtest"
	"secure-media-cdn/infra/local/cloudfrontjs"
)

// rule is one thing the gate must do.
type rule struct {
	name        string
	method, uri string
	viewer      viewer
	// accept is what Accept becomes in a request that passes; empty, there is none.
	accept string
	// status 0 means that the request passes.
	status int
	// prepare changes the store from the usual one: keys 1 and 2, one hash revoked,
	// one session ended.
	prepare func(*cloudfrontjs.MapStore)
	// fails says that the function ends with an error, which CloudFront answers
	// with 503.
	fails bool
}

// breakAt makes reads of entries fail whose names begin with prefix.
func breakAt(prefix string) func(*cloudfrontjs.MapStore) {
	return func(s *cloudfrontjs.MapStore) {
		s.FailReads(func(key string) error {
			if strings.HasPrefix(key, prefix) {
				return errors.New("broken at " + key)
			}
			return nil
		})
	}
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
	breakOnce := func(s *cloudfrontjs.MapStore) {
		var reads atomic.Int64
		s.FailReads(func(string) error {
			if reads.Add(1) == 1 {
				return errors.New("broken")
			}
			return nil
		})
	}
	out := []rule{
		{name: "a good link passes", uri: good},
		{name: "a link of the previous key passes", uri: old},
		{name: "a link of the next key passes", uri: sealed(t, 3, expiry, "a"), prepare: put("k.3", sealtest.Value(3))},
		{name: "a good link passes while it has the only key", uri: good, prepare: drop("k.1")},
		{name: "a link of the last generation passes", uri: sealed(t, 255, expiry, "a"),
			prepare: put("k.255", sealtest.Value(255))},
		{name: "a link passes in its last second", uri: sealed(t, 2, now.Add(time.Second), "a")},
		{name: "HEAD is as GET, good", method: "HEAD", uri: good},
		{name: "HEAD is as GET, forged", method: "HEAD", uri: good[:31] + "_", status: 404},
		{name: "a preflight of a good link passes", method: "OPTIONS", uri: good},
		{name: "a preflight of a forged link is refused", method: "OPTIONS", uri: good[:31] + "_", status: 404},
		{name: "a preflight of an expired link is refused", method: "OPTIONS", uri: expired, status: 403},
		{name: "a preflight of a revoked link is refused", method: "OPTIONS", uri: revoked, status: 404},
		{name: "another method is held to the same", method: "POST", uri: good[:31] + "_", status: 404},
		{name: "an expired link is refused in the second of its expiry", uri: expired, status: 403},
		{name: "an expired link of the previous key is refused", uri: sealed(t, 1, now, "e"), status: 403},
		{name: "an expiry past the sign bit is far away", uri: sealed(t, 2, time.Unix(1<<31, 0), "s")},
		{name: "a policy that is not known yet is refused",
			uri: sealedWith(t, 2, seal.Claims{ExpiresAt: expiry, Policy: 2}, "p"), status: 404},
		{name: "the last policy there can be is refused",
			uri: sealedWith(t, 2, seal.Claims{ExpiresAt: expiry, Policy: 255}, "p"), status: 404},
		{name: "an audience that no policy asks for is ignored",
			uri: sealedWith(t, 2, seal.Claims{ExpiresAt: expiry, Audience: seal.Audience{1}}, "p")},
		{name: "a revoked link is refused", uri: revoked, status: 404},
		{name: "a revoked link of the previous key is refused", uri: old, status: 404,
			prepare: put(seal.RevocationEntry(old), "1")},
		{name: "expired and revoked is expired", uri: expired, status: 403, prepare: put(seal.RevocationEntry(expired), "1")},
		{name: "a forged link is refused", uri: good[:31] + "_", status: 404},
		{name: "a forged link with a passed expiry learns nothing", uri: expired[:31] + "_", status: 404},
		{name: "a key that was rotated out opens nothing", uri: old, status: 404, prepare: drop("k.1")},
		{name: "generations without keys open nothing", uri: good, status: 404,
			prepare: func(s *cloudfrontjs.MapStore) { s.Update(nil, "k.1", "k.2") }},
		{name: "a store whose keys are gone fails, for an alarm to sound", uri: good, fails: true,
			prepare: func(s *cloudfrontjs.MapStore) { s.Update(nil, "k.1", "k.2", seal.AudienceEntry) }},
		{name: "a broken read of the key fails", uri: good, fails: true, prepare: breakAt("k.2")},
		{name: "a read of the key that fails once fails", uri: good, fails: true, prepare: breakOnce},
		{name: "a broken read of another key harms no link", uri: good, prepare: breakAt("k.1")},
		{name: "a broken revocation list refuses everything", uri: good, fails: true, prepare: breakAt("r.")},
		{name: "a broken store is noticed for forged links, too", uri: good[:31] + "_", fails: true, prepare: breakAt("")},
		{name: "a form that is wrong needs no store", uri: good + "/", status: 404, prepare: breakAt("")},
	}
	out = append(out, variantRules(t)...)
	out = append(out, ticketRules(t)...)
	for i := range 8 {
		out = append(out, rule{name: fmt.Sprintf("byte %d of the seal wrong is forged", i), uri: flipBit(t, good, 8*(16+i)),
			status: 404})
	}
	for name, key := range map[string]string{"an empty": "", "a short": sealtest.Value(2)[1:],
		"a long": sealtest.Value(2) + "0"} {
		out = append(out, rule{name: name + " key fails", uri: good, fails: true, prepare: put("k.2", key)})
	}
	for i := range out {
		out[i].uri = "/images/" + out[i].uri
	}
	for _, uri := range []string{
		"", "/", "/images", "/images/", "/" + good, good, "images/" + good, "/images/" + good + "/",
		"/images/" + good + "/a.jpg", "/images/" + good + ".jpg", "/images/" + good + "w320", "/images/" + good + "xw320",
		"/images/" + good + "/w321", "/images/" + good + "/W320", "/images/" + good + "/w320/", "/images/" + good + "//w320",
		"/images/" + good + "/w320/w320", "/images/" + good + "/w320\n", "/images/" + good + "/w320,avatar",
		"/images/" + good + "/Download", "/images/" + good + "/downloads", "/images/" + good + "/%77320",
		"/images/" + good + "/length", "/images/" + good + "/indexOf", "/images/" + good + "/0",
		"/images/" + good + "/undefined",
		"/images/" + good[:31] + "/w320", "/images//w320", "/images/w320/" + good,
		"/images/" + good + good, "/images/" + good + "AAAA", "/images/a/" + good, "//images/" + good, "/images//" + good,
		"/Images/" + good, "/IMAGES/" + good, "/image/" + good,
		"/images/" + good[:31], "/images/" + good[:28], "/images/" + good + "=", "/images/" + good[:31] + "=",
		"/images/" + good[:30] + "==", "/images/" + good + "\n", "/images/" + good[:31] + "\n",
		"/images/%" + fmt.Sprintf("%02X", good[0]) + good[1:], "/images%2F" + good, "/%69mages/" + good,
		"/images/" + good + "%00", "/images/" + good + "%0A", "/images/" + good + "\x00",
		"/images/../images/" + good, "/images/./" + good, "/images/" + good + "?a=b", "/images/" + good + "#a",
		"/images/" + good + ";a", "/images/ " + good, "/images/" + good + " ",
		"/images\\" + good, "/images/" + url.PathEscape("é") + good, "/images/" + strings.Repeat("é", 32),
		"/images/" + strings.Repeat("é", 16), "/images/" + strings.Repeat("\U0001F512", 16),
		"/favicon.ico", "/robots.txt", "/marketplace/a.jpg", "/discussion/a.jpg", "/images/" + strings.Repeat("A", 8000),
	} {
		out = append(out, rule{name: fmt.Sprintf("%.60q is no link", uri), uri: uri, status: 404})
	}
	return out
}

func (r rule) prepareStore(t testing.TB, g *testGate) {
	t.Helper()
	g.log.Reset()
	g.store.FailReads(nil)
	all := g.store.All()
	g.store.Update(nil, slices.Collect(maps.Keys(all))...)
	g.store.Update(sealtest.Entries(1, 2))
	g.store.Put(seal.RevocationEntry(sealed(t, 2, expiry, "r")), fmt.Sprint(expiry.Unix()))
	g.store.Put(seal.SessionEntry(signedOut), fmt.Sprint(expiry.Unix()))
	if r.prepare != nil {
		r.prepare(g.store)
	}
}

// broken returns what the gate did against the rule, or "".
func (r rule) broken(t testing.TB, g *testGate) string {
	t.Helper()
	r.prepareStore(t, g)
	method := r.method
	if method == "" {
		method = "GET"
	}
	a, err := askAs(context.Background(), g.Function, method, r.uri, r.viewer.withBallast())
	switch {
	case r.fails && err == nil:
		return fmt.Sprintf("did not fail: %+v", a)
	case r.fails:
		return ""
	case err != nil:
		return err.Error()
	case g.log.Len() > 0:
		return fmt.Sprintf("logged %q", g.log.String())
	case r.status == 0 && (!a.passed() || a.URI != r.uri || a.Method != method):
		return fmt.Sprintf("did not pass as it was: %+v", a)
	case a.StatusCode != r.status:
		return fmt.Sprintf("status %d, not %d", a.StatusCode, r.status)
	case r.status == 0:
		return notPlain(a, r.accept)
	}
	return wrongRefusal(a)
}

// absent is the value of a header that the viewer does not send.
const absent = "absent"

// withBallast adds what any viewer may send, and nobody behind the gate is to see.
func (v viewer) withBallast() viewer {
	with := func(v values, name, text string) values {
		out := values{name: {Value: text}}
		maps.Copy(out, v)
		return out
	}
	v.Headers = with(v.Headers, "authorization", "Basic dXNlcjpwYXNz")
	v.Headers = with(v.Headers, "accept", "image/webp")
	v.Headers = with(v.Headers, "user-agent", "a browser")
	maps.DeleteFunc(v.Headers, func(_ string, v value) bool { return v.Value == absent })
	return viewer{v.Headers, with(v.Query, "width", "320"), with(v.Cookies, "theme", "dark")}
}

// notPlain returns what a request that passed still has of its viewer, or "".
func notPlain(a answer, accept string) string {
	if len(a.QueryString) > 0 || len(a.Cookies) > 0 || a.QueryString == nil || a.Cookies == nil {
		return fmt.Sprintf("query %v, cookies %v", a.QueryString, a.Cookies)
	}
	want := values{"user-agent": {Value: "a browser"}}
	if accept != "" {
		want["accept"] = value{Value: accept}
	}
	if !reflect.DeepEqual(want, a.Headers) {
		return fmt.Sprintf("headers %v, not %v", a.Headers, want)
	}
	return ""
}

// refusals are what the edge function says in the same cases, word for word. It
// asks nobody to sign in.
var refusals = map[int]string{401: "Sign in to see this.\n", 403: "This link has expired.\n", 404: "Not found.\n"}

func wrongRefusal(a answer) string {
	want := map[string]string{"cache-control": "no-store", "content-type": "text/plain; charset=utf-8"}
	if a.StatusCode == 401 {
		want["www-authenticate"] = "Bearer"
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
