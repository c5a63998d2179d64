// The function at viewer-response of every behaviour. S3 tells more of an object
// than viewers are to know: its user metadata, storage class, version and
// encryption key. All of that is in headers whose names begin with x-amz-, which
// a response headers policy could remove by whole names only, and metadata has
// any name. CloudFront's own headers of that prefix are not shown to functions.
// It does not run for errors, of which the policy removes what S3 adds to them.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html
// https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_ResponseHeadersPolicyRemoveHeader.html

// What the stack decides: package gate writes another line here.
const viewerCacheSeconds = 0;

function handler(event) {
    const response = event.response;
    Object.keys(response.headers).forEach(function (name) {
        if (name.startsWith('x-amz-')) {
            delete response.headers[name];
        }
    });
    return response;
}
