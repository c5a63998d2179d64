// A gate that knows links alone, neither variants nor tickets. The benchmark
// measures the real one beside it: most requests are for unbound photos, and are
// to cost hardly more than this.
import cf from 'cloudfront';
import crypto from 'crypto';

const prefix = '/images/';
const pathLength = prefix.length + 32;
const policyOffset = 5;
const sealOffset = 16;
const sealLength = 8;
const keyLength = 64;

async function handler(event) {
    const request = event.request;
    // 24 bytes have one spelling only. So encoding them again refuses every
    // other path, however leniently the decoder reads it; and needs no regular
    // expression, whose $ may match before a line end here but not elsewhere.
    const hash = request.uri.slice(prefix.length);
    const link = Buffer.from(hash, 'base64url');
    if (request.uri.length !== pathLength || prefix + link.toString('base64url') !== request.uri) {
        return notFound();
    }
    let doing = 'opening the key value store';
    try {
        const kvs = cf.kvs();

        doing = 'reading the link key';
        const key = await keyOf(kvs, link[0]);
        if (key === null || !isSealed(link, key)) {
            return notFound();
        }
        // Policy 0: whoever holds the link may see it. There is no other yet.
        if (link[policyOffset] !== 0) {
            return notFound();
        }
        // Now the link is known to be ours, so its expiry may be told.
        if (Date.now() >= link.readUInt32BE(1) * 1000) {
            return answer(403, 'Forbidden', 'This link has expired.\n');
        }
        doing = 'reading the revocation list';
        const revoked = await kvs.exists('r.' + hash);
        return revoked ? notFound() : request;
    } catch (error) {
        // An error ends the function, and CloudFront answers 503. An answer of
        // our own would not count as FunctionExecutionErrors, which an alarm
        // watches. The error that was caught might repeat the hash in the log.
        // https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-503-service-unavailable.html
        throw new Error('gate: failed at ' + doing);
    }
}

// keyOf returns the key of a generation, or null if it has none: it was rotated
// out, or never was. get() throws for a missing key as for a broken store, so
// exists() must tell them apart; a good link takes one read.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-custom-methods.html
async function keyOf(kvs, generation) {
    const name = 'k.' + generation;
    let key = '';
    try {
        key = await kvs.get(name);
    } catch (error) {
        const there = await kvs.exists(name);
        if (!there) {
            // Without this entry, which is always there, the keys are gone: an
            // alarm must sound, instead of every link being told from a forged one.
            const ring = await kvs.exists('audience');
            if (!ring) {
                throw new Error('no keys');
            }
            return null;
        }
    }
    // Whoever guesses a short key could seal links of his own.
    if (key.length !== keyLength) {
        throw new Error('malformed key');
    }
    return key;
}

// isSealed compares in constant time: leaving at the first wrong byte would let
// an attacker find the seal byte by byte.
function isSealed(link, key) {
    const body = link.subarray(0, sealOffset);
    const seal = crypto.createHmac('sha256', key).update(body).digest();
    let difference = 0;
    for (let i = 0; i < sealLength; i++) {
        difference |= seal[i] ^ link[sealOffset + i];
    }
    return difference === 0;
}

// notFound does not say why: forged, revoked and never issued look the same.
function notFound() {
    return answer(404, 'Not Found', 'Not found.\n');
}

// answer is what the edge function would say, word for word.
function answer(status, description, text) {
    return {
        statusCode: status,
        statusDescription: description,
        headers: {
            'cache-control': { value: 'no-store' },
            'content-type': { value: 'text/plain; charset=utf-8' }
        },
        body: { encoding: 'text', data: text }
    };
}
