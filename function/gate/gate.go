// Package gate holds the CloudFront Function that stands before every private
// link: gate.js. Package seal names what it reads; its tests run it in package
// cloudfrontjs.
package gate

import _ "embed"

// Source is the function's code for the runtime cloudfront-js-2.0, as it ships.
//
//go:embed gate.js
var Source string
