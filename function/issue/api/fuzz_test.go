package api_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"secure-media-cdn/function/issue/api"
	"secure-media-cdn/function/issue/api/apitest"
	"secure-media-cdn/function/seal"
)

// sound fails unless the call was answered as every call is.
func sound(t *testing.T, r *httptest.ResponseRecorder, log *bytes.Buffer) {
	t.Helper()
	if strings.Contains(log.String(), `"msg":"panic"`) {
		t.Fatalf("a panic: %s", log)
	}
	if r.Code == http.StatusNoContent && r.Body.Len() == 0 {
		return
	}
	if r.Code < 200 || r.Code > 599 || 300 <= r.Code && r.Code < 400 || !json.Valid(r.Body.Bytes()) {
		t.Fatalf("no proper answer: %d %s", r.Code, r.Body)
	}
	if r.Code >= 400 {
		var failure api.Failure
		err := json.Unmarshal(r.Body.Bytes(), &failure)
		if err != nil || failure.Error.Code == "" || failure.Error.Message == "" {
			t.Fatalf("an error without a code and a sentence: %s", r.Body)
		}
	}
	if !json.Valid(log.Bytes()) {
		t.Fatalf("not one JSON line: %s", log)
	}
}

// FuzzRequest: whatever a caller sends is answered, and a link that is given
// out stands for the very object that was asked for.
func FuzzRequest(f *testing.F) {
	for _, seed := range []struct{ method, path, body string }{
		{"POST", "/links", `{"objects":["s3://media/chat/a.jpg","s3://media/shop/b c.jpg"],"ttlSeconds":60}`},
		{"POST", "/links", `{"objects":["s3://media/chat/ä😀%2F?#.jpg"],"ttlSeconds":null}`},
		{"POST", "/links", `{"objects":["\ud800","s3://media/chat/\u0000"],"ttlSeconds":1e3}`},
		{"POST", "/links", `{"objects":[[],{},null,1],"extra":1}`},
		{"POST", "/revocations", `{"objects":["s3://media/chat/a.jpg"],"hashes":["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]}`},
		{"POST", "/links", `{"objects":["s3://media/club/a.jpg","s3://media/chat/b"],"audience":"club/room:1@x"}`},
		{"POST", "/viewers", `{"viewer":"a","audiences":["club","club/room"],"ttlSeconds":60}`},
		{"POST", "/viewers", `{"viewer":"","audiences":["lodge","club/../x",null],"ttlSeconds":-1}`},
		{"DELETE", "/viewers/" + liveSession(), ""},
		{"DELETE", "/viewers/AAAA%0AAAAAAAFrSeAQ", ""},
		{"GET", "/links/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", ""},
		{"DELETE", "/links/%41", ""},
		{"PATCH", "//links", "\xff"},
	} {
		f.Add(seed.method, seed.path, seed.body)
	}
	f.Fuzz(func(t *testing.T, method, path, body string) {
		r, err := http.NewRequest(method, "https://issuer.example"+path, strings.NewReader(body))
		if err != nil {
			return // no HTTP client can send it
		}
		var log bytes.Buffer
		var aws apitest.AWS
		response := httptest.NewRecorder()
		h := api.New(aws.Issuer(), slog.New(slog.NewJSONHandler(&log, nil)), time.Now)
		apitest.As(h, "chat", "club").ServeHTTP(response, r)
		sound(t, response, &log)
		if response.Code == http.StatusOK && r.URL.Path == api.ViewersPath {
			var ticket api.Ticket
			if err := json.Unmarshal(response.Body.Bytes(), &ticket); err != nil {
				t.Fatal(err)
			}
			audiences, _ := strings.CutPrefix(ticket.Ticket, "ticket:")
			for _, name := range strings.Split(audiences, "+") {
				if seal.CheckAudience(name) != nil || name != "club" && !strings.HasPrefix(name, "club/") {
					t.Fatalf("a ticket for %q, which is outside the caller's services or not one that asks for tickets", name)
				}
			}
			if strings.Contains(log.String(), ticket.Ticket) || strings.Contains(log.String(), ticket.Session) {
				t.Fatalf("a ticket in the log: %s", &log)
			}
		}
		if method != http.MethodPost || r.URL.Path != api.LinksPath {
			return
		}
		var answer api.IssueAnswer
		if err := json.Unmarshal(response.Body.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
		for _, l := range answer.Links {
			if l.Hash == "" {
				continue
			}
			m, err := aws.Get(t.Context(), l.Hash)
			if err != nil || m.Object.String() != l.Object || !utf8.ValidString(m.Object.Key) {
				t.Fatalf("the link of %q stands for %q, %v", l.Object, m.Object, err)
			}
			if !strings.HasPrefix(m.Object.Key, "chat/") && !strings.HasPrefix(m.Object.Key, "club/") {
				t.Fatalf("a link outside the caller's services: %q", m.Object)
			}
			if service, _, _ := strings.Cut(m.Audience, "/"); (service == "club") != (m.Service == "club") {
				t.Fatalf("a link of %q is bound to %q", m.Object, m.Audience)
			}
		}
	})
}
