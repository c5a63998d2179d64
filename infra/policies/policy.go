// Package deploypolicy holds what the deploying role and the previewing role
// may do, as policies to paste into IAM, or to attach with
//
//	aws iam put-role-policy --role-name … --policy-name … --policy-document file://deploy.json
//
// deploy.json is for `pulumi up`, `pulumi destroy` and `make sweep`.
// preview.json is for `pulumi preview` in pull requests: it reads what is
// deployed and can neither change it nor see a secret.
//
// Both are scoped by name: everything that the program makes is called
// secure-media-cdn-…, or can be found only by what it hangs on.
package policies

import _ "embed"

// Deploy is deploy.json.
//
//go:embed deploy.json
var Deploy []byte

// Preview is preview.json.
//
//go:embed preview.json
var Preview []byte
