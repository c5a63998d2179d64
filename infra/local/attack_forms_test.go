package local

import (
	"encoding/base64"
	"strings"

	"github.com/stretchr/testify/require"
)

// furnishForms names what the attacks below speak of.
func (s *scene) furnishForms() {
	s.furnish()
	ticket, ended, other := s.signIn(room), s.signIn(room), s.signIn("discussion", "discussion/room-4")
	require.NoError(s.t, s.issuer().EndSession(s.t.Context(), ended.Session))
	bound, picture := s.boundPicture(room), s.picture(0)
	warm(s.t, bound, "Authorization", "Bearer "+ticket.Ticket)
	for name, value := range map[string]string{
		"bound": bound.Hash, "picture": picture.Hash, "ticket": ticket.Ticket, "ended": ended.Ticket, "other": other.Ticket,
	} {
		s.names[name] = value
	}
}

// formSpellings are ways to write the forms of a link, of which each has one.
var formSpellings = append([]attack{
	{tries: "a variant by the query", send: get("{link}?w=8&variant=w8&format=avif"), want: 200, sees: true},
	{tries: "a variant of what is no picture, which is the photo itself", send: get("/images/{hash}/w8"), want: 302,
		edge: true, read: true, has: []string{"Location: /images/{hash}\r\n"}},
	{tries: "the images function's own headers", want: 200, edge: true, read: true, has: []string{"image/webp"},
		lacks: []string{"evil"},
		send: get("/images/{picture}/w8", "Accept: image/webp", "X-Media-Image-Source: http://evil.example/",
			"X-Media-Image-Variant: width=4096", "X-Media-Image-Photo: //evil.example/", "X-Media-Image-Format: avif",
			"X-Media-Image-Expires: 9999999999", "X-Media-Image-Limits: megapixels=9999,megabytes=9999,frames=9999",
			"X-Media-Variants: w8:width=4096")},
	{tries: "two Accept headers", send: get("/images/{picture}/w8", "Accept: image/webp", "Accept: image/avif"),
		want: 200,
		edge: true, read: true},
	{tries: "an Accept header on two lines", send: get("/images/{picture}/w8",
		"Accept: image/avif,\r\n image/webp"), want: 200,
		edge: true, read: true},
	{tries: "to change a variant", want: 403, each: func(*scene) (sends []string) {
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH"} {
			for _, form := range forms {
				sends = append(sends, request(method, "/images/{picture}/"+form, "Content-Length: 0"))
			}
		}
		return sends
	}},
	{tries: "each form of a link that is not alive", want: 404, each: func(*scene) (sends []string) {
		for _, form := range forms {
			for _, hash := range []string{"{forged}", "{revoked}"} {
				sends = append(sends, get("/images/"+hash+"/"+form), request("HEAD", "/images/"+hash+"/"+form))
			}
		}
		return sends
	}},
	{tries: "each form of an expired link", want: 403, each: func(*scene) (sends []string) {
		for _, form := range forms {
			sends = append(sends, get("/images/{expired}/"+form), get("/images/{expired}/"+form, "If-None-Match: *"),
				get("/images/{expired}/"+form, "Range: bytes=0-0"))
		}
		return sends
	}},
	{tries: "a name of 9,000 characters", send: get("/images/{hash}/w8{long}"), want: 413},
	{tries: "a bare null byte after a name", send: get("/images/{hash}/w8\x00"), want: 400},
	{tries: "a broken escape after a name", send: get("/images/{hash}/w8%"), want: 400},
}, misspelt(
	"/w8/", "//w8", "%2Fw8", "%2fw8", "/W8", "/w8/w8", "/w8/download", "/download/w8", "/w8%20", "/%20w8", "/w8%00",
	"/w8%0a",
	"/w8;a=b", "/w8.png", "/w8.jpg", "/%77%38", "/w%38", "/./w8", "/../w8", "/w8/..", "/w8/../download", "/w8/.", `\w8`,
	"/unknown", "/w9", "/w", "/Download", "/DOWNLOAD", "/download/", "//download", "/download/download", "/%64ownload",
	"/download.jpg", "/download%2f", "/download;a", "/-", "/w8\xc3\xa9", "%EF%BC%8Fw8", "/null", "/__proto__",
	"/constructor",
	"/toString", "/w8,square", "/w8&square", "/[w8]", "/*",
)...)

// misspelt are attacks by endings that no link has, at one that has every form.
func misspelt(endings ...string) (attacks []attack) {
	for _, ending := range endings {
		attacks = append(attacks, attack{tries: "the ending " + strings.ToValidUTF8(ending, "?"), want: 404,
			send: get("/images/{picture}" + ending)})
	}
	return attacks
}

// ticketAttacks are what somebody tries who has a link, and no ticket for it, or
// whose ticket comes in a way that there is not.
var ticketAttacks = []attack{
	{tries: "a bound link alone, in every form", want: 401, has: []string{"Www-Authenticate: Bearer", "no-store"},
		each: everyForm()},
	{tries: "by HEAD", send: request("HEAD", "/images/{bound}"), want: 401},
	{tries: "with a condition that any copy fulfils", send: get("/images/{bound}", "If-None-Match: *"), want: 401},
	{tries: "one byte of it", send: get("/images/{bound}", "Range: bytes=0-0"), want: 401},
	{tries: "only if it is cached", send: get("/images/{bound}", "Cache-Control: only-if-cached"), want: 401},
	{tries: "as a preflight, which shows nothing", want: 204, edge: true, lacks: []string{"image/jpeg"},
		send: request("OPTIONS",
			"/images/{bound}/w8", "Origin: http://localhost:3000", "Access-Control-Request-Method: GET")},
	{tries: "a ticket of an ended session, in every form", want: 401, each: everyForm("Authorization: Bearer {ended}")},
	{tries: "a ticket for others, in every form", want: 404, each: everyForm("Authorization: Bearer {other}")},
	{tries: "a ticket for others as two carriers", want: 404,
		send: get("/images/{bound}?ticket={other}", "Cookie: __Secure-viewer={other}")},
	{tries: "a bad ticket before a good one", want: 401,
		send: get("/images/{bound}", "Authorization: Bearer x", "Cookie: __Secure-viewer={ticket}")},
	{tries: "tickets twice in the query, none of them good", want: 404,
		send: get("/images/{bound}?ticket={other}&ticket={other}")},
	{tries: "ended tickets twice in the query", want: 401, send: get("/images/{bound}?ticket={ended}&ticket={ended}")},
	{tries: "an empty ticket in the query", want: 401, send: get("/images/{bound}?ticket=&ticket")},
	{tries: "a ticket in a parameter of another name", want: 401, each: each(get("/images/{bound}?Ticket={ticket}"),
		get("/images/{bound}?ticket[]={ticket}"), get("/images/{bound}?a=ticket={ticket}"),
		get("/images/{bound}?token={ticket}"),
		get("/images/{bound}?ticket;={ticket}"))},
	{tries: "a ticket after an escaped question mark", send: get("/images/{bound}%3Fticket={ticket}"), want: 404},
	{tries: "a ticket in a fragment", send: get("/images/{bound}#?ticket={ticket}"), want: 404},
	{tries: "a ticket in the path", want: 404, each: each(get("/images/{bound}/{ticket}"),
		get("/images/{bound};ticket={ticket}"),
		get("/images/{ticket}"), get("/{ticket}/images/{bound}"))},
	{tries: "a ticket in a cookie of another name", want: 401, each: each(
		get("/images/{bound}", "Cookie: viewer={ticket}"), get("/images/{bound}", "Cookie: __secure-viewer={ticket}"),
		get("/images/{bound}", "Cookie: __Host-viewer={ticket}"),
		get("/images/{bound}", "Cookie: __Secure-viewer2={ticket}"),
		get("/images/{bound}", `Cookie: a="__Secure-viewer={ticket}"`),
		get("/images/{bound}", "Cookie: a=b, __Secure-viewer={ticket}"),
		get("/images/{bound}", "Set-Cookie: __Secure-viewer={ticket}"))},
	{tries: "cookies twice, none of them good", want: 404,
		send: get("/images/{bound}", "Cookie: __Secure-viewer={other}; __Secure-viewer={other}")},
	{tries: "a ticket in a header of another kind", want: 401, each: each(
		get("/images/{bound}", "Authorization: Basic {ticket}"), get("/images/{bound}", "Authorization: {ticket}"),
		get("/images/{bound}", "Proxy-Authorization: Bearer {ticket}"),
		get("/images/{bound}", "X-Authorization: Bearer {ticket}"),
		get("/images/{bound}", "Referer: http://{host}/images/{bound}?ticket={ticket}"),
		get("/images/{bound}", "X-Ticket: {ticket}"))},
	{tries: "a ticket that is spelled otherwise", want: 401, each: each(
		get("/images/{bound}", "Authorization: Bearer {ticket}="),
		get("/images/{bound}", "Authorization: Bearer {ticket} x"),
		get("/images/{bound}", "Authorization: Bearer, {ticket}"),
		get("/images/{bound}", "Authorization: Bearer x{ticket}"),
		get("/images/{bound}?ticket={ticket}%3D"), get("/images/{bound}?ticket=%20{ticket}"),
		get("/images/{bound}", `Cookie: __Secure-viewer="{ticket}`))},
	{tries: "a link for a ticket", want: 401, each: each(get("/images/{bound}?ticket={bound}"),
		get("/images/{bound}?ticket={hash}"),
		get("/images/{bound}?ticket={bound}{hash}"))},
	{tries: "a ticket of 4,000 characters", want: 401, each: func(*scene) []string {
		return []string{get("/images/{bound}?ticket=" + strings.Repeat("A", 4000)),
			get("/images/{bound}", "Authorization: Bearer "+strings.Repeat("A", 4000))}
	}},
	{tries: "the link with its policy or its audience written over", want: 404, each: func(s *scene) (sends []string) {
		link, err := base64.RawURLEncoding.DecodeString(s.names["bound"])
		require.NoError(s.t, err)
		for at := 5; at < 10; at++ {
			for _, value := range []byte{0, 2, 255} {
				damaged := append([]byte{}, link...)
				damaged[at] = value
				hash := base64.RawURLEncoding.EncodeToString(damaged)
				if value != link[at] {
					sends = append(sends, get("/images/"+hash), get("/images/"+hash, "Authorization: Bearer {ticket}"))
				}
			}
		}
		return sends
	}},
	{tries: "a good ticket at links that need none, which ignore it", want: 200, sees: true,
		send: get("{link}?ticket={ticket}",
			"Authorization: Bearer {other}", "Cookie: __Secure-viewer={ended}")},
}

func each(sends ...string) func(*scene) []string { return func(*scene) []string { return sends } }

// everyForm asks for every form of the bound link, with the headers.
func everyForm(headers ...string) func(*scene) []string {
	return func(*scene) (sends []string) {
		for _, form := range append([]string{""}, forms...) {
			sends = append(sends, get(strings.TrimSuffix("/images/{bound}/"+form, "/"), headers...))
		}
		return sends
	}
}
