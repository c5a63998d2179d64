package client

import (
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// LocalCredentials are those of `make run`. They open nothing anywhere else.
var LocalCredentials = credentials.StaticCredentialsProvider{
	Value: aws.Credentials{AccessKeyID: "local", SecretAccessKey: "locallocal"},
}

// IsLocal reports whether an address is one that `make run` may serve: HTTP at a loopback IP address.
func IsLocal(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "http" && net.ParseIP(u.Hostname()).IsLoopback()
}

// Local returns a client for the stack of `make run` on this machine, whose issuer is at a loopback address. It signs
// with LocalCredentials and nothing else.
func Local(issuerURL, region string) (*Client, error) {
	root := strings.TrimSuffix(issuerURL, "/")
	if u, err := url.Parse(root); err != nil || !IsLocal(root) || root != "http://"+u.Host {
		return nil, fmt.Errorf("%q is not the address of a local issuer, which is http://127.0.0.1:<port>/", issuerURL)
	}
	return &Client{root, region, LocalCredentials}, nil
}
