package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

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
	if err == nil {
		return true, nil
	}
	var answer *awshttp.ResponseError
	status := 0
	if errors.As(err, &answer) && answer.Response != nil && answer.Response.Response != nil {
		status = answer.HTTPStatusCode()
	}
	switch status {
	case http.StatusNotFound:
		return false, nil
	case http.StatusForbidden:
		return false, errors.New("S3 refuses to tell whether the object exists: the role needs s3:GetObject on it and " +
			"s3:ListBucket on the bucket")
	case 0:
		// The error names the URL, and so the key, which is not for the log.
		var call *url.Error
		if errors.As(err, &call) {
			err = call.Err
		}
		return false, fmt.Errorf("asking S3 for the object: %w", err)
	}
	return false, fmt.Errorf("asking S3 for the object: status %d", status)
}
