package cloudfrontjs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"secure-media-cdn/infra/local/cloudfrontjs"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// evaluate returns the JSON of a value that a function computes from an event,
// or the error. body may use await and the modules cf and crypto.
func evaluate(t *testing.T, store cloudfrontjs.KeyValueStore, body string) (string, error) {
	t.Helper()
	source := "import cf from 'cloudfront';\nimport crypto from 'crypto';\nasync function handler(event) { " + body + " }"
	f, err := cloudfrontjs.New(source, store,
		cloudfrontjs.WithClock(func() time.Time { return time.Unix(1_800_000_000, 5e6) }))
	require.NoError(t, err)
	result, err := f.Run(context.Background(), []byte(`{"request":{"method":"GET","uri":"/a"}}`))
	return string(result), err
}

func TestValues(t *testing.T) {
	store := &cloudfrontjs.MapStore{}
	store.Update(map[string]string{"text": "é1", "json": `{"a":[1]}`})
	for _, tt := range []struct{ name, expression, want string }{
		{"the event", `event.request`, `{"method":"GET","uri":"/a"}`},
		{"the clock", `Date.now()`, `1800000000005`},
		{"the clock of a new date", `new Date().getTime()`, `1800000000005`},
		{"a hash as text", `crypto.createHash('sha256').update('a').update('bc').digest('hex')`,
			`"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"`},
		{"a hash by md5", `crypto.createHash('md5').update('abc').digest('base64')`, `"kAFQmDzST7DWlj99KOF/cg=="`},
		{"a hash by sha1", `crypto.createHash('sha1').update('abc').digest('base64url')`, `"qZk-NkcGgWq6PiVxeFDCbJzQ2J0"`},
		{"a hash as Buffer", `crypto.createHash('md5').update('abc').digest()[0]`, `144`},
		{"RFC 4231, test case 2", `crypto.createHmac('sha256', 'Jefe').update('what do ya want for nothing?').digest('hex')`,
			`"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"`},
		{"a MAC over bytes with a key of bytes",
			`crypto.createHmac('sha256', Buffer.from('4a656665', 'hex')).update(Buffer.from('what do ya want for ` +
				`nothing?')).digest().toString('hex')`, `"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"`},
		{"Buffer from base64url", `Buffer.from('-_8', 'base64url').toString('hex')`, `"fbff"`},
		{"Buffer from base64", `Buffer.from('+/8=', 'base64').toString('hex')`, `"fbff"`},
		{"base64url stops at a strange character", `Buffer.from('AAAA+AAA', 'base64url').length`, `3`},
		{"hex stops at a strange character", `Buffer.from('abzz12', 'hex').toString('hex')`, `"ab"`},
		{"hex drops half a byte", `Buffer.from('abc', 'hex').toString('hex')`, `"ab"`},
		{"base64url drops a single character", `Buffer.from('AAAAA', 'base64url').length`, `3`},
		{"what is hashed is the data at the time",
			`(function () { const b = Buffer.from('abc'); const h = crypto.createHash('md5').update(b); b[0] = 0; return ` +
				`h.digest('hex'); })()`, `"900150983cd24fb0d6963f7d28e17f72"`},
		{"Buffer of text", `Buffer.from('é').toString('hex')`, `"c3a9"`},
		{"Buffer as text", `Buffer.from('c3a9ff', 'hex').toString()`, `"é�"`},
		{"Buffer from bytes", `Buffer.from([1, 2, 255]).toString('hex')`, `"0102ff"`},
		{"part of a Buffer", `Buffer.from('0102030405', 'hex').subarray(1, 3).toString('hex')`, `"0203"`},
		{"text of a part", `Buffer.from('abcdef').toString('utf8', 1, 3)`, `"bc"`},
		{"a big-endian number", `Buffer.from('00ffffffff', 'hex').readUInt32BE(1)`, `4294967295`},
		{"a short big-endian number", `Buffer.from('0102', 'hex').readUInt16BE(0)`, `258`},
		{"Buffers joined", `Buffer.concat([Buffer.from('a'), Buffer.alloc(1), Buffer.from('b')]).toString('hex')`,
			`"610062"`},
		{"equal Buffers", `Buffer.from('a').equals(Buffer.from('a'))`, `true`},
		{"different Buffers", `Buffer.from('a').equals(Buffer.from('ab'))`, `false`},
		{"a Buffer", `Buffer.isBuffer(Buffer.alloc(1)) && !Buffer.isBuffer('')`, `true`},
		{"a length in bytes", `Buffer.byteLength('é')`, `2`},
		{"a value of the store", `await cf.kvs().get('text')`, `"é1"`},
		{"a value as JSON", `await cf.kvs().get('json', { format: 'json' })`, `{"a":[1]}`},
		{"a value as bytes", `(await cf.kvs().get('text', { format: 'bytes' })).length`, `3`},
		{"a key that is there", `await cf.kvs().exists('text')`, `true`},
		{"a key that is not there", `await cf.kvs().exists('texts')`, `false`},
		{"required modules", `require('crypto') === crypto && require('buffer').Buffer === Buffer`, `true`},
		{"undocumented members are gone",
			`[typeof [].flat, typeof ''.matchAll, typeof Array.from, typeof Object.fromEntries, typeof ''.at, typeof [].values]`,
			`["undefined","undefined","undefined","undefined","undefined","undefined"]`},
		{"documented members are there",
			`[typeof [].find, typeof ''.padStart, typeof Array.of, typeof Object.entries, typeof ''.charCodeAt, typeof ` +
				`Promise.any]`, `["function","function","function","function","function","function"]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := evaluate(t, store, "const value = "+tt.expression+"; return { value: value };")
			require.NoError(t, err)
			assert.JSONEq(t, `{"value":`+tt.want+`}`, got)
		})
	}
}

func TestErrors(t *testing.T) {
	store := &cloudfrontjs.MapStore{}
	store.Put("a", "1")
	store.FailReads(func(key string) error {
		if key == "broken" {
			return errors.New("the store is down")
		}
		return nil
	})
	for _, tt := range []struct{ name, body, wantErr string }{
		{"a thrown error, with its line", "\nthrow new Error('no');", "function.js:4:"},
		{"a thrown value", "throw 7;", "the function threw 7"},
		{"a missing key", "const v = await cf.kvs().get('missing'); return v;", "KeyNotFound"},
		{"a store that fails get", "const v = await cf.kvs().get('broken'); return v;", "the store is down"},
		{"a store that fails exists", "const v = await cf.kvs().exists('broken'); return v;", "the store is down"},
		{"an unknown format", "const v = await cf.kvs().get('a', { format: 'xml' }); return v;", "unknown format"},
		{"a key that is no string", "const v = await cf.kvs().get(1); return v;", "is a string"},
		{"meta", "const v = await cf.kvs().meta(); return v;", "not modelled"},
		{"an undocumented method of the store", "return cf.kvs().count();", "TypeError"},
		{"an undocumented method of the module", "return cf.updateRequestOrigin({});", "TypeError"},
		{"another algorithm", "return crypto.createHmac('sha512', 'k');", "not supported algorithm"},
		{"another algorithm for hashing", "return crypto.createHash('sha512');", "not supported algorithm"},
		{"another encoding", "return crypto.createHash('md5').digest('latin1');", "Unknown digest encoding"},
		{"two digests", "const h = crypto.createHash('md5'); h.digest(); return h.digest();", "Digest already called"},
		{"an update after the digest", "const h = crypto.createHash('md5'); h.digest(); return h.update('a');",
			"Digest already called"},
		{"data of another type", "return crypto.createHash('md5').update(1);", "not a string or Buffer-like object"},
		{"a key of another type", "return crypto.createHmac('md5', 1);", "key is not a string or Buffer-like object"},
		{"Buffer of another type", "return Buffer.from(1);", "not modelled"},
		{"a filled Buffer", "return Buffer.alloc(1, 2);", "not modelled"},
		{"another encoding of a Buffer", "return Buffer.from('a', 'latin1');", "unknown encoding"},
		{"text in another encoding", "return Buffer.from('a').toString('latin1');", "unknown encoding"},
		{"reading past the end", "return Buffer.alloc(4).readUInt32BE(1);", "outside the buffer"},
		{"another module", "return require('fs');", `Cannot load module "fs"`},
		{"the cloudfront module by require", "return require('cloudfront');", `Cannot load module "cloudfront"`},
		{"eval", "return eval('1');", "dynamic code evaluation"},
		{"Function", "return new Function('return 1');", "dynamic code evaluation"},
		{"Function by a detour", "return handler.constructor('return 1');", "dynamic code evaluation"},
		{"Function by another detour", "return (function () { }).constructor('return 1');", "dynamic code evaluation"},
		{"console.log with a comma", "return console.log('a', 'b');", "one argument"},
		{"another console method", "return console.error('a');", "TypeError"},
		{"writing to a global", "globalThis.cache = 1; return {};", "TypeError"},
		{"writing to a built-in object", "Math.cache = 1; return {};", "TypeError"},
		{"writing to a built-in prototype", "Array.prototype.last = 1; return {};", "TypeError"},
		{"writing to a module", "crypto.cache = 1; return {};", "TypeError"},
		{"writing to a Buffer's prototype", "Buffer.prototype.cache = 1; return {};", "TypeError"},
		{"nothing returned", "", "returned no request and no response"},
		{"a number returned", "return 7;", "returned no request and no response"},
		{"a promise that nothing keeps", "await Promise.race([]); return {};", "nothing will keep"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := evaluate(t, store, tt.body)
			require.ErrorContains(t, err, tt.wantErr)
			assert.Empty(t, got)
		})
	}
	t.Run("no store", func(t *testing.T) {
		_, err := evaluate(t, nil, "return cf.kvs();")
		require.ErrorContains(t, err, "no key value store is associated")
	})
}

func TestPlainFunctionMayBeTheHandler(t *testing.T) {
	f, err := cloudfrontjs.New(handler, nil)
	require.NoError(t, err)
	got, err := f.Run(context.Background(), []byte(`{"request":{"uri":"/a"}}`))
	require.NoError(t, err)
	assert.JSONEq(t, `{"uri":"/a"}`, string(got))
	_, err = f.Run(context.Background(), []byte(`{"request":`))
	require.ErrorContains(t, err, "SyntaxError")
}

func TestEachRunStartsAfresh(t *testing.T) {
	f, err := cloudfrontjs.New("let runs = 0; const seen = {};\nfunction handler(event) { runs++; seen[event.id] = 1; "+
		"return { runs: runs, seen: seen }; }", nil)
	require.NoError(t, err)
	for i := range 3 {
		got, err := f.Run(context.Background(), fmt.Appendf(nil, `{"id":"run%d"}`, i))
		require.NoError(t, err)
		assert.JSONEq(t, fmt.Sprintf(`{"runs":1,"seen":{"run%d":1}}`, i), string(got))
	}
}

func TestEndlessFunctionIsStopped(t *testing.T) {
	f, err := cloudfrontjs.New("function handler(event) { while (event.endless) { } return event; }", nil,
		cloudfrontjs.WithLimit(50*time.Millisecond))
	require.NoError(t, err)
	for range 2 { // an engine that was stopped must not spoil the next run
		_, err = f.Run(context.Background(), []byte(`{"endless":true}`))
		require.ErrorIs(t, err, cloudfrontjs.ErrLimit)
		_, err = f.Run(context.Background(), []byte(`{"endless":false}`))
		require.NoError(t, err)
	}

	f, err = cloudfrontjs.New("function handler(event) { while (true) { } }", nil, cloudfrontjs.WithLimit(time.Minute))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err = f.Run(ctx, []byte(`{}`))
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestLogHasOneLineForEachCall(t *testing.T) {
	var log bytes.Buffer
	f, err := cloudfrontjs.New("function handler(event) { console.log('run ' + event.id); console.log({}); return "+
		"event; }", nil, cloudfrontjs.WithLog(&log))
	require.NoError(t, err)
	var runs sync.WaitGroup
	for i := range 20 {
		runs.Go(func() {
			_, err := f.Run(context.Background(), fmt.Appendf(nil, `{"id":%d}`, i))
			assert.NoError(t, err)
		})
	}
	runs.Wait()
	assert.Equal(t, 20, strings.Count(log.String(), "[object Object]\n"))
	for i := range 20 {
		assert.Equal(t, 1, strings.Count(log.String(), fmt.Sprintf("run %d\n", i)))
	}
}

func TestRunsDoNotMeet(t *testing.T) {
	store := &cloudfrontjs.MapStore{}
	f, err := cloudfrontjs.New(`import cf from 'cloudfront';
		let id = 0;
		async function handler(event) {
			id = event.id;
			const value = await cf.kvs().get('key' + id);
			return { id: id, value: value };
		}`, store)
	require.NoError(t, err)
	var runs sync.WaitGroup
	for i := range 50 {
		store.Put(fmt.Sprint("key", i), fmt.Sprint("value", i))
		runs.Go(func() {
			got, err := f.Run(context.Background(), fmt.Appendf(nil, `{"id":%d}`, i))
			assert.NoError(t, err)
			assert.JSONEq(t, fmt.Sprintf(`{"id":%d,"value":"value%d"}`, i, i), string(got))
		})
	}
	runs.Wait()
}

func TestMapStore(t *testing.T) {
	s := &cloudfrontjs.MapStore{}
	_, found := s.Get("a")
	assert.False(t, found)
	s.Delete("a")
	s.Update(map[string]string{"a": "1", "b": "2"})
	s.Update(map[string]string{"c": "3"}, "a")
	assert.Equal(t, map[string]string{"b": "2", "c": "3"}, s.All())
	s.All()["b"] = "changed"
	value, found := s.Get("b")
	assert.True(t, found)
	assert.Equal(t, "2", value)
	require.NoError(t, s.Fault("b"))
}
