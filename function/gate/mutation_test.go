package gate_test

import (
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
		{"the path has one length", "request.uri.length !== pathLength || ", ""},
		{"the path has one spelling", " || prefix + link.toString('base64url') !== request.uri", ""},
		{"the path begins with the prefix", "prefix + link.toString('base64url') !== request.uri",
			"link.toString('base64url') !== hash"},
		{"the seal is checked", "!isSealed(link, key)", "false"},
		{"a generation without a key is forged", "key === null || ", ""},
		{"every byte of the seal counts", "difference |= ", "difference = "},
		{"the first byte of the seal counts", "let i = 0; i < sealLength", "let i = 1; i < sealLength"},
		{"the last byte of the seal counts", "i < sealLength", "i < sealLength - 1"},
		{"all of the body is sealed", "link.subarray(0, sealOffset)", "link.subarray(0, sealOffset - 1)"},
		{"the expiry is checked", "Date.now() >= link.readUInt32BE(1) * 1000", "false"},
		{"a link is dead in the second of its expiry", "Date.now() >= link", "Date.now() > link"},
		{"the expiry is in seconds", "readUInt32BE(1) * 1000", "readUInt32BE(1) * 1001"},
		{"the expiry is read unsigned", "link.readUInt32BE(1) * 1000", "(link.readUInt32BE(1) | 0) * 1000"},
		{"an expired link is known from its seal first", "key === null || !isSealed(link, key)",
			"Date.now() < link.readUInt32BE(1) * 1000 && !isSealed(link, key)"},
		{"keys that are gone are noticed", "if (!ring) {", "if (false) {"},
		{"revocations are looked up", "const revoked = await kvs.exists('r.' + hash);", "const revoked = false;"},
		{"revocations are under their name", "'r.' + hash", "'r-' + hash"},
		{"a revoked link is refused", "revoked ? notFound() : request", "request"},
		{"a policy that is not known is refused", "link[policyOffset] !== 0", "false"},
		{"the policy has its place", "policyOffset = 5", "policyOffset = 6"},
		{"the hash names its key", "'k.' + generation", "'k.2'"},
		{"keys are under their name", "'k.' + generation", "'k-' + generation"},
		{"a missing key is no failure", "if (!there)", "if (false)"},
		{"a broken read is no missing key", "if (!there)", "if (true)"},
		{"a malformed key is a failure", "throw new Error('malformed key')", "return key"},
		{"a key has one length", "keyLength = 64", "keyLength = 63"},
		{"a failure ends the function", "throw new Error('gate: failed at ' + doing)", "return request"},
		{"a failure is no refusal", "throw new Error('gate: failed at ' + doing)", "return notFound()"},
		{"no refusal is cached", "'cache-control': { value: 'no-store' },", ""},
		{"a refusal is text", "'text/plain; charset=utf-8'", "'text/html'"},
		{"an expired link answers 403", "answer(403, ", "answer(404, "},
		{"a forged link answers 404", "answer(404, ", "answer(403, "},
		{"an expired link is told so", "'This link has expired.\\n'", "'Not found.\\n'"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, 1, strings.Count(source(t), tt.line), "this line is to be found once: %s", tt.line)
			g := newGate(t, strings.Replace(source(t), tt.line, tt.broken, 1))
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
