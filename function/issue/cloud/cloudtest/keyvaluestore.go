package cloudtest

import "secure-media-cdn/infra/local/cloudfrontjs"

// KeyValueStore is CloudFront's, with one store.
type KeyValueStore = cloudfrontjs.StoreAPI
