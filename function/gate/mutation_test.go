package gate_test

import (
	"strings"
	"testing"

	"secure-media-cdn/function/gate"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestEveryLineOfTheGateMatters breaks the gate once in each place and expects
// the rules to notice: a rule that nothing holds up would be a hole.
func TestEveryLineOfTheGateMatters(t *testing.T) {
	all := rules(t)
	for _, tt := range []struct{ name, line, broken string }{
		{"preflights pass", "request.method === 'OPTIONS'", "false"},
		{"only preflights pass", "request.method === 'OPTIONS'", "request.method !== 'GET'"},
		{"the path has one length", "request.uri.length !== pathLength || ", ""},
		{"the path has one spelling", " || prefix + link.toString('base64url') !== request.uri", ""},
		{"the path begins with the prefix", "prefix + link.toString('base64url') !== request.uri", "link.toString('base64url') !== hash"},
		{"the seal is checked", "!isSealed(link, secret)", "false"},
		{"an unknown key id is forged", "secret === null || ", ""},
		{"every byte of the seal counts", "difference |= ", "difference = "},
		{"the first byte of the seal counts", "let i = 0; i < sealLength", "let i = 1; i < sealLength"},
		{"the last byte of the seal counts", "i < sealLength", "i < sealLength - 1"},
		{"all of the body is sealed", "link.subarray(0, sealOffset)", "link.subarray(0, sealOffset - 1)"},
		{"the expiry is checked", "Date.now() >= link.readUInt32BE(1) * 1000", "false"},
		{"a link is dead in the second of its expiry", "Date.now() >= link", "Date.now() > link"},
		{"the expiry is in seconds", "readUInt32BE(1) * 1000", "readUInt32BE(1) * 1001"},
		{"the expiry is read unsigned", "link.readUInt32BE(1) * 1000", "(link.readUInt32BE(1) | 0) * 1000"},
		{"an expired link is known from its seal first", "secret === null || !isSealed(link, secret)", "Date.now() < link.readUInt32BE(1) * 1000 && !isSealed(link, secret)"},
		{"revocations are looked up", "const revoked = await kvs.exists('r.' + hash);", "const revoked = false;"},
		{"revocations are under their name", "'r.' + hash", "'r-' + hash"},
		{"a revoked link is refused", "revoked ? notFound() : request", "request"},
		{"the current key opens", "current.id === id", "false"},
		{"the current key opens only its own", "current.id === id", "true"},
		{"the current key has its name", "kvs.get('k.current')", "kvs.get('k.actual')"},
		{"the previous key opens", "previous.id === id ? previous.secret : null", "null"},
		{"a missing previous key is no failure", "if (!rotated)", "if (false)"},
		{"a malformed key is a failure", "throw new Error('malformed key')", "return { id: 0, secret: '' }"},
		{"a key has one form", "{64})$/", "{63,65})$/"},
		{"a key's id has one form", "^([1-9][0-9]{0,2})", "^([0-9]{0,4})"},
		{"a failure refuses", "const busy = answer(503, 'Service Unavailable', 'Try again later.\\n');", "return request;\nconst busy = {};"},
		{"a failure is logged", "console.log('gate: failed at ' + doing + '; refusing every link');", ""},
		{"a failure says when to try again", "busy.headers['retry-after'] = { value: '2' };", ""},
		{"no refusal is cached", "'cache-control': { value: 'no-store' },", ""},
		{"a refusal is text", "'text/plain; charset=utf-8'", "'text/html'"},
		{"an expired link answers 403", "answer(403, ", "answer(404, "},
		{"a forged link answers 404", "answer(404, ", "answer(403, "},
		{"an expired link is told so", "'This link has expired.\\n'", "'Not found.\\n'"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, 1, strings.Count(gate.Source, tt.line), "this line is to be found once: %s", tt.line)
			g := newGate(t, strings.Replace(gate.Source, tt.line, tt.broken, 1))
			noticed := 0
			for _, r := range all {
				if r.broken(t, g) != "" {
					noticed++
				}
			}
			assert.Positive(t, noticed, "no rule noticed")
		})
	}
}
