package gate_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"secure-media-cdn/function/seal"
	"secure-media-cdn/function/seal/sealtest"
)

// FuzzURI holds the gate to what Open says of whatever comes as a path: it
// passes a path if and only if that is /images/ and a hash that opens and lives.
func FuzzURI(f *testing.F) {
	keys, g := []seal.Key{sealtest.Key(f, 1), sealtest.Key(f, 2)}, withKeys(f, source(f))
	good := sealed(f, 2, expiry, "a")
	for _, seed := range []string{
		"", "/", "/images/", "/images/" + good, "/images/" + sealed(f, 1, expiry, "b"), "/images/" + sealed(f, 2, now, "e"),
		"/images/" + good + "/", "/images//" + good,
		"/images/%41" + good[1:], "/images/" + good[:31] + "\n", "/images/" + good + "=", "/IMAGES/" + good,
		"/images/" + good + "?a", "/images/é" + good[2:], "\x00\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		uri = strings.ToValidUTF8(uri, "\ufffd") // JSON has no other text
		want := 404
		hash, name, ok := seal.ParsePath(uri)
		if ok && (name == "" || name == seal.Download || slices.Contains(settings.Variants, name)) {
			want = verdict(hash, keys)
		}
		a, err := ask(context.Background(), g.Function, "GET", uri)
		if err != nil {
			t.Fatal(err)
		}
		if a.StatusCode != want || a.passed() != (want == 0) {
			t.Fatalf("%q got %+v, want %d", uri, a, want)
		}
	})
}
