package cloudfrontjs

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"
	"time"

	"github.com/dop251/goja"
)

// prelude makes a goja runtime look like CloudFront's.
//
//go:embed prelude.js
var prelude string

var preludeProgram = goja.MustCompile("prelude.js", prelude, true)

// engine is one JavaScript runtime. It runs one event at a time.
type engine struct {
	vm  *goja.Runtime
	now time.Time // what Date says for the length of a run
	// invoke calls the handler with an event in JSON and returns what it returns;
	// stringify makes JSON of a request or a response.
	invoke, stringify goja.Callable
}

func newEngine(f *Function) (*engine, error) {
	e := &engine{vm: goja.New()}
	e.vm.SetTimeSource(func() time.Time { return e.now })
	body, err := e.vm.RunProgram(f.program)
	if err != nil {
		return nil, fmt.Errorf("loading the function: %w", err)
	}
	setUp, err := e.vm.RunProgram(preludeProgram)
	if err != nil {
		return nil, fmt.Errorf("preparing the runtime: %w", err)
	}
	call, _ := goja.AssertFunction(setUp)
	calls, err := call(goja.Undefined(), body, e.natives(f), e.vm.ToValue(features()))
	if err != nil {
		return nil, fmt.Errorf("preparing the runtime: %w", err)
	}
	e.invoke, _ = goja.AssertFunction(calls.(*goja.Object).Get("invoke"))
	e.stringify, _ = goja.AssertFunction(calls.(*goja.Object).Get("stringify"))
	return e, nil
}

// run hands an event to the handler, which may be an async function or not.
// When the call returns, goja has also run everything that was waiting for a
// promise, so there is nothing to wait for.
func (e *engine) run(event string) (string, error) {
	result, err := e.invoke(goja.Undefined(), e.vm.ToValue(event))
	if err != nil {
		return "", err
	}
	if promise, ok := result.Export().(*goja.Promise); ok {
		switch promise.State() {
		case goja.PromiseStateRejected:
			return "", thrown(promise.Result())
		case goja.PromiseStatePending:
			return "", errors.New("the function waits for a promise that nothing will keep")
		}
		result = promise.Result()
	}
	text, err := e.stringify(goja.Undefined(), result)
	if err != nil {
		return "", err
	}
	return text.String(), nil
}

// thrown turns what a function threw into an error, with its stack if it has one.
func thrown(value goja.Value) error {
	if object, ok := value.(*goja.Object); ok {
		if stack := object.Get("stack"); stack != nil {
			return errors.New(strings.TrimSpace(stack.String()))
		}
	}
	return fmt.Errorf("the function threw %s", value)
}

// natives are the Go functions that the prelude builds the modules upon. They
// take goja's own calling convention: through reflection each would cost as
// much as the rest of a run.
func (e *engine) natives(f *Function) *goja.Object {
	object := e.vm.NewObject()
	define := func(name string, native func(args []goja.Value) (any, error)) {
		// Setting a new property of a plain object cannot fail.
		_ = object.Set(name, func(call goja.FunctionCall) goja.Value {
			result, err := native(call.Arguments)
			if err != nil {
				panic(e.vm.NewGoError(err)) // goja throws it in JavaScript
			}
			return e.vm.ToValue(result)
		})
	}
	define("print", func(args []goja.Value) (any, error) {
		f.print(args[0].String())
		return nil, nil
	})
	define("hasStore", func([]goja.Value) (any, error) { return f.store != nil, nil })
	define("read", func(args []goja.Value) (any, error) { return f.read(args[0].String()) })
	define("digest", func(args []goja.Value) (any, error) {
		newHash, err := algorithmOf(args[0].String())
		if err != nil {
			return nil, err
		}
		h := newHash()
		h.Write(bytesOf(args[1]))
		return e.vm.NewArrayBuffer(h.Sum(nil)), nil
	})
	define("hmac", func(args []goja.Value) (any, error) {
		newHash, err := algorithmOf(args[0].String())
		if err != nil {
			return nil, err
		}
		h := hmac.New(newHash, bytesOf(args[1]))
		h.Write(bytesOf(args[2]))
		return e.vm.NewArrayBuffer(h.Sum(nil)), nil
	})
	define("decode", func(args []goja.Value) (any, error) {
		b, err := decode(args[0].String(), args[1].String())
		return e.vm.NewArrayBuffer(b), err
	})
	define("encode", func(args []goja.Value) (any, error) {
		return encode(bytesOf(args[0]), args[1].String())
	})
	return object
}

// bytesOf returns the bytes of a Uint8Array; the prelude passes nothing else.
func bytesOf(v goja.Value) []byte {
	b, _ := v.Export().([]byte)
	return b
}

// read returns a value of the key value store, or undefined.
func (f *Function) read(key string) (any, error) {
	if faulty, ok := f.store.(Faulty); ok {
		if err := faulty.Fault(key); err != nil {
			return nil, err
		}
	}
	if value, found := f.store.Get(key); found {
		return value, nil
	}
	return goja.Undefined(), nil
}

func algorithmOf(name string) (func() hash.Hash, error) {
	switch name {
	case "md5":
		return md5.New, nil
	case "sha1":
		return sha1.New, nil
	case "sha256":
		return sha256.New, nil
	}
	return nil, fmt.Errorf("not supported algorithm: %q", name)
}

func encode(data []byte, encoding string) (string, error) {
	switch encoding {
	case "utf8":
		return strings.ToValidUTF8(string(data), "\ufffd"), nil
	case "hex":
		return hex.EncodeToString(data), nil
	case "base64":
		return base64.StdEncoding.EncodeToString(data), nil
	case "base64url":
		return base64.RawURLEncoding.EncodeToString(data), nil
	}
	return "", fmt.Errorf("unknown encoding: %q", encoding)
}

// decode is as lenient as Buffer.from: it reads up to the first character that
// does not belong, and drops what is left over.
func decode(text, encoding string) ([]byte, error) {
	switch encoding {
	case "utf8":
		return []byte(text), nil
	case "hex":
		text = text[:prefixOf(text, "0123456789abcdefABCDEF")&^1]
		return hex.DecodeString(text)
	case "base64":
		return decodeBase64(base64.RawStdEncoding, text, "+/")
	case "base64url":
		return decodeBase64(base64.RawURLEncoding, text, "-_")
	}
	return nil, fmt.Errorf("unknown encoding: %q", encoding)
}

func decodeBase64(encoding *base64.Encoding, text, last string) ([]byte, error) {
	text = text[:prefixOf(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"+last)]
	if len(text)%4 == 1 {
		text = text[:len(text)-1]
	}
	return encoding.DecodeString(text)
}

// prefixOf returns the length of the longest prefix of text that consists of
// the characters in set.
func prefixOf(text, set string) int {
	if i := strings.IndexFunc(text, func(r rune) bool { return !strings.ContainsRune(set, r) }); i >= 0 {
		return i
	}
	return len(text)
}
