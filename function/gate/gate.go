// Package gate holds the CloudFront Function that stands before every private
// link, and the names by which it finds its keys and the revoked links in its
// key value store.
//
// The function is gate.js; its tests run it in package cloudfrontjs.
package gate

import _ "embed"

// Source is the function's code for the runtime cloudfront-js-2.0, as it ships.
//
//go:embed gate.js
var Source string

// The keys of the store under which the gate looks for link keys, each value
// written "<id>:<64 hex digits>". PreviousKey may be missing. A rotation must
// write PreviousKey first: else a gate in between knows the old key by neither
// name, and refuses good links.
const (
	CurrentKey  = "k.current"
	PreviousKey = "k.previous"
)

// RevocationKey returns the key of the store that revokes a hash by being there.
// Its value is the hash's expiry in epoch seconds, for whoever prunes the list;
// the gate does not read it.
func RevocationKey(hash string) string { return "r." + hash }
