package cloudfrontjs_test

import (
	"strings"
	"testing"

	"secure-media-cdn/infra/local/cloudfrontjs"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const handler = "function handler(event) { return event.request; }\n"

func TestCheckAcceptsWhatIsDocumented(t *testing.T) {
	const source = `
		import cf from 'cloudfront';
		import crypto from "crypto"
		const buffer = require('buffer');
		const kvs = cf.kvs();
		let count = 0, name = ` + "`nested ${`template ${count}`}`" + `;
		var pattern = /^(?<year>[0-9]+)$/giy;
		async function get(key) {
			const value = await kvs.get(key, { format: 'string' });
			return await kvs.exists(value);
		}
		function rest(first, ...others) { return others.map(x => x ** 2).concat(function () { return arguments; }); }
		function Point(x) { this.x = x; }
		async function handler(event) {
			outer: for (let i = 0; i < 3; i++) {
				for (const key in event) { if (key === 'x') { continue outer; } else { break outer; } }
			}
			do { count += 1; } while (count < 3 && !(await get('a')));
			while (false) { }
			switch (count) { case 1: count--; break; default: count = -count; }
			try { throw new Error(name); } catch (error) { delete event.x; } finally { void 0; }
			const o = { plain: 1, 'quoted': 2, 3: typeof o, get half() { return 1; }, f: function () { return new Point(1); } };
			return count ? event.request : (o, [pattern, Buffer.from('x'), globalThis, encodeURIComponent(''), console.log(1)]);
		}`
	require.NoError(t, cloudfrontjs.Check(source))
}

func TestCheckRefuses(t *testing.T) {
	for _, tt := range []struct{ name, source, wantErr string }{
		{"a class", "class A {}", "line 2: ClassDeclaration is not documented"},
		{"an anonymous class", "const A = class {};", "ClassLiteral"},
		{"destructuring of an object", "const { a } = {};", "ObjectPattern"},
		{"destructuring of an array", "const [a] = [];", "ArrayPattern"},
		{"destructuring in parameters", "function f({ a }) { return a; }", "ObjectPattern"},
		{"a default parameter", "function f(a = 1) { return a; }", "default parameters"},
		{"a default parameter of an arrow function", "const f = (a = 1) => a;", "default parameters"},
		{"spread in a call", "Math.max(...[1]);", "SpreadElement"},
		{"spread in an array", "const a = [...[1]];", "SpreadElement"},
		{"spread in an object", "const a = { ...{} };", "SpreadElement"},
		{"optional chaining", "const a = ({})?.b;", "Optional"},
		{"nullish coalescing", "const a = null ?? 1;", "the operator ??"},
		{"nullish assignment", "let a = null; a ??= 1;", "the operator ??="},
		{"logical and assignment", "let a = null; a &&= 1;", "the operator &&="},
		{"logical or assignment", "let a = null; a ||= 1;", "the operator ||="},
		{"for of", "for (const a of []) { }", "ForOfStatement"},
		{"a generator", "function* g() { }", "generators"},
		{"yield", "function* g() { yield 1; }", "YieldExpression"},
		{"a tagged template", "String.fromCharCode`1`;", "tagged templates"},
		{"an async arrow function", "const f = async () => 1;", "async closures"},
		{"an async function in a function", "function f() { async function g() { } return g; }", "async closures"},
		{"await among arguments", "async function f() { return String(await f()); }",
			"await is not supported among arguments"},
		{"await deep among arguments", "async function f() { return String([1 + (await f())]); }",
			"await is not supported among arguments"},
		{"await among a constructor's arguments", "async function f() { return new String(await f()); }",
			"await is not supported among arguments"},
		{"await at the top", "await 1;", "parsing the function"},
		{"shorthand properties", "const a = 1, b = { a };", "PropertyShort"},
		{"methods in literals", "const a = { b() { return 1; } };", "methods in object literals"},
		{"computed keys", "const a = { ['b']: 1 };", "computed keys"},
		{"catch without a parameter", "try { } catch { }", "catch without a parameter"},
		{"BigInt", "const a = 1n;", "BigInt"},
		{"the flag s", "const a = /./s;", "flags of a regular expression"},
		{"with", "with ({}) { }", "WithStatement"},
		{"debugger", "debugger;", "DebuggerStatement"},
		{"new.target", "function f() { return new.target; }", "MetaProperty"},
		{"dynamic import", "import('crypto');", "parsing the function"},
		{"a named import", "import { kvs } from 'cloudfront';", "parsing the function"},
		{"an export", "export default handler;", "parsing the function"},
		{"an undeclared name", "missing();", "missing is neither declared nor documented"},
		{"a timer", "setTimeout(handler, 1);", "setTimeout is neither"},
		{"fetch", "fetch('https://example.com');", "fetch is neither"},
		{"process", "const a = process.env;", "process is neither"},
		{"Map", "const a = new Map();", "Map is neither"},
		{"Reflect", "Reflect.ownKeys({});", "Reflect is neither"},
		{"a documented name that is not modelled", "atob('');", "atob exists at CloudFront but is not modelled here"},
		{"broken syntax", "function (", "parsing the function"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := cloudfrontjs.Check(handler + tt.source)
			require.ErrorContains(t, err, tt.wantErr)
			_, err = cloudfrontjs.New(handler+tt.source, nil)
			require.ErrorContains(t, err, tt.wantErr)
		})
	}
}

func TestCheckLooksEverywhere(t *testing.T) {
	for _, place := range []string{
		"if (X) { }", "if (1) X;", "if (1) { } else X;", "for (X; ;) { }", "for (let i = X; ;) { }", "for (; X;) { }",
		"for (; ; X) { }",
		"for (const k in X) { }", "while (X) { }", "do { } while (X);", "switch (X) { }", "switch (1) { case X: }",
		"switch (1) { default: X; }",
		"try { X; } catch (e) { }", "try { } catch (e) { X; }", "try { } finally { X; }", "throw X;", "label: X;",
		"var a = X;", "let a = X;",
		"const a = [X];", "const a = { b: X };", "const a = 1 + X;", "const a = -X;", "const a = X ? 1 : 2;",
		"const a = 1 ? X : 2;",
		"const a = `${X}`;", "const a = (1, X);", "const a = X.b;", "const a = X[0];", "const a = [][X];", "String(X);",
		"new String(X);",
		"X();", "const a = () => X;", "const a = () => { return X; };", "const a = function () { return X; };",
		"let a; a = X;", "function f() { return X; }",
		"const a = { get b() { return X; } };",
	} {
		source := strings.ReplaceAll(place, "X", "missing")
		require.ErrorContains(t, cloudfrontjs.Check(handler+source), "line 2: missing", source)
	}
}

func TestCheckListsEveryProblem(t *testing.T) {
	err := cloudfrontjs.Check("const a = [...[]];\n\nmissing();")
	require.ErrorContains(t, err, "line 1: SpreadElement")
	require.ErrorContains(t, err, "line 3: missing")
	require.ErrorContains(t, err, "there is no function named handler")
}

func TestCheckBoundsTheSize(t *testing.T) {
	padding := strings.Repeat(" ", cloudfrontjs.MaxSource-len(handler))
	require.NoError(t, cloudfrontjs.Check(handler+padding))
	err := cloudfrontjs.Check(handler + padding + " ")
	assert.ErrorContains(t, err, "10241 bytes, and CloudFront takes at most 10240")
}
