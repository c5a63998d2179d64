// The function at viewer-request of the public behaviours. CloudFront caches
// each spelling of a path on its own, and forgets a copy only under the spelling
// that viewers used. So this function lets one spelling through: the one of
// mapping.Object.PublicPath, which links and invalidations use. Any other is
// redirected to it, or refused if it names no object.
//
// Only what the runtime's documentation lists is used, and a test sees to that.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-javascript-runtime-20.html

function handler(event) {
    const request = event.request;
    const path = canonical(request.uri);
    if (path === request.uri) {
        return request;
    }
    if (path === null) {
        return {
            statusCode: 404,
            statusDescription: 'Not Found',
            headers: {
                'cache-control': { value: 'no-store' },
                'content-type': { value: 'text/plain; charset=utf-8' }
            },
            body: { encoding: 'text', data: 'Not found.\n' }
        };
    }
    return {
        statusCode: 301,
        statusDescription: 'Moved Permanently',
        headers: { location: { value: path } }
    };
}

// canonical returns the one spelling of the object that S3 would find at a path,
// or null if there is none.
function canonical(uri) {
    // An encoded slash would lead past the behaviour's path pattern. A path that
    // begins with two slashes would be another host's address in a redirect.
    if (uri.startsWith('//') || /%2f/i.test(uri)) {
        return null;
    }
    try {
        // S3 reads a plus sign as a space.
        const key = decodeURIComponent(uri.replace(/\+/g, ' '));
        // Clients resolve such segments before they ask, and so does CloudFront
        // before it chooses the behaviour. S3 does not.
        if (/(^|\/)\.\.?(\/|$)/.test(key)) {
            return null;
        }
        return encodeURI(key).replace(/[?#+~]/g, escape);
    } catch (error) {
        return null; // a bad escape, or not UTF-8
    }
}

// escape spells what encodeURI leaves bare and PublicPath does not.
function escape(character) {
    return '%' + character.charCodeAt(0).toString(16).toUpperCase();
}
