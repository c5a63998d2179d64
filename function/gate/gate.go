// Package gate holds the CloudFront Functions: gate.js stands before every private
// link, public.js before the objects of public services, and headers.js behind
// both. Package seal names what the first reads, package mapping the paths that
// the second lets through; their tests run them in package cloudfrontjs.
package gate

import _ "embed"

// Source is the code of the private links' function for the runtime
// cloudfront-js-2.0, as it ships.
//
//go:embed gate.js
var Source string

// Public is the code of the public objects' function, for the same runtime.
//
//go:embed public.js
var Public string

// Headers is the code of the function that takes S3's own headers out of answers,
// for the same runtime.
//
//go:embed headers.js
var Headers string
