// The gate: a CloudFront Function (cloudfront-js-2.0) at viewer-request of the
// private behaviour. It runs before the cache, on every request, so a link that
// is forged, expired or revoked ends here even while its photo is cached.
//
// A link is /images/ and 32 base64url characters: 24 bytes, which are the id of
// the key that sealed it (1), the expiry in epoch seconds (4), random bytes (11)
// and the first 8 bytes of HMAC-SHA256 over the 16 before. Package link makes
// them; its testdata/vectors.json holds what both sides must say.
//
// The key value store holds k.current and, after a rotation, k.previous, each
// "<id>:<64 hex digits>", and an entry r.<hash> for every revoked link.
//
// Only what the runtime's documentation lists is used, and a test sees to that.
// It takes no await among arguments, which is why each await has its own line.
// docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-javascript-runtime-20.html
import cf from 'cloudfront';
import crypto from 'crypto';

const prefix = '/images/';
const pathLength = prefix.length + 32;
const sealOffset = 16;
const sealLength = 8;

async function handler(event) {
    const request = event.request;
    // A preflight shows nothing of the photo, and the edge function answers it
    // without a lookup.
    if (request.method === 'OPTIONS') {
        return request;
    }
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

        doing = 'reading the link keys';
        const secret = await secretOf(kvs, link[0]);
        if (secret === null || !isSealed(link, secret)) {
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
        // Without keys no link can be told from a forged one: refuse them all.
        // The error is not logged, since it might repeat a link or a key.
        console.log('gate: failed at ' + doing + '; refusing every link');
        const busy = answer(503, 'Service Unavailable', 'Try again later.\n');
        busy.headers['retry-after'] = { value: '2' };
        return busy;
    }
}

// secretOf returns the secret of the key with the given id, or null if no key
// in use has it. Nearly every real link is sealed by the current key, so that
// takes one read. A rotation writes k.previous first, then k.current: whoever
// sees the new current key then finds the old one as the previous.
async function secretOf(kvs, id) {
    const first = await kvs.get('k.current');
    const current = parseKey(first);
    if (current.id === id) {
        return current.secret;
    }
    // get() throws for a missing key as for a broken store: exists() tells them
    // apart.
    const rotated = await kvs.exists('k.previous');
    if (!rotated) {
        return null;
    }
    const second = await kvs.get('k.previous');
    const previous = parseKey(second);
    return previous.id === id ? previous.secret : null;
}

function parseKey(text) {
    const parts = /^([1-9][0-9]{0,2}):([0-9a-fA-F]{64})$/.exec(text);
    if (parts === null) {
        throw new Error('malformed key');
    }
    return { id: Number(parts[1]), secret: Buffer.from(parts[2], 'hex') };
}

// isSealed compares in constant time: leaving at the first wrong byte would let
// an attacker find the seal byte by byte.
function isSealed(link, secret) {
    const body = link.subarray(0, sealOffset);
    const seal = crypto.createHmac('sha256', secret).update(body).digest();
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
