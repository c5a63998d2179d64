package conformance

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const head = "# rule: a rule\n# source: https://a.page/\n"

func TestParse(t *testing.T) {
	s, err := Parse(strings.NewReader(head + `
local-only
GET /a over http
  Name: a: b
-> 200
  body: -
`))
	require.NoError(t, err)
	assert.Equal(t, Script{Rule: "a rule", Sources: []string{"https://a.page/"}, LocalOnly: true, Steps: []Step{
		{Line: 5, Verb: "GET", Args: "/a over http", Fields: []Field{{"Name", "a: b"}}},
		{Line: 7, Verb: "->", Args: "200", Fields: []Field{{"body", "-"}}},
	}}, s)
	for text, want := range map[string]string{
		"GET /":                                 "must name its rule and its source",
		"# rule: x\nGET /":                      "must name its rule and its source",
		"# rule: x\n# source: notes 3.3\nGET /": "must begin with an https address",
		"# rule: x\n# source: http://a.page/\nGET /":    "must begin with an https address",
		"# rule: x\n# source: https:/page.html\nGET /":  "must begin with an https address",
		head + "# source: Expiration.html, TTLs\nGET /": "must begin with an https address",
		head + "  A: b":     "below a step",
		head + "GET /\n  A": "name: value",
	} {
		_, err := Parse(strings.NewReader(text))
		assert.ErrorContains(t, err, want, text)
	}
}

// A script must fail when what it says is not so: each kind of expectation is tried with an answer that meets it and
// one that does not.
func TestExpectations(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Path", r.URL.Path)
		w.Header().Set("X-Proto", r.Header.Get("CloudFront-Forwarded-Proto"))
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/a", http.StatusFound)
		}
		_, _ = w.Write([]byte("0123456789"))
	}))
	defer server.Close()
	remote, err := NewRemote(server.URL)
	require.NoError(t, err)
	for script, want := range map[string]string{
		"GET /a\n-> 200":                      "",
		"GET /a\n-> 404":                      "the status is 200",
		"GET /a\n-> 200\n  X-Path: /a":        "",
		"GET /a\n-> 200\n  X-Path: /b":        `X-Path is "/a", it should be "/b"`,
		"GET /a\n-> 200\n  X-No: a":           "X-No is absent",
		"GET /a\n-> 200\n  X-No: -":           "",
		"GET /a\n-> 200\n  X-Path: -":         "it should be absent",
		"GET /a\n-> 200\n  X-Path: ~^/[a-c]$": "",
		"GET /a\n-> 200\n  X-Path: ~^/[d-f]$": "it should match",
		"GET /a\n-> 200\n  body: 10 bytes":    "",
		"GET /a\n-> 200\n  body: 11 bytes":    "the body has 10 bytes",
		"GET /a\n-> 200\n  body: 0123456789":  "",
		"GET /a\n-> 200\n  body: 012345678":   "it should be",
		"GET /a\n-> 200\n  body: keep whole\n  body: same as whole\n  body: bytes 0-9 of whole": "",
		"GET /a\n-> 200\n  body: keep whole\n  body: bytes 0-8 of whole":                        "is not bytes 0-8",
		"GET /a\n-> 200\n  X-Path: keep p\nGET $p\n-> 200\n  X-Path: $p":                        "",
		"GET /a\n-> 200\n  X-Path: keep p\nGET $p/b\n-> 200\n  X-Path: $p":                      "it should be",
		"GET /a over http\n-> 200\n  X-Proto: http":                                             "",
		"GET /moved\n-> 302":                             "",
		"GET //a\n-> 200\n  X-Path: //a":                 "",
		"GET /$var\n-> 200\n  X-Path: /value":            "",
		"-> 200":                                         "there was no request",
		"together 3 GET /a\n-> 200\n  X-Path: /a":        "",
		"together 3 GET /a\n-> 200\n  one X-Path: /a":    "holds for 3 answers instead of 1",
		"together 3 GET /a\n-> 200\n  others X-Path: /a": "holds for 3 answers instead of 2",
		"calls s3 1\nsent s3":                            "",
		"object /a 1":                                    "should be local-only",
		"wait long":                                      "wait long",
	} {
		t.Run(script, func(t *testing.T) {
			s, err := Parse(strings.NewReader(head + script))
			require.NoError(t, err)
			err = Run(s, remote, map[string]string{"var": "value"})
			if want == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, want)
			}
		})
	}
}
