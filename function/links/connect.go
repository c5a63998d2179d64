package links

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"secure-media-cdn/function/issue/client"
)

// connect returns a client for the stack whose outputs are in the file.
func connect(ctx context.Context, path string) (*client.Client, error) {
	o, err := readOutputs(path)
	if err != nil {
		return nil, err
	}
	c := &client.Client{URL: o.IssuerURL, Region: o.region()}
	if o.local() {
		// The local stack knows these only. Credentials of a real account would
		// be refused, and are none of its business.
		c.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "locallocal"}, nil
		})
		return c, nil
	}
	if c.Region == "" {
		return nil, errors.New("the stack's outputs tell no region: neither issuerUrl nor mediaBucketRegion has one")
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(c.Region))
	if err != nil {
		return nil, fmt.Errorf("reading the AWS configuration: %w", err)
	}
	c.Credentials = cfg.Credentials
	return c, nil
}
