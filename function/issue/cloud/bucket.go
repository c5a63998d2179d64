package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/mapping"
)

// Bucket is the issue.Objects of S3.
type Bucket struct{ Client *s3.Client }

var _ issue.Objects = Bucket{}

// Look implements issue.Objects. A bucket that keeps versions gives each upload an id of its own; in another one the
// ETag tells contents apart. A deletion has the id of its delete marker. S3 says 404 for a missing object only to who
// may list the bucket, and 403 to others: then nothing can be told.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html
func (b Bucket) Look(ctx context.Context, object mapping.Object) (issue.Sight, error) {
	out, err := b.Client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &object.Bucket, Key: &object.Key})
	if err == nil {
		content := version(aws.ToString(out.VersionId))
		if content == "" {
			content = aws.ToString(out.ETag)
		}
		if content == "" {
			return issue.Sight{}, errors.New("asking S3 for the object: the answer names no version and no ETag")
		}
		return issue.Sight{Content: content}, nil
	}
	var answer *awshttp.ResponseError
	status := 0
	if errors.As(err, &answer) && answer.Response != nil && answer.Response.Response != nil {
		status = answer.HTTPStatusCode()
	}
	switch status {
	case http.StatusNotFound:
		header := answer.Response.Header
		if header.Get("X-Amz-Delete-Marker") != "true" {
			return issue.Sight{}, nil
		}
		return issue.Sight{Deletion: version(header.Get("X-Amz-Version-Id"))}, nil
	case http.StatusForbidden:
		return issue.Sight{}, errors.New("S3 refuses to tell whether the object exists: the role needs s3:GetObject on it " +
			"and " +
			"s3:ListBucket on the bucket")
	case 0:
		// The error names the URL, and so the key, which is not for the log.
		var call *url.Error
		if errors.As(err, &call) {
			err = call.Err
		}
		return issue.Sight{}, fmt.Errorf("asking S3 for the object: %w", err)
	}
	return issue.Sight{}, fmt.Errorf("asking S3 for the object: status %d", status)
}

// version returns the id of a version, or nothing for the one that all objects without versions have.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html
func version(id string) string {
	if id == "null" {
		return ""
	}
	return id
}
