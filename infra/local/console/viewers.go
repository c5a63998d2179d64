package console

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"secure-media-cdn/function/seal"
)

// signedIn is a viewer who has a ticket.
type signedIn struct {
	Viewer    string   `json:"viewer"`
	Audiences []string `json:"audiences"`
	Ticket    string   `json:"ticket"`
	Session   string   `json:"session"`
	// CookieDomain is where browsers send the ticket by themselves, empty if nowhere.
	CookieDomain string    `json:"cookieDomain"`
	ExpiresAt    time.Time `json:"expiresAt"`
}

// serveSignIn asks the issuer for a ticket for {"viewer"} of the {"audiences"}, as an application does once it knows
// who somebody is. The browser gets the cookie, too, where the stack has a domain for cookies that the page is below.
func (c *Console) serveSignIn(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Viewer    string   `json:"viewer"`
		Audiences []string `json:"audiences"`
	}
	if !readJSON(w, r, &in) {
		return
	}
	t, err := c.options.Issuer.Ticket(r.Context(), in.Viewer, in.Audiences, 0)
	if err != nil {
		fail(w, http.StatusBadGateway, err.Error())
		return
	}
	s := signedIn{Viewer: in.Viewer, Audiences: in.Audiences, Ticket: t.Ticket, Session: t.Session, ExpiresAt: t.ExpiresAt}
	if t.Cookie != "" {
		w.Header().Set("Set-Cookie", t.Cookie)
		cookie, err := http.ParseSetCookie(t.Cookie)
		if err != nil {
			fail(w, http.StatusBadGateway, "the issuer's cookie is none")
			return
		}
		s.CookieDomain = cookie.Domain
	}
	reply(w, http.StatusOK, s)
}

// serveSignOut ends a viewer's session, and takes the cookie away.
func (c *Console) serveSignOut(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Session      string `json:"session"`
		CookieDomain string `json:"cookieDomain"`
	}
	if !readJSON(w, r, &in) {
		return
	}
	if err := c.options.Issuer.EndSession(r.Context(), in.Session); err != nil {
		fail(w, http.StatusBadGateway, err.Error())
		return
	}
	if in.CookieDomain != "" && !strings.ContainsAny(in.CookieDomain, "; ,\r\n") {
		w.Header().Set("Set-Cookie", seal.SetCookie("", in.CookieDomain, 0))
	}
	reply(w, http.StatusOK, struct{}{})
}

// carry puts a ticket into a request in each way that there is: the page does not know which of them the stack takes.
func carry(r *http.Request, ticket string) {
	if ticket == "" {
		return
	}
	r.Header.Set("Authorization", "Bearer "+ticket)
	r.Header.Set("Cookie", seal.TicketCookie+"="+ticket)
	r.URL.RawQuery = seal.TicketQuery + "=" + url.QueryEscape(ticket)
}
