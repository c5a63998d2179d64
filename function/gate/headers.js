// The function at viewer-response of every behaviour. S3 tells more of an object
// than viewers are to know: its user metadata, storage class, version and
// encryption key. All of that is in headers whose names begin with x-amz-, which
// a response headers policy could remove by whole names only, and metadata has
// any name. CloudFront's own headers of that prefix are not shown to functions.
//
// It also has no cache behind CloudFront keep an answer for longer than its link
// lives. S3 says so, too, but only once: when CloudFront asks again in a link's
// last moments, S3's 304 repeats nothing, and what S3 said at first is passed on.
//
// The answers of bound links are kept by nobody but the viewer's browser, and
// there for a short time only. The cache holds them under the lifetime that the
// origin gave them, which this does not change; CloudFront would not keep what the
// origin calls private.
//
// It does not run for errors of an origin, which are no-store, and of which the
// response headers policy removes what S3 adds to them. The request that it sees
// is the viewer's, so its path is that of the link.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Expiration.html
// https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_ResponseHeadersPolicyRemoveHeader.html

// What the stack decides: package gate writes another line here.
const viewerCacheSeconds = 0;

const prefix = '/images/';
const hashLength = 32;
const linkLength = 24;
const expiryOffset = 1;
const policyOffset = 5;

function handler(event) {
    const headers = event.response.headers;
    Object.keys(headers).forEach(function (name) {
        if (name.startsWith('x-amz-')) {
            delete headers[name];
        }
    });
    const link = linkOf(event.request.uri);
    const control = headers['cache-control'] ? headers['cache-control'].value : '';
    if (link !== null && !/no-store/i.test(control)) {
        const left = Math.max(0, Math.floor(link.readUInt32BE(expiryOffset) - Date.now() / 1000));
        if (link[policyOffset] > 0) {
            const kept = Math.min(viewerCacheSeconds, maxAge(control), left);
            headers['cache-control'] = { value: 'private, max-age=' + kept };
        } else if (control !== '') {
            headers['cache-control'] = { value: shortened(control, left) };
        }
    }
    return event.response;
}

// linkOf returns the bytes of the link in a path, or null if it is none. The gate,
// which let it through, knows that the link is ours.
function linkOf(uri) {
    const link = Buffer.from(uri.slice(prefix.length, prefix.length + hashLength), 'base64url');
    return uri.startsWith(prefix) && link.length === linkLength ? link : null;
}

// shortened returns a Cache-Control whose times are at most the seconds left.
function shortened(control, left) {
    return control.replace(/((?:^|[\s,])(?:max-age|s-maxage)=)(\d+)/gi, function (all, name, seconds) {
        return name + Math.min(Number(seconds), left);
    });
}

// maxAge returns the seconds for which browsers were to keep an answer: none,
// where it does not say.
function maxAge(control) {
    const found = /(?:^|[\s,])max-age=(\d+)/i.exec(control);
    return found === null ? 0 : Number(found[1]);
}
