// Package enginetest gives tests real engines that end with the test.
package enginetest

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/local/engine"
)

// Region is the region of the servers' signatures.
const Region = "eu-central-1"

// Credentials are the servers' root credentials.
var Credentials = aws.Credentials{AccessKeyID: "test", SecretAccessKey: "testtest"}

// Provider gives a client of the SDK the root credentials.
var Provider = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return Credentials, nil })

// Bucket starts an S3 server with one empty bucket for the test. It returns the
// server's URL and a client.
func Bucket(t testing.TB, name string) (url string, client *s3.Client) {
	t.Helper()
	server, err := engine.S3(context.Background(), t.TempDir(), Region, Credentials)
	require.NoError(t, err)
	t.Cleanup(server.Close)
	client = s3.New(s3.Options{BaseEndpoint: &server.URL, Region: Region, UsePathStyle: true, Credentials: Provider})
	_, err = client.CreateBucket(context.Background(), &s3.CreateBucketInput{Bucket: &name})
	require.NoError(t, err)
	return server.URL, client
}
