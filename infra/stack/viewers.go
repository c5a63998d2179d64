package stack

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	source "secure-media-cdn/function/gate"
	"secure-media-cdn/function/seal"
	"secure-media-cdn/infra/stack/outputs"
)

// ticketServices returns the names of the services whose links ask for a ticket.
func (c Config) ticketServices() []string {
	var names []string
	for _, s := range c.Services {
		if s.Viewers == outputs.ViewersTicket {
			names = append(names, s.Name)
		}
	}
	return names
}

// carriers returns the ways in which tickets may come: none if no service asks
// for one.
func (c Config) carriers() []source.Carrier {
	if len(c.ticketServices()) == 0 {
		return nil
	}
	return c.ViewerCarriers
}

// carries reports whether tickets may come in a way.
func (c Config) carries(way source.Carrier) bool { return slices.Contains(c.carriers(), way) }

// cookieDomain returns the domain of the cookie that carries tickets, or nothing.
func (c Config) cookieDomain() string {
	if !c.carries(source.Cookie) {
		return ""
	}
	return c.ViewerCookieDomain
}

// gateSettings are what the stack decides about its gate.
func (c Config) gateSettings() source.Settings {
	settings := source.Settings{Carriers: c.carriers(), Variants: c.variantNames()}
	if len(settings.Variants) > 0 {
		settings.Formats = c.ImageFormats
	}
	return settings
}

// viewerCache returns how long a browser keeps what a link that asks for a ticket
// shows, in seconds: never longer than what other links show.
func (c Config) viewerCache() int { return min(c.ViewerCacheSeconds, c.BrowserCacheSeconds) }

func (v *validation) viewers(c Config) {
	for _, s := range c.Services {
		if s.Access == outputs.AccessPublic {
			v.want(s.Viewers == "", "services", s.Name+": "+strconv.Quote(s.Viewers),
				"viewers is for private services; a public one's objects lie open")
			continue
		}
		v.want(s.Viewers == outputs.ViewersLink || s.Viewers == outputs.ViewersTicket, "services",
			s.Name+": "+strconv.Quote(s.Viewers),
			"viewers must be %s or %s", outputs.ViewersLink, outputs.ViewersTicket)
	}
	ways := make([]string, len(c.ViewerCarriers))
	for n, way := range c.ViewerCarriers {
		ways[n] = string(way)
	}
	v.each(ways, "viewerCarriers", func(way string) {
		v.oneOf(way, []string{string(source.Bearer), string(source.Query), string(source.Cookie)}, "viewerCarriers")
	})
	v.want(len(ways) > 0 || len(c.ticketServices()) == 0, "viewerCarriers", "empty",
		"a service asks for tickets (%s), and they must come in some way", strings.Join(c.ticketServices(), ", "))
	v.between(c.ViewerTicketSeconds, int(seal.MinTicketLife/time.Second), int(seal.MaxTicketLife/time.Second),
		"viewerTicketSeconds", "seconds")
	v.want(0 <= c.ViewerCacheSeconds && c.ViewerCacheSeconds <= c.linkTTLSeconds(), "viewerCacheSeconds",
		c.ViewerCacheSeconds, "it must be 0 to linkTtlDays (%d seconds)", c.linkTTLSeconds())
	v.cookie(c)
}

// cookie holds the rules of the cookie that carries tickets. A browser takes it
// only from a name at or below its domain, and never for a domain below which
// anybody can have a name, such as cloudfront.net.
// https://httpwg.org/specs/rfc6265.html#storage-model
func (v *validation) cookie(c Config) {
	domain := c.ViewerCookieDomain
	if !slices.Contains(c.ViewerCarriers, source.Cookie) {
		v.want(domain == "", "viewerCookieDomain", strconv.Quote(domain), "without cookie among viewerCarriers it has no use")
		return
	}
	v.want(len(c.Aliases) > 0, "viewerCarriers", "cookie",
		"it needs aliases: browsers take no cookie for all of cloudfront.net, so an application could not share one with it")
	if domain == "" {
		v.want(false, "viewerCookieDomain", `""`,
			"the carrier cookie needs it: the domain of both the application and the CDN, such as example.com")
		return
	}
	ok := domainForm.MatchString(domain) && !strings.HasPrefix(domain, "*")
	v.want(ok, "viewerCookieDomain", strconv.Quote(domain), "it must be a domain name in lower case, such as example.com")
	if suffix, _ := publicsuffix.PublicSuffix(domain); ok {
		v.want(suffix != domain, "viewerCookieDomain", strconv.Quote(domain),
			"it is a public suffix: anybody can have a name below it, so browsers refuse its cookies")
	}
	for _, alias := range c.Aliases {
		name := strings.TrimPrefix(alias, "*.")
		v.want(name == domain || strings.HasSuffix(name, "."+domain), "viewerCookieDomain", strconv.Quote(domain),
			"the alias %s is not at or below it, so browsers would not send it the cookie", alias)
	}
}
