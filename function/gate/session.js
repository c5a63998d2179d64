// The function at viewer-request of /session, where a token of an OpenID provider
// is exchanged for the viewer's cookie. It leaves of the request what the function
// behind it reads, and lets it be signed.
//
// CloudFront signs what it sends to a function's URL. The signature of a POST
// needs the hash of its body in a header, which clients would have to send. The
// calls of /session have no body, so there is one hash only, and it is set here.
// The header is none of those that functions may not set.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-lambda.html
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html
//
// Only what the runtime's documentation lists is used, and a test sees to that.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-javascript-runtime-20.html

const noBody = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

function handler(event) {
    const request = event.request;
    if (request.uri !== '/session') {
        return refuse(404, 'Not Found', 'no_such_route', 'there is only /session');
    }
    if (!['POST', 'DELETE', 'OPTIONS'].includes(request.method)) {
        const answer = refuse(405, 'Method Not Allowed', 'bad_method', 'this path takes only POST and DELETE');
        answer.headers.allow = { value: 'POST, DELETE, OPTIONS' };
        return answer;
    }
    const length = request.headers['content-length'];
    if (request.headers['transfer-encoding'] || (length && length.value !== '0')) {
        return refuse(400, 'Bad Request', 'bad_request', 'the request must have no body');
    }
    request.cookies = {};
    request.querystring = {};
    request.headers['x-amz-content-sha256'] = { value: noBody };
    return request;
}

// refuse is what the function behind would say, in the same form.
function refuse(status, description, code, message) {
    return {
        statusCode: status,
        statusDescription: description,
        headers: {
            'cache-control': { value: 'no-store' },
            'content-type': { value: 'application/json' }
        },
        body: { encoding: 'text', data: JSON.stringify({ error: { code: code, message: message } }) }
    };
}
