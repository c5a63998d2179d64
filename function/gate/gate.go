// Package gate holds the CloudFront Functions that stand before the cache:
// gate.js before every private link, public.js before the objects of public
// services. Package seal names what the former reads, package mapping the paths
// that the latter lets through; their tests run them in package cloudfrontjs.
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
