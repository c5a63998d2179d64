package console

import (
	"crypto/subtle"
	"net"
	"net/http"
	"strings"
)

// tokenHeader carries the page's token. That it is no header of a plain form alone has browsers ask first (CORS
// preflight), which is never granted.
const tokenHeader = "X-Console-Token"

// pageRules is the page's own Content-Security-Policy: nothing but our files, and no way from a string to markup or
// code. Pictures that were fetched through the CDN are blobs.
const pageRules = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'"

// ServeHTTP answers a browser on this machine, and nobody else.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", pageRules)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if status, reason := c.refuse(r); status != 0 {
		fail(w, status, reason)
		return
	}
	c.mux.ServeHTTP(w, r)
}

// refuse says why a request is not answered, or 0.
func (c *Console) refuse(r *http.Request) (status int, reason string) {
	// A name that leads here is a rebound one: our page is asked for by address.
	if !loopback(hostname(r.Host)) {
		return http.StatusMisdirectedRequest, "open the console by its address, http://127.0.0.1:<port>" + Path
	}
	if origin := r.Header.Get("Origin"); origin != "" && origin != "http://"+r.Host {
		return http.StatusForbidden, "another page must not use the console"
	}
	if !strings.HasPrefix(r.URL.Path, Path+"/api/") {
		return 0, ""
	}
	// https://developer.mozilla.org/docs/Web/HTTP/Headers/Sec-Fetch-Site: "none"
	// is the user's own doing, such as an address typed in.
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return http.StatusForbidden, "another page must not use the console"
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return 0, ""
	}
	if subtle.ConstantTimeCompare([]byte(r.Header.Get(tokenHeader)), []byte(c.token)) != 1 {
		return http.StatusForbidden, "the console was restarted since this page was loaded: load it again"
	}
	return 0, ""
}

func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.Trim(host, "[]")
}
