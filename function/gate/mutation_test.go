package gate_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestEveryLineOfTheGateMatters breaks the gate once in each place and expects
// the rules to notice: a rule that nothing holds up would be a hole.
func TestEveryLineOfTheGateMatters(t *testing.T) {
	all := rules(t)
	for _, tt := range []struct{ name, line, broken string }{
		{"the path has one length", "link.length !== linkLength || ", ""},
		{"the path has one spelling", " || prefix + link.toString('base64url') + variant !== uri", ""},
		{"the path begins with the prefix", "prefix + link.toString('base64url') + variant !== uri",
			"link.toString('base64url') !== hash"},
		{"the photo itself is known", "variant !== '' && variant !== '/download' && settings()",
			"variant !== '/download' && settings()"},
		{"the attachment is known", "variant !== '/download' && settings()", "settings()"},
		{"variants are known", "settings().variants.indexOf(variant) < 0", "true"},
		{"unknown variants are none", "settings().variants.indexOf(variant) < 0", "false"},
		{"the first variant is known", "settings().variants.indexOf(variant) < 0",
			"settings().variants.indexOf(variant) <= 0"},
		{"an unknown variant is told from the first", "settings().variants.indexOf(variant) < 0",
			"settings().variants.indexOf(variant) < -1"},
		{"a variant follows a slash", "settings().variants.indexOf(variant) < 0",
			"settings().variants.indexOf('/' + variant.slice(1)) < 0"},
		{"the seal is checked", "!isSealed(macOf(key), link, sealOffset)", "false"},
		{"a generation without a key is forged", "key === null || !isSealed(macOf(key), link", "!isSealed(macOf(key), link"},
		{"every byte of the seal counts", "difference |= ", "difference = "},
		{"the first byte of the seal counts", "let i = length; i < bytes.length", "let i = length + 1; i < bytes.length"},
		{"the last byte of the seal counts", "i < bytes.length; i++", "i < bytes.length - 1; i++"},
		{"all of the body is sealed", "bytes.subarray(0, length)", "bytes.subarray(0, length - 1)"},
		{"all of the seal is checked", "sealOffset = 16", "sealOffset = 17"},
		{"the expiry is checked", "if (hasExpired(link))", "if (false)"},
		{"a link is dead in the second of its expiry", "Date.now() >= ", "Date.now() > "},
		{"the expiry is in seconds", "readUInt32BE(1) * 1000", "readUInt32BE(1) * 1001"},
		{"the expiry is read unsigned", "bytes.readUInt32BE(1) * 1000", "(bytes.readUInt32BE(1) | 0) * 1000"},
		{"an expired link is known from its seal first", "key === null || !isSealed(macOf(key), link, sealOffset)",
			"!hasExpired(link) && !isSealed(macOf(key), link, sealOffset)"},
		{"keys that are gone are noticed", "if (there || !ring) {", "if (there) {"},
		{"revocations are looked up", "const revoked = await kvs.exists('r.' + hash);", "const revoked = false;"},
		{"revocations are under their name", "'r.' + hash", "'r-' + hash"},
		{"a revoked link is refused", "revoked ? notFound() : plain", "plain"},
		{"a policy that is not known is refused", "policy > 1", "false"},
		{"the last policy that is known is 1", "policy > 1", "policy > 2"},
		{"the policy has its place", "policyOffset = 5", "policyOffset = 6"},
		{"the hash names its key", "kvs.get('k.' + link[0])", "kvs.get('k.2')"},
		{"keys are under their name", "kvs.get('k.' + link[0])", "kvs.get('k-' + link[0])"},
		{"a missing key is no failure", "if (there || !ring) {", "if (true) {"},
		{"a broken read is no missing key", "if (there || !ring) {", "if (!ring) {"},
		{"a broken read of the link's key fails", "await mustBeMissing(kvs, link[0]);", ""},
		{"a broken read of the ticket's key fails", "await mustBeMissing(kvs, ticket[0]);", ""},
		{"the missing key is looked for under its name", "kvs.exists('k.' + generation)", "kvs.exists('k-' + generation)"},
		{"a malformed key is a failure", "throw new Error('malformed key');", ""},
		{"a key has one length", "keyLength = 64", "keyLength = 63"},
		{"a failure ends the function", "throw new Error('gate: failed at ' + doing)", "return request"},
		{"a failure is no refusal", "throw new Error('gate: failed at ' + doing)", "return notFound()"},
		{"no refusal is cached", "'cache-control': { value: 'no-store' },", ""},
		{"a refusal is text", "'text/plain; charset=utf-8'", "'text/html'"},
		{"an expired link answers 403", "answer(403, ", "answer(404, "},
		{"a forged link answers 404", "answer(404, ", "answer(403, "},
		{"an expired link is told so", "'This link has expired.\\n'", "'Not found.\\n'"},

		{"a bound link needs a ticket", "policy === 1 && ", "false && "},
		{"an unbound link needs none", "policy === 1 && ", ""},
		{"a preflight needs no ticket", " && request.method !== 'OPTIONS'", ""},
		{"only a preflight needs none", "request.method !== 'OPTIONS'", "request.method === 'GET'"},
		{"no ticket is refused", "if (ticket === null)", "if (false)"},
		{"a ticket for others is refused", "!admits(ticket, link)", "false"},
		{"it answers 401", "answer(401, ", "answer(404, "},
		{"401 says what to send", "if (settings().bearer) {", "if (false) {"},
		{"401 says to sign in", "'Sign in to see this.\\n'", "'Not found.\\n'"},
		{"bearer is a carrier", "allowed.bearer && authorization &&", "false &&"},
		{"bearer is a scheme", " && authorization.value.slice(0, 7).toLowerCase() === 'bearer '", ""},
		{"a scheme has capitals or not", ".toLowerCase() === 'bearer '", " === 'Bearer '"},
		{"a scheme is no part of the ticket", "authorization.value.slice(7)", "authorization.value.slice(6)"},
		{"the query is a carrier", "allowed.query && ", "false && "},
		{"the query has a name", "allowed.query && request.querystring.ticket",
			"allowed.query && request.querystring.Ticket"},
		{"the cookie is a carrier", "allowed.cookie && cookie ? cookie.value : ''", "''"},
		{"the cookie has a name", "'__Secure-viewer'", "'viewer'"},
		{"a long ticket is not read", "text.length > ticketCharacters", "text.length > ticketCharacters - 1"},
		{"a ticket has one audience at least", "length <= audiencesOffset || ", ""},
		{"a ticket has whole audiences", "(length - audiencesOffset) % audienceLength !== 0 ||", ""},
		{"a ticket has one spelling", " ||\n        ticket.toString('base64url') !== text", ""},
		{"a ticket names its key", "kvs.get('k.' + ticket[0])", "kvs.get('k.' + generation)"},
		{"a ticket without a key has not the link's", "secret = null;", ""},
		{"a ticket of another key is told from the link's", "ticket[0] !== generation", "false"},
		{"a ticket without a key is forged", "secret === null || ", ""},
		{"the seal of a ticket is checked", "!isSealed(macOf(secret).update(ticketWords), ticket, length)", "false"},
		{"the words are sealed", ".update(ticketWords)", ""},
		{"the words are those", "'viewer ticket 1\\n'", "'viewer ticket 2\\n'"},
		{"the expiry of a ticket is checked", " || hasExpired(ticket)", ""},
		{"sessions are looked up", "const ended = await kvs.exists('s.' + ", "const ended = await kvs.exists('s-' + "},
		{"a session has its place", "ticket.subarray(sessionOffset, audiencesOffset)",
			"ticket.subarray(sessionOffset + 1, audiencesOffset)"},
		{"an ended session is refused", "ended ? null : ticket", "ticket"},
		{"the audience of a link has its place", "audienceOffset = 6", "audienceOffset = 7"},
		{"the first audience counts", "let i = audiencesOffset; ", "let i = audiencesOffset + audienceLength; "},
		{"the last audience counts", "i < ticket.length - ticketSealLength; i += ",
			"i < ticket.length - ticketSealLength - audienceLength; i += "},
		{"only audiences count", "i < ticket.length - ticketSealLength; i += audienceLength",
			"i < ticket.length - ticketSealLength; i++"},

		{"no query goes on", "request.querystring = {};", ""},
		{"no cookie goes on", "request.cookies = {};", ""},
		{"no authorization goes on", "delete request.headers.authorization;", ""},
		{"no Accept of a photo goes on", "delete request.headers.accept;", ""},
		{"Accept of a variant is reduced", "reduced(accept ? accept.value : '')", "accept ? accept.value : ''"},
		{"a variant has an Accept", "request.headers.accept = { value:", "request.headers.other = { value:"},
		{"the attachment has none", " && variant !== '/download') {", ") {"},
		{"no Accept is no failure", "accept ? accept.value : ''", "accept.value"},
		{"a long Accept is not read", "accept.length > 1000 ? [] : ", ""},
		{"formats have capitals or not", "accept.toLowerCase()", "accept"},
		{"formats are whole words", "parameters[0].trim() === format", "parameters[0].indexOf(format) >= 0"},
		{"spaces do not count", "parameters[0].trim()", "parameters[0]"},
		{"a refused format is not chosen", "!parameters.some(", "parameters.some("},
		{"q is the weight", "parts[0].trim() === 'q' && ", ""},
		{"a weight of zero refuses", "Number(parts[1]) === 0", "false"},
		{"a weight of zero has any length", "Number(parts[1]) === 0", "parts[1] === '0'"},
		{"other viewers get what all can show", "best || '*/*'", "best || 'image/webp'"},
		{"the best format comes first", "settings().formats.find(", "settings().formats.reverse().find("},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.NotEqual(t, tt.line, tt.broken)
			require.Equal(t, 1, strings.Count(source(t), tt.line), "this line is to be found once: %s", tt.line)
			g := newGate(t, strings.Replace(source(t), tt.line, tt.broken, 1))
			noticed := slices.ContainsFunc(all, func(r rule) bool { return r.broken(t, g) != "" })
			assert.True(t, noticed, "no rule noticed")
		})
	}
}
