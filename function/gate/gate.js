// The gate: a CloudFront Function (cloudfront-js-2.0) at viewer-request of the
// private behaviours. It runs before the cache, on every request, so a link that
// is forged, expired or revoked ends here even while its photo is cached, and so
// does a viewer who may not see it.
//
// A link is /images/ and 32 base64url characters, and possibly a slash and the
// name of a variant. The characters are 24 bytes: the generation of the key that
// sealed it (1), the expiry in epoch seconds (4), a policy (1), an audience (4),
// random bytes (6) and the first 8 bytes of HMAC-SHA256 over the 16 before.
// Under policy 1 the viewer also needs a ticket, in base64url: the generation (1),
// the expiry (4), a session (8), up to 32 audiences (4 each), one of which must be
// the link's, and the first 16 bytes of HMAC-SHA256 over "viewer ticket 1\n" and
// all that. Package seal makes both; its testdata/vectors.json holds what both
// sides must say.
//
// The key value store holds the key of each generation in use, 64 letters and
// digits, as k.<generation>, an entry audience beside them, an entry r.<hash> for
// every revoked link and s.<session> for every session that was ended.
//
// Only what the runtime's documentation lists is used, and a test sees to that.
// It takes no await among arguments, which is why each await has its own line.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-javascript-runtime-20.html
import cf from 'cloudfront';
import crypto from 'crypto';

// settings are what the stack decides: package gate writes another line here. A
// function, since most requests need none of them.
function settings() {
    return { variants: [], formats: [], bearer: false, query: false, cookie: false };
}

const prefix = '/images/';
const pathLength = prefix.length + 32;
const linkLength = 24;
const policyOffset = 5;
const audienceOffset = 6;
const sealOffset = 16;
const keyLength = 64;

const ticketWords = 'viewer ticket 1\n';
const ticketCharacters = 210; // of 32 audiences
const sessionOffset = 5;
const audiencesOffset = 13;
const audienceLength = 4;
const ticketSealLength = 16;

async function handler(event) {
    const request = event.request;
    const uri = request.uri;
    // 24 bytes have one spelling only. So encoding them again refuses every
    // other path, however leniently the decoder reads it; and needs no regular
    // expression, whose $ may match before a line end here but not elsewhere.
    const hash = uri.slice(prefix.length, pathLength);
    const variant = uri.slice(pathLength);
    const link = Buffer.from(hash, 'base64url');
    if (link.length !== linkLength || prefix + link.toString('base64url') + variant !== uri) {
        return notFound();
    }
    if (variant !== '' && variant !== '/download' && settings().variants.indexOf(variant) < 0) {
        return notFound();
    }
    let doing = 'opening the key value store';
    try {
        const kvs = cf.kvs();

        doing = 'reading the link key';
        let key = null;
        try {
            key = await kvs.get('k.' + link[0]);
        } catch (error) {
            await mustBeMissing(kvs, link[0]);
        }
        if (key === null || !isSealed(macOf(key), link, sealOffset)) {
            return notFound();
        }
        const policy = link[policyOffset];
        if (policy > 1) {
            return notFound();
        }
        // Now the link is known to be ours, so its expiry may be told.
        if (hasExpired(link)) {
            return answer(403, 'Forbidden', 'This link has expired.\n');
        }
        // Browsers send no credentials with a preflight.
        // https://fetch.spec.whatwg.org/#cors-preflight-fetch
        if (policy === 1 && request.method !== 'OPTIONS') {
            doing = 'checking the ticket';
            const ticket = await openTicket(kvs, ticketIn(request), link[0], key);
            if (ticket === null) {
                const refusal = answer(401, 'Unauthorized', 'Sign in to see this.\n');
                if (settings().bearer) {
                    refusal.headers['www-authenticate'] = { value: 'Bearer' };
                }
                return refusal;
            }
            if (!admits(ticket, link)) {
                return notFound();
            }
        }
        doing = 'reading the revocation list';
        const revoked = await kvs.exists('r.' + hash);
        return revoked ? notFound() : plain(request, variant);
    } catch (error) {
        // An error ends the function, and CloudFront answers 503. An answer of
        // our own would not count as FunctionExecutionErrors, which an alarm
        // watches. The error that was caught might repeat the hash in the log.
        // https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-503-service-unavailable.html
        throw new Error('gate: failed at ' + doing);
    }
}

// mustBeMissing fails unless a generation has no key: it was rotated out, or never
// was. get() throws for a missing key as for a broken store, so exists() must tell
// them apart; a good link takes one read.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-custom-methods.html
async function mustBeMissing(kvs, generation) {
    const there = await kvs.exists('k.' + generation);
    // Without this entry, which is always there, the keys are gone: an alarm must
    // sound, instead of every link being told from a forged one.
    const ring = await kvs.exists('audience');
    if (there || !ring) {
        throw new Error('broken store');
    }
}

// macOf begins a seal. Whoever guesses a short key could seal links of his own.
function macOf(key) {
    if (key.length !== keyLength) {
        throw new Error('malformed key');
    }
    return crypto.createHmac('sha256', key);
}

// isSealed says whether what follows the first length bytes is their seal. It
// compares in constant time: leaving at the first wrong byte would let an attacker
// find the seal byte by byte.
function isSealed(mac, bytes, length) {
    const seal = mac.update(bytes.subarray(0, length)).digest();
    let difference = 0;
    for (let i = length; i < bytes.length; i++) {
        difference |= seal[i - length] ^ bytes[i];
    }
    return difference === 0;
}

// hasExpired reads the expiry, which links and tickets have in the same place.
function hasExpired(bytes) {
    return Date.now() >= bytes.readUInt32BE(1) * 1000;
}

// ticketIn returns what the first carrier brings that is there and allowed.
function ticketIn(request) {
    const allowed = settings();
    const authorization = request.headers.authorization;
    if (allowed.bearer && authorization && authorization.value.slice(0, 7).toLowerCase() === 'bearer ') {
        return authorization.value.slice(7);
    }
    if (allowed.query && request.querystring.ticket) {
        return request.querystring.ticket.value;
    }
    const cookie = request.cookies['__Secure-viewer'];
    return allowed.cookie && cookie ? cookie.value : '';
}

// openTicket returns the bytes of a good ticket, or null: it is damaged, expired,
// or its session was ended. Most tickets are sealed with the key of the link.
async function openTicket(kvs, text, generation, key) {
    if (text.length > ticketCharacters) {
        return null;
    }
    const ticket = Buffer.from(text, 'base64url');
    const length = ticket.length - ticketSealLength;
    if (length <= audiencesOffset || (length - audiencesOffset) % audienceLength !== 0 ||
        ticket.toString('base64url') !== text) {
        return null;
    }
    let secret = key;
    if (ticket[0] !== generation) {
        secret = null;
        try {
            secret = await kvs.get('k.' + ticket[0]);
        } catch (error) {
            await mustBeMissing(kvs, ticket[0]);
        }
    }
    // The words keep a link from passing for a ticket, and a ticket for a link.
    if (secret === null || !isSealed(macOf(secret).update(ticketWords), ticket, length) || hasExpired(ticket)) {
        return null;
    }
    const ended = await kvs.exists('s.' + ticket.subarray(sessionOffset, audiencesOffset).toString('base64url'));
    return ended ? null : ticket;
}

// admits says whether a ticket names the link's audience. It looks at all of them,
// so that the time it takes does not tell a viewer which one it was.
function admits(ticket, link) {
    const audience = link.readUInt32BE(audienceOffset);
    let admitted = false;
    for (let i = audiencesOffset; i < ticket.length - ticketSealLength; i += audienceLength) {
        if (ticket.readUInt32BE(i) === audience) {
            admitted = true;
        }
    }
    return admitted;
}

// plain leaves nothing of the viewer in a request that could split the cache or
// reach the origin.
function plain(request, variant) {
    const accept = request.headers.accept;
    request.querystring = {};
    request.cookies = {};
    delete request.headers.authorization;
    delete request.headers.accept;
    if (variant !== '' && variant !== '/download') {
        request.headers.accept = { value: reduced(accept ? accept.value : '') };
    }
    return request;
}

// reduced returns the best format that an Accept header names, or the one word
// for all that name none. Wildcards name none: browsers send them, too, and name
// what they can show. A weight of 0 refuses a format. More than 1,000 characters
// count as none, which bounds what a request can cost.
// https://www.rfc-editor.org/rfc/rfc9110#name-accept
function reduced(accept) {
    const ranges = accept.length > 1000 ? [] : accept.toLowerCase().split(',');
    const best = settings().formats.find(function (format) {
        return ranges.some(function (range) {
            const parameters = range.split(';');
            return parameters[0].trim() === format && !parameters.some(function (parameter) {
                const parts = parameter.split('=');
                return parts[0].trim() === 'q' && Number(parts[1]) === 0;
            });
        });
    });
    return best || '*/*';
}

// notFound does not say why: forged, revoked, never issued and issued for other
// viewers look the same.
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
