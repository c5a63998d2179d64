package gate

import _ "embed"

// Session is the code of the function at viewer-request of /session, for the
// runtime cloudfront-js-2.0; see package session.
//
//go:embed session.js
var Session string
