package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/mapping"
)

// Bucket is the issue.Objects of S3.
type Bucket struct{ Client *s3.Client }

var _ issue.Objects = Bucket{}

// Exists implements issue.Objects. S3 says 404 for a missing object only to who
// may list the bucket, and 403 to others: then nothing can be told.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
func (b Bucket) Exists(ctx context.Context, object mapping.Object) (bool, error) {
	_, err := b.Client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &object.Bucket, Key: &object.Key})
	var answer *awshttp.ResponseError
	switch {
	case err == nil:
		return true, nil
	case !errors.As(err, &answer):
		return false, fmt.Errorf("asking S3 for the object: %w", err)
	case answer.HTTPStatusCode() == http.StatusNotFound:
		return false, nil
	case answer.HTTPStatusCode() == http.StatusForbidden:
		return false, errors.New("S3 refuses to tell whether the object exists: the role needs s3:GetObject on it and s3:ListBucket on the bucket")
	}
	return false, fmt.Errorf("asking S3 for the object: status %d", answer.HTTPStatusCode())
}
