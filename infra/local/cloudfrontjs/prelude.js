// Makes a goja runtime look like cloudfront-js-2.0. Evaluates to a function that
// takes the wrapped source of a CloudFront Function, the Go functions to build
// upon and the tables of what the documentation lists; it takes away everything
// else, and returns how to call the handler and how to write what it returned.
(function (body, native, features) {
    'use strict';
    const { parse, stringify } = JSON;

    // ---- Buffer: the documented part that is modelled -----------------------

    function bytesOf(data, what) {
        if (typeof data === 'string') {
            return new Uint8Array(native.decode(data, 'utf8'));
        }
        if (ArrayBuffer.isView(data)) {
            return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
        }
        throw new TypeError(what + ' is not a string or Buffer-like object');
    }

    class Buffer extends Uint8Array {
        static from(value, encoding) {
            if (typeof value === 'string') {
                return new Buffer(native.decode(value, encoding === undefined ? 'utf8' : encoding));
            }
            if (Array.isArray(value) || ArrayBuffer.isView(value)) {
                return new Buffer(value);
            }
            throw new TypeError('this kind of Buffer.from is not modelled');
        }
        static alloc(size) {
            if (arguments.length > 1) {
                throw new TypeError('Buffer.alloc with a fill is not modelled');
            }
            return new Buffer(size);
        }
        static concat(list) {
            let length = 0;
            list.forEach(part => { length += part.length; });
            const all = new Buffer(length);
            let offset = 0;
            list.forEach(part => { all.set(part, offset); offset += part.length; });
            return all;
        }
        static isBuffer(value) {
            return value instanceof Buffer;
        }
        static byteLength(value, encoding) {
            return typeof value === 'string' ? Buffer.from(value, encoding).length : value.byteLength;
        }
        toString(encoding, start, end) {
            return native.encode(this.subarray(start, end), encoding === undefined ? 'utf8' : encoding);
        }
        equals(other) {
            return this.length === other.length && this.every((byte, i) => byte === other[i]);
        }
        readUInt8(offset) { return this.readUIntBE(offset, 1); }
        readUInt16BE(offset) { return this.readUIntBE(offset, 2); }
        readUInt32BE(offset) { return this.readUIntBE(offset, 4); }
        readUIntBE(offset, length) {
            if (!(offset >= 0 && offset + length <= this.length)) {
                throw new RangeError('index ' + offset + ' is outside the buffer');
            }
            let value = 0;
            for (let i = 0; i < length; i++) {
                value = value * 256 + this[offset + i];
            }
            return value;
        }
    }

    // ---- crypto -------------------------------------------------------------

    class Digest {
        constructor(finish) {
            this.finish = finish;
            this.parts = [];
        }
        update(data) {
            if (this.parts === null) {
                throw new Error('Digest already called');
            }
            // A copy: the caller may change the bytes afterwards.
            this.parts.push(new Uint8Array(bytesOf(data, 'data')));
            return this;
        }
        digest(encoding) {
            if (this.parts === null) {
                throw new Error('Digest already called');
            }
            const all = this.parts.length === 1 ? this.parts[0] : Buffer.concat(this.parts);
            this.parts = null;
            const result = new Buffer(this.finish(all));
            if (encoding === undefined) {
                return result;
            }
            if (encoding !== 'hex' && encoding !== 'base64' && encoding !== 'base64url') {
                throw new TypeError('Unknown digest encoding: ' + encoding);
            }
            return result.toString(encoding);
        }
    }

    const crypto = {
        createHash(algorithm) {
            native.digest(algorithm, new Uint8Array(0)); // throws for an unknown one
            return new Digest(data => native.digest(algorithm, data));
        },
        createHmac(algorithm, key) {
            const secret = new Uint8Array(bytesOf(key, 'key'));
            native.digest(algorithm, new Uint8Array(0));
            return new Digest(data => native.hmac(algorithm, secret, data));
        }
    };

    // ---- cloudfront ---------------------------------------------------------

    // Not async functions: a promise made outright takes half the time.
    const later = Promise.resolve.bind(Promise);
    const never = Promise.reject.bind(Promise);

    function read(key) {
        if (typeof key !== 'string' || key === '') {
            throw new TypeError('a key of the key value store is a string');
        }
        return native.read(key);
    }

    function format(value, options) {
        if (value === undefined) {
            throw new Error('KeyNotFound');
        }
        const name = options === undefined || options.format === undefined ? 'string' : options.format;
        switch (name) {
        case 'string': return value;
        case 'json': return parse(value);
        case 'bytes': return Buffer.from(value);
        default: throw new TypeError('unknown format: ' + name);
        }
    }

    const store = {
        get(key, options) {
            try { return later(format(read(key), options)); } catch (error) { return never(error); }
        },
        exists(key) {
            try { return later(read(key) !== undefined); } catch (error) { return never(error); }
        },
        meta() {
            return never(new Error('meta() is not modelled'));
        }
    };

    const cloudfront = {
        kvs() {
            if (!native.hasStore()) {
                throw new Error('no key value store is associated with this function');
            }
            return store;
        }
    };

    const modules = { crypto: crypto, buffer: { Buffer: Buffer } };

    function require(name) {
        if (!modules.hasOwnProperty(name)) {
            throw new Error('Cannot load module "' + name + '"');
        }
        return modules[name];
    }

    function load(name) {
        return name === 'cloudfront' ? cloudfront : require(name);
    }

    // ---- take away what is not documented -----------------------------------

    function refuse() {
        throw new EvalError('dynamic code evaluation is not supported');
    }
    const AsyncFunction = (async () => {}).constructor;
    AsyncFunction.prototype.constructor = refuse;
    Function.prototype.constructor = refuse;
    globalThis.Function = refuse;
    globalThis.eval = refuse;
    globalThis.Buffer = Buffer;
    globalThis.console = {
        log(message) {
            if (arguments.length > 1) {
                throw new TypeError('console.log takes one argument at CloudFront');
            }
            native.print('' + message);
        }
    };

    const { freeze, getOwnPropertyNames, getPrototypeOf, keys } = Object;
    const always = ['constructor', 'length', 'name', 'prototype'];
    const ofTypedArrays = getPrototypeOf(Uint8Array);
    for (const name of keys(features.members)) {
        const path = name.split('.');
        let object = path[0] === 'TypedArray' ? ofTypedArrays : globalThis[path[0]];
        object = path.length === 1 ? object : object.prototype;
        for (const member of getOwnPropertyNames(object)) {
            if (always.indexOf(member) < 0 && features.members[name].indexOf(member) < 0) {
                delete object[member];
            }
        }
    }
    for (const name of getOwnPropertyNames(globalThis)) {
        if (features.globals.indexOf(name) < 0) {
            delete globalThis[name];
        }
    }
    // Every run starts afresh at CloudFront. Here the runtime is used again, so
    // nothing of it may change: writing to it throws.
    for (const name of getOwnPropertyNames(globalThis)) {
        const value = globalThis[name];
        if ((typeof value === 'function' || typeof value === 'object') && value !== null && value !== globalThis) {
            freeze(value);
            if (value.prototype !== undefined) {
                freeze(value.prototype);
            }
        }
    }
    [ofTypedArrays, ofTypedArrays.prototype, Function.prototype, Digest.prototype, crypto, cloudfront, store, AsyncFunction.prototype, globalThis].forEach(freeze);

    return {
        invoke(event) {
            return body(require, load)(parse(event));
        },
        stringify(result) {
            if (typeof result !== 'object' || result === null) {
                throw new TypeError('the handler returned no request and no response');
            }
            return stringify(result);
        }
    };
})
