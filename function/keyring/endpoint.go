package keyring

import (
	"context"
	"fmt"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/service/cloudfrontkeyvaluestore"
	"github.com/aws/smithy-go"
	smithyauth "github.com/aws/smithy-go/auth"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// AtEndpoint has a key value store client call exactly the endpoint, which is a
// URL. The SDK's own override puts the account's number before the host's name,
// and 123456789012.127.0.0.1 is nowhere.
func AtEndpoint(endpoint string) func(*cloudfrontkeyvaluestore.Options) {
	return func(o *cloudfrontkeyvaluestore.Options) {
		o.EndpointResolverV2 = exactly(endpoint)
	}
}

type exactly string

// ResolveEndpoint implements the SDK's resolver. The signature is the one that
// the service's own endpoint asks for.
func (e exactly) ResolveEndpoint(context.Context,
	cloudfrontkeyvaluestore.EndpointParameters) (smithyendpoints.Endpoint, error) {
	u, err := url.Parse(string(e))
	if err != nil {
		return smithyendpoints.Endpoint{}, fmt.Errorf("the key value store's endpoint: %w", err)
	}
	var signing smithy.Properties
	smithyhttp.SetSigV4SigningName(&signing, "cloudfront-keyvaluestore")
	smithyhttp.SetSigV4ASigningName(&signing, "cloudfront-keyvaluestore")
	smithyhttp.SetSigV4ASigningRegions(&signing, []string{"*"})
	var properties smithy.Properties
	smithyauth.SetAuthOptions(&properties, []*smithyauth.Option{{SchemeID: "sigv4a", SignerProperties: signing}})
	return smithyendpoints.Endpoint{URI: *u, Properties: properties}, nil
}
