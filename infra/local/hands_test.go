package local

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// openNothing tries what a process finds in its environment on the bucket and the
// table, of which it is told the names and addresses here.
func (s *scene) openNothing(t *testing.T, environment map[string]string) {
	t.Helper()
	bucket, table := s.outputs["mediaBucket"].(string), s.outputs["mappingTable"].(string)
	link := s.picture(0)
	key := link.Object[len("s3://"+bucket+"/"):]
	try := func(p aws.CredentialsProvider) (errs []error) {
		files := s3.New(s3.Options{Region: "eu-central-1", UsePathStyle: true, Credentials: p,
			BaseEndpoint: aws.String(s.stack.Endpoints["AWS_ENDPOINT_URL_S3"])})
		_, err := files.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
		errs = append(errs, err)
		_, err = files.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket})
		errs = append(errs, err)
		items := dynamodb.New(dynamodb.Options{Region: "eu-central-1", Credentials: p,
			BaseEndpoint: aws.String(s.stack.Endpoints["AWS_ENDPOINT_URL_DYNAMODB"])})
		_, err = items.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &table,
			Key: map[string]types.AttributeValue{"hash": &types.AttributeValueMemberS{Value: link.Hash}}})
		return append(errs, err)
	}
	for _, err := range try(s.s3.Options().Credentials) {
		require.NoError(t, err, "somebody with rights can")
	}
	own := credentials.NewStaticCredentialsProvider(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"],
		environment["AWS_SESSION_TOKEN"])
	for n, err := range try(own) {
		assert.Error(t, err, "reading an object, listing the bucket, reading the table: %d", n)
	}
}
